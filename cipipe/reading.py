"""From files to facts: the pipelines of a repository are found, read and resolved (layer 2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cipipe import halves, pipelines
from cipipe.config.model import Config
from cipipe.errors import MissingToolError, UsageError
from cipipe.pipelines.model import Pipeline
from cipipe.pipelines.turns import in_turn
from cipipe.policy import actions
from cipipe.policy.facts import Facts
from cipipe.policy.jobs import Judged, judge
from cipipe.repository import identity
from cipipe.shell import Session
from cipipe.worktree import Worktree

_WORTH_A_PROCESS = 40  # files; they take 50 ms


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


def locate(path: Path, environ: Mapping[str, str]) -> Repository:
    """The repository of `path`: a folder is one itself, a file lies in the one above it.

    The current folder stands for the repository that holds it. Raises `UsageError` where nothing is there.
    """
    if not path.exists():
        raise UsageError(
            f"there is nothing at {path}", hint="PATH is a folder with pipelines, or one pipeline or script"
        )
    real = path.absolute()
    if path.is_dir():
        root = _root(real) if real.resolve() == Path.cwd().resolve() else real
        return Repository(Worktree(root, partial(_slug, root, environ)))
    root = _root(real.parent)
    for folder in real.parents:
        if folder.name == ".github" and folder.is_relative_to(root):
            root = folder.parent if not (root / ".git").exists() else root
    return Repository(Worktree(root, partial(_slug, root, environ)), (real.relative_to(root).as_posix(),))


def _slug(root: Path, environ: Mapping[str, str]) -> str:
    """The name of the repository: by its remote, else by what a CI says of the folder that it made."""
    from cipipe.git.local import Checkout  # noqa: PLC0415 - most runs need no name

    url = None
    if (_root(root) / ".git").exists():
        try:
            checkout = Checkout.find(root, environ)
        except MissingToolError:
            checkout = None
        if checkout is not None:
            with checkout:
                url = checkout.remote_url
    if url is None:
        here = environ.get("GITHUB_WORKSPACE")
        return environ.get("GITHUB_REPOSITORY", "") if here and Path(here).resolve() == root.resolve() else ""
    return "/".join(identity(url).split("/")[-2:])


def _root(folder: Path) -> Path:
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


def collect(repository: Repository, config: Config | None, *, strict: bool = False) -> Read:
    """Read the pipelines and say what they do."""
    facts = Facts()
    facts.add("setting", None, strict=strict, config=config is not None)
    files = repository.files
    named = repository.named
    paths = named or in_turn(files, pipelines.discover(files))
    session = Session(files=files, images=actions.images())

    def judged(some: Sequence[str]) -> list[_Judged | None]:
        read = pipelines.read_each(files, some) if named is None else pipelines.read_all(files, some)
        return [_judged(pipeline, session, config) if pipeline else None for pipeline in read]

    found = [one for one in halves.shared(judged, paths, _WORTH_A_PROCESS) if one]
    read = set(named or ())
    if named is None:
        kept = pipelines.outermost(one.pipeline for one in found)
        read = {pipeline.file for pipeline in kept}
        found = [one for one in found if one.pipeline.file in read]
        found += [_judged(pipeline, session, config) for pipeline in pipelines.uncalled(files, kept)]
    followed: set[str] = set()
    for one in found:
        facts.merge(one.facts)
        followed.update(one.pipeline.followed, one.followed)
    return Read(facts, len(read), len(followed - read))


@dataclass(frozen=True, slots=True)
class _Judged:
    """A pipeline without its jobs, their facts, and the scripts that they were followed to."""

    pipeline: Pipeline
    facts: Facts
    followed: tuple[str, ...]


def _judged(pipeline: Pipeline, session: Session, config: Config | None) -> _Judged:
    run = Judged(Facts(), session, config)
    judge(pipeline, run)
    followed, session.followed = session.followed, {}
    return _Judged(replace(pipeline, jobs=(), problems=()), run.facts, tuple(followed))
