"""What the Git tests share: a real server, and a repository opened as a bump opens it."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from cipipe.git.bare import Repository
from cipipe.git.credentials import credentials
from cipipe.git.folder import private_folder
from cipipe.git.runner import Git
from cipipe.git.url import Remote
from cipipe.proc import Deadline
from tests.servers.git_http import GitServer

TOKEN = "canary-7f3a9c-token"
Opener = Callable[..., AbstractContextManager[Repository]]


@pytest.fixture
def server() -> Iterator[GitServer]:
    """A server that asks for the token."""
    with GitServer(credentials=("x-access-token", TOKEN)) as running:
        yield running


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a CI job."""
    for name in ("tmp", "home"):
        (tmp_path / name).mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "CIPIPE_TOKEN": TOKEN,
    }


@pytest.fixture
def opened(environ: dict[str, str]) -> Opener:
    """`with opened(url) as repository`, with the token and a deadline of 60 s unless told otherwise."""

    @contextlib.contextmanager
    def open_(
        url: str,
        *,
        seconds: float = 60,
        cache_dir: Path | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> Iterator[Repository]:
        variables = environ | dict(extra or {})
        remote = Remote.parse(url)
        with private_folder(variables) as folder:
            git = Git(variables, folder / "home", Deadline(seconds))
            shown = credentials(variables, remote)
            with Repository(git, remote, folder, shown, cache_dir=cache_dir) as repository:
                yield repository

    return open_
