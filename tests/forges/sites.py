"""Repositories at each forge, for tests that must hold at all of them: two fakes and a real Gitea."""

import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cipipe import forges
from cipipe.forges.base import Forge
from cipipe.git.url import Remote
from cipipe.proc import Deadline
from tests.fakes.github import GitHubFake
from tests.fakes.gitlab import GitLabFake
from tests.fakes.state import Hosted, Review
from tests.servers.git_http import GitServer
from tests.servers.gitea import GiteaServer
from tests.servers.origin import Content, Origin

TOKEN = "canary-5d1e-token"
FILES: dict[str, Content] = {"app.yaml": b"image: app:v1\n"}


@dataclass
class Seen:
    """A pull request as the forge itself shows it, read without cipipe."""

    state: str
    title: str
    body: str
    labels: list[str]
    assignees: list[str]
    reviewers: list[str]
    comments: list[str]


class Site(Protocol):
    """One repository at one forge."""

    kind: str
    api_url: str
    url: str
    token: str

    def commit(self, branch: str, content: bytes) -> str:
        """A commit on `branch`, which starts at main; its id."""

    def remove(self, branch: str) -> None:
        """Delete a branch."""

    def merge(self, number: int) -> None:
        """Merge a pull request."""

    def close(self, number: int) -> None:
        """Close it, as a person does."""

    def review(self, number: int) -> None:
        """Let rita approve it."""

    def seen(self, number: int) -> Seen:
        """What is there."""


_connected: list[Forge] = []


def close_all() -> None:
    """End the connections of all that was connected."""
    while _connected:
        _connected.pop().close()


def connected(site: Site, *, seconds: float = 60, token: str | None = None) -> Forge:
    """The forge as cipipe speaks to it."""
    remote = Remote.parse(site.url)
    environ = {"CIPIPE_TOKEN": token or site.token}
    way = forges.access(
        site.kind, remote, "staging", api_url=site.api_url, deadline=Deadline(seconds), environ=environ
    )
    forge = forges.connect(site.kind, way)
    assert forge
    _connected.append(forge)
    return forge


class FakeSite:
    """A repository at one of the fakes."""

    def __init__(self, kind: str, server: GitServer, api: GitHubFake | GitLabFake) -> None:
        self.kind = kind
        self.api = api
        self.api_url = api.api_url
        self.token = TOKEN
        self.hosted = api.host(Hosted("acme/infra", server.repository("acme/infra.git", FILES)))
        self.url = self.hosted.origin.url

    def commit(self, branch: str, content: bytes) -> str:
        """As `Site` says."""
        main = self.hosted.origin.tip("main")
        return self.hosted.origin.commit({"app.yaml": content}, branch=branch, start=main)

    def remove(self, branch: str) -> None:
        """As `Site` says."""
        self.hosted.origin.git("update-ref", "-d", f"refs/heads/{branch}")

    def merge(self, number: int) -> None:
        """As `Site` says."""
        self.hosted.merge(self.hosted.pull(number))

    def close(self, number: int) -> None:
        """As `Site` says."""
        self.hosted.pull(number).state = "closed"

    def review(self, number: int) -> None:
        """As `Site` says."""
        pull = self.hosted.pull(number)
        pull.reviews.append(Review("rita", "APPROVED", pull.commit))

    def seen(self, number: int) -> Seen:
        """As `Site` says."""
        pull = self.hosted.pull(number)
        return Seen(
            "merged" if pull.merged else pull.state, pull.title, pull.body, pull.labels, pull.assignees,
            pull.reviewers + pull.teams, pull.comments,
        )  # fmt: skip


class GiteaSite:
    """A repository at a real Gitea; what cipipe does there, it does as `ci`."""

    kind = "gitea"

    def __init__(self, gitea: GiteaServer, name: str, folder: Path) -> None:
        self._gitea = gitea
        self._name = name
        self.url = gitea.repository(name, FILES)
        self.api_url = gitea.api_url
        self.token = gitea.tokens["ci"]
        self._draft = Origin.create(folder / "draft.git", FILES)  # the same commit as on the server

    def commit(self, branch: str, content: bytes) -> str:
        """As `Site` says."""
        main = self._draft.tip("main")
        commit = self._draft.commit({"app.yaml": content}, branch=branch, start=main)
        self._gitea.push(self._draft, self._name, branch)
        return commit

    def remove(self, branch: str) -> None:
        """As `Site` says."""
        self._call("DELETE", f"/branches/{branch.replace('/', '%2F')}")

    def merge(self, number: int) -> None:
        """As `Site` says."""
        end = time.monotonic() + 20
        while True:
            try:
                self._call("POST", f"/pulls/{number}/merge", {"Do": "merge"})
            except urllib.error.HTTPError as error:  # 405 while it works out whether there is a conflict
                error.close()
                if error.code != 405 or time.monotonic() > end:
                    raise
            else:
                return
            time.sleep(0.1)

    def close(self, number: int) -> None:
        """As `Site` says."""
        self._call("PATCH", f"/pulls/{number}", {"state": "closed"})

    def review(self, number: int) -> None:
        """As `Site` says."""
        body = {"event": "APPROVED", "body": "fine"}
        self._gitea.call("POST", f"/repos/acme/{self._name}/pulls/{number}/reviews", body, user="rita")

    def seen(self, number: int) -> Seen:
        """As `Site` says."""
        pull = self._call("GET", f"/pulls/{number}")
        return Seen(
            "merged" if pull["merged"] else pull["state"],
            pull["title"],
            pull["body"],
            [label["name"] for label in pull["labels"]],
            [user["login"] for user in pull["assignees"] or []],
            [user["login"] for user in pull["requested_reviewers"] or []],
            [each["body"] for each in self._call("GET", f"/issues/{number}/comments")],
        )

    def _call(self, method: str, path: str, body: object = None) -> Any:
        return self._gitea.call(method, f"/repos/acme/{self._name}{path}", body)


@contextmanager
def fake(kind: str) -> Iterator[FakeSite]:
    """A repository at a fake of `kind`."""
    api = GitHubFake(TOKEN) if kind == "github" else GitLabFake(TOKEN)
    with GitServer() as server, api:
        yield FakeSite(kind, server, api)
