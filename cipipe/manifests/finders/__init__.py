"""The finders: each looks at one mapping of a manifest and yields the fields that it knows there.

A finder is one module with `find(spot) -> Iterator[Found]` and one line here.
"""

import importlib
from collections.abc import Callable, Iterator
from functools import cache

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
    for find in _finders():
        yield from find(spot)


@cache
def _finders() -> tuple[Callable[[Spot], Iterator[Found]], ...]:
    return tuple(importlib.import_module(module).find for module in FINDERS.values())


def find_all(text: Text, may_hold: Callable[[bytes], bool] | None = None) -> Iterator[Found]:
    """What every finder knows in a manifest; only documents that pass `may_hold` are looked at."""
    for document, start, end in text.documents():
        if may_hold is None or may_hold(text.data[start:end]):
            for spot in spots(text, document.root):
                yield from find_at(spot)
