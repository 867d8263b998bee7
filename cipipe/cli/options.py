"""The options that commands share, each defined once."""

import functools
from collections.abc import Callable
from pathlib import Path
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

container = click.option(
    "--container", metavar="NAME", help="Change only the container of this name; none is exit 3."
)
key = click.option(
    "--key", metavar="PATH", help="Change only the scalar at this dotted path; REF may then be `:TAG` alone."
)


def delivery(command: Command) -> Command:
    """The options of a delivery."""
    for option in reversed(
        (
            click.option(
                "--cache-dir",
                type=click.Path(file_okay=False, path_type=Path),
                metavar="DIR",
                help="Keep Git objects here between runs; safe to share, and to lose.",
            ),
            click.option(
                "--sign", is_flag=True, help="Sign the commit with the key of the user's Git configuration."
            ),
            click.option(
                "--allow-downgrade", is_flag=True, help="Overwrite what a newer run has set, as well."
            ),
            click.option(
                "--reopen", is_flag=True, help="Propose again what a person closed without merging it."
            ),
            click.option(
                "--timeout",
                type=click.IntRange(min=1, max=86_400),
                default=120,
                show_default=True,
                metavar="SECONDS",
                help="How long one environment's delivery may take.",
            ),
        )
    ):
        command = option(command)
    return command


def _names(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Values that are the names of something."""
    for value in values:
        if not value.strip() or not value.isprintable():
            raise click.BadParameter("it must be a name, on one line", context, option)
    return tuple(value.strip() for value in values)


def pull_request(command: Command) -> Command:
    """The options of a pull request."""
    for option in reversed(
        (
            click.option(
                "--label",
                "labels",
                multiple=True,
                metavar="NAME",
                callback=_names,
                help="A label of the pull request, besides the configured ones; may be repeated.",
            ),
            click.option(
                "--reviewer",
                "reviewers",
                multiple=True,
                metavar="NAME",
                callback=_names,
                help="A person or team (ORG/TEAM) asked for a review, besides those configured; repeatable.",
            ),
            click.option(
                "--assignee",
                "assignees",
                multiple=True,
                metavar="NAME",
                callback=_names,
                help="A person to assign the pull request to, besides those configured; may be repeated.",
            ),
            click.option(
                "--draft/--no-draft",
                default=None,
                help="Open the pull request as a draft, or not. [default: as configured]",
            ),
        )
    ):
        command = option(command)
    return command


def common(*formats: str) -> Callable[[Command], Callable[..., Any]]:
    """`--output` with `formats` (text and json when none is named), `--output-file`, `--verbose`, `--quiet`.

    The command gets `output_format` and `output_file`; the others only set up the progress around it.
    """
    decorators = (
        click.option(
            "--output",
            "output_format",
            type=click.Choice(formats or reports.EVERYWHERE),
            default=(formats or reports.EVERYWHERE)[0],
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
