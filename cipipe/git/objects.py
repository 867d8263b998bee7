"""Reads the private repository's objects: one `git cat-file --batch` for all, each checked by its id."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from cipipe.errors import ExternalError, GitError
from cipipe.git.runner import Git
from cipipe.git.trees import Commit, object_id, parse_commit
from cipipe.proc import Conversation, escaped

_AT_ONCE = 500  # ids that are asked for before the answers are read: they fit into a pipe


class CorruptObjectError(GitError):
    """An object is missing, or its content does not fit its id."""


class MissingObjectError(CorruptObjectError):
    """There is no such object or ref."""


class Objects:
    """The objects of one repository; starts git at the first question, `close` ends it."""

    def __init__(self, git: Git, repository: Path, variables: dict[str, str]) -> None:
        self._git = git
        self._repository = repository
        self._variables = variables
        self._open: Conversation | None = None

    def read(self, name: str, kind: str) -> tuple[str, bytes]:
        """The id and content of the object that `name` (an id or a full ref) means.

        Raises CorruptObjectError.
        """
        return next(self._answers([name], kind))

    def tree(self, name: str) -> bytes:
        """The content of a tree."""
        return self.read(name, "tree")[1]

    def commit(self, name: str) -> Commit:
        """A commit, by its id or by a full ref."""
        return parse_commit(*self.read(name, "commit"))

    def commit_if_any(self, ref: str) -> Commit | None:
        """The commit that a full ref points at, or None when there is no such ref."""
        try:
            return self.commit(ref)
        except MissingObjectError:
            return None

    def blobs(self, ids: Iterable[str]) -> dict[str, bytes]:
        """Blob id -> content."""
        return dict(self._answers(list(dict.fromkeys(ids)), "blob"))

    def commits(self, ids: Iterable[str]) -> tuple[Commit, ...]:
        """Commits, in the order of `ids`."""
        return tuple(parse_commit(*answer) for answer in self._answers(list(ids), "commit"))

    def close(self) -> None:
        """End the process; the next question starts another, which knows what was fetched meanwhile."""
        if self._open:
            self._open.close()
            self._open = None

    def _answers(self, names: list[str], kind: str) -> Iterator[tuple[str, bytes]]:
        process = self._open
        if process is None:
            process = self._open = self._git.converse(
                "cat-file", "--batch", repository=self._repository, variables=self._variables
            )
        try:
            for start in range(0, len(names), _AT_ONCE):
                asked = names[start : start + _AT_ONCE]
                process.ask("".join(f"{name}\n" for name in asked).encode())
                for name in asked:
                    yield _answer(process, name, kind)
        except GitError:
            self.close()
            raise
        except ExternalError as error:
            self.close()
            if type(error) is ExternalError:
                raise CorruptObjectError(f"git could not read the {kind} it was asked for") from None
            raise


def _answer(process: Conversation, name: str, kind: str) -> tuple[str, bytes]:
    head = process.line().decode(errors="replace")
    parts = head.split(" ")
    if parts[-1] == "missing":
        raise MissingObjectError(f"git has no {kind} {name}")
    if len(parts) != 3 or parts[1] != kind or not parts[2].isdigit():
        raise CorruptObjectError(f"git answers for {kind} {name}: {escaped(head)}")
    content = process.exactly(int(parts[2]))
    process.exactly(1)
    if object_id(kind, content, parts[0]) != parts[0]:
        raise CorruptObjectError(f"the content of {kind} {parts[0]} does not fit its id")
    return parts[0], content
