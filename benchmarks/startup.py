"""Start-up of the command line, against `python -c "import click"`."""

import subprocess
import sys
from pathlib import Path

from benchmarks.measure import Budget, Place, Result, timed

CLICK = 'python -c "import click"'
CONTENDERS = {
    CLICK: ["-c", "import click"],
    "cipipe --version": ["-m", "cipipe", "--version"],
    "cipipe --help": ["-m", "cipipe", "--help"],
}
HEAVY = frozenset({"git", "docker", "github", "gitlab", "ruamel", "yaml", "rich"})


def run(*, runs: int, work: Path) -> dict[str, Result]:
    """Each in turn, after one that fills the bytecode caches."""
    found = {name: Result(name) for name in CONTENDERS}
    for timing in range(runs + 1):
        for name, result in found.items():
            timed(result if timing else Result("warm-up"), [sys.executable, *CONTENDERS[name]], Place(work))
    return found


def budgets(found: dict[str, Result], work: Path) -> list[Budget]:
    """Within 40 ms, and nothing heavy imported."""
    checked = []
    for name in ("cipipe --version", "cipipe --help"):
        more = (found[name].median - found[CLICK].median) * 1000
        checked.append(Budget(f"{name} over import click <= 40 ms", f"{more:.1f} ms", held=more <= 40))
        heavy = imported(CONTENDERS[name], work) & HEAVY
        checked.append(
            Budget(f"{name} imports nothing heavy", ", ".join(sorted(heavy)) or "-", held=not heavy)
        )
    return checked


def imported(arguments: list[str], work: Path) -> set[str]:
    """The top-level packages that a run of Python imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        env=Place(work).environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
