"""`gate --pr` against a real Gitea says what the protected server does, and more."""

import json
import subprocess
import time

import pytest

from tests.protect.conftest import Infra, Ran, gitea, infra  # noqa: F401 - fixtures

CONFIGURATION = """\
version: 1
forge: {kind: gitea}
environments:
  staging:
    branch: main
    path: manifests/staging
    source_branches: [main]
  prod:
    branch: prod
    path: manifests/prod
    protected: true
    promotes: staging
gate: {bots: [sam]}
"""
MADE_BY = "ci"


@pytest.fixture
def checkout(infra: Infra) -> Infra:  # noqa: F811 - a fixture
    """A clone of the manifest repository, whose configuration is on both branches."""
    for branch in ("main", "prod"):
        infra.write("cipipe.yaml", CONFIGURATION, by="admin", branch=branch)
    infra.folder = infra.folder / "clone"
    url = f"{infra.gitea.base}/acme/{infra.name}.git"
    header = f"http.extraHeader=Authorization: token {infra.gitea.tokens['admin']}"
    subprocess.run(["git", "-c", header, "clone", "-q", url, str(infra.folder)], check=True)
    return infra


def gate(at: Infra, number: int, *more: str) -> Ran:
    return at.cipipe("gate", "--pr", str(number), "--only", "approvals", "--only", "branch-route", *more)


def findings(ran: Ran) -> list[tuple[str, str]]:
    return [(each["rule"], each["message"]) for each in json.loads(ran.out)["findings"]]


def bump(at: Infra) -> int:
    """A pull request as a bump opens it, but made by the account ci."""
    return at.pull(by=MADE_BY, head="cipipe/prod/0123456789ab")


def test_the_gate_and_the_server_say_the_same(checkout: Infra) -> None:
    assert checkout.cipipe("protect", "--apply").code == 0
    number = bump(checkout)
    ran = gate(checkout, number, "--output", "json")
    assert ran.code == 1
    assert findings(ran) == [("approvals", f"#{number} has 0 of the 1 approvals that prod asks for")]
    assert checkout.merge(number) == 405

    checkout.review(number, by="rita")
    ran = gate(checkout, number)
    assert ran.code == 0, ran.out + ran.err
    assert f"may still approve #{number}: " in ran.out

    checkout.write("manifests/prod/app.yaml", "image: app:v3\n", by="ci", branch="cipipe/prod/0123456789ab")
    # The server dismisses the approval in the background; the gate compares commits, and says no at once.
    end = time.monotonic() + 20
    ran = gate(checkout, number)
    while not checkout.api("GET", f"pulls/{number}/reviews")[0]["dismissed"] and time.monotonic() < end:
        time.sleep(0.1)
    assert ran.code == 1
    assert checkout.merge(number) == 405
    checkout.review(number, by="rita")
    assert gate(checkout, number).code == 0
    while (merged := checkout.merge(number)) == 405 and time.monotonic() < end + 20:
        time.sleep(0.2)  # the server checks for conflicts in the background
    assert merged == 200


def test_who_made_a_commit_may_not_approve_though_the_server_lets_them(checkout: Infra) -> None:
    number = bump(checkout)
    checkout.write("manifests/prod/more.yaml", "a: 1\n", by="rita", branch="cipipe/prod/0123456789ab")
    checkout.review(number, by="rita")
    ran = gate(checkout, number, "--output", "json")
    assert ran.code == 1
    assert (
        "approvals",
        "the approval of rita does not count for prod: its person made a commit of it",
    ) in findings(ran)


def test_a_bot_does_not_count_and_a_taken_back_approval_neither(checkout: Infra) -> None:
    number = bump(checkout)
    checkout.review(number, by="sam")
    checkout.review(number, by="rita")
    checkout.review(number, by="rita", event="COMMENT")
    assert gate(checkout, number).code == 0, "a comment takes no approval back"
    checkout.review(number, by="rita", event="REQUEST_CHANGES")
    ran = gate(checkout, number)
    assert ran.code == 1
    assert "the approval of sam does not count for prod: it is a bot's" in ran.out


def test_a_pull_request_cannot_change_what_judges_it(checkout: Infra) -> None:
    number = bump(checkout)
    weak = CONFIGURATION.replace("protected: true", "approvals: 0")
    checkout.write("cipipe.yaml", weak, by="ci", branch="cipipe/prod/0123456789ab")
    (checkout.folder / "cipipe.yaml").write_text(weak)
    ran = gate(checkout, number)
    assert ran.code == 1
    assert "0 of the 1 approvals" in ran.out


def test_a_branch_beside_the_way(checkout: Infra) -> None:
    number = checkout.pull(head="feature")
    checkout.review(number, by="rita")
    ran = gate(checkout, number)
    assert ran.code == 1
    assert "comes neither from a bump nor from the branch that it promotes" in ran.out


def test_main_into_prod_may_be_approved_by_who_did_not_push_last(checkout: Infra) -> None:
    for name, person in (("a", "rita"), ("b", "ci")):
        checkout.write(f"manifests/prod/{name}.yaml", "a: 1\n", by=person, branch="main")
    number = int(
        checkout.api("POST", "pulls", {"title": "t", "head": "main", "base": "prod"}, by="admin")["number"]
    )
    checkout.review(number, by="ci")
    assert gate(checkout, number).code == 1, "who pushed last"
    checkout.review(number, by="rita")
    assert gate(checkout, number).code == 0, "rita pushed earlier"


def test_a_pull_request_that_changes_no_environment(checkout: Infra) -> None:
    checkout.write("README.md", "hello\n", by="ci", branch="prod", new_branch="words")
    number = int(
        checkout.api("POST", "pulls", {"title": "t", "head": "words", "base": "prod"}, by="ci")["number"]
    )
    ran = gate(checkout, number)
    assert ran.code == 0
    assert "changes no environment" in ran.out


def test_publish_posts_the_verdict(checkout: Infra) -> None:
    number = bump(checkout)
    assert checkout.cipipe("gate", "--pr", str(number), "--publish").code == 1
    commit = checkout.api("GET", f"pulls/{number}")["head"]["sha"]
    (status,) = checkout.api("GET", f"commits/{commit}/statuses")
    assert (status["context"], status["status"]) == ("cipipe/approvals", "failure")
    checkout.review(number, by="rita")
    assert checkout.cipipe("gate", "--pr", str(number), "--publish").code == 0
    status = max(checkout.api("GET", f"commits/{commit}/statuses"), key=lambda each: int(each["id"]))
    assert (status["context"], status["status"]) == ("cipipe/approvals", "success")


def test_wrong_use(checkout: Infra) -> None:
    assert checkout.cipipe("gate", "--pr", "99").code == 4
    assert checkout.cipipe("gate", "--publish").code == 2
    assert checkout.cipipe("gate", "--pr", "1", "--publish", "--skip", "approvals").code == 2
