"""The files of a repository on disk, read and never run; no path leads out of it (layer 2)."""

import errno
import os
import stat
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from cipipe.pipelines.model import FileRefused

LARGEST = 1_000_000  # bytes of a file that are read
_MOST_FILES = 500_000
_SKIPPED = frozenset({".git", "node_modules", ".venv", ".tox", "__pycache__"})


class Worktree:
    """The files below `root`, each read once; `slug` tells the repository's name when it is asked for."""

    def __init__(self, root: Path, slug: Callable[[], str] = str) -> None:
        self.root = root.resolve()
        self._slug = slug
        self._content: dict[str, bytes | None] = {}
        self._folders: dict[str, str] = {}
        self._paths: tuple[str, ...] | None = None

    @cached_property
    def slug(self) -> str:
        """The repository's name at its forge ("owner/name"); "" where it is not known."""
        return self._slug()

    def read(self, path: str) -> bytes | None:
        """The content; None when there is no such file. Raises `FileRefused`."""
        if path not in self._content:
            self._content[path] = self._read(path)
        return self._content[path]

    def _read(self, path: str) -> bytes | None:
        if path.startswith("/") or ".." in path.split("/") or "\0" in path or len(path) > 4000:
            raise FileRefused(path, "the path leads out of the repository")
        try:
            file = self._file(path)
            return Path(file).read_bytes() if file is not None else None
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            if problem.errno == errno.ELOOP:
                raise FileRefused(path, "its symbolic links lead in a circle") from None
            raise FileRefused(path, f"it cannot be read: {problem.strerror}") from None

    def _file(self, path: str) -> str | None:
        """Where the file really is; None for a folder. Links on the way are followed once for each folder."""
        folder, _, name = path.rpartition("/")
        if folder not in self._folders:
            os.lstat(f"{self.root}/{folder}")  # most folders that are asked for are not there
            self._folders[folder] = os.path.realpath(f"{self.root}/{folder}", strict=True)
        file = f"{self._folders[folder]}/{name}"
        found = os.lstat(file)
        if stat.S_ISLNK(found.st_mode):
            file = os.path.realpath(file, strict=True)
            found = os.stat(file)  # noqa: PTH116 - a `Path` for each of a thousand files takes as long again
        if not os.path.join(file, "").startswith(os.path.join(self.root, "")):  # noqa: PTH118 - as above
            raise FileRefused(path, "it is a symbolic link out of the repository")
        if stat.S_ISDIR(found.st_mode):
            return None
        if not stat.S_ISREG(found.st_mode):
            raise FileRefused(path, "it is no regular file")
        if found.st_size > LARGEST:
            raise FileRefused(path, f"it is larger than {LARGEST:,} bytes")
        return file

    def list(self, prefix: str) -> tuple[str, ...]:
        """All paths of files below the folder `prefix` ("" for all), sorted; links are not entered."""
        if self._paths is None:
            self._paths = tuple(sorted(self._walk()))
        if not prefix:
            return self._paths
        folder = prefix.rstrip("/") + "/"
        return tuple(path for path in self._paths if path.startswith(folder))

    def _walk(self) -> Sequence[str]:
        paths = []
        top = os.fspath(self.root)
        for folder, folders, files in os.walk(top):
            folders[:] = sorted(name for name in folders if name not in _SKIPPED)
            inside = os.path.relpath(folder, top).replace(os.sep, "/")
            start = "" if inside == "." else inside + "/"
            paths += [start + name for name in files]
            if len(paths) > _MOST_FILES:
                break
        return paths
