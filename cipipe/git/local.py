"""The checkout that cipipe was started in: only read, whatever its configuration says.

GitPython finds it and reads refs and remotes from its files: no process, and so no hook, filter or file
monitor. What needs git, a commit's time and descent, goes through `runner`, offline.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from cipipe.errors import GitError
from cipipe.git.runner import Git
from cipipe.git.trees import Commit, parse_commit
from cipipe.git.url import without_credentials
from cipipe.proc import Deadline

if TYPE_CHECKING:
    from git import Repo

_SECONDS = 30.0  # for one question to git; it is answered from the disk
_ID = re.compile(r"[0-9a-f]{40}")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Head:
    """The checked-out commit; `committed` is in seconds since the epoch."""

    id: str
    committed: int


class Checkout:
    """A Git work tree; a context manager. Every fact is None where it is not known."""

    def __init__(self, repo: "Repo", git: Git) -> None:
        self._repo = repo
        self._commits: dict[str, Commit] = {}
        self._git = git

    @classmethod
    def find(cls, start: Path, environ: Mapping[str, str]) -> Self | None:
        """The checkout that holds the folder `start`, or None; raises MissingToolError without git."""
        git = Git(environ, Path(os.devnull), Deadline(_SECONDS), checkout=_root(start))
        with _quiet_import():
            import git as gitpython  # noqa: PLC0415 - 60 ms that only this needs
        try:
            repo = gitpython.Repo(start, search_parent_directories=True, expand_vars=False)
        except (gitpython.InvalidGitRepositoryError, gitpython.NoSuchPathError):
            return None
        except (OSError, ValueError) as error:
            raise GitError(f"the Git repository at {start} cannot be read: {error}") from None
        return cls(repo, git)

    @property
    def root(self) -> Path:
        """The work tree's top, or the repository itself when it is bare."""
        return Path(self._repo.working_tree_dir or self._repo.git_dir)

    @property
    def head(self) -> Head | None:
        """The checked-out commit."""

        def read() -> Head:
            found = self._repo.head.dereference_recursive(self._repo, "HEAD")
            return Head(found, self._commit(found).committed)

        return self._known(read)

    @property
    def branch(self) -> str | None:
        """The checked-out branch; None when the head is detached."""
        return self._known(lambda: None if self._repo.head.is_detached else self._repo.active_branch.name)

    def commit_time(self, commit: str) -> int | None:
        """When a commit was made, in seconds since the epoch."""
        if not _ID.fullmatch(commit):
            return None
        return self._known(lambda: self._commit(commit).committed)

    @property
    def remote_url(self) -> str | None:
        """The address of `origin`, as configured but for credentials."""
        return self._known(
            lambda: without_credentials(str(self._repo.remote("origin").config_reader.get("url")))
        )

    def is_ancestor(self, ancestor: str, commit: str) -> bool | None:
        """Whether `ancestor` is `commit` or comes before it; None where this clone cannot tell.

        A shallow clone cannot deny it, and a partial one is not asked: its history may lie elsewhere.
        """
        if not (_ID.fullmatch(ancestor) and _ID.fullmatch(commit)) or self._is_partial():
            return None
        code = self._offline.status("merge-base", "--is-ancestor", ancestor, commit, repository=self._folder)
        if code == 0:
            return True
        shallow = (self._folder / "shallow").exists()
        return None if shallow or code != 1 else False

    @property
    def _folder(self) -> Path:
        return Path(self._repo.common_dir)

    @property
    def _offline(self) -> Git:
        return replace(self._git, deadline=Deadline(_SECONDS))

    def _commit(self, commit: str) -> Commit:
        if commit not in self._commits:
            content = self._offline.run("cat-file", "commit", commit, repository=self._folder)
            self._commits[commit] = parse_commit(commit, content)
        return self._commits[commit]

    def _is_partial(self) -> bool:
        def read() -> bool:
            with self._repo.config_reader("repository") as config:
                return any(
                    config.has_option(section, "partialclone") or config.has_option(section, "promisor")
                    for section in config.sections()
                )

        return self._known(read) is not False

    def _known(self, read: Callable[[], _Value]) -> _Value | None:
        from git import GitError as GitPythonError  # noqa: PLC0415 - imported before, by `find`

        try:
            return read()
        except (GitPythonError, GitError, OSError, ValueError, LookupError, AttributeError):
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._repo.close()


def _root(start: Path) -> Path | None:
    folders = (start.resolve(), *start.resolve().parents)
    return next((folder for folder in folders if (folder / ".git").exists()), None)


@contextmanager
def _quiet_import() -> Iterator[None]:
    """GitPython runs `git version` twice when it is imported; only files are read here, so nothing is run."""
    names = {"GIT_PYTHON_GIT_EXECUTABLE": os.devnull, "GIT_PYTHON_REFRESH": "quiet"}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
