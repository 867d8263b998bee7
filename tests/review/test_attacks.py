"""Who would have a change in prod without the approval that it needs, at GitHub and at GitLab."""

import datetime as dt
import itertools
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cipipe.errors import UsageError
from cipipe.gate import Options, gate
from cipipe.image import ImageRef
from cipipe.results import GateOutcome
from cipipe.trailers import Origin, Trailers, render
from tests.fakes.reviews import Desk, GitHubReviewsFake, GitLabReviewsFake
from tests.fakes.state import Hosted, Pull
from tests.servers.git_http import GitServer

TOKEN = "canary-90ab-token"
APP = "m/prod/app.yaml"
CONFIGURATION = """\
version: 1
forge: {{kind: {kind}, api_url: '{api}'}}
environments:
  staging: {{branch: main, path: m/staging, source_branches: [main]}}
  prod: {{branch: main, path: 'm/prod/app-{{image}}', protected: true, promotes: staging}}
  prod2: {{branch: main, path: m/prod/app.yaml, protected: true, promotes: staging}}
"""
_numbers = itertools.count(1)


@dataclass
class Place:
    """A repository at a forge, its people, and a clone of it in which the gate runs."""

    desk: Desk
    clone: Path
    kind: str

    def change(self, *, by: str = "ci", opener: str = "ci", **more: str) -> Pull:
        """A pull request of one commit that changes prod, which may be approved by others."""
        branch = f"change-{next(_numbers)}"
        self.desk.push(by, branch, {APP: f"image: app:{branch}\n".encode()}, **more)
        return self.desk.open(opener, branch)

    def judge(self, pull: Pull, *, publish: bool = False) -> GateOutcome:
        """What the gate says."""
        only = () if publish else ("approvals", "branch-route")
        options = Options(engine="embedded", pull=pull.number, only=only, publish=publish)
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.clone.parent), "CIPIPE_TOKEN": TOKEN}
        return gate(self.clone, options, environ=environ, today=dt.date(2026, 11, 24))

    def refused(self, pull: Pull, why: str) -> None:
        """The gate refuses it, and says why."""
        outcome = self.judge(pull)
        assert [each for each in outcome.findings if each.severity == "error"]
        assert any(why in each.message for each in outcome.findings), outcome.findings

    def allowed(self, pull: Pull) -> None:
        """The gate has nothing against it."""
        outcome = self.judge(pull)
        assert [each for each in outcome.findings if each.severity == "error"] == []


@pytest.fixture(scope="module", params=["github", "gitlab"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One repository at each forge."""
    folder = tmp_path_factory.mktemp("attacks")
    made = GitHubReviewsFake(TOKEN) if request.param == "github" else GitLabReviewsFake(TOKEN)
    with GitServer() as server, made as api:
        origin = server.repository(
            "acme/infra.git", {APP: b"image: app:v1\n", "m/staging/app.yaml": b"x: 1\n"}
        )
        settings = CONFIGURATION.format(kind=request.param, api=api.api_url)
        origin.commit({"cipipe.yaml": settings.encode()})
        origin.git("branch", "scratch", "main~1")
        api.desk = Desk(api.host(Hosted("acme/infra", origin)))
        subprocess.run(["git", "clone", "-q", origin.url, str(folder / "clone")], check=True)
        yield Place(api.desk, folder / "clone", request.param)


def bump(actor: str) -> str:
    """A message with a bump's trailers, whose tree fits."""
    origin = Origin(repository="http://127.0.0.1/acme/app", actor=actor, run_url="http://127.0.0.1/run/1")
    made = Trailers("prod2", (ImageRef.parse("ghcr.io/acme/app:v2"),), origin, "e" * 64, "a" * 40)
    return f"Bump\n\n{render(made)}".replace("a" * 40, "{tree}")


def test_another_person_approves_what_stands(place: Place) -> None:
    pull = place.change()
    place.refused(pull, "has 0 of the 1 approvals")
    place.desk.review(pull, "rita")
    place.allowed(pull)
    note = (
        place.judge(pull).notes[-1].replace("robo, ", "")
    )  # GitLab lists its members without a word on that
    assert note == f"may still approve #{pull.number}: octo, sam"


def test_who_may_not_approve(place: Place) -> None:
    pull = place.change()
    for who in ("ci", "guest", "robo"):
        place.desk.review(pull, who)
    messages = " ".join(each.message for each in place.judge(pull).findings)
    for why in ("has 0 of the 1", "it is the author's", "no write access", "it is a bot's"):
        assert why in messages


def test_an_approval_taken_back(place: Place) -> None:
    pull = place.change()
    place.desk.review(pull, "rita")
    place.desk.review(pull, "rita", "DISMISSED")
    place.refused(pull, "has 0 of the 1")


def test_a_commit_under_another_name(place: Place) -> None:
    pull = place.change(by="rita", address="sam@example.com")
    place.desk.push("ci", pull.head, {APP: b"image: app:v3\n"})
    place.desk.review(pull, "rita")
    place.refused(pull, "the approval of rita does not count for prod2: its person made a commit of it")


def test_trailers_that_anybody_can_write(place: Place) -> None:
    pull = place.change(by="rita", address="nobody@elsewhere.example", message=bump("octo"))
    place.desk.review(pull, "rita")
    place.refused(pull, "its person made a commit of it")
    place.desk.review(pull, "octo")
    place.refused(pull, "the approval of octo does not count for prod2: its person triggered the bump")
    place.desk.review(pull, "sam")
    place.allowed(pull)


def test_who_triggered_the_bump_below_a_commit_of_another(place: Place) -> None:
    pull = place.change(message=bump("octo"))
    place.desk.push("sam", pull.head, {APP: b"image: app:v4\n"})
    place.desk.review(pull, "octo")
    place.refused(pull, "the approval of octo does not count")


def test_a_commit_of_nobody(place: Place) -> None:
    pull = place.change(address="nobody@elsewhere.example")
    place.desk.review(pull, "rita")
    place.refused(pull, "nobody knows who made every commit")


def test_a_co_author(place: Place) -> None:
    words = "Change\n\nCo-authored-by: Rita <7+rita@users.noreply.github.com>"
    pull = place.change(message=words)
    place.desk.review(pull, "rita")
    place.refused(pull, "its person made a commit of it")


def test_a_push_by_force_after_the_approval(place: Place) -> None:
    pull = place.change()
    place.desk.review(pull, "rita")
    main = place.desk.hosted.origin.tip("main")
    place.desk.push("ci", pull.head, {APP: b"image: app:v666\n"}, start=main)
    place.refused(pull, "it is for an older commit")


def test_a_merge_of_the_base_after_the_approval(place: Place) -> None:
    pull = place.change()
    place.desk.review(pull, "rita")
    main = place.desk.hosted.origin.tip("main")
    place.desk.push("ci", pull.head, {}, merge=main)
    place.refused(pull, "it is for an older commit")


def test_another_target_after_the_approval(place: Place) -> None:
    branch = f"change-{next(_numbers)}"
    place.desk.push("ci", branch, {APP: b"image: app:v5\n"})
    pull = place.desk.open("ci", branch, base="scratch")
    place.desk.review(pull, "rita")
    place.desk.retarget(pull, "main")
    why = {"github": "from before the pull request got its target", "gitlab": "it is for an older commit"}
    place.refused(pull, why[place.kind])
    place.desk.review(pull, "rita")
    place.allowed(pull)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cipipe.yaml", CONFIGURATION.replace("protected: true", "approvals: 0").encode()),
        ("cipipe.yaml", ("120000", b"m/staging/app.yaml")),
        ("cipipe.yaml", None),
        ("CODEOWNERS", b"* @eve\n"),
        ("m/prod/app-web/web.yaml", b"image: web:v1\n"),
    ],
    ids=["approvals: 0", "a link", "gone", "owners", "a path with the image's name"],
)
def test_what_decides_who_must_approve(
    place: Place, name: str, content: bytes | tuple[str, bytes] | None
) -> None:
    branch = f"change-{next(_numbers)}"
    place.desk.push("ci", branch, {name: content})
    pull = place.desk.open("ci", branch)
    subprocess.run(["git", "fetch", "-q", "origin"], cwd=place.clone, check=True)
    subprocess.run(["git", "checkout", "-q", "--detach", f"origin/{branch}"], cwd=place.clone, check=True)
    place.refused(pull, "approvals that prod")


def test_a_tag_and_a_branch_that_are_called_as_the_base(place: Place) -> None:
    pull = place.change()
    origin = place.desk.hosted.origin
    eve = origin.commit({"cipipe.yaml": b"version: 1\n"}, branch="origin/HEAD", start=origin.tip("main"))
    for ref in ("refs/tags/main", "refs/tags/origin/main", "refs/heads/origin/main"):
        origin.git("update-ref", ref, eve)
    subprocess.run(["git", "fetch", "-q", "--tags", "origin"], cwd=place.clone, check=True)
    place.refused(pull, "has 0 of the 1 approvals that prod2")


def test_a_checkout_of_a_fork(place: Place, tmp_path: Path) -> None:
    pull = place.change()
    subprocess.run(["git", "clone", "-q", str(place.clone), str(tmp_path / "fork")], check=True)
    address = "http://127.0.0.1:9/eve/infra.git"
    subprocess.run(["git", "remote", "set-url", "origin", address], cwd=tmp_path / "fork", check=True)
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "CIPIPE_TOKEN": TOKEN, "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "http://127.0.0.1:9", "GITHUB_REPOSITORY": "acme/infra",
    }  # fmt: skip
    with pytest.raises(UsageError, match="is a checkout of"):
        gate(tmp_path / "fork", Options(pull=pull.number), environ=environ, today=dt.date(2026, 11, 24))


def test_the_verdict_is_for_the_commit_that_was_judged(place: Place) -> None:
    pull = place.change()
    place.judge(pull, publish=True)
    commit, status = place.desk.statuses[-1]
    assert commit == pull.commit
    assert status["state"] in {"failure", "failed"}
