"""YAML text -> a small tree that knows its lines; nothing is constructed, and every size is bounded.

Scalars are read by YAML 1.2's core schema, so that `yes`, `on` and `2027-01-31` are text: what an editor
shows by the JSON schema is what cipipe reads.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from cipipe.errors import ConfigError

_LARGEST = 1_000_000  # bytes; a configuration of a thousand environments has a third of that
_DEEPEST = 32
_MOST_MERGED = 100_000  # keys that '<<' copies, in all
_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = re.compile("null|Null|NULL|~|")
_BOOL = re.compile("true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text, a number, `true`, or nothing; `kind` says which, `text` is as written without its quotes."""

    text: str
    kind: str
    line: int


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: list["Node"]
    line: int


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping: key -> (line of the key, value); merge keys are resolved, the mapping's own keys win."""

    keys: dict[str, tuple[int, "Node"]]
    line: int
    merged: dict[str, tuple[int, "Node"]] = field(default_factory=dict)

    def all(self) -> dict[str, tuple[int, "Node"]]:
        """Own and merged keys."""
        return self.merged | self.keys


Node = Scalar | Items | Keys


def parse(text: bytes, file: str) -> Node:
    """The one document in `text`; raise `ConfigError` with file and line for all that is not plain YAML."""
    if len(text) > _LARGEST:
        raise ConfigError(f"larger than {_LARGEST:,} bytes", file=file, hint="is this the right file?")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = text.count(b"\n", 0, problem.start) + 1
        raise ConfigError("not UTF-8", file=file, line=line, hint="save the file as UTF-8") from None
    try:
        return _Composer(yaml.parse(decoded, Loader=_LOADER), file).document()
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        what = getattr(problem, "problem", None) or getattr(problem, "reason", None) or "unreadable"
        where = mark.line + 1 if mark else None
        raise ConfigError(f"not YAML: {what}", file=file, line=where) from None


class _Composer:
    """Events -> nodes; an alias is the node itself, which the reader's own budget keeps from growing."""

    def __init__(self, events: Iterator[yaml.Event], file: str) -> None:
        self._events = events
        self._file = file
        self._anchors: dict[str, Node] = {}
        self._merged = 0

    def document(self) -> Node:
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise ConfigError("the file is empty", file=self._file, hint="`cipipe init` writes a first one")
        node = self._node(next(self._events), depth=0)
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._error("a second YAML document", after, "keep one document, without '---' between")
        return node

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if depth > _DEEPEST:
            raise self._error(f"nested deeper than {_DEEPEST} levels", event)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise self._error(f"the alias *{event.anchor} has no anchor before it", event)
            return self._anchors[event.anchor]
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._check_tag(event, "seq")
            node = Items(list(self._until(yaml.SequenceEndEvent, depth)), _line(event))
        else:
            assert isinstance(event, yaml.MappingStartEvent)  # noqa: S101 - the grammar leaves no other event
            self._check_tag(event, "map")
            node = self._mapping(event, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _until(self, end: type[yaml.Event], depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), end):
            yield self._node(event, depth + 1)

    def _mapping(self, start: yaml.MappingStartEvent, depth: int) -> Keys:
        mapping = Keys({}, _line(start))
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise self._error("a key that is a list or a mapping", event)
            value = self._node(next(self._events), depth + 1)
            if key.text == "<<" and isinstance(event, yaml.ScalarEvent) and not event.style:
                self._merge(mapping, value, event)
            elif key.text in mapping.keys:
                first = mapping.keys[key.text][0]
                raise self._error(f"the key '{key.text}' is there twice, first on line {first}", event)
            else:
                mapping.keys[key.text] = (_line(event), value)
        return mapping

    def _merge(self, mapping: Keys, value: Node, event: yaml.Event) -> None:
        """`<<` takes a mapping or a list of them, of which the first wins (yaml.org/type/merge.html)."""
        if mapping.merged:
            raise self._error("the key '<<' is there twice", event, "merge a list: '<<: [*one, *two]'")
        for source in reversed(value.items if isinstance(value, Items) else [value]):
            if not isinstance(source, Keys):
                raise self._error("'<<' takes mappings alone", event)
            self._merged += len(source.keys) + len(source.merged)
            if self._merged > _MOST_MERGED:
                raise self._error(f"'<<' merges more than {_MOST_MERGED:,} keys", event)
            mapping.merged.update(source.all())

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        plain = event.implicit[0] and not event.style
        if event.tag is not None and event.tag not in {"!", _TAG + "str"}:
            raise self._error(f"the tag {event.tag} is not used here", event, "write the plain value")
        kind = _kind(event.value) if plain else "text"
        return Scalar(event.value, kind, _line(event))

    def _check_tag(self, event: yaml.CollectionStartEvent, kind: str) -> None:
        if event.tag not in {None, "!", _TAG + kind}:
            raise self._error(f"the tag {event.tag} is not used here", event, "write the plain value")

    def _error(self, message: str, event: yaml.Event, hint: str | None = None) -> ConfigError:
        return ConfigError(message, file=self._file, line=_line(event), hint=hint)


def _kind(text: str) -> str:
    if _NULL.fullmatch(text):
        return "nothing"
    if _BOOL.fullmatch(text):
        return "truth value"
    if _INT.fullmatch(text) or _FLOAT.fullmatch(text):
        return "number"
    return "text"


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
