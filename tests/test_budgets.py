"""What a bump may cost, in counts, which no load on the machine moves; wall times are in `benchmarks`."""

from pathlib import Path

import pytest

from benchmarks import bump, startup

MANIFESTS = 10_000


@pytest.mark.parametrize("known", [True, False], ids=["known path", "searching half"])
def test_a_bump_keeps_its_budget(known: bool, tmp_path: Path) -> None:
    found = bump.run(MANIFESTS, known=known, runs=0, work=tmp_path, contenders=(bump.CIPIPE, bump.CACHED))
    missed = [budget for budget in bump.count_budgets(MANIFESTS, known=known, found=found) if not budget.held]
    assert missed == []


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]], ids=" ".join)
def test_starting_up_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    assert startup.imported(["-m", "cipipe", *arguments], tmp_path) & startup.HEAVY == set()
