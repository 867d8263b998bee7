"""Where outside programs are found: never in a folder that someone else could fill (layer 2)."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from cipipe.errors import MissingToolError


def search_path(environ: Mapping[str, str], checkout: Path | None = None) -> str:
    """PATH of `environ` without entries that another user or the checked-out repository could fill.

    Dropped are relative and missing folders, world-writable ones, and those below `checkout`.
    """
    kept = []
    root = checkout.resolve() if checkout else None
    for entry in environ.get("PATH", os.defpath).split(os.pathsep):
        folder = Path(entry)
        if not folder.is_absolute():
            continue
        try:
            real = folder.resolve(strict=True)
            mode = real.stat().st_mode
        except (OSError, RuntimeError):  # missing, not readable, or a loop of symlinks
            continue
        if stat.S_ISDIR(mode) and not mode & stat.S_IWOTH and not (root and real.is_relative_to(root)):
            kept.append(entry)
    return os.pathsep.join(dict.fromkeys(kept))


def program(name: str, path: str, hint: str | None = None) -> str:
    """The absolute path of the program `name` on `path`, a result of `search_path`.

    Raises MissingToolError; `hint` says how to get it.
    """
    for folder in filter(None, path.split(os.pathsep)):
        file = Path(folder, name)
        if file.is_file() and os.access(file, os.X_OK):
            return str(file)
    raise MissingToolError(
        f"{name} is not installed, or only in a folder of PATH that is not safe to run from",
        hint=hint
        or f"install {name} (folders that are relative, world-writable or in the checkout do not count)",
    )
