"""What the tests of a bump share: a server, an environment repository on it, a checkout to bump from."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.servers.git_http import GitServer
from tests.servers.origin import Content, Origin

TOKEN = "canary-3e91b7-token"


def deployment(image: str) -> bytes:
    """A Deployment that runs `image`."""
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec:\n  template:\n    spec:\n"
        f"      containers:\n        - name: app\n          image: {image} # kept\n"
    ).encode()


@dataclass
class Run:
    """What a run of cipipe left: exit code, the JSON on stdout, the words on stderr."""

    code: int
    document: dict[str, Any]
    said: str

    @property
    def delivery(self) -> dict[str, Any]:
        """The only delivery."""
        (one,) = self.document["deliveries"]
        assert isinstance(one, dict)
        return one


@dataclass
class Bench:
    """An origin, and a folder with a `cipipe.yaml` in which cipipe is run."""

    server: GitServer
    origin: Origin
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def configure(self, text: str) -> None:
        """Write `cipipe.yaml`; `{repo}` stands for the origin's URL."""
        (self.folder / "cipipe.yaml").write_text(text.replace("{repo}", self.origin.url))

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables of a CI job on branch `main`."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "CI": "true",
            "CIPIPE_TOKEN": TOKEN,
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "acme/app",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_WORKFLOW_REF": "acme/app/.github/workflows/ci.yml@refs/heads/main",
            "GITHUB_ACTOR": "octo",
            **self.variables,
            **(extra or {}),
        }

    def command(self, *arguments: str) -> list[str]:
        """The command line of a bump."""
        return [sys.executable, "-m", "cipipe", "bump", *arguments]

    def bump(self, *arguments: str, code: int | None = 0, **extra: str) -> Run:
        """Run `cipipe bump ARGUMENTS --output json` to its end."""
        done = subprocess.run(
            self.command(*arguments, "--output", "json"),
            cwd=self.folder, env=self.environment(extra), capture_output=True, text=True, check=False,
            timeout=300,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        assert TOKEN not in done.stdout + done.stderr
        if code is not None:
            assert done.returncode == code, done.stdout + done.stderr
        return Run(done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr)


PUSH = """\
version: 1
forge: {kind: none}
environments:
  staging: {repo: '{repo}', branch: main, path: m/staging, delivery: push, source_branches: [main]}
"""
PULL_REQUEST = PUSH.replace("delivery: push", "delivery: pull-request")
FILES: dict[str, Content] = {
    "m/staging/app.yaml": deployment("ghcr.io/acme/app:v1"),
    "m/staging/web.yaml": ("100755", deployment("ghcr.io/acme/web:v1")),
    "m/prod/app.yaml": deployment("ghcr.io/acme/app:v0"),
    "README.md": b"image: ghcr.io/acme/app:v1\n",
}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An environment repository behind a server that asks for the token."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    with GitServer(credentials=("x-access-token", TOKEN)) as server:
        ready = Bench(server, server.repository("acme/infra.git", FILES), tmp_path)
        ready.configure(PULL_REQUEST)
        yield ready
