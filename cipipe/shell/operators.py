"""Operators of parameter expansion that take no pattern (layer 1).

Source: bash manual, "Shell Parameter Expansion".
"""

import shlex
from collections.abc import Callable

from cipipe.pipelines.model import HOLE
from cipipe.shell.escapes import unescape

Fields = tuple[str, ...]

_TRANSFORMS: dict[str, Callable[[str], str]] = {
    "Q": shlex.quote,
    "E": unescape,
    "U": str.upper,
    "u": lambda value: value[:1].upper() + value[1:],
    "L": str.lower,
    "k": str,
    "K": str,
}


def transform(value: str, letter: str) -> str:
    """`${value@letter}`."""
    change = _TRANSFORMS.get(letter)
    return HOLE if change is None or value == HOLE else change(value)


def cut(value: str | Fields, argument: str, *, positional: bool) -> str | Fields:
    """`${value:argument}`, `argument` being `start` or `start:length`; positional parameters count from 1."""
    start_text, _, length_text = argument.partition(":")
    try:
        start = int(start_text.strip() or 0)
        length = int(length_text) if length_text.strip() else None
    except ValueError:
        return HOLE
    if isinstance(value, str):
        if HOLE in value:
            return HOLE
    elif positional and start > 0:
        start -= 1
    if start < 0:
        start = max(len(value) + start, 0)
    end = None if length is None else (start + length if length >= 0 else length)
    return value[start:end]
