"""From files to facts: the pipelines of a repository are found, read and resolved (layer 2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cipipe import halves, pipelines
from cipipe.config.model import Config
from cipipe.errors import UsageError
from cipipe.pipelines.model import Pipeline
from cipipe.policy import actions
from cipipe.policy.facts import Facts
from cipipe.policy.jobs import Judged, judge
from cipipe.shell import Session
from cipipe.worktree import Worktree

_WORTH_A_PROCESS = 400  # steps; they take 50 ms


@dataclass(frozen=True, slots=True)
class Repository:
    """Where PATH lies: the files of its repository, and the file that it names (None: all pipelines)."""

    files: Worktree
    named: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """The facts, and how many files they come from."""

    facts: Facts
    read: int
    followed: int


def locate(path: Path) -> Repository:
    """The repository of `path`: a folder is one itself, a file lies in the one above it.

    The current folder stands for the repository that holds it. Raises `UsageError` where nothing is there.
    """
    if not path.exists():
        raise UsageError(
            f"there is nothing at {path}", hint="PATH is a folder with pipelines, or one pipeline or script"
        )
    real = path.absolute()
    if path.is_dir():
        return Repository(Worktree(_root(real) if real.resolve() == Path.cwd().resolve() else real))
    root = _root(real.parent)
    for folder in real.parents:
        if folder.name == ".github" and folder.is_relative_to(root):
            root = folder.parent if not (root / ".git").exists() else root
    return Repository(Worktree(root), (real.relative_to(root).as_posix(),))


def _root(folder: Path) -> Path:
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


def collect(repository: Repository, config: Config | None, *, strict: bool = False) -> Read:
    """Read the pipelines and say what they do."""
    facts = Facts()
    facts.add("setting", None, strict=strict, config=config is not None)
    read = pipelines.read_all(repository.files, repository.named)
    followed = {path for pipeline in read for path in pipeline.followed}

    def judged(part: Sequence[Pipeline]) -> tuple[Facts, set[str]]:
        run = Judged(Facts(), Session(files=repository.files, images=actions.images()), config)
        for pipeline in part:
            judge(pipeline, run)
        return run.facts, set(run.session.followed)

    for found, reached in halves.shared(judged, read, _steps, _WORTH_A_PROCESS):
        facts.merge(found)
        followed |= reached
    files = {pipeline.file for pipeline in read}
    return Read(facts, len(files), len(followed - files))


def _steps(pipeline: Pipeline) -> int:
    return sum(len(job.steps) for job in pipeline.jobs)
