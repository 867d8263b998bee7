"""The finders: each looks at one mapping of a manifest and yields the fields that it knows there.

A finder is one module with `find(spot) -> Iterator[Found]` and one line here.
"""

import importlib
from collections.abc import Iterator

from cipipe.manifests.field import Found
from cipipe.manifests.finders.spot import Spot, spots
from cipipe.manifests.reading import Text

FINDERS: dict[str, str] = {
    "images": "cipipe.manifests.finders.images",
    "kustomize": "cipipe.manifests.finders.kustomize",
    "helm": "cipipe.manifests.finders.helm",
    "argocd": "cipipe.manifests.finders.argocd",
}


def find_at(spot: Spot) -> Iterator[Found]:
    """What every finder knows at one mapping."""
    for module in FINDERS.values():
        yield from importlib.import_module(module).find(spot)


def find_all(text: Text) -> Iterator[Found]:
    """What every finder knows in a manifest that could be read."""
    for root in text.roots():
        for spot in spots(text, root):
            yield from find_at(spot)
