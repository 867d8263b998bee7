"""The entry: one lazy group, one place where failures become words and exit codes."""

import importlib
import os
import signal
import sys
import threading
from collections.abc import Sequence

import click

from cipipe import __version__
from cipipe.cli import environ, output
from cipipe.cli.commands import COMMANDS
from cipipe.errors import CipipeError, UsageError
from cipipe.hints import near_miss

_HELP = frozenset({"--help", "-h"})


class _LazyGroup(click.Group):
    """Loads a command's module when that command runs; the list of commands needs none."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        return load(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS:
            raise UsageError(f"no command '{args[0]}'", hint=near_miss(args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def load(name: str) -> click.Command:
    """The click command `name`, which its module calls `command`, its options with their variables."""
    command = importlib.import_module(COMMANDS[name][0]).command
    assert isinstance(command, click.Command)  # noqa: S101 - for the type checker; a test loads each
    environ.name_variables(name, command)
    return command


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: cipipe bump --env staging --image ghcr.io/acme/app:v2",
)
@click.version_option(__version__, prog_name="cipipe")
def _cipipe() -> None:
    """The push side of GitOps: change only the image tag, by pull request."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code (DESIGN section 3)."""
    output.prepare_streams()
    _unwind_when_stopped()
    as_json = _asked_for_json(arguments)
    try:
        return _invoke(arguments)
    except click.exceptions.Exit as done:
        return done.exit_code
    except BrokenPipeError:  # help, or the schema, for a reader that went away early (`| head`)
        output.forget_stdout()
        return 0
    except (KeyboardInterrupt, click.Abort):
        return output.interrupted()
    except (CipipeError, click.ClickException) as failure:
        return output.failed(_as_cipipe_error(failure), as_json=as_json)
    except Exception as bug:  # noqa: BLE001 - the one place where a bug becomes exit 70
        verbose = bool({"--verbose", "-v"}.intersection(arguments))
        return output.bug(bug, as_json=as_json, verbose=verbose)


def _invoke(arguments: Sequence[str]) -> int:
    """What click's own `main` does, which would turn a broken pipe into exit 1: here a policy's no."""
    if "_CIPIPE_COMPLETE" in os.environ:
        _cipipe.main(list(arguments), prog_name="cipipe")
    if not arguments:
        output.to_stderr(
            _cipipe.get_help(click.Context(_cipipe, info_name="cipipe", **_cipipe.context_settings))
        )
        return UsageError.exit_code
    with _cipipe.make_context("cipipe", list(arguments)) as context:
        if arguments[0] != "schema" and not _HELP.intersection(arguments):
            environ.refuse_unknown(COMMANDS, load)
        result = _cipipe.invoke(context)
    return result if isinstance(result, int) else 0


def _unwind_when_stopped() -> None:
    """A CI cancels by SIGTERM, a person by ^C: both unwind, so that children end and private folders go."""

    def stop(_number: int, _frame: object) -> None:
        if proc := sys.modules.get("cipipe.proc"):
            proc.interrupt()
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)


def _asked_for_json(arguments: Sequence[str]) -> bool:
    """Whether JSON was asked for, as far as a command line that may not parse can tell."""
    command = next((argument for argument in arguments if argument in COMMANDS), "").upper().replace("-", "_")
    asked = os.environ.get(f"CIPIPE_{command}_OUTPUT") or os.environ.get("CIPIPE_OUTPUT")
    for index, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--output":
            asked = "".join(arguments[index + 1 : index + 2])
        elif argument.startswith("--output="):
            asked = argument.removeprefix("--output=")
    return asked == "json"


def _as_cipipe_error(wrong: CipipeError | click.ClickException) -> CipipeError:
    if isinstance(wrong, CipipeError):
        return wrong
    hint = None
    if isinstance(wrong, click.UsageError) and wrong.ctx:
        hint = f"see '{wrong.ctx.command_path} --help'"
    return UsageError(wrong.format_message(), hint=hint)
