"""`protect` against a real Gitea: what it finds, what it sets, and that the server then holds it."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.protect.conftest import Infra, Ran


def states(ran: Ran) -> dict[str, str]:
    """Control -> state of the one environment in a JSON report."""
    (environment,) = json.loads(ran.out)["environments"]
    return {control["control"]: control["state"] for control in environment["controls"]}


def push(infra: Infra, branch: str, folder: Path, *, by: str = "ci", force: bool = False) -> int:
    """Push a commit straight to a branch."""
    token = infra.gitea.tokens[by]
    url = f"{infra.gitea.base}/acme/{infra.name}.git".replace("://", f"://{by}:{token}@")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-C", str(folder)]
    subprocess.run(["git", "clone", "-q", "-b", branch, url, str(folder)], check=True)
    change = ["--amend", "-m", "another"] if force else ["-m", "direct"]
    subprocess.run([*git, "commit", "-q", "--allow-empty", *change], check=True)
    argv = [*git, "push", "-q", *(["--force"] if force else []), "origin", f"HEAD:{branch}"]
    return subprocess.run(argv, check=False, capture_output=True).returncode


def test_a_branch_without_protection_fails_in_every_control(infra: Infra) -> None:
    ran = infra.cipipe("protect", "--output", "json")
    assert ran.code == 1
    found = states(ran)
    assert found.pop("last-push-approved-by-another") == "not-available"
    assert found.pop("conversations-resolved") == "not-available"
    assert set(found.values()) == {"fail"}
    (environment,) = json.loads(ran.out)["environments"]
    assert environment["environment"] == "prod"
    assert len(environment["plan"]) == 1
    assert infra.api("GET", "branch_protections") == []


def test_apply_sets_it_once_and_the_server_holds_it(infra: Infra, tmp_path: Path) -> None:
    ran = infra.cipipe("protect", "--apply")
    assert ran.code == 0, ran.out + ran.err
    assert "plan: protect the branch 'prod'" in ran.err
    again = infra.cipipe("protect", "--apply", "--output", "json")
    assert again.code == 0
    assert json.loads(again.out)["environments"][0]["plan"] == []
    assert set(states(again).values()) == {"pass", "not-available"}

    assert push(infra, "prod", tmp_path / "direct") != 0
    assert push(infra, "prod", tmp_path / "forced", by="admin", force=True) != 0
    number = infra.pull()
    for person in ("ci", "admin"):
        assert infra.merge(number, by=person) == 405, "merged without an approval"
    infra.review(number, by="rita")
    assert infra.merge(number) == 200


def test_an_approval_before_a_later_commit_does_not_count(infra: Infra) -> None:
    assert infra.cipipe("protect", "--apply").code == 0
    number = infra.pull()
    infra.review(number, by="rita")
    infra.write("manifests/prod/app.yaml", "image: app:v3\n", by="ci", branch="change")
    # Gitea dismisses the approval in the background, some moments after the push.
    end = time.monotonic() + 20
    while not infra.api("GET", f"pulls/{number}/reviews")[0]["dismissed"] and time.monotonic() < end:
        time.sleep(0.1)
    assert infra.merge(number) == 405


@pytest.mark.parametrize(
    ("weakness", "control"),
    [
        ({"enable_push": True}, "pull-request-required"),
        ({"required_approvals": 0}, "approvals"),
        ({"dismiss_stale_approvals": False}, "stale-approvals-dismissed"),
        ({"enable_push": True, "enable_force_push": True}, "no-force-push"),
        ({"block_admin_merge_override": False}, "no-bypass"),
        ({"unprotected_file_patterns": "*.yaml"}, "no-bypass"),
    ],
)
def test_each_weakness_is_found_and_mended(infra: Infra, weakness: dict[str, Any], control: str) -> None:
    assert infra.cipipe("protect", "--apply").code == 0
    infra.api("PATCH", "branch_protections/prod", weakness)
    ran = infra.cipipe("protect", "--output", "json")
    assert ran.code == 1
    assert states(ran)[control] == "fail"
    assert infra.cipipe("protect", "--apply").code == 0
    rule = infra.api("GET", "branch_protections/prod")
    assert {key: rule[key] for key in weakness} != weakness


def test_a_pattern_that_comes_first_is_not_changed_but_overtaken(infra: Infra) -> None:
    infra.api("POST", "branch_protections", {"rule_name": "p*", "enable_push": True})
    assert infra.cipipe("protect").code == 1
    assert infra.cipipe("protect", "--apply").code == 0
    pattern = infra.api("GET", "branch_protections/p*")
    assert pattern["enable_push"]
    branch = infra.api("GET", "branches/prod")
    assert branch["effective_branch_protection_name"] == "prod"


def test_a_dry_run_sets_nothing(infra: Infra) -> None:
    ran = infra.cipipe("protect", "--apply", "--dry-run")
    assert ran.code == 1
    assert "--apply would:" in ran.out
    assert infra.api("GET", "branch_protections") == []


def test_what_a_token_may_not_see_is_unknown_and_fails(infra: Infra) -> None:
    infra.cipipe("protect", "--apply")
    ran = infra.cipipe("protect", "--output", "json", by="rita")
    assert ran.code == 1
    assert set(states(ran).values()) == {"unknown", "not-available"}


def test_an_unprotected_environment_asks_for_less(infra: Infra) -> None:
    ran = infra.cipipe("protect", "--env", "staging", "--output", "json")
    assert ran.code == 1
    assert set(states(ran)) == {"pull-request-required", "no-force-push", "no-deletion"}


def test_a_refused_token_is_exit_4(infra: Infra) -> None:
    ran = infra.cipipe("protect", GITEA_TOKEN="no-such-token")
    assert ran.code == 4
    assert "no-such-token" not in ran.out + ran.err
