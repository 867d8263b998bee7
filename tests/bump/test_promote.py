"""Promotion: exactly what one environment runs enters the next, and nothing moves backwards."""

import json
import subprocess
import sys

import pytest

from tests.bump.conftest import Bench, deployment

CONFIG = """\
version: 1
forge: {kind: none}
images: {app: {repository: ghcr.io/acme/app}, web: {repository: ghcr.io/acme/web}}
environments:
  staging: {repo: '{repo}', branch: main, path: m/staging, delivery: push, source_branches: [main]}
  prod: {repo: '{repo}', branch: prod, path: m/prod, protected: true, promotes: staging}
"""
DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def two(bench: Bench) -> Bench:
    bench.configure(CONFIG)
    bench.origin.git("branch", "prod", "main")
    return bench


def promote(bench: Bench, *arguments: str, code: int = 0) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "cipipe", "promote", *arguments, "--output", "json"],
        cwd=bench.folder, env=bench.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    document = json.loads(done.stdout)
    if "deliveries" not in document:
        return {"error": document["error"]}
    assert document["command"] == "promote"
    (delivery,) = document["deliveries"]
    assert isinstance(delivery, dict)
    return delivery


def test_what_staging_runs_reaches_prod_by_a_branch(two: Bench) -> None:
    two.bump("--env", "staging", "--image", "app=v2", GITHUB_RUN_NUMBER="1")
    before = two.origin.tip("prod")
    delivery = promote(two, "--from", "staging", "--to", "prod")
    assert delivery["status"] == "changed"
    assert two.origin.tip("prod") == before
    assert two.origin.read("m/prod/app.yaml", str(delivery["branch"])) == deployment("ghcr.io/acme/app:v2")
    assert promote(two, "--from", "staging", "--to", "prod")["status"] == "unchanged"


def test_a_digest_goes_along_and_is_never_looked_up(two: Bench) -> None:
    two.origin.commit({"m/staging/app.yaml": deployment(f"ghcr.io/acme/app:v2@{DIGEST}")})
    delivery = promote(two, "--from", "staging", "--to", "prod", "--image", "app")
    assert two.origin.read("m/prod/app.yaml", str(delivery["branch"])) == deployment(
        f"ghcr.io/acme/app:v2@{DIGEST}"
    )


@pytest.mark.parametrize(
    ("staging", "prod", "arguments", "code", "word"),
    [
        ("app:v2", "app:v1", ["--image", "ghcr.io/acme/web"], 3, "ghcr.io/acme/web"),
        ("app:v2", "app:v1", ["--image", "ghcr.io/acme/nowhere"], 1, "does not run"),
        ("app:v1", "app:v2", [], 1, "newer"),
        ("app:v2", f"app:v1@{DIGEST}", [], 1, "pins digests"),
        ("app:v2", "app:v1", ["--image", "app:v2"], 2, "tag"),
        ("other:v2", "app:v1", [], 3, "no configured image"),
    ],
)
def test_what_may_not_enter_is_refused(  # noqa: PLR0917 - the table has five columns
    two: Bench, staging: str, prod: str, arguments: list[str], code: int, word: str
) -> None:
    two.origin.commit({"m/staging/app.yaml": deployment(f"ghcr.io/acme/{staging}")})
    two.origin.commit({"m/prod/app.yaml": deployment(f"ghcr.io/acme/{prod}")}, branch="prod")
    before = two.origin.branches()
    delivery = promote(two, "--from", "staging", "--to", "prod", *arguments, code=code)
    error = delivery["error"]
    assert isinstance(error, dict)
    assert word in error["message"]
    assert two.origin.branches() == before


def test_two_tags_of_one_image_are_refused_with_the_list(two: Bench) -> None:
    two.origin.commit({"m/staging/cron.yaml": deployment("ghcr.io/acme/app:v3")})
    error = promote(two, "--from", "staging", "--to", "prod", "--image", "app", code=1)["error"]
    assert isinstance(error, dict)
    assert "m/staging/app.yaml:9" in error["message"]
    assert "m/staging/cron.yaml:9" in error["message"]


def test_all_that_would_move_backwards_is_listed(two: Bench) -> None:
    for name in ("app", "web"):
        two.origin.commit({f"m/staging/{name}.yaml": deployment(f"ghcr.io/acme/{name}:v1")})
        two.origin.commit({f"m/prod/{name}.yaml": deployment(f"ghcr.io/acme/{name}:v2")}, branch="prod")
    error = promote(two, "--from", "staging", "--to", "prod", code=1)["error"]
    assert isinstance(error, dict)
    assert error["message"] == (
        "'prod' runs ghcr.io/acme/app:v2, which is newer than ghcr.io/acme/app:v1 in 'staging';"
        " 'prod' runs ghcr.io/acme/web:v2, which is newer than ghcr.io/acme/web:v1 in 'staging'"
    )


def test_the_words_are_of_what_moves(two: Bench) -> None:
    for branch, place in (("main", "staging"), ("prod", "prod")):
        two.origin.commit({f"m/{place}/web.yaml": deployment("ghcr.io/acme/web:v1")}, branch=branch)
    two.bump("--env", "staging", "--image", "app=v2", GITHUB_RUN_NUMBER="7")
    branch = str(promote(two, "--from", "staging", "--to", "prod")["branch"])
    message = two.origin.git("log", "-1", "--format=%B", branch)
    assert message.startswith("Bump app to v2 in prod\n")
    assert "Cipipe-Run: 7" in message.splitlines(), "where app:v2 comes from"


def test_a_downgrade_is_allowed_when_asked_for(two: Bench) -> None:
    two.origin.commit({"m/prod/app.yaml": deployment("ghcr.io/acme/app:v9")}, branch="prod")
    delivery = promote(two, "--from", "staging", "--to", "prod", "--allow-downgrade")
    assert two.origin.read("m/prod/app.yaml", str(delivery["branch"])) == deployment("ghcr.io/acme/app:v1")


def test_a_bump_of_a_protected_environment_takes_only_what_is_promoted(two: Bench) -> None:
    run = two.bump("--env", "prod", "--image", "app=v2", code=1)
    assert run.delivery["error"]["kind"] == "policy"
    two.bump("--env", "staging", "--image", "app=v2")
    assert two.bump("--env", "prod", "--image", "app=v2").delivery["status"] == "changed"
    assert set(two.origin.branches()) - {"main", "prod"} == {
        run for run in two.origin.branches() if "prod/" in run
    }


def test_wrong_names_are_usage_errors(two: Bench) -> None:
    assert "error" in promote(two, "--from", "staging", "--to", "staging", code=2)
    assert "error" in promote(two, "--from", "stagin", "--to", "prod", code=2)
