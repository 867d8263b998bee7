"""Waivers, in real repositories: whose word counts, how long, and for what."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cipipe.cli import run

WORKFLOW = ".github/workflows/ci.yml"
OTHER = ".github/workflows/other.yml"
DEPLOY = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: kubectl apply -f k8s\n"
CREDENTIALS = DEPLOY + "      - run: aws eks update-kubeconfig --name x\n"
CONFIG = "version: 1\nenvironments:\n  dev: {branch: dev, path: dev, source_branches: [main]}\n"
LATER = "2999-01-01"
Gate = Callable[..., tuple[int, list[tuple[str, str | None]], str]]


def waivers(*entries: tuple[str, str, str]) -> str:
    lines = [f'    - {{rule: {r}, file: "{f}", reason: agreed, expires: {day}}}\n' for r, f, day in entries]
    return CONFIG + "gate:\n  waivers:\n" + "".join(lines)


MINE = waivers(("direct-deploy", WORKFLOW, LATER))


class Origin:
    """A repository on the server, with `main`, and clones of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git(folder, "init", "-q", "-b", "main", "work")
        self.work = folder / "work"
        self.commit({WORKFLOW: DEPLOY, "cipipe.yaml": CONFIG})
        self.bare = folder / "origin.git"
        self.git(folder, "clone", "-q", "--bare", "work", "origin.git")
        self.git(self.work, "remote", "add", "origin", self.bare.as_uri())

    @staticmethod
    def git(where: Path, *arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=where, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str]) -> str:
        for path, text in files.items():
            (self.work / path).parent.mkdir(parents=True, exist_ok=True)
            (self.work / path).write_text(text)
        self.git(self.work, "add", "-A")
        self.git(self.work, "commit", "-qm", "x")
        return self.git(self.work, "rev-parse", "HEAD")

    def change(self, files: Mapping[str, str]) -> str:
        """A branch `change` with these files, on the server."""
        self.git(self.work, "checkout", "-qb", "change")
        commit = self.commit(files)
        self.git(self.work, "push", "-q", "origin", "change")
        return commit

    def clone(self, *options: str) -> Path:
        where = self.folder / "clone"
        self.git(self.folder, "clone", "-q", *options, self.bare.as_uri(), str(where))
        return where


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """One on this machine."""
    return Origin(tmp_path)


@pytest.fixture
def gate(capsys: pytest.CaptureFixture[str]) -> Gate:
    """The exit code, each finding's rule with its waiver, and the report for people."""

    def judge(root: Path, *options: str) -> tuple[int, list[tuple[str, str | None]], str]:
        asked = ["gate", str(root), "--engine", "embedded", "--quiet", *options]
        code = run([*asked, "--output", "json"])
        report: dict[str, Any] = json.loads(capsys.readouterr().out)
        run(asked)
        said = capsys.readouterr().out
        return code, [(each["rule"], each["waived"]) for each in report.get("findings", [])], said

    return judge


def pull_request(service: str) -> dict[str, str]:
    return {
        "github": {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_BASE_REF": "main"},
        "gitlab": {
            "GITLAB_CI": "true",
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        },
        "jenkins": {"JENKINS_URL": "http://localhost/", "CHANGE_ID": "1", "CHANGE_TARGET": "main"},
    }[service]


def push(service: str, commit: str) -> dict[str, str]:
    return {
        "github": {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_SHA": commit},
        "gitlab": {"GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_SHA": commit},
        "jenkins": {"JENKINS_URL": "http://localhost/", "GIT_COMMIT": commit},
    }[service]


def set_all(monkeypatch: pytest.MonkeyPatch, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


SERVICES = ["github", "gitlab", "jenkins"]
SHALLOW = ("--depth=1", "--single-branch", "--branch", "change")


@pytest.mark.parametrize("options", [(), SHALLOW], ids=["whole", "shallow"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_change_cannot_waive_itself(
    service: str, options: tuple[str, ...], origin: Origin, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.change({"cipipe.yaml": MINE})
    root = origin.clone("--branch", "change") if not options else origin.clone(*options)
    assert gate(root)[:2] == (0, [("direct-deploy", "agreed")])  # as the files are, at a terminal
    set_all(monkeypatch, pull_request(service))
    code, found, said = gate(root)
    assert (code, found) == (1, [("direct-deploy", None)])
    assert "no waiver counts" not in said  # the base was there, or was fetched


@pytest.mark.parametrize("service", SERVICES)
def test_a_waiver_of_the_base_counts_in_a_change(
    service: str, origin: Origin, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.commit({"cipipe.yaml": MINE})
    origin.git(origin.work, "push", "-q", "origin", "main")
    origin.change({"cipipe.yaml": CONFIG})  # that it takes the waiver out counts when it is merged
    set_all(monkeypatch, pull_request(service))
    root = origin.clone(*SHALLOW)
    before = origin.git(root, "for-each-ref"), origin.git(root, "status", "--porcelain")
    assert gate(root)[:2] == (0, [("direct-deploy", "agreed")])
    assert before == (origin.git(root, "for-each-ref"), origin.git(root, "status", "--porcelain"))


@pytest.mark.parametrize("service", SERVICES)
def test_a_base_that_cannot_be_had(
    service: str, origin: Origin, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.change({"cipipe.yaml": MINE})
    root = origin.clone(*SHALLOW)
    origin.bare.rename(origin.folder / "gone.git")
    set_all(monkeypatch, pull_request(service))
    code, found, said = gate(root)
    assert (code, found) == (1, [("direct-deploy", None)])
    assert "no waiver counts" in said
    assert gate(root, "--base", "main")[0] == 4


@pytest.mark.parametrize("service", SERVICES)
def test_on_a_push_the_pushed_commit_counts(
    service: str, origin: Origin, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = origin.change({"cipipe.yaml": MINE})
    root = origin.clone(*SHALLOW)
    set_all(monkeypatch, push(service, commit))
    assert gate(root)[:2] == (0, [("direct-deploy", "agreed")])
    (root / "cipipe.yaml").write_text(CONFIG)  # what a step of the job wrote does not count
    assert gate(root)[:2] == (0, [("direct-deploy", "agreed")])
    monkeypatch.setenv("GITHUB_BASE_REF", "")
    (root / "cipipe.yaml").write_text(waivers(("cluster-credentials", WORKFLOW, LATER)))
    assert gate(root)[:2] == (0, [("direct-deploy", "agreed")])


@pytest.mark.parametrize("service", SERVICES)
def test_a_folder_of_the_repository_has_the_base_of_the_repository(
    service: str, origin: Origin, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.change({f"part/{WORKFLOW}": DEPLOY, "part/cipipe.yaml": MINE})
    root = origin.clone("--branch", "change")
    assert gate(root / "part")[:2] == (0, [("direct-deploy", "agreed")])
    set_all(monkeypatch, pull_request(service))
    assert gate(root / "part")[:2] == (1, [("direct-deploy", None)])


def test_files_without_git_have_no_base(
    tmp_path: Path, origin: Origin, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "files"
    (root / WORKFLOW).parent.mkdir(parents=True)
    (root / WORKFLOW).write_text(DEPLOY)
    (root / "cipipe.yaml").write_text(MINE)
    assert gate(root)[0] == 0
    set_all(monkeypatch, pull_request("github"))
    code, found, said = gate(root)
    assert (code, found) == (1, [("direct-deploy", None)])
    assert "no waiver counts" in said


TWO = {WORKFLOW: CREDENTIALS, OTHER: DEPLOY}
ALL = [("direct-deploy", None), ("cluster-credentials", None), ("direct-deploy", None)]


@pytest.mark.parametrize(
    ("entries", "waived"),
    [
        ([("direct-deploy", WORKFLOW, LATER)], [0]),
        ([("cluster-credentials", WORKFLOW, LATER)], [1]),
        ([("direct-deploy", OTHER, LATER)], [2]),
        ([("direct-deploy", ".github/workflows/*.yml", LATER)], [0, 2]),
        ([("direct-deploy", "**", LATER)], [0, 2]),
        ([("direct-deploy", ".github/**/o*.yml", LATER)], [2]),
        ([("direct-deploy", WORKFLOW, "2020-01-01"), ("direct-deploy", WORKFLOW, LATER)], [0]),
    ],
)
def test_a_waiver_is_for_one_rule_and_its_files(
    entries: list[tuple[str, str, str]], waived: list[int], origin: Origin, gate: Gate
) -> None:
    origin.commit({**TWO, "cipipe.yaml": waivers(*entries)})
    _, found, _ = gate(origin.work)
    wanted = [(rule, "agreed" if at in waived else None) for at, (rule, _) in enumerate(ALL)]
    assert [each for each in found if each[0] != "waiver"] == wanted


@pytest.mark.parametrize(
    ("rule", "file", "day", "said"),
    [
        (
            "direct-deploy",
            WORKFLOW,
            "2020-01-01",
            f"the waiver of direct-deploy in {WORKFLOW} expired on 2020-01-01",
        ),
        (
            "cluster-credentials",
            WORKFLOW,
            LATER,
            f"no finding of cluster-credentials in {WORKFLOW} needs this waiver",
        ),
        ("direct-deploy", "ci.yml", LATER, "no finding of direct-deploy in ci.yml needs this waiver"),
        ("direct-deploy", ".github/workflows/c?.yml", LATER, "no finding of direct-deploy"),
        ("direct-deploy", "[*", LATER, "no finding of direct-deploy"),
        ("waiver", "cipipe.yaml", LATER, "no finding of waiver in cipipe.yaml needs this waiver"),
    ],
)
def test_what_does_not_count_is_reported(  # noqa: PLR0917 - a row of the table
    rule: str, file: str, day: str, said: str, origin: Origin, gate: Gate
) -> None:
    origin.commit({"cipipe.yaml": waivers((rule, file, day))})
    code, found, text = gate(origin.work)
    assert (code, found) == (1, [("direct-deploy", None), ("waiver", None)])
    assert said in text


@pytest.mark.parametrize("missing", ["rule", "file", "reason", "expires"])
def test_a_waiver_needs_all_of_it(missing: str, origin: Origin, gate: Gate) -> None:
    entry = {"rule": "direct-deploy", "file": WORKFLOW, "reason": "x", "expires": LATER}
    del entry[missing]
    said = ", ".join(f"{key}: {value}" for key, value in entry.items())
    origin.commit({"cipipe.yaml": f"{CONFIG}gate:\n  waivers:\n    - {{{said}}}\n"})
    assert gate(origin.work)[0] == 2
