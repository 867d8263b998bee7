"""The words of a bump: its branch's name and its commit's message, made of nothing but what it changes."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence

from cipipe.errors import ImageError
from cipipe.image import ImageRef
from cipipe.results import Change
from cipipe.trailers import Trailers, render

_NAME_LENGTH = 60
_SEVERAL = re.compile("-and-[0-9]+-[0-9a-f]{8}$")


def branch_name(environment: str, refs: Sequence[ImageRef], names: Mapping[str, str]) -> str:
    """The one branch for `environment` and the set of repositories in `refs`, whatever their order and tags.

    `names` maps a normalized repository to its name under `images:`. The hash at the end keeps names apart
    that read alike, and lets a pattern match this branch alone.
    """
    repositories = sorted({ref.normalized for ref in refs})
    first = names.get(repositories[0], repositories[0].rpartition("/")[2])
    name = re.sub(r"[^a-z0-9.-]+|\.{2,}", "-", first.lower()).strip(".-")[:_NAME_LENGTH]
    others = f"-and-{len(repositories) - 1}" if len(repositories) > 1 else ""
    return f"cipipe/{environment}/{name}{others}-{_hash(repositories)}"


def related(branches: Iterable[str], own: str, refs: Iterable[ImageRef]) -> list[str]:
    """The bump branches other than `own` that may change an image of `refs`, by their names alone.

    A branch for one repository says by its hash whether it is one of them; a branch for several may be.
    """
    hashes = {_hash([ref.normalized]) for ref in refs}
    return sorted(
        branch
        for branch in branches
        if branch != own and (branch.rpartition("-")[2] in hashes or _SEVERAL.search(branch))
    )


def _hash(repositories: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(repositories).encode()).hexdigest()[:8]


def title(
    environment: str, refs: Sequence[ImageRef], names: Mapping[str, str], changes: Sequence[Change] = ()
) -> str:
    """One line: which images move to what, and where; what `changes` leave as it is does not count."""
    moving = _moving(refs, changes)
    moves = [f"{_short(ref, names)} to {ref.tag or (ref.digest or '')[:19]}" for ref in moving]
    listed = moves[0] if len(moves) == 1 else f"{', '.join(moves[:-1])} and {moves[-1]}"
    return (
        f"Bump {listed} in {environment}"
        if len(listed) <= 120
        else f"Bump {len(moving)} images in {environment}"
    )


def _moving(refs: Sequence[ImageRef], changes: Sequence[Change]) -> Sequence[ImageRef]:
    """Those of `refs` that `changes` bring; all of them where a change holds another name or none."""
    asked = {ref.normalized for ref in refs}
    try:
        moved = {ImageRef.parse(change.new).normalized for change in changes}
    except ImageError:
        return refs
    return [ref for ref in refs if ref.normalized in moved] if moved and moved <= asked else refs


def commit_message(head: str, changes: Sequence[Change], bump: Trailers) -> str:
    """The message: what a reader wants to know, then the trailers that a later run reads."""
    table = "\n".join(f"{change.file}:{change.line}\n  {change.old} -> {change.new}" for change in changes)
    return f"{head}\n\n{table}\n\n{render(bump)}"


def _short(ref: ImageRef, names: Mapping[str, str]) -> str:
    return names.get(ref.normalized, ref.repository.rpartition("/")[2])
