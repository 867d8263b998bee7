"""One run of one contender, and tables of them."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.git_http import GitServer

ROOT = Path(__file__).parent.parent
PIPELINE = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_REF_NAME": "main",
    "GITHUB_REF_TYPE": "branch",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_WORKFLOW_REF": "acme/shop/.github/workflows/ci.yml@refs/heads/main",
    "GITHUB_RUN_ID": "1",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_ACTOR": "octocat",
}
"""What a pipeline's step finds in its environment: who bumps, from which branch and commit."""
PYTHON_ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}


@dataclass
class Result:
    """What a contender cost: `seconds` of each timed run; the counts are of one run that was not timed."""

    name: str
    seconds: list[float] = field(default_factory=list)
    commands: int = 0
    files: int = 0
    disk: int = 0
    requests: int = 0
    down: int = 0
    up: int = 0

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Budget:
    """A promise of the design and whether it held."""

    promise: str
    measured: str
    held: bool


def at_most(promise: str, measured: float, limit: float, unit: str = "") -> Budget:
    """`measured` must not exceed `limit`."""
    return Budget(f"{promise} <= {limit:g}{unit}", f"{measured:.3g}{unit}", held=measured <= limit)


def times_faster(promise: str, slow: Result, fast: Result, least: float) -> Budget:
    """The median of `slow` is at least `least` times that of `fast`."""
    ratio = slow.median / fast.median
    return Budget(f"{promise} >= {least:g}x", f"{ratio:.2f}x", held=ratio >= least)


@dataclass(frozen=True)
class Place:
    """Where a contender runs: temporary files in `work`; in the checkout `source`, whose head is `commit`."""

    work: Path
    source: Path | None = None
    commit: str = "1" * 40

    def environment(self, run: int = 2) -> dict[str, str]:
        """Bytecode caches, no personal configuration, and the pipeline's facts; `run` is its run number."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.work),
            "TMPDIR": str(self.work),
            "LANG": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            **PIPELINE,
            "GITHUB_SHA": self.commit,
            "GITHUB_RUN_NUMBER": str(run),
            **PYTHON_ENVIRONMENT,
        }


def count(
    result: Result, module: str, arguments: Sequence[str], place: Place, server: GitServer | None = None
) -> None:
    """Run once under `benchmarks.counted` and note what it cost."""
    report = place.work / "counts.json"
    if server:
        server.requests.clear()
    execute([sys.executable, "-m", "benchmarks.counted", str(report), module, *arguments], place)
    counts = json.loads(report.read_text())
    report.unlink()
    result.commands, result.files, result.disk = len(counts["commands"]), counts["files"], counts["disk"]
    if server:
        result.requests = len(server.requests)
        result.down = sum(request.sent for request in server.requests)
        result.up = sum(request.received for request in server.requests)


def timed(result: Result, argv: Sequence[str], place: Place) -> None:
    """Run once and note the wall time."""
    start = time.perf_counter()
    execute(argv, place)
    result.seconds.append(time.perf_counter() - start)


def execute(argv: Sequence[str], place: Place, run: int = 2) -> None:
    """Run a program that must succeed."""
    done = subprocess.run(
        argv, cwd=place.source or place.work, env=place.environment(run), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
