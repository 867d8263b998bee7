"""Groovy source and text with provenance: which character of a computed string is written where."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from cipipe.pipelines.holes import mapped_script
from cipipe.pipelines.model import HOLE, Script
from cipipe.results import Location

TEXT_LIMIT = 1_000_000  # characters that one computed string may have; doubling in a loop stops here


@dataclass(frozen=True)
class Source:
    """A file's decoded text; offsets are characters from 0."""

    file: str
    text: str = field(repr=False)

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [0], self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    @cached_property
    def _located(self) -> dict[int, Location]:
        return {}

    def locate(self, offset: int) -> Location:
        """Line and column of an offset."""
        found = self._located.get(offset)
        if found is None:
            line = bisect_right(self._starts, offset)
            found = self._located[offset] = Location(self.file, line, offset - self._starts[line - 1] + 1)
        return found


@dataclass(frozen=True)
class Embedded(Source):
    """Groovy that a string holds: its places are those of the string."""

    script: Script

    def locate(self, offset: int) -> Location:
        """Where the character of the string is written."""
        return self.script.locate(offset)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a string.

    `verbatim`: character i is written at `offset + i`; otherwise all of it is at `offset`.

    `hole` says what the piece stands for when it cannot be known; its text is then `HOLE`.
    """

    text: str
    source: Source
    offset: int
    verbatim: bool = True
    hole: str | None = None

    def cut(self, begin: int, end: int) -> "Piece":
        """The stretch from `begin` to `end` of its own text."""
        if begin == 0 and end >= len(self.text):
            return self
        offset = self.offset + begin if self.verbatim else self.offset
        return Piece(self.text[begin:end], self.source, offset, self.verbatim, self.hole)

    def placed(self, source: Source, offset: int) -> "Piece":
        """The same characters, all of them at one place."""
        return Piece(self.text, source, offset, verbatim=False, hole=self.hole)


@dataclass(frozen=True)
class Text:
    """A string that the evaluator knows, all but its holes."""

    pieces: tuple[Piece, ...]

    @cached_property
    def string(self) -> str:
        """The characters, with `HOLE` for what is not known."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def known(self) -> bool:
        """Without holes."""
        return HOLE not in self.string

    def __add__(self, other: "Text") -> "Text":
        return Text(self.pieces + other.pieces)

    def __getitem__(self, part: slice) -> "Text":
        begin, end, _ = part.indices(len(self.string))
        kept, at = [], 0
        for piece in self.pieces:
            low, high = max(begin - at, 0), min(end - at, len(piece.text))
            if low < high:
                kept.append(piece.cut(low, high))
            at += len(piece.text)
        return Text(tuple(kept))

    def rewritten(self, string: str) -> "Text":
        """Another string at the same places; one of another length is all at the first."""
        if len(string) != len(self.string) or not self.pieces:
            first = self.pieces[0] if self.pieces else None
            return Text((Piece(string, first.source, first.offset, verbatim=False),)) if first else self
        pieces, at = [], 0
        for piece in self.pieces:
            part = string[at : at + len(piece.text)]
            pieces.append(Piece(part, piece.source, piece.offset, piece.verbatim, piece.hole))
            at += len(piece.text)
        return Text(tuple(pieces))

    def replaced(self, spans: Iterable[tuple[int, int, "Text"]]) -> "Text":
        """Each span (begin, end, in order, apart from each other) replaced by a text of its own."""
        pieces: list[Piece] = []
        at = 0
        for begin, end, new in spans:
            pieces += self[at:begin].pieces + new.pieces
            at = end
        return Text((*pieces, *self[at:].pieces))

    def placed(self, source: Source, offset: int) -> "Text":
        """The same characters, all of them at one place: where a variable is used."""
        return Text(tuple(piece.placed(source, offset) for piece in self.pieces))

    def place(self) -> Location | None:
        """Where its first character is written."""
        return self.pieces[0].source.locate(self.pieces[0].offset) if self.pieces else None

    def script(self, shell: str, fallback: Location, via: tuple[Location, ...] = ()) -> Script:
        """The string as a script whose every line keeps its place."""
        starts: list[tuple[int, Location]] = []
        holes: list[str] = []
        length = 0
        for piece in self.pieces:
            starts.append((length, piece.source.locate(piece.offset)))
            holes += [piece.hole or "?"] * piece.text.count(HOLE)
            newline = piece.text.find("\n")
            while newline >= 0:
                offset = piece.offset + newline + 1 if piece.verbatim else piece.offset
                starts.append(
                    (length + newline + 1, piece.source.locate(min(offset, len(piece.source.text))))
                )
                newline = piece.text.find("\n", newline + 1)
            length += len(piece.text)
        return mapped_script(self.string, shell, starts or [(0, fallback)], via=via, holes=holes)


def join(texts: Iterable[Text]) -> Text:
    """All texts one behind the other."""
    return Text(tuple(piece for text in texts for piece in text.pieces))


def hole(name: str, source: Source, offset: int) -> Text:
    """A text of one hole."""
    return Text((Piece(HOLE, source, offset, verbatim=False, hole=name),))
