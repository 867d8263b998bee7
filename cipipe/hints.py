"""Near misses: what a mistyped name was probably meant to be (layer 0)."""

import difflib
from collections.abc import Iterable

_LISTED = 20


def near_miss(name: str, known: Iterable[str]) -> str:
    """A hint for the reader: the nearest known name, else the known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(name[:200], names, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"known: {', '.join(names[:_LISTED])}{more}" if names else "there is none to choose from"
