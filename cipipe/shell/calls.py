"""What the resolver's parts hand to each other: commands found, calls under way, streams (layer 1)."""

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from cipipe.pipelines.model import HOLE
from cipipe.results import Location
from cipipe.shell.state import Alternatives, State, bounded_texts
from cipipe.shell.syntax import AnyWord

_LONGEST_TEXT = 160
_NOTHING: Mapping[str, str] = MappingProxyType({})

StdinKind = Literal["pipe", "file", "heredoc"]


class Result(enum.IntEnum):
    """How a command ended: with what status, or by leaving a loop, function or script."""

    UNKNOWN = 0
    TRUE = 1
    FALSE = 2
    LEFT = 3
    RETURNED = 4
    EXITED = 5


@dataclass(frozen=True, slots=True)
class Command:
    """A program that runs: its words after all expansions, in which `HOLE` stands for what cannot be known.

    `location` is the call site in the pipeline and `via` leads from there to where the command is written.
    `wrappers` are the programs that start it, outermost first ("sudo", "ssh", "docker"), `env` what its
    environment gets on the way. `stdin` says what it reads, `stdin_text` the text where it is known, and
    `producer` the command that writes it. `directory` is the absolute working directory (below
    `model.WORKSPACE` in the repository), `target` the file that standard output goes to.

    A call of the Kubernetes API from Python or Node has the words ("kubernetes-api", METHOD); a variable of
    the CI that becomes the kubeconfig is the command ("KUBECONFIG", NAME).
    """

    argv: tuple[str, ...]
    location: Location
    via: tuple[Location, ...] = ()
    stdin: StdinKind | None = None
    stdin_text: str | None = None
    producer: "Command | None" = field(default=None, hash=False, compare=False)
    env: Mapping[str, str] = field(default_factory=lambda: _NOTHING, hash=False)
    wrappers: tuple[str, ...] = ()
    directory: str = ""
    target: str | None = None

    @property
    def text(self) -> str:
        """The command in one short line, for people."""
        line = " ".join(word or "''" for word in (*self.wrappers, *self.argv))
        line = re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", line.replace(HOLE, "…"))
        return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"


@dataclass(slots=True)
class Input:
    """What a command reads: alternatives of the text (None: not known), and where its lines are written."""

    kind: StdinKind
    texts: Alternatives | None = None
    producer: Command | None = None
    lines: tuple[Location, ...] = ()
    url: str | None = None

    def take_line(self) -> str | None:
        """The next line for `read`; None at the end, `HOLE` when the text is not known."""
        if self.texts is None or self.texts[0] == HOLE:
            return HOLE
        if not self.texts[0]:
            return None
        line, _, rest = self.texts[0].partition("\n")
        self.texts = (rest,)
        return line


@dataclass(slots=True)
class Output:
    """What was printed so far: alternatives of the text, and where its lines are written."""

    texts: Alternatives = ("",)
    lines: list[Location] = field(default_factory=list)

    def write(
        self, texts: Alternatives, place: Location | None = None, lines: Sequence[Location] = ()
    ) -> None:
        """Print one of `texts`; `lines` are the places of its lines, else `place` is."""
        self.texts = bounded_texts(old + new for old in self.texts for new in texts)
        if texts:
            count = texts[0].count("\n")
            self.lines += lines[:count] if lines else [place] * count if place is not None else []

    def fork(self) -> "Output":
        """An output that may go its own way."""
        return Output(self.texts, list(self.lines))


@dataclass(frozen=True, slots=True)
class Streams:
    """Standard input (None: nothing of interest), output (None: nobody reads it), and the file it goes to."""

    stdin: Input | None = None
    out: Output | None = None
    target: str | None = None


@dataclass(slots=True)
class Call:
    """A command about to run. `words` are its words as written, while they are aligned with `argv`."""

    argv: tuple[str, ...]
    start: int
    state: State
    streams: Streams
    words: tuple[AnyWord, ...] = ()
    env: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    wrappers: tuple[str, ...] = ()
    bare: bool = False

    def inner(self, argv: Sequence[str], wrapper: str = "", *, streams: Streams | None = None) -> "Call":
        """The call of `argv` that `wrapper` makes; words stay aligned where `argv` is the end of its own."""
        count = len(argv)
        aligned = count and len(self.words) == len(self.argv) and tuple(argv) == self.argv[-count:]
        return replace(
            self,
            argv=tuple(argv),
            words=self.words[-count:] if aligned else (),
            wrappers=(*self.wrappers, wrapper) if wrapper else self.wrappers,
            streams=streams or self.streams,
        )

    def word(self, index: int) -> AnyWord | None:
        """The word as written behind `argv[index]`."""
        return self.words[index] if len(self.words) == len(self.argv) else None
