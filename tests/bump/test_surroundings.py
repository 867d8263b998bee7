"""A bump where the machine is not as it should be: cache folders, temporary folders."""

import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.bump.conftest import PUSH, Bench, deployment

APP = ("--env", "staging", "--image", "ghcr.io/acme/app:v2")
COUNT = 8


@pytest.mark.parametrize("state", ["cold", "broken"])
def test_runs_that_share_a_cache_at_the_same_time_all_land(bench: Bench, state: str) -> None:
    bench.configure(PUSH)
    bench.origin.commit({f"m/staging/s{n}.yaml": deployment(f"ghcr.io/acme/s{n}:v1") for n in range(COUNT)})
    cache = bench.folder / "cache"
    if state == "broken":
        bench.bump(*APP, "--cache-dir", str(cache))
        for pack in cache.rglob("*.pack"):
            pack.chmod(0o600)
            pack.write_bytes(b"x" * pack.stat().st_size)

    def one(number: int) -> str:
        image = f"ghcr.io/acme/s{number}:v2"
        run = bench.bump("--env", "staging", "--image", image, "--cache-dir", str(cache))
        return str(run.delivery["status"])

    before = int(bench.origin.git("rev-list", "--count", "main"))
    with ThreadPoolExecutor(COUNT) as pool:
        assert set(pool.map(one, range(COUNT))) == {"changed"}
    assert int(bench.origin.git("rev-list", "--count", "main")) == before + COUNT


def test_a_cache_folder_may_be_relative(bench: Bench) -> None:
    bench.configure(PUSH)
    bench.bump(*APP, CIPIPE_BUMP_CACHE_DIR="cache")
    assert list((bench.folder / "cache").rglob("*.pack"))


@pytest.mark.parametrize("place", ["/proc/none", "file/below"])
def test_a_cache_folder_that_cannot_be_used_is_said_and_done_without(bench: Bench, place: str) -> None:
    bench.configure(PUSH)
    (bench.folder / "file").write_text("")
    run = bench.bump(*APP, "--cache-dir", place)
    assert run.delivery["status"] == "changed"
    assert "the cache folder cannot be used" in run.said


def test_a_temporary_folder_may_be_relative(bench: Bench) -> None:
    bench.configure(PUSH)
    assert bench.bump(*APP, TMPDIR="tmp").delivery["status"] == "changed"
    assert not list((bench.folder / "tmp").iterdir())


@pytest.mark.parametrize("place", ["none", "file"])
def test_a_temporary_folder_that_cannot_be_used_is_exit_4(bench: Bench, place: str) -> None:
    (bench.folder / "file").write_text("")
    folder: Path = bench.folder / place
    run = bench.bump(*APP, code=4, TMPDIR=str(folder))
    assert f"no private folder can be made in {folder}" in run.delivery["error"]["message"]
    assert "TMPDIR" in run.delivery["error"]["hint"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_a_bump_leaves_no_folder_and_no_program(bench: Bench, number: signal.Signals) -> None:
    bench.configure(PUSH)
    bench.server.faults.append(lambda request: "hang" if request.is_push else None)
    process = subprocess.Popen(
        bench.command(*APP), cwd=bench.folder, env=bench.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while not any(request.is_push for request in bench.server.requests):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    said, complaints = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said == b""
    assert complaints.endswith(b"error: interrupted\n")
    assert not list((bench.folder / "tmp").iterdir())


@pytest.mark.parametrize(
    "address", ["git://h/x.git", "./infra", "ssh://-oProxyCommand=x/y", "https://h/../x"]
)
def test_a_wrong_address_names_its_environment(bench: Bench, address: str) -> None:
    (bench.folder / "cipipe.yaml").write_text(PUSH.replace("{repo}", address))
    error = bench.bump(*APP, code=2).document["error"]
    assert error["file"] == "cipipe.yaml"
    assert error["message"].startswith("environments.staging.repo: ")
    assert "https://HOST/PATH.git" in error["hint"]


@pytest.mark.parametrize("seconds", ["nan", "0", "-1", "1e9"])
def test_an_absurd_timeout_is_exit_2(bench: Bench, seconds: str) -> None:
    assert bench.bump(*APP, "--timeout", seconds, code=2).document["error"]["kind"] == "usage"


def test_a_marker_may_use_a_configured_name(bench: Bench) -> None:
    images = "images: {shop: {repository: ghcr.io/acme/frontend}}\nenvironments:"
    bench.configure(PUSH.replace("environments:", images))
    bench.origin.commit({"m/staging/other.yaml": b"version: v1 # cipipe: shop:tag\n"})
    (change,) = bench.bump("--env", "staging", "--image", "shop=v2").delivery["changes"]
    assert (change["kind"], change["new"]) == ("marker", "ghcr.io/acme/frontend:v2")
    assert bench.origin.read("m/staging/other.yaml") == b"version: v2 # cipipe: shop:tag\n"
