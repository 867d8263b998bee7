"""Git objects as bytes: ids, trees, commits (gitformat: `git help gitformat-pack`, "Object types")."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cipipe.errors import GitError

FILE_MODES = ("100644", "100755", "100664")  # the last one stands in old histories
_TREE_MODE = "40000"
_PERSON = re.compile(r"(?P<name>.*?) ?<(?P<email>[^>]*)> (?P<time>-?\d+) [+-]\d{4}")


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; `committed` and `authored` are seconds since the epoch."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author: str
    author_email: str
    authored: int
    committer: str
    committer_email: str
    committed: int
    message: str


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One name in a tree."""

    mode: str
    name: bytes
    id: str


def object_id(kind: str, content: bytes, like: str) -> str:
    """The id of an object in a repository that has ids like `like`: SHA-1, or SHA-256 for 64 digits."""
    algorithm = "sha256" if len(like) == 64 else "sha1"
    digest = hashlib.new(algorithm, usedforsecurity=False)
    digest.update(f"{kind} {len(content)}\0".encode())
    digest.update(content)
    return digest.hexdigest()


def parse_tree(content: bytes, like: str) -> list[TreeEntry]:
    """The entries of a tree object, in its order."""
    entries, at, width = [], 0, len(like) // 2
    while at < len(content):
        end = content.index(b"\0", at)
        mode, name = content[at:end].split(b" ", 1)
        at = end + 1 + width
        entries.append(TreeEntry(mode.decode("ascii"), name, content[end + 1 : at].hex()))
    return entries


def parse_commit(id: str, content: bytes) -> Commit:  # noqa: A002 - the word for it
    """A commit object; the signature and other headers are left out."""
    head, _, message = content.decode("utf-8", "replace").partition("\n\n")
    headers: dict[str, list[str]] = {}
    for line in head.split("\n"):
        name, _, value = line.partition(" ")
        headers.setdefault(name, []).append(value)
    author, author_email, authored = _person(headers.get("author", [""])[0])
    committer, committer_email, committed = _person(headers.get("committer", [""])[0])
    return Commit(
        id, headers.get("tree", [""])[0], tuple(headers.get("parent", [])),
        author, author_email, authored, committer, committer_email, committed, message,
    )  # fmt: skip


def replaced(read: Callable[[str], bytes], root: str, files: Mapping[bytes, str]) -> str:
    """The id of the tree `root` with the blob ids of `files` (path -> id) in the place of the old ones.

    Names and modes stay. `read` gives a tree's bytes. Raises GitError for a path that is no file in the tree.
    """
    here: dict[bytes, str] = {}
    below: dict[bytes, dict[bytes, str]] = {}
    for path, blob in files.items():
        name, slash, rest = path.partition(b"/")
        if slash:
            below.setdefault(name, {})[rest] = blob
        else:
            here[name] = blob
    result = b""
    for entry in parse_tree(read(root), root):
        new = entry.id
        if entry.mode in FILE_MODES:
            new = here.pop(entry.name, new)
        elif entry.mode == _TREE_MODE and entry.name in below:
            new = replaced(read, entry.id, below.pop(entry.name))
        result += b"%b %b\0%b" % (entry.mode.encode(), entry.name, bytes.fromhex(new))
    if here or below:
        missing = next(iter([*here, *below])).decode(errors="replace")
        raise GitError(f"the tree {root} has no file '{missing}' to replace")
    return object_id("tree", result, root)


def _person(text: str) -> tuple[str, str, int]:
    match = _PERSON.fullmatch(text)
    return (match["name"], match["email"], int(match["time"])) if match else ("", "", 0)
