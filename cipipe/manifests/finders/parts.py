"""How a finder says what it found: a scalar that holds a whole ref, or scalars that hold its parts."""

from collections.abc import Sequence

from cipipe.image import ImageRef
from cipipe.manifests.field import Doubt, Field, Found, Slot, format_path, parse_ref
from cipipe.manifests.finders.spot import Spot
from cipipe.manifests.tree import Node


def inline(spot: Spot, node: Node, kind: str, container: str | None = None) -> Found:
    """The field that a scalar with a whole ref is, or a doubt where it holds anything else."""
    slot = spot.slot(node)
    ref = parse_ref(slot.text)
    line = spot.text.line(slot.start)
    if ref is None:
        return Doubt(line, slot.text, slot.problem or "holds more than an image ref")
    return Field(
        spot.text.file,
        line,
        format_path(slot.node.steps()),
        kind,
        ref,
        names=(ref.normalized,),
        inline=slot,
        container=container,
        problem=slot.problem,
    )


def split(  # noqa: PLR0913, PLR0917 - the parts of one field
    spot: Spot,
    kind: str,
    names: Sequence[ImageRef],
    tag: Slot | None,
    digest: Slot | None,
    problem: str | None = None,
) -> Field:
    """The field whose tag and digest stand apart from its name; the first of `names` is the one that it runs.

    A tag's scalar may hold `tag@digest`.
    """
    held = parse_ref(f"{names[0].name}:{tag.text}") if tag is not None and tag.text else names[0]
    if held is None:
        problem = problem or _no_tag(tag)
        held = names[0]
    if digest is not None and digest.text:
        pinned = parse_ref(f"{names[0].name}@{prefixed(digest.text)}")
        problem = problem or (None if pinned else "holds no digest")
        held = ImageRef(held.registry, held.repository, held.tag, pinned.digest if pinned else held.digest)
    moves = tag or digest
    where = moves.node if moves is not None else spot.node
    return Field(
        spot.text.file,
        spot.text.line(moves.start if moves is not None else spot.node.start),
        format_path(where.steps()),
        kind,
        held,
        names=tuple(dict.fromkeys(name.normalized for name in names)),
        tag=tag,
        digest=digest,
        problem=problem
        or next((slot.problem for slot in (tag, digest) if slot is not None and slot.problem), None),
    )


def prefixed(digest: str) -> str:
    """A digest with its algorithm, which some charts' `sha` leaves out."""
    return digest if ":" in digest else f"sha256:{digest}"


def _no_tag(tag: Slot | None) -> str | None:
    return None if tag is None else tag.problem or "holds no tag"
