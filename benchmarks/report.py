"""Tables for people: results, budgets, and the machine that they were measured on."""

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Budget, Result


def machine(work: Path) -> str:
    """Cores, memory, file system, versions and date, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    file_system = _said("stat", "--file-system", "--format=%T", str(work))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}; {os.cpu_count()} cores, {memory:.0f} GiB, {file_system}; "
        f"{_said('git', 'version')}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.release()}"
    )


def results(found: Iterable[Result]) -> str:
    """One line for each contender; a column that is zero in all of them is left out."""
    header = ("", "median s", "range s", "git commands", "requests", "kB down", "files", "kB on disk")
    rows = [
        (
            result.name,
            f"{result.median:.3f}",
            f"{min(result.seconds):.3f}-{max(result.seconds):.3f}",
            result.commands,
            result.requests,
            f"{result.down / 1000:,.0f}",
            f"{result.files:,}",
            f"{result.disk / 1000:,.0f}",
        )
        for result in found
    ]
    told = [at for at in range(len(header)) if any(str(row[at]) != "0" for row in rows)]
    return table([header[at] for at in told], [[row[at] for at in told] for row in rows])


def budgets(checked: Iterable[Budget]) -> str:
    """One line for each promise."""
    rows = [(budget.promise, budget.measured, "held" if budget.held else "**missed**") for budget in checked]
    return table(("budget", "measured", ""), rows)


def table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _said(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
