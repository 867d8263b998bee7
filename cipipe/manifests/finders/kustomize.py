"""Kustomize's images: `{name, newName, newTag, digest}` in kustomizations, components, Flux and transformers.

A `newName` is what runs; `name` is only what the entry replaces, and stays an answer of the second choice.
"""

from collections.abc import Iterator
from dataclasses import replace

from cipipe.manifests.field import Doubt, Field, Found, Slot, parse_ref
from cipipe.manifests.finders.parts import inline, split
from cipipe.manifests.finders.spot import Spot

_FILES = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
_LISTS = frozenset({"images", "imageTags"})


def find(spot: Spot) -> Iterator[Found]:
    """The entry that the mapping is, if it is one."""
    if not is_entry(spot):
        return
    name, new_name = parse_ref(spot.scalar("name") or ""), spot.scalar("newName")
    running = parse_ref(new_name) if new_name else name
    if running is None:
        yield Doubt(
            spot.text.line(spot.node.start), new_name or spot.scalar("name") or "", "is no image name"
        )
        return
    tag, digest = _slot(spot, "newTag"), _slot(spot, "digest")
    new_name_node = spot.get("newName")
    found: Found
    if tag is None and digest is None and new_name_node is not None and (running.tag or running.digest):
        found = inline(spot, new_name_node, "kustomize")
    elif tag is None and digest is None and not new_name:
        return  # an entry that changes nothing
    else:
        problem = _duplicate(spot)
        if tag is None and digest is None:
            problem = "has a newName but no newTag: the tag is the base's"
        names = [running, *([name] if name is not None else [])]
        found = split(spot, "kustomize", [ref.with_tag(None) for ref in names], tag, digest, problem)
    if isinstance(found, Field) and name is not None:
        found = replace(found, renamed=name.normalized)
    yield found


def is_entry(spot: Spot) -> bool:
    """Whether a mapping is an entry of a kustomization's images."""
    if spot.get("newTag") is not None or spot.get("newName") is not None:
        return True
    in_kustomization = spot.file_name in _FILES or spot.object.kind in {"Kustomization", "Component"}
    return spot.key in _LISTS and spot.get("digest") is not None and in_kustomization


def _slot(spot: Spot, key: str) -> Slot | None:
    node = spot.get(key)
    return None if node is None else spot.slot(node)


def _duplicate(spot: Spot) -> str | None:
    twice = [key for key in ("name", "newName", "newTag", "digest") if spot.count(key) > 1]
    return f"stands beside two '{twice[0]}' keys" if twice else None
