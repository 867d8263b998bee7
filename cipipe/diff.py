"""Unified diffs of files that are text in some encoding, or nearly (layer 1)."""

import difflib
from collections.abc import Mapping


def unified(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    """The diff of the files in `after` (path -> content) against `before`, as `git diff` has it."""
    return "".join(_file(path, before[path], after[path]) for path in sorted(after))


def _file(path: str, before: bytes, after: bytes) -> str:
    lines = difflib.unified_diff(_lines(before), _lines(after), f"a/{path}", f"b/{path}", n=3)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _lines(content: bytes) -> list[str]:
    """Lines by `\\n` alone: other line breaks stay within them, as Git sees them."""
    parts = content.decode("utf-8", "backslashreplace").split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
