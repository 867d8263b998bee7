"""`cipipe status`."""

import os
from pathlib import Path

import click

from cipipe.cli import options, output


@click.command("status", epilog="Example: cipipe status --html board.html")
@click.option(
    "--env", "environments", multiple=True, metavar="NAME", help="Only this environment; may be repeated."
)
@click.option("--html", "page", metavar="FILE", help="Write the board to FILE too, as one page for a screen.")
@options.config
@options.common()
def command(
    environments: tuple[str, ...],
    page: str | None,
    config_file: str | None,
    output_format: str,
    output_file: str | None,
) -> int:
    """A board: the tags that each environment's branch holds, waiting bumps, what a promotion would move."""
    from cipipe.cli import configuration  # noqa: PLC0415 - `--help` needs no YAML
    from cipipe.status import status  # noqa: PLC0415
    from cipipe.tasks import Options  # noqa: PLC0415 - nor Git

    output.check_output_file(page)
    config = configuration.read(config_file)
    outcome = status(config, environments, Options(), environ=os.environ, folder=Path.cwd())
    if page:
        output.report(outcome, "html", page)
    return output.report(outcome, output_format, output_file)
