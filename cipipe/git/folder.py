"""Private temporary folders that a killed run leaves behind only until the next one."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from cipipe.errors import ExternalError

_PREFIX = "cipipe-git-"
_LOCK = "lock"


@contextlib.contextmanager
def private_folder(environ: Mapping[str, str]) -> Iterator[Path]:
    """A folder with mode 0700 below TMPDIR, removed at the end; leftovers of killed runs go first.

    A run holds a lock in its folder as long as it lives, so one without a holder is a leftover. Raises
    ExternalError where no folder can be made.
    """
    root = Path(environ.get("TMPDIR") or tempfile.gettempdir()).absolute()
    folder, lock = _make(root)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _make(root: Path) -> tuple[Path, int]:
    """A folder below `root` and the lock that is held in it."""
    try:
        sweep(root)
        while True:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
            lock = _take(folder / _LOCK)
            if lock is not None:
                return folder, lock
    except OSError as problem:
        raise ExternalError(
            f"no private folder can be made in {root}: {problem.strerror}",
            hint="set TMPDIR to a folder that exists, is writable and has space",
        ) from None


def sweep(root: Path) -> None:
    """Remove this user's folders below `root` that no living run holds."""
    for folder in root.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # not ours, or another run is faster
            if folder.is_symlink() or folder.lstat().st_uid != os.getuid() or not (folder / _LOCK).exists():
                continue
            lock = _take(folder / _LOCK)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _take(file: Path) -> int | None:
    """Lock `file`, made where it is missing; None when someone holds it or has removed it meanwhile."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None
