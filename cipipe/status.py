"""`status`: what each environment runs, read from the branches themselves."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cipipe import tasks, trailers
from cipipe.config import Config
from cipipe.errors import CipipeError, NothingMatched
from cipipe.holdings import Holdings, holdings
from cipipe.image import ImageRef
from cipipe.results import Board, Held, Move, StatusOutcome, Waiting
from cipipe.tasks import Options, Task

_AT_ONCE = 8


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
    made = tasks.make(config, [*shown, *sources], (), options, environ=environ, folder=folder)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        read = dict(zip((task.environment.name for task in made), pool.map(_read, made), strict=True))
    return StatusOutcome(tuple(_board(name, read, config.environment(name).promotes) for name in shown))


def _read(task: Task) -> Holdings | CipipeError:
    try:
        return holdings(task, bumps=True)
    except CipipeError as error:
        return error


def _board(name: str, read: Mapping[str, Holdings | CipipeError], promotes: str | None) -> Board:
    held = read[name]
    if isinstance(held, CipipeError):
        return Board(name, error=held)
    source = read.get(promotes or "")
    moves = _moves(source, held) if isinstance(source, Holdings) else ()
    return Board(name, _images(held), _waiting(held), moves)


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


def _waiting(held: Holdings) -> tuple[Waiting, ...]:
    rows = []
    for branch, tip in sorted(held.bumps.items()):
        bump = trailers.parse(tip.message)
        images = tuple(str(image) for image in bump.images) if bump else ()
        rows.append(Waiting(branch, images, max(0, int(time.time()) - tip.committed)))
    return tuple(rows)


def _moves(source: Holdings, held: Holdings) -> tuple[Move, ...]:
    moves = []
    for repository in _repositories(source).values():
        new, old = source.refs(repository), held.refs(repository)
        if len(new) == 1 and old and old != new:
            moves.append(Move(repository.name, source.environment, ", ".join(map(str, old)), str(new[0])))
    return tuple(moves)
