"""The id of a tree from its entries, for forges that do not tell it."""

import hashlib
from collections.abc import Iterable

_FOLDER = "40000"


def tree_id(entries: Iterable[tuple[str, str, str]], commit: str) -> str:
    """The id of the tree of (mode, name, id) entries, in the hash of `commit`'s own id.

    A tree is its entries' mode, name, NUL and id, sorted as if a folder's name ended in '/' (git's fsck).
    """
    plain = [(mode.lstrip("0"), name, number) for mode, name, number in entries]
    plain.sort(key=lambda entry: (entry[1] + ("/" if entry[0] == _FOLDER else "")).encode())
    content = b"".join(
        f"{mode} {name}".encode() + b"\0" + bytes.fromhex(number) for mode, name, number in plain
    )
    kind = "sha1" if len(commit) == 40 else "sha256"
    return hashlib.new(kind, f"tree {len(content)}\0".encode() + content).hexdigest()
