"""What libyaml's events say a text holds: nodes with the span of each in bytes.

Only events are read: libyaml's composer crashes on deep nesting and refuses what Kubernetes accepts
(duplicate anchors, aliases from another document). No alias is ever expanded, so no bomb can grow.
"""

from collections.abc import Iterator
from typing import Literal

import yaml

DEEPEST = 200  # real manifests stay below 40; libyaml and ruamel are safe here

Kind = Literal["scalar", "mapping", "sequence", "alias"]


class TooDeepError(Exception):
    """A text nests deeper than `DEEPEST`; `offset` is where."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class Node:
    """A value: `start` and `end` are offsets in the file, anchor and tag included.

    `style` is libyaml's: `'`, `"`, `|`, `>` or "" for plain. A mapping's `items` are key and value in turn.
    `label` is the key or index under which the parent holds it. `target` is what an alias stands for, None
    where its anchor is nowhere.
    """

    __slots__ = (
        "anchor",
        "end",
        "items",
        "kind",
        "label",
        "parent",
        "start",
        "style",
        "tag",
        "target",
        "value",
    )

    def __init__(self, kind: Kind, start: int, end: int) -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.value = ""
        self.style = ""
        self.tag: str | None = None
        self.anchor: str | None = None
        self.items: list[Node] = []
        self.parent: Node | None = None
        self.label: str | int = ""
        self.target: Node | None = None

    def pairs(self) -> Iterator[tuple["Node", "Node"]]:
        """Keys and values of a mapping, as written."""
        return zip(self.items[::2], self.items[1::2], strict=True)

    def resolved(self) -> "Node":
        """Itself, or what the alias stands for."""
        return self.target if self.target is not None else self

    def walk(self) -> Iterator["Node"]:
        """Itself and all below it, keys too; aliases are not followed."""
        pending = [self]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(reversed(node.items))

    def ancestors(self) -> Iterator["Node"]:
        """Itself and what holds it, outwards."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent

    def steps(self) -> tuple[str | int, ...]:
        """The keys and indexes that lead to it from the document's root; text held in a scalar continues."""
        labels = [node.label for node in self.ancestors() if node.parent is not None and node.label != ""]
        return tuple(reversed(labels))


class Document:
    """One YAML document: its root and where it starts."""

    __slots__ = ("root", "start")

    def __init__(self, root: Node, start: int) -> None:
        self.root = root
        self.start = start


def parse(text: str, base: int) -> list[Document]:
    """The documents of an ASCII `text` that starts at offset `base` of its file.

    Raises `yaml.YAMLError` where libyaml refuses it and `TooDeepError`.
    """
    documents: list[Document] = []
    builder = _Builder(base)
    start = base
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.DocumentStartEvent):
            start = base + _span(event)[0]
            builder = _Builder(base)
        elif isinstance(event, yaml.DocumentEndEvent):
            if builder.root is not None:
                documents.append(Document(builder.root, start))
        elif isinstance(event, yaml.NodeEvent):
            builder.add(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            builder.close(event)
    return documents


def _span(event: yaml.Event) -> tuple[int, int]:
    assert event.start_mark is not None and event.end_mark is not None  # noqa: S101, PT018 - a parser's events have both
    return event.start_mark.index, event.end_mark.index


class _Builder:
    """Makes one document's nodes of its events."""

    def __init__(self, base: int) -> None:
        self.base = base
        self.root: Node | None = None
        self.open: list[Node] = []
        self.anchors: dict[str, Node] = {}

    def add(self, event: yaml.NodeEvent) -> None:
        start, end = (self.base + index for index in _span(event))
        if isinstance(event, yaml.AliasEvent):
            node = Node("alias", start, end)
            node.anchor = event.anchor
            node.target = self.anchors.get(event.anchor or "")
        elif isinstance(event, yaml.ScalarEvent):
            node = Node("scalar", start, end)
            node.value, node.style = event.value, event.style or ""
            node.tag, node.anchor = event.tag, event.anchor
        else:
            assert isinstance(event, yaml.CollectionStartEvent)  # noqa: S101 - no other event is a node's
            mapping = isinstance(event, yaml.MappingStartEvent)
            node = Node("mapping" if mapping else "sequence", start, end)
            node.tag, node.anchor = event.tag, event.anchor
        self._attach(node)
        if node.anchor is not None and node.kind != "alias":
            self.anchors[node.anchor] = node
        if node.kind in {"mapping", "sequence"}:
            if len(self.open) >= DEEPEST:
                raise TooDeepError(start)
            self.open.append(node)

    def close(self, event: yaml.CollectionEndEvent) -> None:
        self.open.pop().end = self.base + _span(event)[1]

    def _attach(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        node.parent = parent
        if parent.kind == "sequence":
            node.label = len(parent.items)
        elif len(parent.items) % 2:
            node.label = parent.items[-1].resolved().value or "?"
        parent.items.append(node)
