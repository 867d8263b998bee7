"""The marker comment `# cipipe: NAME:tag`, `NAME:digest` or `NAME`: a field that no finder knows.

It stands on the line of the scalar that it speaks of. NAME is a name under `images:` of cipipe.yaml, a
repository, or the last part of one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from cipipe.image import ImageRef
from cipipe.manifests.field import Doubt, Field, Found, Slot, format_path, parse_ref, slot
from cipipe.manifests.finders.parts import prefixed
from cipipe.manifests.reading import Text
from cipipe.manifests.tree import Node

MARK = b"cipipe:"

_COMMENT = re.compile(rb"(?<![^ \t])#[ \t]*cipipe:[ \t]*([^\s#]+)")


def find(text: Text, names: Mapping[str, ImageRef]) -> Iterator[Found]:
    """The marked scalars; `names` are the configured names with their repositories."""
    if MARK not in text.data:
        return
    scalars = [node for root in text.roots() for node in root.walk() if node.kind == "scalar"]
    keys = {
        id(key)
        for root in text.roots()
        for node in root.walk()
        if node.kind == "mapping"
        for key in node.items[::2]
    }
    found: list[Found] = []
    for comment in _COMMENT.finditer(text.data):
        if any(node.start <= comment.start() < node.end for node in scalars):
            continue  # text, not a comment
        line_start = text.data.rfind(b"\n", 0, comment.start()) + 1
        marked = [n for n in scalars if line_start <= n.start < comment.start() and id(n) not in keys]
        found += _field(text, comment, marked, names)
    yield from _joined(found)


def _joined(found: list[Found]) -> Iterator[Found]:
    """A tag and a digest of one image that stand in one mapping are one field."""
    digests = {_place(item): item for item in found if isinstance(item, Field) and item.digest is not None}
    tags = {_place(item) for item in found if isinstance(item, Field) and item.tag is not None}
    for item in found:
        if not isinstance(item, Field) or item.inline is not None:
            yield item
        elif item.tag is not None:
            beside = digests.get(_place(item))
            pinned = item.ref.with_tag(item.ref.tag, beside.ref.digest) if beside else item.ref
            problem = item.problem or (beside.problem if beside else None)
            yield replace(item, ref=pinned, digest=beside.digest if beside else None, problem=problem)
        elif _place(item) not in tags:
            yield item


def _place(field: Field) -> tuple[object, ...]:
    return (field.names[0].rpartition("/")[2], *(id(slot.node.parent) for slot in field.slots()))


def _field(
    text: Text, comment: re.Match[bytes], marked: list[Node], names: Mapping[str, ImageRef]
) -> Iterator[Found]:
    spelled = comment[1].decode("utf-8", "replace")
    name, part = spelled, ""
    for known in ("tag", "digest"):
        if spelled.endswith(f":{known}"):
            name, part = spelled.removesuffix(f":{known}"), known
    line = text.line(comment.start())
    ref = names.get(name) or parse_ref(name)
    if len(marked) != 1 or ref is None or ref.tag is not None:
        why = "has a marker that is none of NAME, NAME:tag, NAME:digest"
        if len(marked) != 1:
            why = f"has a marker on a line of {len(marked)} values"
        yield Doubt(line, "", why, (f"*/{spelled.partition(':')[0].rpartition('/')[2]}",))
        return
    found = slot(text, marked[0])
    yield _marked_field(text, line, found, ref, part, loose=name not in names and "/" not in name)


def _marked_field(  # noqa: PLR0913 - what one comment says
    text: Text, line: int, found: Slot, ref: ImageRef, part: str, *, loose: bool
) -> Field:
    """`loose` names only the last part of a repository."""
    held: ImageRef | None
    if part == "digest":
        held = parse_ref(f"{ref.name}@{prefixed(found.text)}")
    else:
        held = parse_ref(f"{ref.name}:{found.text}" if part else found.text)
    return Field(
        text.file,
        line,
        format_path(found.node.steps()),
        "marker",
        held or ref,
        names=(f"*/{ref.repository}",) if loose else (ref.normalized,),
        inline=None if part else found,
        tag=found if part == "tag" else None,
        digest=found if part == "digest" else None,
        problem=found.problem or (None if held else f"holds no {part or 'image ref'}"),
    )
