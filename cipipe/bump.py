"""`bump`: images -> environments, one delivery each."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from cipipe import source, tasks
from cipipe.config import Config
from cipipe.delivery import deliver
from cipipe.errors import CipipeError, ImageError, RegistryError, UsageError
from cipipe.holdings import holdings
from cipipe.image import ImageRef
from cipipe.proc import Deadline
from cipipe.promotion import check_promoted
from cipipe.results import DeliveriesOutcome, Delivery
from cipipe.tasks import Options, Task

_AT_ONCE = 8


def bump(  # noqa: PLR0913 - the last two by name only
    config: Config,
    names: Sequence[str],
    images: Sequence[str],
    options: Options,
    *,
    environ: Mapping[str, str],
    folder: Path,
) -> DeliveriesOutcome:
    """Deliver `images` to each environment in `names`; what fails in one does not stop another.

    Raises `CipipeError` before anything starts where the request itself is wrong.
    """
    refs = _refs(config, images, options)
    sources = [name for each in names if (name := config.environment(each).promotes)]
    made = tasks.make(config, [*names, *sources], refs, options, environ=environ, folder=folder)
    of = {task.environment.name: task for task in made}
    for name in names:
        tasks.check_options(of[name])
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # All are awaited here: ^C while a pool ends would leave its threads, and their folders, behind.
        deliveries = tuple(pool.map(lambda name: _bump(of[name], of), dict.fromkeys(names)))
    return DeliveriesOutcome("bump", options.dry_run, deliveries)


def _bump(task: Task, of: Mapping[str, Task]) -> Delivery:
    """An environment that promotes another takes what that one runs, and nothing else."""
    environment = task.environment
    try:
        source.check(environment, task.trigger.source)
        if environment.promotes:
            held = holdings(of[environment.promotes], task.refs)
            task = replace(task, refs=tuple(check_promoted(held, ref) for ref in task.refs), as_held=True)
        if task.options.verify_image:
            _verify(task)
    except CipipeError as error:
        return Delivery(environment.name, "failed", error=error)
    return deliver(task)


def _verify(task: Task) -> None:
    """Raise `RegistryError` unless each image's registry has its tag, with its digest where it has one."""
    from cipipe import registry  # noqa: PLC0415 - 25 ms that few bumps need

    deadline = Deadline(task.options.timeout)
    for ref in task.refs:
        found = registry.digest(ref, deadline, task.trigger.environ) if ref.tag else ref.digest
        if ref.digest and found != ref.digest:
            raise RegistryError(f"{ref.with_tag(ref.tag)} has the digest {found}, not {ref.digest}")


def _refs(config: Config, images: Sequence[str], options: Options) -> tuple[ImageRef, ...]:
    refs: dict[str, ImageRef] = {}
    for text in images:
        ref = (
            ImageRef.parse(text, tag_alone=True)
            if options.key and text[:1] in ":@"
            else config.image_ref(text)
        )
        if ref.tag is None and ref.digest is None:
            raise ImageError(f"'{text}' has no tag", hint=f"write {text}:TAG")
        if refs.setdefault(ref.normalized, ref) != ref:
            raise UsageError(f"--image names {ref.name} twice: {refs[ref.normalized]} and {ref}")
    return tuple(refs.values())
