"""Fill the holes of a script whose values an earlier step of the job has written."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import itemgetter

from cipipe.pipelines.model import HOLE, Script, Unknown, Value
from cipipe.results import Location

Pieces = Sequence[tuple[int, Location]]


def fill(script: Script, known: Mapping[str, str]) -> Script:
    """The script with the text of `known` in those of its holes that have one of its names.

    Names are those of `Script.holes`: "env.NAME" is what went to `GITHUB_ENV`, "steps.ID.outputs.NAME" what
    went to `GITHUB_OUTPUT`. A value may hold holes itself. Every character keeps its place; those of a value
    are at the hole's.
    """
    if not any(name in known for name in script.holes):
        return script
    starts = script.pieces or line_starts(script.text, script.lines)
    texts: list[str] = []
    pieces: list[tuple[int, Location]] = []
    holes: list[str] = []
    length = offset = 0
    for name, part in zip(("", *script.holes), script.text.split(HOLE), strict=True):
        if name:
            value = known.get(name, HOLE)
            holes += [name] if value == HOLE else ["?"] * value.count(HOLE)
            pieces.append((length, script.locate(offset)))
            texts.append(value)
            length += len(value)
            offset += 1
        pieces.append((length, script.locate(offset)))
        end = offset + len(part)
        first, last = (bisect_right(starts, at, key=itemgetter(0)) for at in (offset, end))
        pieces += [(at + length - offset, place) for at, place in starts[first:last]]
        texts.append(part)
        length += len(part)
        offset = end
    filled = mapped_script("".join(texts), script.shell, pieces, via=script.via, holes=holes)
    return replace(filled, through=script.through)


def fill_values(values: Mapping[str, Value], known: Mapping[str, str]) -> dict[str, Value]:
    """The values with those that are one hole of a name in `known` filled."""
    return {
        name: known.get(value.why, value) if isinstance(value, Unknown) else value
        for name, value in values.items()
    }


def line_starts(text: str, lines: Sequence[Location]) -> Pieces:
    """The pieces of a text that has one piece for each line."""
    starts, offset = [], 0
    for line, place in zip(text.split("\n"), lines, strict=False):
        starts.append((offset, place))
        offset += len(line) + 1
    return starts


def mapped_script(
    text: str, shell: str, pieces: Pieces, *, via: tuple[Location, ...] = (), holes: Sequence[str] = ()
) -> Script:
    """A script whose `lines` follow from its pieces."""
    script = Script(text, shell, (), via, tuple(pieces), tuple(holes))
    offset, lines = 0, []
    for line in text.split("\n"):
        lines.append(script.locate(offset))
        offset += len(line) + 1
    return Script(text, shell, tuple(lines), via, script.pieces, script.holes)
