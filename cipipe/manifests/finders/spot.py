"""The walk that all finders share: every mapping of a manifest that can hold a field."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from cipipe.manifests.field import Slot, slot
from cipipe.manifests.reading import Text
from cipipe.manifests.tree import Node

_MERGE = "<<"
_TEXT_KEYS = frozenset({"env", "envfrom", "envvars", "environment", "args", "command"})
_TEXT_ENDINGS = ("annotations", "labels", "envvars", "Env")
TEXT_KINDS = frozenset({"ConfigMap", "Secret", "CustomResourceDefinition", "ImageRepository"})


@dataclass(frozen=True)
class Object:
    """The Kubernetes object that encloses a mapping; both empty where there is none."""

    api_version: str = ""
    kind: str = ""

    @property
    def is_kubernetes(self) -> bool:
        return bool(self.api_version and self.kind)


@dataclass(frozen=True)
class Spot:
    """A mapping on the walk. `key` is the nearest key that holds it, through lists; "" at the root."""

    text: Text
    node: Node
    key: str
    object: Object

    @property
    def file_name(self) -> str:
        return self.text.file.rpartition("/")[2]

    @property
    def is_root(self) -> bool:
        return self.node.parent is None

    @cached_property
    def entries(self) -> tuple[tuple[str, Node], ...]:
        """Keys and values, aliases resolved: its own, then what merge keys add."""
        return tuple(_entries(self.node, set()))

    def get(self, *keys: str) -> Node | None:
        """The value of the first of `keys` that is there."""
        for wanted in keys:
            for key, node in self.entries:
                if key == wanted:
                    return node
        return None

    def scalar(self, *keys: str) -> str | None:
        """The text of the first of `keys` that is there, where it is a scalar."""
        node = self.get(*keys)
        return self.slot(node).text if node is not None and node.kind == "scalar" else None

    def slot(self, node: Node) -> Slot:
        return slot(self.text, node)

    def count(self, key: str) -> int:
        """How many times the mapping itself writes `key`; readers take the last, or refuse two."""
        return sum(name.value == key for name, _ in self.node.pairs())


def _entries(mapping: Node, seen: set[int]) -> Iterator[tuple[str, Node]]:
    """Own entries, then those of merged mappings whose key no earlier one has."""
    if id(mapping) in seen:
        return
    seen.add(id(mapping))
    known: set[str] = set()
    merged: list[Node] = []
    for key, node in mapping.pairs():
        if key.value == _MERGE and not key.style:
            value = node.resolved()
            merged += [item.resolved() for item in value.items] if value.kind == "sequence" else [value]
        elif key.kind == "scalar" or key.resolved().kind == "scalar":
            known.add(key.resolved().value)
            yield key.resolved().value, node.resolved()
    for source in merged:
        if source.kind == "mapping":
            for name, node in tuple(_entries(source, seen)):
                if name not in known:
                    known.add(name)
                    yield name, node


def spots(text: Text, root: Node, enclosing: Object | None = None) -> Iterator[Spot]:
    """Every mapping below `root`, outer ones first, but those that hold only text, schemas or state.

    That is annotations, labels, environment, arguments, ConfigMaps, Secrets, custom resource definitions,
    JSON schemas, charts' own metadata, Flux's scanners of repositories, and an object's status.
    """
    pending = [(root, "", enclosing or Object())]
    while pending:
        node, key, enclosing_object = pending.pop()
        if node.kind == "sequence":
            pending.extend((item, key, enclosing_object) for item in reversed(node.items))
        if node.kind != "mapping":
            continue
        values = {k.value: v.resolved().value for k, v in node.pairs() if k.value in {"apiVersion", "kind"}}
        inner = Object(values["apiVersion"], values["kind"]) if len(values) == 2 else enclosing_object
        spot = Spot(text, node, key, inner)
        if _only_text(spot, starts_object=len(values) == 2):
            continue
        yield spot
        below = [
            (value, name.value, inner)
            for name, value in node.pairs()
            if not holds_text(name.value) and not (name.value == "status" and len(values) == 2)
        ]
        pending.extend(reversed(below))


def holds_text(key: str) -> bool:
    """Whether what stands below `key` is text: environment, arguments, annotations, labels."""
    return (
        key.lower() in _TEXT_KEYS or key.lower().endswith(_TEXT_ENDINGS[:3]) or key.endswith(_TEXT_ENDINGS[3])
    )


def _only_text(spot: Spot, *, starts_object: bool) -> bool:
    if starts_object and spot.object.kind in TEXT_KINDS:
        return True
    if not spot.is_root:
        return False
    schema = spot.scalar("$schema") or ""
    return spot.file_name in {"Chart.yaml", "Chart.lock"} or "json-schema.org" in schema
