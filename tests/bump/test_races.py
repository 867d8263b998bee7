"""Races, faults and kills: no push is ever lost or made twice, and a newer tag is never overwritten."""

import json
import random
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cipipe import failpoints
from tests.bump.conftest import PULL_REQUEST, PUSH, Bench, Run, deployment
from tests.servers.git_http import sometimes, times
from tests.servers.origin import Content

APP = ("--env", "staging", "--image", "ghcr.io/acme/app:v2")


def services(count: int) -> dict[str, Content]:
    return {f"m/staging/s{n:03}.yaml": deployment(f"ghcr.io/acme/s{n:03}:v1") for n in range(count)}


def together(bench: Bench, count: int, *extra: str) -> list[Run]:
    """One process each, as many at a time as a busy evening has; each bumps a service of its own."""
    bench.origin.commit(services(count))

    def one(number: int) -> Run:
        return bench.bump("--env", "staging", "--image", f"ghcr.io/acme/s{number:03}:v2", *extra)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_64_bumps_of_one_branch_all_land_in_a_line(bench: Bench) -> None:
    bench.configure(PUSH)
    runs = together(bench, 64, "--timeout", "300")
    assert {run.delivery["status"] for run in runs} == {"changed"}
    commits = [run.delivery["commit"] for run in runs]
    assert set(bench.origin.log()[:64]) == set(commits)
    assert len(set(commits)) == 64
    assert bench.origin.git("rev-list", "--count", "main") == str(2 + 64)
    assert not bench.origin.git("rev-list", "--merges", "main")
    for number in range(64):
        assert bench.origin.read(f"m/staging/s{number:03}.yaml") == deployment(
            f"ghcr.io/acme/s{number:03}:v2"
        )


def test_32_pull_requests_need_no_second_try(bench: Bench) -> None:
    runs = together(bench, 32)
    assert {run.delivery["status"] for run in runs} == {"changed"}
    assert len(bench.origin.branches()) == 1 + 32
    assert len([request for request in bench.server.requests if request.is_push]) == 32


def test_lost_answers_and_an_overloaded_server_neither_lose_nor_double_a_bump(bench: Bench) -> None:
    bench.configure(PUSH)
    bench.server.faults.append(sometimes("unavailable", 0.15, seed=3))
    bench.server.faults.append(sometimes("drop-answer", 0.30, seed=4, only=lambda request: request.is_push))
    runs = together(bench, 16, "--timeout", "300")
    assert {run.delivery["status"] for run in runs} == {"changed"}
    assert bench.origin.git("rev-list", "--count", "main") == str(2 + 16)


@pytest.mark.parametrize("seed", range(2))
def test_the_newest_tag_stays_whatever_order_the_pipelines_finish_in(bench: Bench, seed: int) -> None:
    bench.configure(PUSH)
    numbers = list(range(2, 20))
    random.Random(seed).shuffle(numbers)  # noqa: S311 - an order, no secret

    def one(number: int) -> Run:
        image = f"ghcr.io/acme/app:v{number}"
        return bench.bump("--env", "staging", "--image", image, GITHUB_RUN_NUMBER=str(number))

    with ThreadPoolExecutor(3) as pool:
        statuses = {run.delivery["status"] for run in pool.map(one, numbers)}
    assert statuses <= {"changed", "superseded"}
    assert bench.origin.read("m/staging/app.yaml") == deployment("ghcr.io/acme/app:v19")


@pytest.mark.parametrize("configuration", [PUSH, PULL_REQUEST], ids=["push", "pull-request"])
@pytest.mark.parametrize("point", [name for name in failpoints.NAMES if name not in {"proposed", "labelled"}])
def test_a_run_after_a_kill_ends_as_if_there_had_been_none(
    bench: Bench, point: str, configuration: str
) -> None:
    bench.configure(configuration)
    start = bench.origin.tip("main")
    killed = bench.bump(*APP, code=None, CIPIPE_FAILPOINT=point)
    assert killed.code == -9
    delivery = bench.bump(*APP).delivery
    branch = "main" if configuration == PUSH else delivery["branch"]
    assert bench.origin.log(branch)[1:] == [start]
    assert bench.origin.read("m/staging/app.yaml", branch) == deployment("ghcr.io/acme/app:v2")
    assert bench.origin.git("diff", "--name-only", f"{start}", branch) == "m/staging/app.yaml"
    assert len(bench.origin.branches()) == (1 if configuration == PUSH else 2)
    assert not list((bench.folder / "tmp").iterdir())


def test_kills_at_any_time_leave_one_commit(bench: Bench) -> None:
    moments = random.Random(5)  # noqa: S311 - moments, no secrets
    start = bench.origin.tip("main")
    for _ in range(8):
        process = subprocess.Popen(
            bench.command(*APP), cwd=bench.folder, env=bench.environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(moments.uniform(0.1, 0.6))
        process.kill()
        process.wait()
    branch = bench.bump(*APP).delivery["branch"]
    assert bench.origin.branches().keys() == {"main", branch}
    assert bench.origin.log(branch)[1:] == [start]


def test_a_neighbours_line_that_moved_meanwhile_is_kept(bench: Bench) -> None:
    bench.configure(PUSH)
    both = deployment("ghcr.io/acme/app:v1").replace(
        b"          image", b"          env: [{name: A, value: old}]\n          image"
    )
    bench.origin.commit({"m/staging/app.yaml": both})
    moved = both.replace(b"old", b"new")
    once: list[bool] = []

    def meanwhile(request: object) -> None:
        if getattr(request, "is_push", False) and not once:
            once.append(True)
            bench.origin.commit({"m/staging/app.yaml": moved})

    bench.server.faults.append(meanwhile)
    assert bench.bump(*APP).delivery["status"] == "changed"
    assert bench.origin.read("m/staging/app.yaml") == moved.replace(b":v1", b":v2")
    assert once


@pytest.mark.parametrize(
    ("hook", "word"),
    [("echo '::error::no %0A \x1b[31m'; exit 1", "pre-receive hook declined"), ("exit 1", "declined")],
)
def test_a_rule_of_the_server_ends_it_at_once_with_its_words_escaped(
    bench: Bench, hook: str, word: str
) -> None:
    bench.configure(PUSH)
    bench.origin.hook("pre-receive", hook)
    run = bench.bump(*APP, code=4)
    assert run.delivery["error"]["kind"] == "rejected"
    assert word in run.delivery["error"]["message"]
    assert "\x1b" not in run.said + json.dumps(run.document, ensure_ascii=False)
    assert not [line for line in run.said.splitlines() if line.startswith("::")]
    assert len([request for request in bench.server.requests if request.is_push]) == 1


def test_a_branch_that_cannot_exist_beside_another_is_named(bench: Bench) -> None:
    bench.origin.git("branch", "cipipe", "main")
    run = bench.bump(*APP, code=4)
    assert "'cipipe'" in run.delivery["error"]["message"]


def test_a_lock_on_the_server_is_waited_for(bench: Bench) -> None:
    bench.configure(PUSH)
    lock = bench.origin.folder / "refs/heads/main.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(bench.bump, *APP)
        while not any(request.is_push for request in bench.server.requests):
            time.sleep(0.02)
        time.sleep(0.3)
        lock.unlink()
        assert run.result().delivery["status"] == "changed"


def test_a_server_that_says_nothing_ends_at_the_deadline(bench: Bench) -> None:
    bench.server.faults.append(times("hang", 1000))
    started = time.monotonic()
    run = bench.bump(*APP, "--timeout", "3", code=4)
    assert run.delivery["error"]["kind"] == "deadline"
    assert time.monotonic() - started < 12
