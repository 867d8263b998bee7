"""The trailers of cipipe's commits: what a bump was, so that a later run can decide without any other memory.

`Cipipe-Edit` is a hash over (path, mode, blob before, blob after): the same edit is the same bump, on
whatever base. `Cipipe-Tree` is the commit's own tree: an amended, rebased or updated commit no longer fits
it, and is not cipipe's. The format is that of `git interpret-trailers`; values are single lines.

Forges read mentions, references and closing keywords in commit messages and in the bodies of pull requests:
what comes from outside is percent-encoded there, so that it is no more than text.
"""

import hashlib
import re
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass

from cipipe.errors import ImageError
from cipipe.image import ImageRef

_LINE = re.compile(r"Cipipe-([A-Za-z-]+): ([^\r\n]*)", re.ASCII)
_FIELDS = (
    ("Source", "repository"),
    ("Source-Commit", "commit"),
    ("Source-Time", "commit_time"),
    ("Pipeline", "pipeline"),
    ("Run", "run_number"),
    ("Run-Url", "run_url"),
    ("Actor", "actor"),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a bump comes from, as far as it is known.

    `commit_time` is in seconds since the epoch (UTC); `pipeline` names a pipeline across its runs, which
    `run_number` counts.
    """

    repository: str | None = None
    commit: str | None = None
    commit_time: int | None = None
    pipeline: str | None = None
    run_number: int | None = None
    run_url: str | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class Trailers:
    """What one bump commit says of itself."""

    environment: str
    images: tuple[ImageRef, ...]
    origin: Origin
    edit: str
    tree: str


def edit_hash(changes: Iterable[tuple[str, str, str, str]]) -> str:
    """The value of `Cipipe-Edit` for (path, mode, blob id before, blob id after)."""
    digest = hashlib.sha256()
    for change in sorted(changes):
        digest.update("\0".join(change).encode("utf-8", "surrogateescape") + b"\0\0")
    return digest.hexdigest()


def render(trailers: Trailers) -> str:
    """The trailer block, one line each."""
    origin = trailers.origin
    lines = [("Environment", trailers.environment), *(("Image", str(image)) for image in trailers.images)]
    lines += [
        (key, _encoded(str(value))) for key, name in _FIELDS if (value := getattr(origin, name)) is not None
    ]
    lines += [("Edit", trailers.edit), ("Tree", trailers.tree)]
    return "".join(f"Cipipe-{key}: {value}\n" for key, value in lines)


def parse(message: str) -> Trailers | None:
    """The last trailers in a commit message, or None where it is not a bump's.

    A squash merge may put other words and trailers round them, in blocks of their own (`Co-authored-by`).
    """
    blocks = re.split(r"\n[ \t]*\n", message.replace("\r\n", "\n"))
    return next((bump for block in reversed(blocks) if (bump := _of_block(block))), None)


def _of_block(block: str) -> Trailers | None:
    """The trailers of one block; lines that are not cipipe's are skipped."""
    values: dict[str, list[str]] = {}
    for line in block.splitlines():
        if match := _LINE.fullmatch(line.strip()):
            values.setdefault(match[1], []).append(match[2])
    environment, edit, tree = (values.get(key, [""])[-1] for key in ("Environment", "Edit", "Tree"))
    images = _images(values.get("Image", []))
    if not (environment and edit and tree and images):
        return None
    known = {name: _decoded(values[key][-1]) for key, name in _FIELDS if key in values}
    return Trailers(environment, images, _origin(known), edit, tree)


def _origin(known: dict[str, str]) -> Origin:
    numbers = {name: _number(known.pop(name, "")) for name in ("commit_time", "run_number")}
    return Origin(**known, **numbers)  # type: ignore[arg-type]  # by _FIELDS: text, but for the numbers


def _images(values: list[str]) -> tuple[ImageRef, ...]:
    try:
        return tuple(ImageRef.parse(value) for value in values)
    except ImageError:
        return ()


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) else None


def _encoded(value: str) -> str:
    """`value` without anything that ends the line or that a forge reads; usual URLs and paths stay."""
    return urllib.parse.quote(_one_line(value), safe="/:?=,+", errors="replace").replace("~", "%7E")


def _decoded(value: str) -> str:
    return _one_line(urllib.parse.unquote(value))


def _one_line(value: str) -> str:
    """`value` without anything that could end the line: what comes from a CI's variables is foreign text."""
    return "".join(character if character.isprintable() else " " for character in value)[:500]
