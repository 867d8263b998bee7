"""`python -m benchmarks COMMAND`: measure, print Markdown tables, exit 1 when a budget is missed."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks import bump, gate, races, report, set_image, startup
from benchmarks.measure import Budget, Result

_runs = click.option("--runs", default=5, show_default=True, help="Timed runs of each contender, in turn.")
_work = click.option(
    "--work",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=tempfile.gettempdir,
    help="Where the runs work; /dev/shm for a RAM disk. [default: the temporary folder]",
)


@click.group()
def main() -> None:
    """Measure cipipe against what people do today; exit 1 when a budget is missed."""


@main.command("bump")
@click.option("--manifests", default=10_000, show_default=True, help="Size of the repository.")
@click.option("--known/--search", default=True, help="A known path, or half of the repository searched.")
@_runs
@_work
def bump_command(manifests: int, known: bool, runs: int, work: Path) -> None:  # noqa: FBT001 - click's flag
    """A bump over HTTP on loopback, against clones with a work tree."""
    found = bump.run(manifests, known=known, runs=runs, work=work)
    ram_disk = "tmpfs" in report.machine(work)
    checked = bump.count_budgets(manifests, known=known, found=found)
    checked += bump.time_budgets(manifests, known=known, found=found, ram_disk=ram_disk)
    how = "known path" if known else f"searching the {manifests // 2:,} of staging"
    _show(f"bump, {manifests:,} manifests, {how}", list(found.values()), checked, work)


@main.command("set-image")
@click.option("--megabytes", default=100, show_default=True, help="Size of all manifests.")
@_runs
@_work
def set_image_command(megabytes: int, runs: int, work: Path) -> None:
    """`set-image` over a folder, against `git grep -lF` and one write."""
    found = set_image.run(megabytes, runs=runs, work=work)
    _show(f"set-image over {megabytes} MB", found, set_image.budgets(*found), work)


@main.command("startup")
@click.option("--runs", default=20, show_default=True, help="Timed runs of each contender, in turn.")
@_work
def startup_command(runs: int, work: Path) -> None:
    """`--version` and `--help`, against `import click`."""
    found = startup.run(runs=runs, work=work)
    _show("start-up", list(found.values()), startup.budgets(found, work), work)


@main.command("gate")
@click.option("--files", default=1000, show_default=True, help="Workflow files of five scripts each.")
@_runs
@_work
def gate_command(files: int, runs: int, work: Path) -> None:
    """What the gate finds in the corpus, and what it costs, against zizmor and conftest."""
    found = gate.run(files=files, runs=runs, work=work)
    checked = [*gate.judged(), *gate.budgets(found, files, work)]
    _show(f"gate over {files:,} workflow files", list(found.values()), checked, work)


@main.command("races")
@click.option("--bumps", default=128, show_default=True, help="Bumps of as many images, in two environments.")
@click.option("--at-once", default=8, show_default=True, help="Processes at a time.")
@_work
def races_command(bumps: int, at_once: int, work: Path) -> None:
    """Bumps at once, each with a pull request: none lost, none twice, none tried again."""
    found, checked = races.run(bumps, at_once=at_once, work=work)
    _show(f"{bumps} bumps with pull requests", [found], checked, work)


def _show(title: str, found: Sequence[Result], checked: Sequence[Budget], work: Path) -> None:
    click.echo(
        f"### {title}\n\n{report.machine(work)}\n\n{report.results(found)}\n\n{report.budgets(checked)}\n"
    )
    if not all(budget.held for budget in checked):
        sys.exit(1)


main()
