"""The model of a pipeline: what runs, in which order, with which values, and where each is written (layer 1).

Readers make it; the shell resolver and the facts read it. All values are frozen. A text may hold `HOLE`,
one private-use character for each piece that cannot be known before the pipeline runs (an expression over
secrets, an input without default).
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from types import MappingProxyType
from typing import Literal, Protocol

from cipipe.results import Location

HOLE = "\ue000"
WORKSPACE = "/workspace"  # where the checkout is, whatever a platform's real path; the root of `Files`

Platform = Literal["github", "gitlab", "jenkins", "script"]
StepKind = Literal["run", "uses", "dsl", "template", "image", "cluster"]

_NOTHING: Mapping[str, "Value"] = MappingProxyType({})
_NO_LINES: Mapping[str, tuple[Location, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that cannot be known before the pipeline runs; `why` says it in a few words."""

    why: str


class Open(str):
    """A text that another run of the same pipeline may have differently: it decides no condition.

    It is a default that somebody who starts the pipeline may replace.
    """

    __slots__ = ()


Value = str | Unknown


@dataclass(frozen=True, slots=True)
class Script:
    """Text that a program runs, and where each of its lines is written.

    `shell` is "bash", "sh", "pwsh", "cmd", "python", "node", "groovy", or "unknown:NAME". `lines[i]` is
    where line i of `text` starts in its file: the right column for a block scalar, the scalar's start for a
    folded or quoted one. `via` leads from the pipeline's call site to here, when this script was reached by
    following. `pieces` is a finer map than `lines`, in order of the offset in `text`: what is written from
    which place on (a folded scalar, a text behind a replaced expression). `holes[i]` says what the i-th
    `HOLE` of `text` stands for, as written ("env.TOOL", "steps.plan.outputs.verb"); see
    `holes.fill`. `via` is for the lines that another file has; with `through` it is for every line, as
    where a method of the pipeline's own file runs the script.
    """

    text: str
    shell: str
    lines: tuple[Location, ...]
    via: tuple[Location, ...] = ()
    pieces: tuple[tuple[int, Location], ...] = ()
    holes: tuple[str, ...] = ()
    through: bool = False

    def locate(self, offset: int) -> Location:
        """Where the character at `offset` (from 0) of `text` is written; past the end is the last line."""
        if self.pieces:
            at = max(bisect_right(self.pieces, offset, key=itemgetter(0)) - 1, 0)
            begin, start = self.pieces[at]
            return Location(start.file, start.line, start.column + max(offset - begin, 0))
        line = self.text.count("\n", 0, max(offset, 0))
        if line >= len(self.lines):
            return self.lines[-1]
        start = self.lines[line]
        return Location(
            start.file, start.line, start.column + max(offset, 0) - (self.text.rfind("\n", 0, offset) + 1)
        )


_NO_OUTPUTS: Mapping[str, tuple[Script, ...]] = MappingProxyType({})
_NO_WAYS: Mapping[tuple[str, Location], tuple[Location, ...]] = MappingProxyType({})


def script_at(
    text: str, shell: str, start: Location, *, block: bool = False, via: tuple[Location, ...] = ()
) -> Script:
    """A script whose lines all map to `start`; a `block` has consecutive lines at its column."""
    count = text.count("\n") + 1
    lines = tuple(Location(start.file, start.line + i * block, start.column) for i in range(count))
    return Script(text, shell, lines, via)


@dataclass(frozen=True, slots=True)
class Problem:
    """What cannot be parsed, followed or resolved: rule `unresolved-command`, verdict `unresolved`.

    `location` is the call site in the pipeline, `via` leads from there to the place of the problem;
    `command` is the short text of the command that is meant, where there is one.
    """

    location: Location
    message: str
    via: tuple[Location, ...] = ()
    command: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step, in the order of running; `location` is where it is written, `via` leads there as in `Script`.

    kind "run" has a `script`. "uses": `name` is the action as written ("azure/k8s-deploy@v5"). "dsl": a
    Jenkins step ("kubernetesDeploy"; `openshift.apply` with its dots). "template": a GitLab include,
    template or component. "image": a container image that runs as the job or a service. "cluster": a
    cluster that the platform itself hands to the job (GitLab `environment: kubernetes`). `inputs` are the
    action's or step's arguments (positional ones "0", "1"…); `input_lines` gives, for an input that may
    hold a script, where each of its lines is written (see `Script.lines`). `id` names it in expressions;
    `outputs` are the texts that each of its outputs may be, for an action of the repository.
    """

    location: Location
    kind: StepKind
    name: str = ""
    script: Script | None = None
    inputs: Mapping[str, Value] = field(default_factory=lambda: _NOTHING)
    input_lines: Mapping[str, tuple[Location, ...]] = field(default_factory=lambda: _NO_LINES)
    env: Mapping[str, Value] = field(default_factory=lambda: _NOTHING)
    working_directory: Value | None = None
    via: tuple[Location, ...] = ()
    id: str = ""
    outputs: Mapping[str, tuple[Script, ...]] = field(default_factory=lambda: _NO_OUTPUTS)


@dataclass(frozen=True, slots=True)
class Job:
    """A job: the scope of ephemeral clusters, credentials, the working directory and the environment.

    `environment` names the environments that it says it is for (`environment:`), `branches` the globs of
    the branches that it runs on (None: every branch, or not known). `env` holds its variables; `secrets`
    the names of secrets and credentials that it is given, as written ("KUBE_CONFIG"), with the place of
    each, and `ways` leads from there to where it is written, if that is elsewhere. `needs` names the jobs
    whose outputs it sees, `outputs` are the texts that each of its own may be.
    """

    name: str
    location: Location
    steps: tuple[Step, ...] = ()
    environment: tuple[str, ...] = ()
    branches: tuple[str, ...] | None = None
    env: Mapping[str, Value] = field(default_factory=lambda: _NOTHING)
    secrets: tuple[tuple[str, Location], ...] = ()
    ways: Mapping[tuple[str, Location], tuple[Location, ...]] = field(default_factory=lambda: _NO_WAYS)
    needs: tuple[str, ...] = ()
    outputs: Mapping[str, tuple[Script, ...]] = field(default_factory=lambda: _NO_OUTPUTS)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One pipeline file; `followed` lists the other files that it was read through.

    `called` says that nothing but another pipeline starts it: a reusable workflow, an action, a library step.
    `work` is what a library step took to read, in nodes of Groovy that were visited; `ran` are the methods
    that it went through, each by its file and offset.
    """

    file: str
    platform: Platform
    jobs: tuple[Job, ...] = ()
    problems: tuple[Problem, ...] = ()
    followed: tuple[str, ...] = ()
    called: bool = False
    work: int = 0
    ran: frozenset[tuple[str, int]] = frozenset()


class FileRefused(Exception):  # noqa: N818 - becomes a Problem of the pipeline, not a failure of cipipe
    """A file of the repository that is not read: a symlink out of it, `..`, or larger than the limit."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class Files(Protocol):
    """The repository's files by relative POSIX path; an implementation never leaves the repository."""

    def read(self, path: str) -> bytes | None:
        """The content; None when there is no such file. Raises `FileRefused`."""

    def list(self, prefix: str) -> tuple[str, ...]:
        """All paths of files below the folder `prefix` ("" for all), sorted."""

    @property
    def slug(self) -> str:
        """The repository's name at its forge ("owner/name"); "" where it is not known."""
