"""The order guard: an older pipeline that finishes late never overwrites a newer tag (DESIGN section 7)."""

from collections.abc import Callable, Iterable

from cipipe.image import ImageRef
from cipipe.repository import identity
from cipipe.trailers import Origin, Trailers

IsAncestor = Callable[[str, str], bool | None]
"""Whether the first commit is an ancestor of the second in the source repository; None where not known."""


def is_older(ours: Origin, standing: Origin, is_ancestor: IsAncestor) -> bool | None:
    """Whether `ours` is older than what stands; None where the two cannot be compared.

    The run numbers of one pipeline decide, else descent where the local history shows it, else the commits'
    times in one repository.
    """
    same_pipeline = ours.pipeline is not None and ours.pipeline == standing.pipeline
    if same_pipeline and ours.run_number and standing.run_number and ours.run_number != standing.run_number:
        return ours.run_number < standing.run_number
    if (
        not ours.repository
        or not standing.repository
        or identity(ours.repository) != identity(standing.repository)
    ):
        return None
    return _is_older_commit(ours, standing, is_ancestor)


def _is_older_commit(ours: Origin, standing: Origin, is_ancestor: IsAncestor) -> bool | None:
    if ours.commit is None or standing.commit is None:
        return None
    if ours.commit == standing.commit or is_ancestor(standing.commit, ours.commit):
        return False
    if is_ancestor(ours.commit, standing.commit):
        return True
    if ours.commit_time is None or standing.commit_time is None:
        return None
    return ours.commit_time < standing.commit_time


def setters(
    history: Iterable[Trailers], environment: str, held: Iterable[ImageRef]
) -> dict[ImageRef, Trailers]:
    """For each ref that the manifests hold, the newest bump in `history` (newest first) that set it there.

    A ref without one was set by a person, or before the history that is at hand.
    """
    found: dict[ImageRef, Trailers] = {}
    missing = set(held)
    for bump in history:
        if not missing:
            break
        if bump.environment == environment:
            mine = {ref for ref in missing if any(_same(ref, image) for image in bump.images)}
            found |= dict.fromkeys(mine, bump)
            missing -= mine
    return found


def _same(held: ImageRef, set_by: ImageRef) -> bool:
    return (
        held.same_repository(set_by)
        and held.tag == set_by.tag
        and (held.digest is None or set_by.digest is None or held.digest == set_by.digest)
    )
