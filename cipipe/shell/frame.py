"""Where the script that runs is written, and how it was reached (layer 1)."""

import re
from bisect import bisect_right
from dataclasses import dataclass

from cipipe.pipelines.model import Script
from cipipe.results import Location

_LINE_END = re.compile("\n")
_SHORT = 2_000  # characters; the lines of a longer script are counted once


class ExhaustedError(Exception):
    """The script does more than is followed."""


@dataclass(slots=True)
class Frame:
    """The script that runs. `call` is the call site where it was reached by following, `via` leads on.

    `lines` keeps where the lines of long scripts start, for all frames of a run. A script that was `given`
    with a way may have lines of the pipeline's own file too: those are call sites.
    """

    script: Script
    lines: dict[str, list[int]]
    call: Location | None = None
    via: tuple[Location, ...] = ()
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
        starts = self.lines.get(script.text)
        if starts is None:
            starts = self.lines[script.text] = [
                0,
                *(found.end() for found in _LINE_END.finditer(script.text)),
            ]
        line = bisect_right(starts, offset) - 1
        start = script.lines[min(line, len(script.lines) - 1)]
        return Location(start.file, start.line, start.column + offset - starts[line])
