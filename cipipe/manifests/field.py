"""What finders find: fields, whose scalar text an edit may replace, and doubts, which no edit can serve."""

import re
from dataclasses import dataclass, field

from cipipe.errors import ImageError
from cipipe.image import ImageRef
from cipipe.manifests import shadow
from cipipe.manifests.reading import Text
from cipipe.manifests.tree import Node

_PROPERTIES = re.compile(rb"(?:[&!][^\s]*(?:[ \t\r\n]+|$))*")
_NULLS = frozenset({"~", "null", "Null", "NULL"})
_STRING_TAGS = frozenset({None, "!", "tag:yaml.org,2002:str"})


@dataclass(frozen=True, slots=True)
class Slot:
    """A scalar's text and the span `start:end` of just that text in the file, inside quotes.

    `problem` says why the span cannot be replaced: folded, escaped, templated, no scalar.
    """

    node: Node
    start: int
    end: int
    text: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One place in a manifest that holds an image's tag or digest.

    `ref` is what the file holds now, joined where it is written in parts. `names` are the repositories that
    the field answers to, the best first. Either `inline` holds a whole ref, or `tag` and `digest` hold those
    parts. `line` (from 1) and `path` are those of the text that moves.
    """

    file: str
    line: int
    path: str
    kind: str
    ref: ImageRef
    names: tuple[str, ...] = ()
    inline: Slot | None = field(default=None, repr=False)
    tag: Slot | None = field(default=None, repr=False)
    digest: Slot | None = field(default=None, repr=False)
    container: str | None = None
    problem: str | None = None
    renamed: str | None = None  # the repository that a kustomization's entry replaces

    def slots(self) -> tuple[Slot, ...]:
        """The texts that an edit of this field may replace."""
        return tuple(slot for slot in (self.inline, self.tag, self.digest) if slot is not None)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A place that may hold an image but cannot be read as one.

    It is an error for an image that `text` mentions, and for one of `names`.
    """

    line: int
    text: str
    why: str
    names: tuple[str, ...] = ()


Found = Field | Doubt


def slot(text: Text, node: Node) -> Slot:
    """The slot of `node`, an alias's definition included."""
    node = node.resolved()
    if node.kind != "scalar":
        held = text.data[node.start : node.end].decode("utf-8", "replace")
        why = "is templated" if "{{" in held else "is no scalar"
        return Slot(node, node.start, node.end, held[:200], why)
    raw = text.data[node.start : node.end]
    match = _PROPERTIES.match(raw)
    start = node.start + (match.end() if match else 0)
    if node.style in {"|", ">"}:
        return _block_slot(text, node, start)
    end = node.end
    if node.style:
        start, end = start + 1, end - 1
    inner = text.data[start:end]
    held = inner.decode("utf-8", "replace")
    if shadow.is_templated(inner):
        return Slot(node, start, end, held, "is templated")
    if inner != node.value.encode():
        folded = b"\n" in inner or b"\r" in inner
        why = (
            "is folded over lines"
            if folded
            else "holds other than plain ASCII"
            if not inner.isascii()
            else "is escaped"
        )
        return Slot(node, start, end, node.value if inner.isascii() else held, why)
    if not node.style and held in _NULLS:
        held = ""
    return Slot(node, start, end, held, _tag_problem(node))


def _tag_problem(node: Node) -> str | None:
    return None if node.tag in _STRING_TAGS else f"has the YAML tag {node.tag}"


def _block_slot(text: Text, node: Node, start: int) -> Slot:
    """A block scalar: its one line of text, or a problem where it has more."""
    first = text.data.find(b"\n", start, node.end) + 1 or node.end
    content = text.data[first : node.end]
    body = content.strip()
    held = body.decode("utf-8", "replace")
    begin = first + (content.find(body) if body else 0)
    if not body:
        return Slot(node, begin, begin, "", "is an empty block")
    if shadow.is_templated(body):
        return Slot(node, begin, begin + len(body), held, "is templated")
    if b"\n" in body or b"\r" in body or node.value.strip() != held:
        return Slot(node, begin, begin + len(body), held, "is folded over lines")
    return Slot(node, begin, begin + len(body), held, _tag_problem(node))


def format_path(steps: tuple[str | int, ...]) -> str:
    """`spec.containers[0].image`; a dot in a key is written `\\.`."""
    parts: list[str] = []
    for step in steps:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        else:
            escaped = step.replace("\\", "\\\\").replace(".", "\\.")
            parts.append(f".{escaped}" if parts else escaped)
    return "".join(parts)


def parse_ref(text: str) -> ImageRef | None:
    """The ref that `text` spells, or None."""
    try:
        return ImageRef.parse(text)
    except ImageError:
        return None
