"""What a promotion may take: exactly what the other environment holds, and never a step back (layer 3)."""

import re
from collections.abc import Sequence

from cipipe.errors import PolicyError
from cipipe.hints import near_miss
from cipipe.holdings import Holdings
from cipipe.image import ImageRef
from cipipe.order import IsAncestor, is_older

_VERSION = re.compile(r"v?(\d+(?:\.\d+){0,3})", re.ASCII)


def check_promoted(holdings: Holdings, ref: ImageRef) -> ImageRef:
    """`ref` with the digest that it is held with; raises `PolicyError` unless just that is held."""
    held = holdings.only(ref)
    if held is None:
        known = {field.ref.name for field in holdings.fields}
        raise PolicyError(
            f"'{holdings.environment}' does not run {ref.name}",
            hint=near_miss(ref.name, known) if known else f"bump '{holdings.environment}' to it first",
        )
    if held.tag != ref.tag or (ref.digest and held.digest != ref.digest):
        raise PolicyError(
            f"'{holdings.environment}' runs {held}, not {ref}",
            hint=f"bump '{holdings.environment}' first, and promote what it runs then",
        )
    return held


def check_forward(
    refs: Sequence[ImageRef], source: Holdings, target: Holdings, is_ancestor: IsAncestor
) -> None:
    """Raise `PolicyError` with the list of what among `refs` would move `target` backwards.

    The bumps that set both decide; where they cannot be compared, version numbers do.
    """
    back = [
        f"'{target.environment}' runs {held}, which is newer than {ref} in '{source.environment}'"
        for ref in refs
        for held in target.refs(ref)
        if _is_back(ref, held, source, target, is_ancestor)
    ]
    if back:
        raise PolicyError("; ".join(back), hint="--allow-downgrade promotes it all the same")


def _is_back(
    ref: ImageRef, held: ImageRef, source: Holdings, target: Holdings, is_ancestor: IsAncestor
) -> bool:
    ours, theirs = source.origin(ref), target.origin(held)
    older = is_older(ours, theirs, is_ancestor) if ours and theirs else None
    return bool(older) or (older is None and _is_lower(ref.tag, held.tag))


def _is_lower(tag: str | None, other: str | None) -> bool:
    mine, theirs = _VERSION.fullmatch(tag or ""), _VERSION.fullmatch(other or "")
    if mine is None or theirs is None:
        return False
    return [int(part) for part in mine[1].split(".")] < [int(part) for part in theirs[1].split(".")]
