"""Which files of a tree may be edited: paths come from its listing alone, and hostile ones are refused."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cipipe.errors import ManifestError
from cipipe.git.trees import FILE_MODES

_SYMLINK, _GITLINK = "120000", "160000"
_LFS = b"version https://git-lfs"
# What Git for Windows and macOS take for `.git` (git's path.c, is_ntfs_dotgit; utf8.c, is_hfs_dotgit).
_IGNORED_BY_HFS = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_DOT_GIT = re.compile(r"(?:\.git|git~1)(?:[ .]*|:.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a tree: its path from the root, its mode and the id of its content."""

    path: str
    mode: str
    blob: str


def candidates(listing: bytes, wanted: Callable[[str], bool]) -> tuple[Entry, ...]:
    """The files of an `ls-tree -r -z` listing whose path `wanted` accepts, in its order.

    Raises ManifestError for a submodule or a `.git` anywhere in the listing, and, among what is wanted, for a
    symlink, an unprintable name, and two names that some file systems take for one.
    """
    chosen: list[Entry] = []
    folded: dict[str, str] = {}
    for line in listing.split(b"\0")[:-1]:
        head, _, raw = line.partition(b"\t")
        mode, _, blob = head.decode("ascii").split(" ")
        path = raw.decode("utf-8", "surrogateescape")
        _check_parts(path)
        if mode == _GITLINK:
            raise _refused(path, "is a submodule", "move the manifests into this repository")
        if not wanted(path):
            continue
        _check_wanted(path, mode)
        same = folded.setdefault(unicodedata.normalize("NFC", path).casefold(), path)
        if same != path:
            raise _refused(path, f"and '{same}' are one file on some systems", "rename one of them")
        chosen.append(Entry(path, mode, blob))
    return tuple(chosen)


def without_pointers(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """`contents` (path -> bytes); raises ManifestError for a Git LFS pointer among them."""
    for path, content in contents.items():
        if content.startswith(_LFS):
            raise _refused(path, "is kept in Git LFS", "keep manifests as plain files, without filter=lfs")
    return dict(contents)


def _check_parts(path: str) -> None:
    for part in path.split("/"):
        if part in {"", ".", ".."} or _DOT_GIT.fullmatch(_IGNORED_BY_HFS.sub("", part)):
            raise _refused(
                ascii(path)[1:-1], f"holds {part!r}, which no tree may", "remove it from the repository"
            )


def _check_wanted(path: str, mode: str) -> None:
    if mode == _SYMLINK:
        raise _refused(path, "is a symbolic link", "put the file itself there, or name its folder in path:")
    if not path.isprintable() or "\\" in path:
        raise _refused(
            ascii(path)[1:-1], "has characters in its name that cannot be shown safely", "rename it"
        )
    if mode not in FILE_MODES:
        raise _refused(path, f"has the unknown mode {mode}", "add it again as a plain file")


def _refused(path: str, why: str, hint: str) -> ManifestError:
    return ManifestError(f"'{path}' {why}, and is not edited", file=path, hint=hint)
