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


def environment(work: Path) -> dict[str, str]:
    """What a measured child gets: bytecode caches, temporary files in `work`, no personal configuration."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(work),
        "TMPDIR": str(work),
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        **PYTHON_ENVIRONMENT,
    }


def count(
    result: Result, module: str, arguments: Sequence[str], work: Path, server: GitServer | None = None
) -> None:
    """Run once under `benchmarks.counted` and note what it cost."""
    report = work / "counts.json"
    if server:
        server.requests.clear()
    _run([sys.executable, "-m", "benchmarks.counted", str(report), module, *arguments], work)
    counts = json.loads(report.read_text())
    report.unlink()
    result.commands, result.files, result.disk = len(counts["commands"]), counts["files"], counts["disk"]
    if server:
        result.requests = len(server.requests)
        result.down = sum(request.sent for request in server.requests)
        result.up = sum(request.received for request in server.requests)


def timed(result: Result, argv: Sequence[str], work: Path) -> None:
    """Run once and note the wall time."""
    start = time.perf_counter()
    _run(argv, work)
    result.seconds.append(time.perf_counter() - start)


def _run(argv: Sequence[str], work: Path) -> None:
    done = subprocess.run(
        argv,
        cwd=work,
        env=environment(work),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
