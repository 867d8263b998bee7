"""A promotion at every forge: one pull request with exactly what runs, tag and digest; else none at all."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.forges.sites import GiteaSite, Site, connected, fake
from tests.servers.gitea import GiteaServer

CONFIGURATION = """\
version: 1
forge: {{kind: {kind}, api_url: '{api}'}}
images: {{app: {{repository: app}}, web: {{repository: web}}}}
environments:
  staging: {{repo: '{repo}', branch: main, path: app.yaml, source_branches: [main]}}
  prod: {{repo: '{repo}', branch: prod, path: app.yaml, protected: true, promotes: staging}}
"""
DIGEST = "sha256:" + "5" * 64
_numbers = itertools.count(1)


@pytest.fixture(params=["github", "gitlab", "gitea"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A repository at each forge, whose prod runs app:v1."""

    def ready(site: Site) -> Site:
        (tmp_path / "cipipe.yaml").write_text(
            CONFIGURATION.format(kind=site.kind, api=site.api_url, repo=site.url)
        )
        site.commit("prod", b"# prod\nimage: app:v1\n")
        return site

    if request.param == "gitea":
        gitea: GiteaServer = request.getfixturevalue("gitea")
        yield ready(GiteaSite(gitea, f"promoted{next(_numbers)}", tmp_path / "site"))
    else:
        with fake(request.param) as site:
            yield ready(site)


def promote(site: Site, folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """`cipipe promote` from staging to prod; the delivery."""
    done = subprocess.run(
        [sys.executable, "-m", "cipipe", "promote", "--from", "staging", "--to", "prod", "--output", "json",
         *arguments],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
        env={
            "PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(Path(__file__).parents[2]),
            "CIPIPE_TOKEN": site.token, "CIPIPE_USERNAME": "ci",
            "GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/heads/main", "GITHUB_REPOSITORY": "acme/app",
        },
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    assert site.token not in done.stdout + done.stderr
    (delivery,) = json.loads(done.stdout)["deliveries"]
    assert isinstance(delivery, dict)
    return delivery


def branches(site: Site, folder: Path) -> dict[str, str]:
    """What `app.yaml` is on every branch, read by Git alone."""
    copy = str(folder / "copy.git")
    git = ["git", "-C", copy]
    subprocess.run(["git", "init", "-q", "--bare", copy], check=True)
    subprocess.run([*git, "fetch", "-q", "--prune", site.url, "+refs/heads/*:refs/heads/*"], check=True)
    listed = subprocess.check_output([*git, "for-each-ref", "--format=%(refname:short)"], text=True).split()
    return {name: subprocess.check_output([*git, "show", f"{name}:app.yaml"], text=True) for name in listed}


def test_one_pull_request_with_exactly_what_runs(site: Site, tmp_path: Path) -> None:
    site.commit("main", f"# main\nimage: app:v2@{DIGEST}\n".encode())
    delivery = promote(site, tmp_path, "--label", "release")
    assert (delivery["status"], delivery["pull_request"]["created"]) == ("changed", True)
    (change,) = delivery["changes"]
    assert (change["old"], change["new"]) == ("app:v1", f"app:v2@{DIGEST}")
    (pull,) = connected(site).proposals.list_open()
    assert (pull.number, pull.base, pull.head) == (
        delivery["pull_request"]["number"], "prod", delivery["branch"],
    )  # fmt: skip
    assert (pull.title, pull.labels) == ("Bump app to v2 in prod", ("release",))
    found = branches(site, tmp_path)
    assert found.keys() == {"main", "prod", pull.head}
    assert found["prod"] == "# prod\nimage: app:v1\n"
    assert found[pull.head] == f"# prod\nimage: app:v2@{DIGEST}\n"
    again = promote(site, tmp_path)
    assert (again["status"], again["pull_request"]["number"]) == ("unchanged", pull.number)
    site.merge(pull.number)
    done = promote(site, tmp_path)
    assert (done["status"], done["pull_request"]) == ("unchanged", None)
    assert len(connected(site).proposals.list_open()) == 0


@pytest.mark.parametrize(
    ("staging", "arguments", "words"),
    [
        pytest.param("image: app:v0\n", (), "which is newer than app:v0", id="backwards"),
        pytest.param("image: app:v2\n---\nimage: app:v3\n", (), "runs 2 refs of app", id="mixed"),
        pytest.param("image: app:v2\n", ("--image", "web"), "does not run web", id="not running"),
    ],
)
def test_what_may_not_enter_opens_nothing(
    site: Site, tmp_path: Path, staging: str, arguments: tuple[str, ...], words: str
) -> None:
    site.commit("main", staging.encode())
    error = promote(site, tmp_path, *arguments, code=1)["error"]
    assert error["kind"] == "policy"
    assert words in error["message"]
    if "2 refs" in words:
        assert "app:v2 at app.yaml:1, app:v3 at app.yaml:3" in error["message"]
    assert branches(site, tmp_path) == {"main": staging, "prod": "# prod\nimage: app:v1\n"}
    assert len(connected(site).proposals.list_open()) == 0
