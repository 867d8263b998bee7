"""In which order files of shared libraries are read: what calls a step of theirs reads it too (layer 1)."""

import re
from collections.abc import Iterator, Mapping, Sequence

from cipipe.pipelines.model import FileRefused, Files

_PART = re.compile(r"(?:.*/)?(?:vars/|src/(?!main/|test/)(?:\w+/)*)(\w+)\.groovy")
_WORD = re.compile(rb"\w+", re.ASCII)


def part(path: str) -> str | None:
    """The name of the step or class that a file of a shared library holds; None for any other file."""
    found = _PART.fullmatch(path)
    return found[1] if found else None


def in_turn(files: Files, paths: Sequence[str]) -> tuple[str, ...]:
    """The paths, callers first: libraries behind all else, what others of them mention behind those."""
    parts = {path: name for path in paths if (name := part(path)) is not None}
    mentioned = set(_mentioned(files, parts))
    return tuple(sorted(paths, key=lambda path: (path in parts) + (parts.get(path) in mentioned)))


def _mentioned(files: Files, parts: Mapping[str, str]) -> Iterator[str]:
    names = {name.encode(): name for name in parts.values()}
    for path, own in parts.items():
        try:
            words = set(_WORD.findall(files.read(path) or b""))
        except FileRefused:
            continue
        yield from (names[word] for word in words & names.keys() if names[word] != own)
