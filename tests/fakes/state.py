"""The state of a fake forge: pull requests over a real bare repository, whose branches decide."""

import threading
import time
from dataclasses import dataclass, field

from tests.servers.origin import Origin


@dataclass
class Review:
    """A review; `state` as GitHub writes it."""

    login: str
    state: str
    commit: str


@dataclass
class Pull:
    """A pull request."""

    number: int
    head: str
    base: str
    title: str
    body: str
    author: str
    commit: str
    draft: bool = False
    state: str = "open"
    merged: bool = False
    auto_merge: bool = False
    deleted: bool = False  # the fork that its branch was in
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    created: float = field(default_factory=lambda: float(int(time.time())))

    @property
    def created_at(self) -> str:
        """When it was opened, as forges write it."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.created))


class HostedError(Exception):
    """What the forge refuses, in its own words."""


class Hosted:
    """One repository at a forge; `people` may be asked and assigned."""

    def __init__(self, name: str, origin: Origin, *, author: str = "ci") -> None:
        self.name = name
        self.origin = origin
        self.author = author
        self.people = {author, "rita", "sam", "octo"}
        self.teams = {"release"}
        self.pulls: list[Pull] = []
        self.forks: list[Pull] = []  # of other repositories with the same owner, whose branches read alike
        self.lock = threading.RLock()

    def refresh(self) -> None:
        """What a forge notices when branches move: new commits, merges, branches that are gone."""
        branches = self.origin.branches()
        for pull in self.pulls:
            if pull.state != "open":
                continue
            tip = branches.get(pull.head)
            if tip is None:
                pull.state = "closed"
                continue
            pull.commit = tip
            if self._contains(pull.base, tip):
                pull.state, pull.merged = "closed", True

    def open(self, head: str, base: str, title: str, body: str, *, draft: bool) -> Pull:
        """A new pull request; raises HostedError."""
        self.refresh()
        branches = self.origin.branches()
        if head not in branches or base not in branches:
            raise HostedError("head" if head not in branches else "base")
        if any((pull.head, pull.base, pull.state) == (head, base, "open") for pull in self.pulls):
            raise HostedError(f"A pull request already exists for acme:{head}.")
        if self._contains(base, branches[head]):
            raise HostedError(f"No commits between {base} and {head}")
        pull = Pull(len(self.pulls) + 1, head, base, title, body, self.author, branches[head], draft)
        self.pulls.append(pull)
        return pull

    def pull(self, number: int) -> Pull:
        """The pull request of that number; raises LookupError."""
        self.refresh()
        found = next((pull for pull in self.pulls if pull.number == number), None)
        if found is None:
            raise LookupError(number)
        return found

    def reopen(self, pull: Pull) -> None:
        """GitHub refuses it when the branch was pushed to with force, or is gone; so do the others."""
        if self.origin.tip(pull.head) != pull.commit:
            raise HostedError("state cannot be changed. The branch was force-pushed or recreated.")
        pull.state = "open"

    def merge(self, pull: Pull) -> None:
        """Merge as a fast-forward."""
        self.origin.git("update-ref", f"refs/heads/{pull.base}", pull.commit)
        self.refresh()

    def opened(self) -> list[Pull]:
        """The open ones."""
        self.refresh()
        return [pull for pull in self.pulls if pull.state == "open"]

    def _contains(self, branch: str, commit: str) -> bool:
        return commit in self.origin.git("rev-list", branch).splitlines()
