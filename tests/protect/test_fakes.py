"""`protect` as a command against stateful fakes of GitHub and GitLab."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.protection import GitHubSettings, GitLabSettings, branch
from tests.fakes.server import ApiServer, Fault, once
from tests.protect.conftest import ROOT, Ran

TOKEN = "a-token-of-the-tests"


def configure(folder: Path, forge: ApiServer, kind: str) -> None:
    (folder / "cipipe.yaml").write_text(
        "version: 1\n"
        f"forge: {{kind: {kind}, api_url: '{forge.api_url}'}}\n"
        "environments:\n"
        "  staging:\n"
        "    repo: https://git.example.com/acme/infra.git\n"
        "    branch: main\n"
        "    path: s\n"
        "    source_branches: [main]\n"
        "  prod:\n"
        "    repo: https://git.example.com/acme/infra.git\n"
        "    branch: prod\n"
        "    path: p\n"
        "    protected: true\n"
        "    promotes: staging\n"
        "    required_checks: [{name: cipipe/approvals, app: github-actions}]\n"
    )


def protect(folder: Path, *arguments: str, variables: dict[str, str] | None = None) -> Ran:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "CIPIPE_TOKEN": TOKEN,
        **(variables or {}),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "cipipe", "protect", *arguments],
        cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def bad(ran: Ran) -> dict[str, str]:
    (environment,) = json.loads(ran.out)["environments"]
    found = {each["control"]: each["state"] for each in environment["controls"]}
    return {name: state for name, state in found.items() if state in {"fail", "unknown"}}


def writes(forge: ApiServer) -> list[str]:
    return [str(request) for request in forge.requests if request.method != "GET"]


def test_github_is_set_once_and_holds(tmp_path: Path) -> None:
    with GitHubSettings(TOKEN) as forge:
        configure(tmp_path, forge, "github")
        assert len(bad(protect(tmp_path, "--output", "json"))) == 11
        assert writes(forge) == []
        ran = protect(tmp_path, "--apply", "--output", "json")
        assert (ran.code, bad(ran)) == (0, {})
        assert ran.err.index("plan: make the ruleset 'cipipe prod'") < ran.err.index("done: make the ruleset")
        (made,) = forge.rulesets
        assert made["conditions"]["ref_name"]["include"] == ["refs/heads/prod"]
        assert made["bypass_actors"] == []
        assert forge.workflow == {
            "default_workflow_permissions": "read",
            "can_approve_pull_request_reviews": False,
        }
        before = writes(forge)
        again = protect(tmp_path, "--apply", "--output", "json")
        assert json.loads(again.out)["environments"][0]["plan"] == []
        assert writes(forge) == before


def test_github_mends_its_own_ruleset_and_leaves_the_others(tmp_path: Path) -> None:
    other: dict[str, Any] = {
        "id": 40,
        "name": "theirs",
        "target": "branch",
        "enforcement": "active",
        "bypass_actors": [{"actor_id": 1, "actor_type": "Team"}],
        "conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}},
        "rules": [{"type": "deletion"}],
    }
    with GitHubSettings(TOKEN) as forge:
        forge.rulesets.append(dict(other))
        configure(tmp_path, forge, "github")
        assert protect(tmp_path, "--apply").code == 0
        forge.rulesets[-1]["enforcement"] = "evaluate"
        forge.rulesets[-1]["bypass_actors"] = [{"actor_id": 9, "actor_type": "Integration"}]
        assert protect(tmp_path).code == 1
        assert protect(tmp_path, "--apply").code == 0
        assert len(forge.rulesets) == 2
        assert forge.rulesets[0] == other


def test_github_hides_from_a_token_that_may_not_write(tmp_path: Path) -> None:
    with GitHubSettings(TOKEN) as forge:
        configure(tmp_path, forge, "github")
        assert protect(tmp_path, "--apply").code == 0
        forge.admin = False
        ran = protect(tmp_path, "--output", "json")
        assert ran.code == 1
        assert bad(ran) == {"no-bypass": "unknown", "actions-cannot-approve": "unknown"}
        ran = protect(tmp_path, "--env", "staging", "--output", "json")
        assert set(bad(ran).values()) == {"unknown"}
        assert ran.code == 0, "what is not protected may be unknown"


def test_a_lost_answer_and_a_rate_limit_end_well(tmp_path: Path) -> None:
    with GitHubSettings(TOKEN) as forge:
        configure(tmp_path, forge, "github")
        forge.faults += [once(Fault("502")), once(Fault("retry-after")), once(Fault("truncated"), count=2)]
        assert bad(protect(tmp_path, "--output", "json"))
        forge.faults = [once(Fault("drop", after=True), lambda request: request.method == "POST")]
        assert protect(tmp_path, "--apply").code == 4
        assert len(forge.rulesets) == 1
        assert protect(tmp_path, "--apply").code == 0
        assert len(forge.rulesets) == 1


def test_an_error_in_the_middle_says_what_was_set(tmp_path: Path) -> None:
    with GitHubSettings(TOKEN) as forge:
        configure(tmp_path, forge, "github")
        forge.faults = [once(Fault("403"), lambda request: request.method == "PUT")]
        ran = protect(tmp_path, "--apply")
        assert ran.code == 4
        assert "set before that in 'prod': make the ruleset 'cipipe prod'" in ran.err
        assert "run it again" in ran.err
        assert len(forge.rulesets) == 1
        assert protect(tmp_path, "--apply").code == 0
        assert writes(forge)[-1] == "PUT /repos/acme/infra/actions/permissions/workflow"


def test_a_redirect_takes_no_token_along(tmp_path: Path) -> None:
    with GitHubSettings(TOKEN) as forge, GitHubSettings(TOKEN) as elsewhere:
        configure(tmp_path, forge, "github")
        forge.elsewhere = elsewhere.base
        forge.faults = [lambda _: Fault("redirect")]
        assert protect(tmp_path).code == 4
        assert elsewhere.requests == []


@pytest.mark.parametrize("premium", [True, False])
def test_gitlab_is_set_once_and_holds(tmp_path: Path, premium: bool) -> None:
    with GitLabSettings(TOKEN, premium=premium) as forge:
        forge.branches.append(branch("prod"))
        configure(tmp_path, forge, "gitlab")
        assert protect(tmp_path).code == 1
        ran = protect(tmp_path, "--apply", "--output", "json")
        assert (ran.code, bad(ran)) == (0, {})
        assert [level["access_level"] for level in forge.branches[0]["push_access_levels"]] == [0]
        assert forge.project["only_allow_merge_if_pipeline_succeeds"] is True
        before = writes(forge)
        assert protect(tmp_path, "--apply").code == 0
        assert writes(forge) == before


def test_gitlab_without_premium_and_without_the_gate_fails(tmp_path: Path) -> None:
    with GitLabSettings(TOKEN, premium=False) as forge:
        forge.ci = "build: {script: [make]}"
        configure(tmp_path, forge, "gitlab")
        ran = protect(tmp_path, "--apply", "--output", "json")
        assert ran.code == 1
        assert bad(ran)["approvals"] == "fail"


def test_every_format(tmp_path: Path) -> None:
    with GitHubSettings(TOKEN) as forge:
        configure(tmp_path, forge, "github")
        text = protect(tmp_path)
        assert "prod: 1 of 12 controls hold" in text.out
        assert "  FAIL     approvals" in text.out
        assert "--apply would:" in text.out
        summary = tmp_path / "summary.md"
        protect(tmp_path, variables={"GITHUB_STEP_SUMMARY": str(summary)})
        assert "| ❌ | approvals | `nothing protects the branch 'prod'` |" in summary.read_text()
        assert "- `--apply` would: `make the ruleset 'cipipe prod'" in summary.read_text()
        sarif: Any = json.loads(protect(tmp_path, "--output", "sarif").out)
        results = sarif["runs"][0]["results"]
        assert "protect-approvals" in {each["ruleId"] for each in results}
        suite = ET.fromstring(protect(tmp_path, "--output", "junit").out).find("testsuite")  # noqa: S314 - ours
        assert suite is not None
        assert suite.get("failures") == str(len(results))
        assert protect(tmp_path, "--output", "github").out.count("::error") == len(results)
        assert len(json.loads(protect(tmp_path, "--output", "gitlab").out)) == len(results)


def test_what_cannot_be_asked(tmp_path: Path) -> None:
    config = (
        "version: 1\nenvironments:\n  dev: {repo: '%s', branch: main, path: m, source_branches: [main]}\n"
    )
    (tmp_path / "cipipe.yaml").write_text(config % tmp_path)
    assert protect(tmp_path).code == 3, "no protected environment"
    assert protect(tmp_path, "--env", "dev").code == 2, "on no forge"
    assert protect(tmp_path, "--env", "dve").code == 2, "no such environment"
