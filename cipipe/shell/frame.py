"""Where the script that runs is written, and how it was reached (layer 1)."""

from bisect import bisect_right
from dataclasses import dataclass

from cipipe.pipelines.model import Script
from cipipe.results import Location

_SHORT = 2_000  # characters; the lines of a longer script are counted once


class ExhaustedError(Exception):
    """The script does more than is followed."""


@dataclass(slots=True)
class Frame:
    """The script that runs. `call` is the call site where it was reached by following, `via` leads on.

    A script that was `given` with a way may have lines of the pipeline's own file too: those are call sites.
    """

    script: Script
    call: Location | None = None
    via: tuple[Location, ...] = ()
    starts: list[int] | None = None
    given: bool = False

    def at(self, offset: int) -> tuple[Location, tuple[Location, ...]]:
        """The call site and the way from there to `offset`."""
        here = self.locate(offset)
        if self.call is None or (self.given and here.file == self.call.file):
            return here, ()
        return self.call, (*self.via, here) if here != self.call else self.via

    def locate(self, offset: int) -> Location:
        """Where `offset` is written; `Script.locate` with the line starts kept, for long scripts."""
        script = self.script
        if script.pieces or len(script.text) < _SHORT:
            return script.locate(offset)
        if self.starts is None:
            self.starts = [0, *(i + 1 for i, c in enumerate(script.text) if c == "\n")]
        line = bisect_right(self.starts, offset) - 1
        start = script.lines[min(line, len(script.lines) - 1)]
        return Location(start.file, start.line, start.column + offset - self.starts[line])
