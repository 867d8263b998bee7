"""Image lines in a text that no YAML reader takes: `image: REF`, outside comments and block scalars."""

import re
from collections.abc import Iterator

from cipipe.manifests import shadow
from cipipe.manifests.field import Doubt, Field, Found, Slot, parse_ref
from cipipe.manifests.finders.spot import TEXT_KINDS, holds_text
from cipipe.manifests.reading import Chunk, Text
from cipipe.manifests.tree import Node

_LINE = re.compile(
    rb"([ \t]*(?:- +)*)([\"']?)([A-Za-z0-9_.-]+)\2[ \t]*:[ \t]+([^\r\n]*?)[ \t]*,?\r?", re.ASCII
)
_VALUE = re.compile(rb"(?:\"([^\"\\]*)\"|'([^']*)'|([^\s\"'#][^\s#]*))(?:[ \t]+#.*)?", re.ASCII)
_OPENS_BLOCK = re.compile(rb"(?:^|[ \t:-])[|>][-+0-9]*[ \t]*(?:[ \t]#.*)?\r?$")
_SPEAKS = re.compile(rb"(?:.*image|repository|newName)", re.IGNORECASE)

_KEY = re.compile(rb"([ \t]*)(- +(?:- +)*)?[\"']?([A-Za-z0-9_./-]+)[\"']?[ \t]*:(?=[ \t\r\n]|$)", re.ASCII)
_KIND = re.compile(rb"^[\"']?kind[\"']?[ \t]*:[ \t]*[\"']?([A-Za-z]+)", re.MULTILINE | re.ASCII)
_SPEAKS_WITHIN = re.compile(rb"(?:[iI]mage|repository|newName)[\"']?[ \t]*:[ \t]")


def find(text: Text, chunk: Chunk) -> Iterator[Found]:
    """The image lines of an unreadable chunk; other keys that hold an image are doubts."""
    kind = _KIND.search(text.data, chunk.start, chunk.start + len(chunk.text))
    if kind and kind[1].decode() in TEXT_KINDS:
        return
    offset, block = chunk.start, -1
    above: list[tuple[int, str]] = []  # the keys that hold the line, each with its indent
    for raw in text.data[chunk.start : chunk.start + len(chunk.text)].splitlines(keepends=True):
        start, offset = offset, offset + len(raw)
        line = raw.rstrip(b"\n")
        bare = shadow.without_actions(line)
        indent = len(bare) - len(bare.lstrip(b" \t"))
        if not bare.strip() or (block >= 0 and indent > block):
            continue
        block = indent if _OPENS_BLOCK.search(bare) else -1
        match = _LINE.fullmatch(line)
        if bare.lstrip().startswith(b"#"):
            continue
        above = _keys_above(above, bare)
        if any(holds_text(key) for _, key in above):
            continue
        if match and _SPEAKS.fullmatch(match[3]):
            yield _found(text, chunk, match, start)
        elif _SPEAKS_WITHIN.search(bare):
            why = f"stands in a part that is no YAML ({chunk.refusal})"
            yield Doubt(text.line(start), line.decode("utf-8", "replace"), why)


def _keys_above(above: list[tuple[int, str]], line: bytes) -> list[tuple[int, str]]:
    """The keys that hold what `line` says, its own included; a list may stand below its key unindented."""
    indent = len(line) - len(line.lstrip(b" \t"))
    is_item = line.lstrip(b" \t").startswith(b"-")
    kept = [(column, key) for column, key in above if column < indent or (is_item and column == indent)]
    if match := _KEY.match(line):
        kept.append((indent + len(match[2] or b""), match[3].decode("ascii")))
    return kept


def _found(text: Text, chunk: Chunk, match: re.Match[bytes], start: int) -> Found:
    line = text.line(start)
    held = match[4].decode("utf-8", "replace")
    value = _VALUE.fullmatch(match[4])
    if shadow.is_templated(match[4]):
        return Doubt(line, held, "is templated")
    ref = parse_ref(next(g for g in value.groups() if g is not None).decode("latin-1")) if value else None
    if match[3] != b"image" or value is None or ref is None:
        return Doubt(line, held, f"stands in a part that is no YAML ({chunk.refusal})")
    group = value.lastindex or 0
    begin = start + match.start(4) + value.start(group)
    node = Node("scalar", begin, begin + len(value[group]))
    node.style = {1: '"', 2: "'", 3: ""}[group]
    node.label = "image"
    slot = Slot(node, begin, node.end, str(ref))
    return Field(text.file, line, "image", "image", ref, names=(ref.normalized,), inline=slot)
