"""`bump`: images -> environments, one delivery each."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cipipe import forges, source, trigger
from cipipe.config import Config
from cipipe.delivery import Options, Task, deliver
from cipipe.errors import CipipeError, ImageError, UsageError
from cipipe.git.credentials import check_one_host
from cipipe.git.url import Remote
from cipipe.image import ImageRef
from cipipe.results import DeliveriesOutcome, Delivery

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
    environments = [config.environment(name) for name in dict.fromkeys(names)]
    refs = _refs(config, images)
    started = trigger.detect(environ, folder)
    remotes = [Remote.parse(each.repo or started.own_repository(config.file)) for each in environments]
    check_one_host(environ, zip((each.name for each in environments), remotes, strict=True))
    configured = {ImageRef.parse(each.repository).normalized: name for name, each in config.images.items()}
    tasks = [
        Task(
            environment, remote, forges.kind(environment, config, remote), refs, configured, started, options
        )
        for environment, remote in zip(environments, remotes, strict=True)
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        deliveries = pool.map(_checked, tasks)
    return DeliveriesOutcome("bump", options.dry_run, tuple(deliveries))


def _checked(task: Task) -> Delivery:
    try:
        source.check(task.environment, task.trigger.source)
    except CipipeError as error:
        return Delivery(task.environment.name, "failed", error=error)
    return deliver(task)


def _refs(config: Config, images: Sequence[str]) -> tuple[ImageRef, ...]:
    refs: dict[str, ImageRef] = {}
    for text in images:
        ref = config.image_ref(text)
        if ref.tag is None and ref.digest is None:
            raise ImageError(f"'{text}' has no tag", hint=f"write {text}:TAG")
        if refs.setdefault(ref.normalized, ref) != ref:
            raise UsageError(f"--image names {ref.name} twice: {refs[ref.normalized]} and {ref}")
    return tuple(refs.values())
