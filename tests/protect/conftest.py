"""An environment repository at a real Gitea, which `admin` administers and ci, rita and sam may write."""

import base64
import contextlib
import itertools
import os
import subprocess
import sys
import time
import urllib.error
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers.gitea import GiteaServer

ROOT = Path(__file__).parents[2]
_numbers = itertools.count(1)


@dataclass
class Ran:
    """What a command said."""

    code: int
    out: str
    err: str


@dataclass
class Infra:
    """The repository acme/NAME; `folder` holds its `cipipe.yaml`."""

    gitea: GiteaServer
    name: str
    folder: Path

    def api(self, method: str, path: str, body: object = None, *, by: str = "admin") -> Any:
        """The API below the repository."""
        return self.gitea.call(method, f"/repos/acme/{self.name}/{path}", body, user=by)

    def status(self, method: str, path: str, body: object = None, *, by: str = "admin") -> int:
        """The status of a request below the repository; 200 for every success."""
        try:
            self.api(method, path, body, by=by)
        except urllib.error.HTTPError as refused:
            return refused.code
        return 200

    def write(self, path: str, text: str, *, by: str, branch: str, new_branch: str | None = None) -> str:
        """Write a file by a commit of a person's; the commit."""
        body = {
            "content": base64.b64encode(text.encode()).decode(),
            "message": f"Write {path}",
            "branch": branch,
        }
        body |= {"new_branch": new_branch} if new_branch else {}
        method = "POST"
        with contextlib.suppress(urllib.error.HTTPError):
            body["sha"] = self.api("GET", f"contents/{path}?ref={branch}", by=by)["sha"]
            method = "PUT"
        return str(self.api(method, f"contents/{path}", body, by=by)["commit"]["sha"])

    def pull(self, *, by: str = "ci", head: str = "change", base: str = "prod") -> int:
        """A pull request that writes one file."""
        self.write("manifests/prod/app.yaml", "image: app:v2\n", by=by, branch=base, new_branch=head)
        return int(self.api("POST", "pulls", {"title": "t", "head": head, "base": base}, by=by)["number"])

    def review(self, number: int, *, by: str, event: str = "APPROVED") -> None:
        """Review a pull request."""
        self.api("POST", f"pulls/{number}/reviews", {"event": event, "body": "looked"}, by=by)

    def merge(self, number: int, *, by: str = "ci") -> int:
        """The status of a merge."""
        return self.status("POST", f"pulls/{number}/merge", {"Do": "merge"}, by=by)

    def cipipe(self, *arguments: str, by: str = "admin", **variables: str) -> Ran:
        """Run the command as a process."""
        environ = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1", "GITEA_TOKEN": self.gitea.tokens[by], **variables,
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "cipipe", *arguments],
            cwd=self.folder, env=environ, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        for token in self.gitea.tokens.values():
            assert token not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def gitea(tool: Callable[[str], str]) -> Iterator[GiteaServer]:
    """The server of the session."""
    with GiteaServer(Path(tool("gitea"))) as server:
        yield server


@pytest.fixture
def infra(gitea: GiteaServer, tmp_path: Path) -> Infra:
    """A repository with `main` and `prod`, of its own for each test."""
    name = f"protect-{next(_numbers)}"
    url = gitea.repository(name, {"manifests/staging/app.yaml": b"image: app:v1\n"})
    made = Infra(gitea, name, tmp_path)
    end = time.monotonic() + 20
    while made.status("POST", "branches", {"new_branch_name": "prod"}) != 200:
        assert time.monotonic() < end, "Gitea did not see the first push"
        time.sleep(0.05)
    (tmp_path / "cipipe.yaml").write_text(
        "version: 1\n"
        "forge: {kind: gitea}\n"
        "environments:\n"
        "  staging:\n"
        f"    repo: {url}\n"
        "    branch: main\n"
        "    path: manifests/staging\n"
        "    source_branches: [main]\n"
        "  prod:\n"
        f"    repo: {url}\n"
        "    branch: prod\n"
        "    path: manifests/prod\n"
        "    protected: true\n"
        "    promotes: staging\n"
    )
    return made
