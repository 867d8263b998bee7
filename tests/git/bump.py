"""One bump by hand, as delivery does it: the least that the Git tests need."""

import re

from cipipe.git.bare import Repository, StartOver
from cipipe.git.push import Push
from cipipe.git.signing import Signing
from cipipe.git.trees import Commit
from tests.servers.origin import Content

FILES: dict[str, Content] = {
    "m/staging/app.yaml": b"image: app:v1\n",
    "m/staging/sub/run.yaml": ("100755", b"image: app:v1\r\n"),
    "m/prod/app.yaml": b"image: app:v0\n",
    "README.md": b"hello\n",
}


def is_yaml(path: str) -> bool:
    return path.endswith(".yaml")


def edited(
    repository: Repository,
    new: bytes,
    *,
    branch: str = "main",
    below: str = "m/staging",
    signing: Signing | None = None,
) -> tuple[Commit, Commit]:
    """(base, commit): every `app:v…` below a folder becomes `app:NEW`."""
    for _ in range(4):
        try:
            base = repository.fetch(branch).base
            entries = repository.candidates(base, [below], is_yaml)
            old = repository.read(entries)
            contents = {path: re.sub(rb"app:\w+", b"app:" + new, content) for path, content in old.items()}
            edit = repository.prepare(base, entries, contents)
            return base, repository.commit(edit, "Bump\n", date=base.committed + 1, signing=signing)
        except StartOver:
            continue
    raise AssertionError("it starts over without end")


def bump(repository: Repository, new: bytes) -> tuple[Commit, Push]:
    """An edit of the main branch, pushed onto it."""
    base, commit = edited(repository, new)
    return commit, repository.push(commit.id, "main", expected=base.id)
