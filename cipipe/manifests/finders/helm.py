"""Helm values: a repository and a tag in neighbouring keys, in whatever nesting.

`{registry, repository, name, tag | version, digest | sha}` and the same with a prefix, `imageRepository`
beside `imageTag`; an `image` without a tag beside a tag is a pair too.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from cipipe.image import ImageRef
from cipipe.manifests.field import Field, Found, Slot, parse_ref
from cipipe.manifests.finders import kustomize
from cipipe.manifests.finders.images import is_image_key
from cipipe.manifests.finders.parts import inline, split
from cipipe.manifests.finders.spot import Spot
from cipipe.manifests.tree import Node

_PREFIXED = re.compile(r"(.*image)[_-]?(registry|repository|name|tag|version|digest|sha)", re.IGNORECASE)
_MOVING = frozenset({"tag", "version", "digest", "sha"})
_PLAIN = frozenset({"registry", "repository", "name", "tag", "version", "digest", "sha", "image"})


def find(spot: Spot) -> Iterator[Found]:
    """The pairs among the keys of a mapping."""
    if kustomize.is_entry(spot):
        return
    named = is_image_key(spot.key) or spot.key.endswith(("images", "Images"))
    for parts in groups(spot.entries):
        yield from pair(spot, parts, named=named, kind="helm")


def groups(entries: Iterable[tuple[str, Node]]) -> Iterator[Mapping[str, Node]]:
    """The parts of each image among neighbouring keys: those without a prefix, then those of each prefix."""
    plain: dict[str, Node] = {}
    prefixed: dict[str, dict[str, Node]] = {}
    whole: dict[str, Node] = {}
    for key, node in entries:
        if key in _PLAIN:
            plain.setdefault(key, node)
        if match := _PREFIXED.fullmatch(key):
            prefixed.setdefault(match[1], {}).setdefault(match[2].lower(), node)
        elif is_image_key(key):
            whole[key] = node
    yield plain
    for prefix, parts in prefixed.items():
        yield ({"image": whole[prefix]} if prefix in whole else {}) | parts


def pair(spot: Spot, parts: Mapping[str, Node], *, named: bool, kind: str) -> Iterator[Found]:
    """The field that a group of parts is; `named` says that the key above speaks of an image."""
    slots = {
        part: spot.slot(node) for part, node in parts.items() if node.kind == "scalar" or part in _MOVING
    }
    tag = slots.get("tag", slots.get("version"))
    digest = slots.get("digest", slots.get("sha"))
    if tag is None and digest is None:
        yield from _whole_ref(spot, parts, kind)
        return
    names = _names(slots, named=named)
    if names:
        yield split(spot, kind, names, tag, digest, _duplicate(spot, parts))


def _names(slots: Mapping[str, Slot], *, named: bool) -> list[ImageRef]:
    """The repositories that the parts may spell, the likeliest first."""
    registry, repository, name, image = (
        slots[part].text if part in slots and slots[part].text else None
        for part in ("registry", "repository", "name", "image")
    )
    if repository is None and image is not None:
        repository = image
    spellings: list[str | None] = []
    if repository is not None:
        spellings = [repository, f"{repository}/{name}" if name and named else None]
    elif name is not None and (named or registry is not None):
        spellings = [name]
    prefix = f"{registry.rstrip('/')}/" if registry is not None else ""
    refs = [parse_ref(prefix + spelling) for spelling in spellings if spelling is not None]
    return [ref.with_tag(None) for ref in refs if ref is not None and ref.tag is None and ref.digest is None]


def _whole_ref(spot: Spot, parts: Mapping[str, Node], kind: str) -> Iterator[Found]:
    """`repository: name:tag` without any other part is a whole ref; a name alone has no place for a tag."""
    node = parts.get("repository")
    if node is None or node.kind != "scalar" or parts.get("registry") is not None:
        return
    found = inline(spot, node, kind)
    if isinstance(found, Field) and (found.ref.tag or found.ref.digest):
        yield found


def _duplicate(spot: Spot, parts: Mapping[str, Node]) -> str | None:
    twice = [part for part in parts if spot.count(part) > 1]
    return f"stands beside two '{twice[0]}' keys" if twice else None
