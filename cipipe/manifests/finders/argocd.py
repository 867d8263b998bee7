"""Argo CD Applications: `kustomize.images`, `helm.parameters` and the YAML text in `helm.values`.

`helm.valuesObject` is a mapping like any other values.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from cipipe.manifests import finders
from cipipe.manifests.field import Doubt, Field, Found, format_path, parse_ref
from cipipe.manifests.finders import helm
from cipipe.manifests.finders.images import is_image_key
from cipipe.manifests.finders.parts import inline
from cipipe.manifests.finders.spot import Spot, spots
from cipipe.manifests.reading import read_embedded
from cipipe.manifests.tree import Node

_KINDS = frozenset({"Application", "ApplicationSet"})
_OWN_FILE = ".argocd-source"  # parameter overrides that Argo CD reads beside an application's manifests


def find(spot: Spot) -> Iterator[Found]:
    """What a source's `kustomize` or `helm` mapping holds."""
    if spot.object.kind not in _KINDS and not spot.file_name.startswith(_OWN_FILE):
        return
    if spot.key == "kustomize":
        yield from _images(spot)
    elif spot.key == "helm":
        embedded = None if spot.get("valuesObject") is not None else spot.get("values")
        if embedded is not None and embedded.kind == "scalar":
            yield from _values(spot, embedded)
        yield from _parameters(spot)


def _images(spot: Spot) -> Iterator[Found]:
    """`[NAME=]REF`, each a scalar."""
    images = spot.get("images")
    for item in images.items if images is not None and images.kind == "sequence" else ():
        slot = spot.slot(item)
        name, equals, text = slot.text.partition("=")
        if not equals:
            found = inline(spot, item, "argocd")
            yield replace(found, renamed=found.names[0]) if isinstance(found, Field) else found
            continue
        line, ref, renamed = spot.text.line(slot.start), parse_ref(text), parse_ref(name)
        if ref is None or renamed is None:
            yield Doubt(line, slot.text, slot.problem or "holds more than NAME=REF")
            continue
        moves = replace(slot, start=slot.start + len(name) + 1, text=text)
        names = tuple(dict.fromkeys([ref.normalized, renamed.normalized]))
        path = format_path(slot.node.steps())
        yield Field(
            spot.text.file,
            line,
            path,
            "argocd",
            ref,
            names=names,
            inline=moves,
            problem=slot.problem,
            renamed=renamed.normalized,
        )


def _parameters(spot: Spot) -> Iterator[Found]:
    """`{name: image.tag, value: v1}`: neighbours by the dots of their names, over what the values say."""
    beside: dict[str, dict[str, Node]] = {}
    own: dict[str, set[str]] = {}
    parameters = spot.get("parameters")
    for item in parameters.items if parameters is not None and parameters.kind == "sequence" else ():
        entry = {
            key.value: value.resolved() for key, value in item.resolved().pairs() if item.kind == "mapping"
        }
        if "name" in entry and "value" in entry:
            above, _, last = entry["name"].value.rpartition(".")
            if above not in beside:
                beside[above] = dict(_values_at(spot, above))
            beside[above][last] = entry["value"]
            own.setdefault(above, set()).add(last)
    for above, entries in beside.items():
        named = is_image_key(above) or above.endswith(("images", "Images"))
        for last in sorted(own[above]):
            if is_image_key(last):
                found = inline(spot, entries[last], "argocd")
                if not isinstance(found, Field) or found.ref.tag or found.ref.digest:
                    yield found
        for parts in helm.groups(entries.items()):
            if any(node is entries[last] for node in parts.values() for last in own[above]):
                yield from helm.pair(spot, parts, named=named, kind="argocd")


def _values_at(spot: Spot, path: str) -> Iterator[tuple[str, Node]]:
    """The entries of the source's own values at a dotted path: parameters override them one by one."""
    node = spot.get("valuesObject")
    if node is None:
        values = spot.get("values")
        roots = read_embedded(spot.text, values) if values is not None and values.kind == "scalar" else ()
        node = roots[0] if roots else None
    for step in re.split(r"\.", path) if path else ():
        found = [value for key, value in node.pairs() if key.value == step] if node is not None else []
        node = found[-1].resolved() if found and found[-1].resolved().kind == "mapping" else None
    if node is not None and node.kind == "mapping":
        for key, value in node.pairs():
            yield key.value, value.resolved()


def _values(spot: Spot, node: Node) -> Iterator[Found]:
    """The fields of values held as text in a literal block scalar; other text is a doubt."""
    roots = read_embedded(spot.text, node)
    if not roots:
        slot = spot.slot(node)
        yield Doubt(
            spot.text.line(slot.start), slot.text, "is YAML in a scalar that is no literal block (`|`)"
        )
    for root in roots:
        for inner in spots(spot.text, root):
            yield from finders.find_at(inner)
