"""The entry: one lazy group, one place where failures become words and exit codes."""

import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from cipipe import __version__
from cipipe.cli import environ, output
from cipipe.cli.commands import COMMANDS
from cipipe.errors import CipipeError, UsageError

_QUIET_ARGUMENTS = frozenset({"--help", "-h", "--version", "schema"})


class _LazyGroup(click.Group):
    """Loads a command's module when that command runs; the list of commands needs none."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        return load(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            raise UsageError(f"no command '{name}'", hint=environ.near_miss(name, COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def load(name: str) -> click.Command:
    """The click command `name`, which its module calls `command`."""
    command = importlib.import_module(COMMANDS[name][0]).command
    assert isinstance(command, click.Command)  # noqa: S101 - for the type checker; a test loads each
    return command


@click.group(
    cls=_LazyGroup,
    context_settings={"auto_envvar_prefix": "CIPIPE", "help_option_names": ["-h", "--help"]},
    epilog="Example: cipipe bump --env staging --image ghcr.io/acme/app:v2",
)
@click.version_option(__version__, prog_name="cipipe")
def _cipipe() -> None:
    """The push side of GitOps: change only the image tag, by pull request."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code (DESIGN section 3)."""
    try:
        if not _QUIET_ARGUMENTS.intersection(arguments):
            environ.refuse_unknown(environ.known_variables({name: load(name) for name in COMMANDS}))
        result = _cipipe.main(list(arguments), prog_name="cipipe", standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.NoArgsIsHelpError as nothing_asked:
        output.error_text(nothing_asked.format_message())
        return UsageError.exit_code
    except click.ClickException as wrong:
        return output.failed(_as_usage_error(wrong), arguments)
    except CipipeError as failure:
        return output.failed(failure, arguments)
    except (KeyboardInterrupt, click.Abort):
        return output.interrupted()
    except Exception as bug:  # noqa: BLE001 - the one place where a bug becomes exit 70 instead of a traceback
        return output.bug(bug, arguments)
    return result if isinstance(result, int) else 0


def _as_usage_error(wrong: click.ClickException) -> UsageError:
    hint = None
    if isinstance(wrong, click.UsageError) and wrong.ctx:
        hint = f"see '{wrong.ctx.command_path} --help'"
    return UsageError(wrong.format_message(), hint=hint)


def main() -> NoReturn:
    """Run with this process's arguments and exit."""
    sys.exit(run(sys.argv[1:]))
