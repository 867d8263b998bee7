"""YAML as a tree whose every node, and every line inside a scalar, knows its place in the file.

Built from libyaml's events, for its composer crashes on deep nesting. Nothing is resolved: `on` and `1.10`
stay text, tags such as `!reference` are kept, an alias is the very node of its anchor. Lines and columns
count from 1, columns in characters.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from cipipe.results import Location

MAX_BYTES = 2_000_000  # GitLab's own limit of a configuration file
MAX_DEPTH = 200
MAX_NODES = 300_000  # with every alias written out

BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_STYLES = frozenset("'\"|>")


class YamlRefused(Exception):  # noqa: N818 - becomes a Problem of the pipeline, not a failure of cipipe
    """Text that is not YAML, or that is too large, too deep or too much to read; where, and why."""

    def __init__(self, why: str, line: int, column: int) -> None:
        super().__init__(f"{line}:{column}: {why}")
        self.why = why
        self.line = line
        self.column = column


@dataclass(slots=True)
class Source:
    """The text of a file, split into lines when a place inside of a scalar is asked for."""

    text: str
    file: str
    _lines: list[str] | None = None

    @property
    def lines(self) -> list[str]:
        """The lines as libyaml counts them, without their ends."""
        if self._lines is None:
            self._lines = BREAK.split(self.text)
        return self._lines


@dataclass(slots=True, eq=False)
class Scalar:
    """A text; `style` is None when plain, else the character that opens it (`'`, `"`, `|`, `>`)."""

    value: str
    line: int
    column: int
    tag: str | None
    style: str | None
    start: int
    end: int
    source: Source = field(repr=False)


@dataclass(slots=True, eq=False)
class Sequence:
    """A list; `tag` is kept as written (`!reference`)."""

    items: "list[Node]"
    line: int
    column: int
    tag: str | None
    source: Source = field(repr=False)


@dataclass(slots=True, eq=False)
class Mapping:
    """Keys with their values, those of merge keys (`<<`) included; of a key that is there twice the last one.

    `keys` has where each key is written.
    """

    line: int
    column: int
    tag: str | None
    source: Source = field(repr=False)
    values: "dict[str, Node]" = field(default_factory=dict)
    keys: dict[str, Scalar] = field(default_factory=dict)

    def get(self, name: str) -> "Node | None":
        """The value of a key."""
        return self.values.get(name)


Node = Scalar | Sequence | Mapping


@dataclass(slots=True)
class Document:
    """One document of a file; `repeated` are keys that stand twice in a mapping."""

    root: Node
    repeated: list[Scalar]


def read(content: bytes, file: str = "") -> list[Document]:
    """The documents of a file, whose name its nodes carry. Raises `YamlRefused`."""
    if len(content) > MAX_BYTES:
        raise YamlRefused(f"{len(content)} bytes are more than the {MAX_BYTES} that are read", 1, 1)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise YamlRefused("the text is not UTF-8", line, 1) from None
    text = text.removeprefix("\ufeff")
    try:
        return _Builder(text, file).documents()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = error.problem or error.context or "not YAML"
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlRefused(why, *place) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
        raise YamlRefused(f"a character that YAML does not allow: {error.reason}", line, 1) from None
    except yaml.YAMLError:
        raise YamlRefused("not YAML", 1, 1) from None


class _Builder:
    """Events to nodes; keeps what is open on a stack of its own, so that depth is a number to check."""

    def __init__(self, text: str, file: str) -> None:
        self.source = Source(text, file)
        self.parser = yaml.CSafeLoader(text)
        self.anchors: dict[str, tuple[Node, int] | None] = {}
        self.nodes = 0
        self.repeated: list[Scalar] = []

    def documents(self) -> list[Document]:
        documents: list[Document] = []
        while True:
            event = self.parser.get_event()
            if event is None or event.__class__ is yaml.StreamEndEvent:
                return documents
            if event.__class__ is yaml.DocumentStartEvent:
                self.anchors, self.repeated = {}, []
                root = self.node(self.parser.get_event(), 1)
                documents.append(Document(root, self.repeated))

    def count(self, event: Any, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            mark = event.start_mark
            why = f"more than {MAX_NODES} nodes once the aliases are written out"
            raise YamlRefused(why, mark.line + 1, mark.column + 1)

    def node(self, event: Any, depth: int) -> Node:
        """The node that starts with `event`; calls itself at most MAX_DEPTH deep."""
        kind = event.__class__
        if kind is yaml.AliasEvent:
            return self.alias(event)
        mark = event.start_mark
        self.count(event, 1)
        if kind is yaml.ScalarEvent:
            style = event.style if event.style in _STYLES else None
            scalar = Scalar(
                event.value,
                mark.line + 1,
                mark.column + 1,
                event.tag,
                style,
                mark.index,
                event.end_mark.index,
                self.source,
            )
            if event.anchor is not None:
                self.anchors[event.anchor] = (scalar, 1)
            return scalar
        if depth > MAX_DEPTH:
            raise YamlRefused(f"nested more than {MAX_DEPTH} deep", mark.line + 1, mark.column + 1)
        before = self.nodes
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        node: Node
        listed = kind is yaml.SequenceStartEvent
        node = self.sequence(event, depth) if listed else self.mapping(event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, self.nodes - before + 1)
        return node

    def sequence(self, event: Any, depth: int) -> Sequence:
        items: list[Node] = []
        get_event, node = self.parser.get_event, self.node
        while (inner := get_event()).__class__ is not yaml.SequenceEndEvent:
            items.append(node(inner, depth + 1))
        mark = event.start_mark
        return Sequence(items, mark.line + 1, mark.column + 1, event.tag, self.source)

    def mapping(self, event: Any, depth: int) -> Mapping:
        mark = event.start_mark
        result = Mapping(mark.line + 1, mark.column + 1, event.tag, self.source)
        values, keys = result.values, result.keys
        get_event, node = self.parser.get_event, self.node
        merges: list[Node] = []
        while (inner := get_event()).__class__ is not yaml.MappingEndEvent:
            key = node(inner, depth + 1)
            if key.__class__ is not Scalar:
                raise YamlRefused("a key that is a list or a mapping", key.line, key.column)
            value = node(get_event(), depth + 1)
            name = key.value
            if name == "<<" and key.style is None:
                merges.append(value)
                continue
            if name in values:
                self.repeated.append(key)
            values[name] = value
            keys[name] = key
        for merge in merges:
            self.merge(event, result, merge)
        return result

    def merge(self, event: Any, into: Mapping, merge: Node) -> None:
        for source in merge.items if isinstance(merge, Sequence) else [merge]:
            if not isinstance(source, Mapping):
                raise YamlRefused("a merge key (<<) of what is not a mapping", source.line, source.column)
            self.count(event, len(source.values))
            for name, value in source.values.items():
                if name not in into.values:
                    into.values[name] = value
                    into.keys[name] = source.keys[name]

    def alias(self, event: Any) -> Node:
        mark = event.start_mark
        if event.anchor not in self.anchors:
            raise YamlRefused(f"the alias *{event.anchor} has no anchor", mark.line + 1, mark.column + 1)
        target = self.anchors[event.anchor]
        if target is None:
            raise YamlRefused(
                f"the alias *{event.anchor} stands inside of its anchor", mark.line + 1, mark.column + 1
            )
        node, weight = target
        self.count(event, weight)
        return node


def scalars(node: Node | None) -> Iterator[Scalar]:
    """The scalars of a scalar or of a list, nested lists flattened."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from scalars(item)


def is_null(node: Node | None) -> bool:
    """Whether there is nothing, or YAML's null."""
    return node is None or (
        isinstance(node, Scalar) and node.style is None and node.value in {"", "~", "null", "Null", "NULL"}
    )


def place(node: Node) -> Location:
    """Where a node is written, in the file that it was read from."""
    return Location(node.source.file, node.line, node.column)
