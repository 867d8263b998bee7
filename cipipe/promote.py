"""`promote`: bring one environment to exactly the refs that another runs now."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cipipe import source, tasks
from cipipe.config import Config
from cipipe.delivery import deliver
from cipipe.errors import CipipeError, NothingMatched, PolicyError, UsageError
from cipipe.holdings import Holdings, holdings
from cipipe.image import ImageRef
from cipipe.promotion import check_forward, check_promoted
from cipipe.results import DeliveriesOutcome, Delivery
from cipipe.tasks import Options, Task
from cipipe.trailers import Origin


def promote(  # noqa: PLR0913 - the last two by name only
    config: Config,
    names: tuple[str, str],
    images: Sequence[str],
    options: Options,
    *,
    environ: Mapping[str, str],
    folder: Path,
) -> DeliveriesOutcome:
    """Deliver what the first environment of `names` holds to the second; `images` narrows it.

    Raises `CipipeError` before anything starts where the request itself is wrong.
    """
    if names[0] == names[1]:
        raise UsageError("--from and --to name the same environment")
    from_task, to_task = tasks.make(config, names, (), options, environ=environ, folder=folder)
    tasks.check_options(to_task)
    asked = [config.repository_of(image) for image in images]
    known = asked or [ImageRef.parse(image.repository) for image in config.images.values()]
    try:
        delivery = _promote(from_task, to_task, known, named=bool(asked))
    except CipipeError as error:
        delivery = Delivery(to_task.environment.name, "failed", error=error)
    return DeliveriesOutcome("promote", options.dry_run, (delivery,))


def _promote(from_task: Task, to_task: Task, known: Sequence[ImageRef], *, named: bool) -> Delivery:
    target = to_task.environment
    if target.promotes not in {None, from_task.environment.name}:
        raise PolicyError(
            f"'{target.name}' promotes '{target.promotes}', not '{from_task.environment.name}'",
            hint=f"write --from {target.promotes}",
        )
    source.check(target, to_task.trigger.source)
    ours, theirs = holdings(from_task, known), holdings(to_task, known)
    refs, left_out = _refs(ours, theirs, known, named=named)
    if not to_task.options.allow_downgrade:
        check_forward(refs, ours, theirs, to_task.trigger.is_ancestor)
    moving = [ref for ref in refs if theirs.refs(ref) != (ref,)]
    trigger = replace(to_task.trigger, origin=_origin(to_task.trigger.origin, ours, moving))
    delivery = deliver(replace(to_task, refs=refs, trigger=trigger, as_held=True))
    return replace(delivery, notes=(*delivery.notes, *left_out))


def _refs(
    ours: Holdings, theirs: Holdings, known: Sequence[ImageRef], *, named: bool
) -> tuple[tuple[ImageRef, ...], list[str]]:
    """The refs to promote, and a note for each configured image that the target has no field for."""
    refs, left_out = [], []
    for repository in known:
        ref = ours.only(repository)
        if ref is None and named:
            check_promoted(ours, repository)
        if ref is None:
            continue
        if not named and not any(repository.normalized in field.names for field in theirs.fields):
            left_out.append(f"{ref.name} has no field in '{theirs.environment}'")
            continue
        refs.append(ref)
    if not refs:
        raise NothingMatched(
            f"'{ours.environment}' runs no configured image that '{theirs.environment}' has a field for",
            hint="name it under 'images:', or by --image",
        )
    return tuple(refs), left_out


def _origin(run: Origin, ours: Holdings, refs: Sequence[ImageRef]) -> Origin:
    """The origin of what is promoted, where it is one; the run and the actor are this run's."""
    origins = {ours.origin(ref) for ref in refs}
    one = origins.pop() if len(origins) == 1 else None
    return replace(one or Origin(), run_url=run.run_url, actor=run.actor)
