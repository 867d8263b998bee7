"""A bump from the command line to the bytes in the environment's repository."""

import subprocess
from pathlib import Path

import pytest

from tests.bump.conftest import FILES, PULL_REQUEST, PUSH, Bench, deployment

APP = ("--env", "staging", "--image", "ghcr.io/acme/app:v2")


def test_a_push_changes_the_tag_and_nothing_else(bench: Bench) -> None:
    bench.configure(PUSH)
    before = bench.origin.tip("main")
    delivery = bench.bump(*APP).delivery
    assert delivery["status"] == "changed"
    assert delivery["changes"] == [
        {
            "file": "m/staging/app.yaml",
            "line": 9,
            "path": "spec.template.spec.containers[0].image",
            "kind": "container",
            "old": "ghcr.io/acme/app:v1",
            "new": "ghcr.io/acme/app:v2",
        }
    ]
    assert (delivery["base"], delivery["branch"]) == (before, "main")
    assert bench.origin.tip("main") == delivery["commit"]
    assert bench.origin.read("m/staging/app.yaml") == deployment("ghcr.io/acme/app:v2")
    assert bench.origin.git("diff", "--raw", "--name-only", f"{before}", "main") == "m/staging/app.yaml"
    assert bench.origin.git("diff", "--numstat", f"{before}", "main").split()[:2] == ["1", "1"]
    again = bench.bump(*APP).delivery
    assert (again["status"], again["commit"], again["changes"]) == ("unchanged", None, [])
    assert bench.origin.log() == [delivery["commit"], before]


def test_a_pull_request_branch_stands_once_and_is_replaced_by_a_newer_bump(bench: Bench) -> None:
    base = bench.origin.tip("main")
    first = bench.bump(*APP, GITHUB_RUN_NUMBER="1").delivery
    branch = first["branch"]
    assert branch.startswith("cipipe/staging/app-")
    assert bench.bump(*APP, GITHUB_RUN_NUMBER="1").delivery["status"] == "unchanged"
    assert bench.origin.branches() == {"main": base, branch: first["commit"]}
    newer = bench.bump("--env", "staging", "--image", "ghcr.io/acme/app:v3", GITHUB_RUN_NUMBER="2").delivery
    assert (newer["status"], newer["branch"]) == ("changed", branch)
    assert bench.origin.branches() == {"main": base, branch: newer["commit"]}
    late = bench.bump(*APP, GITHUB_RUN_NUMBER="1").delivery
    assert late["status"] == "superseded"
    assert bench.origin.tip(branch) == newer["commit"]
    allowed = bench.bump(*APP, "--allow-downgrade", GITHUB_RUN_NUMBER="1").delivery
    assert allowed["status"] == "changed"
    assert bench.origin.read("m/staging/app.yaml", branch) == deployment("ghcr.io/acme/app:v2")


def test_the_branch_is_kept_while_the_base_moves_elsewhere(bench: Bench) -> None:
    first = bench.bump(*APP).delivery
    bench.origin.commit({"README.md": b"other\n"})
    assert bench.bump(*APP).delivery["commit"] == first["commit"]
    bench.origin.commit({"m/staging/app.yaml": deployment("ghcr.io/acme/app:v1") + b"# grown\n"})
    second = bench.bump(*APP).delivery
    assert second["status"] == "changed"
    assert bench.origin.git("rev-parse", f"{second['commit']}^") == bench.origin.tip("main")


def test_a_merged_branch_is_no_obstacle_to_the_same_bump_after_a_revert(bench: Bench) -> None:
    first = bench.bump(*APP).delivery
    bench.origin.git("update-ref", "refs/heads/main", first["commit"])
    assert bench.bump(*APP).delivery["status"] == "unchanged"
    bench.origin.commit({"m/staging/app.yaml": deployment("ghcr.io/acme/app:v1")})
    again = bench.bump(*APP).delivery
    assert again["status"] == "changed"
    assert bench.origin.git("rev-parse", f"{again['commit']}^") == bench.origin.tip("main")


def test_a_persons_commit_on_the_branch_is_never_overwritten(bench: Bench) -> None:
    branch = bench.bump(*APP).delivery["branch"]
    theirs = bench.origin.commit({"m/staging/app.yaml": b"mine\n"}, branch=branch)
    run = bench.bump("--env", "staging", "--image", "ghcr.io/acme/app:v3", code=1)
    assert run.delivery["error"]["kind"] == "policy"
    assert bench.origin.tip(branch) == theirs


def test_a_dry_run_prints_the_diff_and_writes_nothing(bench: Bench) -> None:
    before = bench.origin.branches()
    done = subprocess.run(
        bench.command(*APP, "--dry-run"), cwd=bench.folder, env=bench.environment(), capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert (
        "-          image: ghcr.io/acme/app:v1 # kept\n+          image: ghcr.io/acme/app:v2 # kept\n"
        in done.stdout
    )
    assert bench.origin.branches() == before
    assert not [request for request in bench.server.requests if request.is_push]
    assert not list((bench.folder / "tmp").iterdir())


def test_several_environments_are_delivered_and_one_failure_hides_none(bench: Bench) -> None:
    bench.configure(
        PUSH
        + "  other: {repo: '{repo}', branch: nowhere, path: m, delivery: push, source_branches: [main]}\n"
        + "  prod: {repo: '{repo}', branch: main, path: m/prod, delivery: push, source_branches: [release]}\n"
        + "  dev: {repo: '{repo}', branch: dev, path: m/prod, delivery: push, source_branches: [main]}\n"
    )
    bench.origin.git("branch", "dev", "main")
    names = [argument for name in ("staging", "other", "prod", "dev") for argument in ("--env", name)]
    run = bench.bump(*names, "--image", "ghcr.io/acme/app:v2", code=None)
    statuses = [delivery["status"] for delivery in run.document["deliveries"]]
    assert statuses == ["changed", "failed", "failed", "changed"]
    kinds = [(each["error"] or {}).get("kind") for each in run.document["deliveries"]]
    assert kinds == [None, "git", "policy", None]
    assert (run.code, run.document["status"]) == (4, "failed")
    assert bench.origin.read("m/prod/app.yaml", "dev") == deployment("ghcr.io/acme/app:v2")
    assert bench.origin.read("m/staging/app.yaml") == deployment("ghcr.io/acme/app:v2")


def test_several_images_are_one_commit_and_one_branch_whatever_their_order(bench: Bench) -> None:
    images = ["--image", "ghcr.io/acme/app:v2", "--image", "ghcr.io/acme/web:v2"]
    one = bench.bump("--env", "staging", *images).delivery
    two = bench.bump("--env", "staging", *images[2:], *images[:2]).delivery
    assert "-and-1-" in one["branch"]
    assert (two["branch"], two["status"]) == (one["branch"], "unchanged")
    assert bench.origin.git("ls-tree", one["commit"], "m/staging/web.yaml").startswith("100755")


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (["--env", "stagin", "--image", "a/b:v1"], 2, "config"),
        (["--env", "staging", "--image", "ghcr.io/acme/app"], 2, "image"),
        (["--env", "staging", "--image", "ghcr.io/acme/app:v 2"], 2, "image"),
        (["--env", "staging", "--image", "x=v2"], 2, "usage"),
        (["--image", "ghcr.io/acme/app:v2"], 2, "usage"),
    ],
)
def test_a_wrong_request_starts_nothing(bench: Bench, arguments: list[str], code: int, kind: str) -> None:
    run = bench.bump(*arguments, code=code)
    assert run.document["error"]["kind"] == kind
    assert not bench.server.requests


def test_an_image_that_no_field_holds_is_exit_3_and_writes_nothing(bench: Bench) -> None:
    before = bench.origin.branches()
    run = bench.bump(*APP, "--image", "ghcr.io/acme/ap:v2", code=3)
    assert run.delivery["error"]["kind"] == "nothing-matched"
    assert bench.origin.branches() == before


@pytest.mark.parametrize(
    "variables",
    [{"GITHUB_REF": "refs/heads/feature"}, {"GITHUB_REF": "refs/tags/v1"}, {"GITHUB_HEAD_REF": "x"}],
)
def test_only_its_source_branches_may_bump_an_environment(bench: Bench, variables: dict[str, str]) -> None:
    assert bench.bump(*APP, code=1, **variables).delivery["error"]["kind"] == "policy"
    assert not bench.server.requests


def test_the_commit_says_where_it_comes_from(bench: Bench) -> None:
    commit = bench.bump(*APP, GITHUB_RUN_NUMBER="7", GITHUB_SHA="a" * 40).delivery["commit"]
    message = bench.origin.git("log", "-1", "--format=%B", commit)
    for line in (
        "Cipipe-Environment: staging",
        "Cipipe-Image: ghcr.io/acme/app:v2",
        "Cipipe-Source: https://github.com/acme/app",
        f"Cipipe-Source-Commit: {'a' * 40}",
        "Cipipe-Run: 7",
        "Cipipe-Actor: octo",
    ):
        assert line in message.splitlines()


def test_the_repository_of_the_configuration_is_the_default(bench: Bench, tmp_path: Path) -> None:
    bench.configure(PULL_REQUEST.replace("repo: '{repo}', ", ""))
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "origin", bench.origin.url], check=True)
    assert bench.bump(*APP).delivery["status"] == "changed"


def test_nothing_is_left_on_the_machine(bench: Bench) -> None:
    bench.bump(*APP)
    assert not list((bench.folder / "tmp").iterdir())
    assert not list((bench.folder / "home").iterdir())
    assert FILES.keys() == set(bench.origin.git("ls-tree", "-r", "--name-only", "main").splitlines())
