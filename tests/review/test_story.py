"""main feeds staging, prod needs people: the whole story at a real Gitea, by the commands alone."""

import base64
import json
import subprocess
import time
from typing import Any

from tests.protect.conftest import Infra, Ran, gitea, infra  # noqa: F401 - fixtures

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  template:
    spec:
      containers:
        - name: app
          image: ghcr.io/acme/app:v1
"""
MANIFESTS = """\
version: 1
forge: {kind: gitea}
environments:
  staging: {branch: main, path: manifests/staging, source_branches: [main]}
  prod: {branch: prod, path: manifests/prod, protected: true, promotes: staging}
"""
IMAGES = "images:\n  app: {repository: ghcr.io/acme/app}\n"


def run(at: Infra, *arguments: str, actor: str = "ci") -> Ran:
    """A step of the application's pipeline at the Gitea, which an actor triggered."""
    return at.cipipe(
        *arguments, by="ci", GITHUB_ACTIONS="true", GITEA_ACTIONS="true", GITHUB_SERVER_URL=at.gitea.base,
        GITHUB_REPOSITORY="acme/app", GITHUB_REF="refs/heads/main", GITHUB_EVENT_NAME="push", GITHUB_ACTOR=actor,
    )  # fmt: skip


def delivered(ran: Ran) -> dict[str, Any]:
    assert ran.code == 0, ran.out + ran.err
    (delivery,) = json.loads(ran.out)["deliveries"]
    return dict(delivery)


def merge(at: Infra, number: int) -> None:
    """Merge, when the server has looked for conflicts in the background."""
    end = time.monotonic() + 20
    while at.merge(number) != 200:
        assert time.monotonic() < end, "the server does not merge"
        time.sleep(0.2)


def test_from_a_push_to_prod(infra: Infra) -> None:  # noqa: F811 - a fixture
    for branch, path in (("main", "manifests/staging"), ("prod", "manifests/prod")):
        infra.write(f"{path}/app.yaml", DEPLOYMENT, by="admin", branch=branch)
        infra.write("cipipe.yaml", MANIFESTS, by="admin", branch=branch)
    file = infra.folder / "cipipe.yaml"
    file.write_text(file.read_text() + IMAGES)
    subprocess.run(["git", "init", "-q", "-b", "main", str(infra.folder)], check=True)
    assert infra.cipipe("protect", "--apply").code == 0

    staging = delivered(run(infra, "bump", "--env", "staging", "--image", "app=v2", "--output", "json"))
    merge(infra, staging["pull_request"]["number"])
    prod = delivered(
        run(infra, "promote", "--from", "staging", "--to", "prod", "--output", "json", actor="rita")
    )
    number = prod["pull_request"]["number"]
    assert [change["new"] for change in prod["changes"]] == ["ghcr.io/acme/app:v2"]
    assert infra.merge(number) == 405

    clone = Infra(infra.gitea, infra.name, infra.folder / "clone")
    header = f"http.extraHeader=Authorization: token {infra.gitea.tokens['ci']}"
    url = f"{infra.gitea.base}/acme/{infra.name}.git"
    subprocess.run(["git", "-c", header, "clone", "-q", url, str(clone.folder)], check=True)
    gate = ("gate", "--pr", str(number), "--only", "approvals", "--only", "branch-route")
    assert clone.cipipe(*gate).code == 1

    infra.review(number, by="rita")
    ran = clone.cipipe(*gate)
    assert ran.code == 1, "who triggered the bump may not approve it, whatever the server says"
    assert "the approval of rita does not count for prod: its person triggered the bump" in ran.out
    assert "sam" in ran.out

    infra.review(number, by="sam")
    ran = clone.cipipe(*gate)
    assert ran.code == 0, ran.out + ran.err
    merge(infra, number)
    content = infra.api("GET", "contents/manifests/prod/app.yaml?ref=prod")["content"]
    assert base64.b64decode(content).decode() == DEPLOYMENT.replace(":v1", ":v2")
