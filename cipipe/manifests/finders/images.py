"""Whole refs: `image:` in objects, keys that end in `image`, image volumes, JSON patches of images."""

from collections.abc import Iterator

from cipipe.manifests.field import Field, Found
from cipipe.manifests.finders.parts import inline
from cipipe.manifests.finders.spot import Spot
from cipipe.manifests.tree import Node

_CONTAINERS = frozenset({"containers", "initContainers", "ephemeralContainers"})
_TAG_BESIDE = ("tag", "imageTag", "version")


def find(spot: Spot) -> Iterator[Found]:
    """Every scalar of the mapping that holds a whole ref by its key."""
    for key, node in spot.entries:
        if is_image_key(key):
            if node.kind == "scalar" or spot.text.data.startswith(b"{{", node.start):
                yield from _whole(spot, key, node)
            elif node.kind == "mapping" and key == "image":
                yield from _volume(spot, node)
    yield from _json_patch(spot)


def is_image_key(key: str) -> bool:
    """Whether a key says that its value is an image."""
    return key.endswith(("image", "Image"))


def _whole(spot: Spot, key: str, node: Node) -> Iterator[Found]:
    kind = "helm"
    if spot.object.is_kubernetes:
        kind = "container" if key == "image" and spot.key in _CONTAINERS else "image"
    found = inline(spot, node, kind, spot.scalar("name"))
    if isinstance(found, Field) and found.ref.tag is None and found.ref.digest is None:
        if any(spot.get(name) is not None for name in (*_TAG_BESIDE, f"{key}Tag")):
            return  # the helm finder reads the pair
        if not spot.object.is_kubernetes or key != "image":
            return
    yield found


def _volume(spot: Spot, node: Node) -> Iterator[Found]:
    """`volumes[].image.reference`."""
    for name, value in node.pairs():
        if name.value == "reference" and spot.key == "volumes":
            yield inline(spot, value, "volume")


def _json_patch(spot: Spot) -> Iterator[Found]:
    """`{op: replace, path: /spec/template/spec/containers/0/image, value: REF}`."""
    value = spot.get("value")
    path = spot.scalar("path")
    if value is not None and path and spot.scalar("op") in {"add", "replace"} and path.endswith("/image"):
        yield inline(spot, value, "image")
