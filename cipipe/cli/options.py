"""The options that commands share, each defined once."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from cipipe import reports

Command = TypeVar("Command", bound=Callable[..., Any])

config = click.option(
    "--config",
    "config_file",
    envvar="CIPIPE_CONFIG",
    metavar="FILE",
    help="The configuration. [default: cipipe.yaml, looked for upwards to the repository's root]",
)
dry_run = click.option("--dry-run", is_flag=True, envvar="CIPIPE_DRY_RUN", help="Show the change; write nothing anywhere.")


def common(*formats: str) -> Callable[[Command], Command]:
    """`--output` with `formats` (text and json when none is named), `--output-file`, `--verbose` and `--quiet`."""
    decorators = (
        click.option(
            "--output",
            "output_format",
            type=click.Choice(formats or reports.EVERYWHERE),
            default="text",
            show_default=True,
            envvar="CIPIPE_OUTPUT",
            help="The report's format.",
        ),
        click.option("--output-file", envvar="CIPIPE_OUTPUT_FILE", metavar="FILE", help="Write the report to FILE."),
        click.option("--verbose", "-v", is_flag=True, envvar="CIPIPE_VERBOSE", help="Say every program that runs."),
        click.option("--quiet", "-q", is_flag=True, envvar="CIPIPE_QUIET", help="Say nothing but the report and errors."),
    )

    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate
