"""What a forge is to cipipe: small protocols, each for one purpose, and the values that they speak of.

A forge is one module with `connect(access) -> Forge | None`, and one line in `backends.FORGES`. Every method
is one request where the forge allows it, ends within the access's deadline, and raises CredentialsError,
DeadlineError or ForgeError. A method that must not be done twice raises `UncertainError` when its effect is
not known; the others are repeated by themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from cipipe.errors import ForgeError
from cipipe.git.credentials import Credentials
from cipipe.git.url import Remote
from cipipe.proc import Deadline

State = Literal["open", "closed", "merged"]


class UncertainError(ForgeError):
    """No answer, or none that says so: the request may have had its effect."""


class ConflictError(ForgeError):
    """The forge understands the request, and its state does not allow it (405, 409, 422 and their like)."""


class NotFoundError(ForgeError):
    """There is no such thing, or the token may not see it (404)."""


@dataclass(frozen=True, slots=True)
class Access:
    """How one repository is reached at its forge; `api_url` ends without a slash."""

    remote: Remote
    api_url: str
    credentials: Credentials
    deadline: Deadline
    environ: Mapping[str, str] = field(repr=False)

    @property
    def repository(self) -> str:
        """The repository's path at the forge: owner/name, in GitLab group/.../name."""
        return self.remote.path.strip("/").removesuffix(".git")


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request (GitLab: a merge request) as its forge shows it.

    `head` and `base` are branches of the repository, `commit` is the head's. `reviewers` are those who are
    asked and have not answered, on forges that keep apart the two; teams are `organisation/team`. `created`
    is when it was opened (Unix time), where the forge says so.
    """

    number: int
    url: str
    state: State
    title: str
    body: str
    head: str
    base: str
    commit: str
    author: str
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    draft: bool = False
    auto_merge: bool = False
    created: float | None = None


def noted(pull: PullRequest, note: str) -> str:
    """The body with a line before it, which is there once."""
    return pull.body if pull.body.startswith(note) else f"{note}\n\n{pull.body}"


class Proposals(Protocol):
    """The pull requests of a repository, for those who make them."""

    def by_head(self, head: str, base: str) -> Sequence[PullRequest]:
        """The pull requests of branch `head` into `base`, newest first, in every state."""

    def list_open(self) -> Sequence[PullRequest]:
        """All that are open, of the repository's own branches, newest first; one request for each page."""

    def open(self, head: str, base: str, *, title: str, body: str, draft: bool) -> PullRequest:
        """Open one. Raises ConflictError (there is one, or no such branch) and UncertainError."""

    def rewrite(self, pull: PullRequest, *, title: str, body: str) -> None:
        """Give it another title and body."""

    def mark(self, pull: PullRequest, *, labels: Sequence[str], assignees: Sequence[str]) -> None:
        """Add labels, which are made where they are missing, and assignees."""

    def ask(self, pull: PullRequest, people: Sequence[str]) -> None:
        """Ask people, and teams as `organisation/team`, for a review."""

    def answered(self, pull: PullRequest) -> frozenset[str]:
        """Who has reviewed it."""

    def comments(self, pull: PullRequest) -> tuple[str, ...]:
        """The texts of its comments."""

    def comment(self, pull: PullRequest, text: str) -> None:
        """Comment on it. Raises UncertainError."""

    def close(self, pull: PullRequest, *, label: str, note: str = "") -> None:
        """Close it, labelled with who did and with `note` before its body; in one request if it can be."""

    def reopen(self, pull: PullRequest) -> None:
        """Open a closed one again; raises ConflictError where the forge does not allow it."""

    def merge_when_ready(self, pull: PullRequest) -> None:
        """Let the forge merge it when its checks pass; ConflictError where it does not do that."""


class Forge(Protocol):
    """One repository at one forge."""

    @property
    def proposals(self) -> Proposals:
        """Its pull requests."""

    def close(self) -> None:
        """End its connections."""

    @property
    def caution(self) -> str | None:
        """What the token cannot do, where that surprises people."""
