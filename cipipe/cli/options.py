"""The options that commands share, each defined once."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from cipipe import reports
from cipipe.cli import output
from cipipe.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

config = click.option(
    "--config",
    "config_file",
    envvar="CIPIPE_CONFIG",
    metavar="FILE",
    help="The configuration. [default: cipipe.yaml, looked for upwards to the repository's root]",
)
dry_run = click.option(
    "--dry-run", is_flag=True, envvar="CIPIPE_DRY_RUN", help="Show the change; write nothing anywhere."
)


def common(*formats: str) -> Callable[[Command], Callable[..., Any]]:
    """`--output` with `formats` (text and json when none is named), `--output-file`, `--verbose`, `--quiet`.

    The command gets `output_format` and `output_file`; the others only set up the progress around it.
    """
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
        click.option(
            "--output-file",
            envvar="CIPIPE_OUTPUT_FILE",
            metavar="FILE",
            callback=lambda _context, _option, value: output.check_output_file(value),
            help="Write the report to FILE.",
        ),
        click.option(
            "--verbose", "-v", is_flag=True, envvar="CIPIPE_VERBOSE", help="Say every program that runs."
        ),
        click.option(
            "--quiet",
            "-q",
            is_flag=True,
            envvar="CIPIPE_QUIET",
            help="Say nothing but the report and errors.",
        ),
    )

    def decorate(command: Command) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_progress(*arguments: Any, verbose: bool, quiet: bool, **options: Any) -> Any:
            from cipipe.cli import progress  # noqa: PLC0415 - `--help` needs no logging

            if verbose and quiet:
                raise UsageError("--verbose and --quiet contradict each other", hint="give one of them")
            progress.start(verbose=verbose, quiet=quiet)
            return command(*arguments, **options)

        decorated: Callable[..., Any] = with_progress
        for decorator in reversed(decorators):
            decorated = decorator(decorated)
        return decorated

    return decorate
