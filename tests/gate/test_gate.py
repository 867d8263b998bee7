"""`cipipe gate` from the command line: exit codes, options, trust, waivers, hostile repositories."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cipipe.cli import run

WORKFLOW = ".github/workflows/ci.yml"
DEPLOY = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: kubectl apply -f k8s\n"
HARMLESS = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: kubectl diff -f k8s\n"
UNKNOWN = "on: push\njobs:\n  a:\n    runs-on: x\n    {more}\n    steps:\n      - run: kubectl $VERB -f k8s\n"
CONFIG = """\
version: 1
environments:
  prod: {branch: prod, path: k8s, protected: true, source_branches: [main]}
  dev: {branch: dev, path: dev, source_branches: [main]}
gate:
  waivers:
"""
WAIVER = (
    "    - {{rule: direct-deploy, file: .github/workflows/ci.yml, reason: moves soon, expires: {expires}}}\n"
)


class Repository:
    """A folder with files, and the gate run on it."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capsys = capsys

    def write(self, path: str, text: str) -> "Repository":
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return self

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]
        return subprocess.run(
            ["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout.strip()

    def gate(self, *arguments: str, path: str | None = None) -> tuple[int, dict[str, Any]]:
        asked = ["gate", str(self.root) if path is None else path, "--output", "json", "--quiet"]
        if "--engine" not in arguments and "--policy" not in arguments:
            asked += ["--engine", "embedded"]
        code = run([*asked, *arguments])
        return code, json.loads(self._capsys.readouterr().out)


@pytest.fixture
def repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Repository:
    """An empty one."""
    (tmp_path / "repo").mkdir()
    return Repository(tmp_path / "repo", capsys)


def places(report: dict[str, Any]) -> list[tuple[str, int]]:
    return [(finding["rule"], finding["line"]) for finding in report["findings"]]


def test_a_deploy_is_exit_1(repository: Repository) -> None:
    code, report = repository.write(WORKFLOW, DEPLOY).gate()
    assert code == 1
    assert report["findings"] == [
        {
            "rule": "direct-deploy", "severity": "error", "verdict": "deny", "file": WORKFLOW, "line": 6,
            "column": 14,
            "message": "kubectl apply changes a cluster from the pipeline", "command": "kubectl apply -f k8s",
            "via": [], "waived": None,
        }
    ]  # fmt: skip
    assert report["files"] == {"read": 1, "followed": 0}
    skipped = {each["rule"]: each["why"] for each in report["rules"]["skipped"]}
    assert skipped.keys() == {"approvals", "branch-route", "unknown-environment"}
    assert skipped["unknown-environment"] == "there is no cipipe.yaml"


def test_nothing_found_is_exit_0(repository: Repository) -> None:
    code, report = repository.write(WORKFLOW, HARMLESS).gate()
    assert (code, report["findings"]) == (0, [])


def test_nothing_to_judge_is_exit_3(repository: Repository) -> None:
    code, report = repository.write("README.md", "kubectl apply -f k8s\n").gate()
    assert (code, report["findings"], report["files"]["read"]) == (3, [], 0)


@pytest.mark.parametrize(
    ("more", "strict", "code"),
    [("", False, 0), ("", True, 1), ("environment: prod", False, 1), ("environment: dev", False, 0)],
)
def test_what_is_not_known_is_an_error_where_it_matters(
    repository: Repository, more: str, strict: bool, code: int
) -> None:
    repository.write(WORKFLOW, UNKNOWN.format(more=more)).write(
        "cipipe.yaml", CONFIG.replace("gate:\n  waivers:\n", "")
    )
    found, report = repository.gate(*(["--strict"] if strict else []))
    assert (found, [finding["verdict"] for finding in report["findings"]]) == (code, ["unresolved"])


def test_a_job_that_runs_on_a_protected_branch(repository: Repository) -> None:
    text = UNKNOWN.format(more="").replace("on: push", "on:\n  push:\n    branches: [prod]")
    repository.write(WORKFLOW, text).write("cipipe.yaml", CONFIG.replace("gate:\n  waivers:\n", ""))
    assert repository.gate()[0] == 1


def test_one_file_and_a_script(repository: Repository) -> None:
    repository.write(WORKFLOW, DEPLOY).write("ops/x.sh", "echo a\nkubectl apply -f k8s\n").git("init", "-q")
    code, report = repository.gate(path=str(repository.root / "ops/x.sh"))
    assert (code, [finding["file"] for finding in report["findings"]], places(report)) == (
        1,
        ["ops/x.sh"],
        [("direct-deploy", 2)],
    )


def test_only_and_skip(repository: Repository) -> None:
    repository.write(WORKFLOW, DEPLOY)
    assert repository.gate("--skip", "direct-deploy")[0] == 0
    assert repository.gate("--only", "cluster-credentials")[1]["rules"]["run"] == ["cluster-credentials"]
    code, report = repository.gate("--only", "direct-deply")
    assert (code, report["error"]["hint"]) == (2, "did you mean 'direct-deploy'?")
    assert repository.gate("--only", "direct-deploy", "--skip", "direct-deploy")[0] == 3


def test_nothing_at_path(repository: Repository) -> None:
    assert repository.gate(path=str(repository.root / "none"))[0] == 2


@pytest.mark.parametrize(
    ("expires", "code", "waived"), [("2999-01-01", 0, "moves soon"), ("2020-01-01", 1, None)]
)
def test_a_waiver_counts_until_it_expires(
    repository: Repository, expires: str, code: int, waived: str | None
) -> None:
    repository.write(WORKFLOW, DEPLOY).write("cipipe.yaml", CONFIG + WAIVER.format(expires=expires))
    found, report = repository.gate()
    assert (found, report["findings"][0]["waived"]) == (code, waived)
    assert [finding["rule"] for finding in report["findings"][1:]] == ([] if waived else ["waiver"])


def test_a_waiver_that_nothing_needs_is_a_warning(repository: Repository) -> None:
    repository.write(WORKFLOW, HARMLESS).write("cipipe.yaml", CONFIG + WAIVER.format(expires="2999-01-01"))
    code, report = repository.gate()
    assert (code, places(report)) == (0, [("waiver", 7)])


def test_a_change_cannot_waive_itself(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.write(WORKFLOW, HARMLESS).write("cipipe.yaml", CONFIG.replace("gate:\n  waivers:\n", "")).git(
        "init", "-q"
    )
    repository.git("add", ".")
    repository.git("commit", "-qm", "a")
    repository.git("checkout", "-qb", "change")
    repository.write(WORKFLOW, DEPLOY).write("cipipe.yaml", CONFIG + WAIVER.format(expires="2999-01-01"))
    repository.git("commit", "-qam", "b")
    assert repository.gate()[0] == 0
    assert repository.gate("--base", "main")[0] == 1
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request")
    assert repository.gate()[0] == 1


def test_without_its_base_no_waiver_counts(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write(WORKFLOW, DEPLOY).write("cipipe.yaml", CONFIG + WAIVER.format(expires="2999-01-01")).git(
        "init", "-q"
    )
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request")
    assert repository.gate()[0] == 1
    assert run(["gate", str(repository.root), "--quiet", "--engine", "embedded"]) == 1
    assert "no waiver counts" in capsys.readouterr().out
    assert repository.gate("--base", "main")[0] == 4


def test_rules_of_ones_own(
    repository: Repository, tool: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", f"{Path(tool('conftest')).parent}:{os.environ['PATH']}")
    (tmp_path / "rules").mkdir()
    rule = """package acme.reads

import rego.v1

deny contains {"msg": "no diff here", "id": c.id} if {
	some c in input.facts.command
	c.verb == "diff"
}
"""
    (tmp_path / "rules/reads.rego").write_text(rule)
    code, report = repository.write(WORKFLOW, HARMLESS).gate("--policy", str(tmp_path / "rules"))
    assert (code, [(f["rule"], f["line"], f["message"]) for f in report["findings"]]) == (
        1,
        [("acme.reads", 6, "no diff here")],
    )
    assert repository.gate("--policy", str(tmp_path / "rules"), "--engine", "embedded")[0] == 4


def test_without_conftest(repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    repository.write(WORKFLOW, HARMLESS)
    assert repository.gate("--engine", "conftest")[0] == 4
    (tmp_path / "x.rego").write_text('package x\n\ndeny contains "x" if false\n')
    assert repository.gate("--policy", str(tmp_path))[0] == 4


def test_links_out_of_the_repository_are_findings(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "secret.yml").write_text(DEPLOY)
    repository.write(WORKFLOW, HARMLESS)
    (repository.root / ".github/workflows/link.yml").symlink_to(tmp_path / "secret.yml")
    code, report = repository.gate()
    assert [(finding["file"], finding["verdict"]) for finding in report["findings"]] == [
        (".github/workflows/link.yml", "unresolved")
    ]
    assert code == 0


HOSTILE = {
    "deep lists": "a: " + "[" * 25_000,
    "deep blocks": "".join("- " for _ in range(25_000)),
    "alias bomb": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(12)),
    "large script": "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: |\n"
    + "          echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" * 250_000,
    "long line": "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo "
    + "a" * 900_000
    + "\n",
    "deep substitutions": "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo "
    + "$(" * 3000
    + "\n",
    "doubling": "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: |\n          a=xxxxxxxx\n"
    + "          a=$a$a$a$a\n" * 60
    + "          $a apply\n",
    "not text": "\x00\x01\x02",
    "empty": "",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_soon_in_a_finding(repository: Repository, name: str) -> None:
    started = time.monotonic()
    code, report = repository.write(WORKFLOW, HOSTILE[name]).gate()
    assert time.monotonic() - started < 4  # 2 s on a machine of its own
    assert code in {0, 1}
    assert report["files"]["read"] == 1
    if name != "long line":
        assert [finding["verdict"] for finding in report["findings"]]
