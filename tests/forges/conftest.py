"""A bench whose environment repository is on a fake GitHub."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bump.conftest import FILES, TOKEN, Bench
from tests.fakes.github import GitHubFake
from tests.fakes.state import Hosted, Pull
from tests.forges.sites import close_all
from tests.servers.git_http import GitServer
from tests.servers.gitea import GiteaServer

CONFIGURATION = """\
version: 1
forge: {kind: github, api_url: '{api}'}
environments:
  staging:
    repo: '{repo}'
    branch: main
    path: m/staging
    source_branches: [main]
    pull_request: {labels: [deploy, staging], reviewers: [rita, acme/release], assignees: [sam]}
"""


@dataclass
class ForgeBench(Bench):
    """A bench with a forge."""

    forge: GitHubFake | None = None
    hosted: Hosted | None = None

    @property
    def api(self) -> GitHubFake:
        """The fake."""
        assert self.forge
        return self.forge

    @property
    def repository(self) -> Hosted:
        """The repository at the forge."""
        assert self.hosted
        return self.hosted

    def configure(self, text: str) -> None:
        """Write `cipipe.yaml`; `{api}` stands for the fake's URL, too."""
        super().configure(text.replace("{api}", self.api.api_url))

    def only(self) -> Pull:
        """The one pull request that is open."""
        (pull,) = self.repository.opened()
        return pull


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ForgeBench]:
    """An environment repository at a fake GitHub."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    with GitServer(credentials=("x-access-token", TOKEN)) as server, GitHubFake(TOKEN) as forge:
        origin = server.repository("acme/infra.git", FILES)
        hosted = forge.host(Hosted("acme/infra", origin))
        ready = ForgeBench(server, origin, tmp_path, forge=forge, hosted=hosted)
        ready.configure(CONFIGURATION)
        yield ready


@pytest.fixture(autouse=True)
def _connections() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture(scope="session")
def gitea(tool: Callable[[str], str]) -> Iterator[GiteaServer]:
    """A real Gitea, once for all tests."""
    with GiteaServer(Path(tool("gitea"))) as running:
        yield running
