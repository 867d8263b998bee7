"""`status`: what each environment runs, by the branches themselves, and which bumps wait, by the forge."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cipipe import forges, tasks, trailers
from cipipe.config import Config, Environment
from cipipe.errors import CipipeError, NothingMatched
from cipipe.forges.base import PullRequest
from cipipe.holdings import Holdings, holdings
from cipipe.image import ImageRef
from cipipe.proc import Deadline
from cipipe.results import Board, Held, Move, StatusOutcome, Waiting
from cipipe.tasks import Options, Task

_AT_ONCE = 8
Listed = tuple[PullRequest, ...] | CipipeError | str


def status(
    config: Config, names: Sequence[str], options: Options, *, environ: Mapping[str, str], folder: Path
) -> StatusOutcome:
    """The board of the environments in `names`, or of all; one that cannot be read says why on its board.

    Raises `NothingMatched` where none is configured.
    """
    shown = list(dict.fromkeys(names)) or list(config.environments)
    if not shown:
        raise NothingMatched(
            "no environment is configured", file=config.file, hint="name one under 'environments:'"
        )
    sources = [name for each in shown if (name := config.environment(each).promotes)]
    made = tasks.make(config, [*shown, *sources], (), options, environ=environ, folder=folder, purpose="read")
    of = {task.environment.name: task for task in made}
    repositories = {_place(of[name]): of[name] for name in shown}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        asked = pool.map(_listed, repositories.values())
        read = dict(zip(of, pool.map(_read, made), strict=True))
        listed = dict(zip(repositories, asked, strict=True))
    return StatusOutcome(tuple(_board(of[name], read, listed[_place(of[name])]) for name in shown))


def _place(task: Task) -> tuple[str, ...]:
    """What tells apart the lists of pull requests."""
    return (task.forge, task.remote.identity, task.api_url or "")


def _listed(task: Task) -> Listed:
    """The open pull requests of the repository at its forge; else why there are none to show."""
    host, environ = task.remote.host, task.trigger.environ
    if task.forge == "none" or task.remote.scheme == "file":
        return "pull requests: not asked for, the repository is on no forge that is known"
    if not forges.has_token(task.forge, task.remote, environ, task.environment.name):
        return f"pull requests: not asked for, there is no token for the API of {host}"
    try:
        forge = forges.connect(task.forge, task.access(Deadline(task.options.timeout)))
        assert forge  # noqa: S101 - there is one, and a token for it
        with contextlib.closing(forge):
            return tuple(forge.proposals.list_open())
    except CipipeError as error:
        return error


def _read(task: Task) -> Holdings | CipipeError:
    try:
        return holdings(task, bumps=True)
    except CipipeError as error:
        return error


def _board(task: Task, read: Mapping[str, Holdings | CipipeError], listed: Listed) -> Board:
    environment = task.environment
    held = read[environment.name]
    if isinstance(held, CipipeError):
        return Board(environment.name, error=held)
    source = read.get(environment.promotes or "")
    moves = _moves(source, held) if isinstance(source, Holdings) else ()
    return Board(
        environment.name,
        _images(held),
        _waiting(held, _bumps(environment, listed)),
        moves,
        listed if isinstance(listed, CipipeError) else None,
        (listed,) if isinstance(listed, str) else (),
    )


def _bumps(environment: Environment, listed: Listed) -> dict[str, PullRequest]:
    """The pull requests of the environment's bumps, by their branches."""
    if isinstance(listed, (str, CipipeError)):
        return {}
    start = f"cipipe/{environment.name}/"
    return {
        pull.head: pull
        for pull in reversed(listed)
        if pull.head.startswith(start) and pull.base == environment.branch
    }


def _images(held: Holdings) -> tuple[Held, ...]:
    rows = []
    for repository in _repositories(held).values():
        refs = held.refs(repository)
        digests = {ref.digest for ref in refs}
        files = sorted({field.file for field in held.fields if repository.normalized in field.names[:1]})
        tags = tuple(sorted({ref.tag for ref in refs if ref.tag}))
        rows.append(Held(repository.name, tags, digests.pop() if len(digests) == 1 else None, tuple(files)))
    return tuple(sorted(rows, key=lambda row: row.image))


def _repositories(held: Holdings) -> dict[str, ImageRef]:
    return {name: ImageRef.parse(name) for field in held.fields for name in field.names[:1]}


def _waiting(held: Holdings, pulls: Mapping[str, PullRequest]) -> tuple[Waiting, ...]:
    """The bumps that are not merged, with their pull requests, the oldest first."""
    rows = []
    for branch in held.bumps.keys() | pulls.keys():
        tip, pull = held.bumps.get(branch), pulls.get(branch)
        bump = trailers.parse(tip.message if tip else pull.body if pull else "")
        images = tuple(str(image) for image in bump.images) if bump else ()
        since = (pull and pull.created) or (tip.committed if tip else time.time())
        seconds = max(0, int(time.time() - since))
        number, url, title = (pull.number, pull.url, pull.title) if pull else (None, None, None)
        rows.append(Waiting(branch, images, seconds, number, url, title, draft=bool(pull and pull.draft)))
    return tuple(sorted(rows, key=lambda row: (-row.age, row.branch)))


def _moves(source: Holdings, held: Holdings) -> tuple[Move, ...]:
    moves = []
    for repository in _repositories(source).values():
        new, old = source.refs(repository), held.refs(repository)
        if len(new) == 1 and old and old != new:
            moves.append(Move(repository.name, source.environment, ", ".join(map(str, old)), str(new[0])))
    return tuple(moves)
