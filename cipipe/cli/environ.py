"""Options by environment variable: which `CIPIPE_*` names exist, and what a wrong one was meant to be."""

import os
from collections.abc import Callable, Iterable

import click

from cipipe.errors import UsageError
from cipipe.hints import near_miss

BESIDES_OPTIONS = frozenset({"CIPIPE_TOKEN", "CIPIPE_USERNAME", "CIPIPE_FAILPOINT"}) | {
    f"CIPIPE_GITHUB_APP_{name}" for name in ("ID", "KEY", "KEY_FILE", "INSTALLATION_ID")
}
_TOKEN_OF_ENVIRONMENT = "CIPIPE_TOKEN_"  # noqa: S105 - a name


def name_variables(command_name: str, command: click.Command) -> None:
    """Give every option its variable `CIPIPE_<COMMAND>_<OPTION>`, before the common one that it may have."""
    for option in _options(command):
        shared = [option.envvar] if isinstance(option.envvar, str) else list(option.envvar or [])
        long_name = max(option.opts, key=len).lstrip("-")
        own = f"CIPIPE_{command_name}_{long_name}".upper().replace("-", "_")
        option.envvar = [own, *(name for name in shared if name != own)]


def variables(command: click.Command) -> frozenset[str]:
    """The variables that `command` reads."""
    return frozenset(name for option in _options(command) for name in option.envvar or ())


def refuse_unknown(commands: Iterable[str], load: Callable[[str], click.Command]) -> None:
    """Raise `UsageError` for a `CIPIPE_*` variable that nothing reads: a typo must not pick a default.

    `CIPIPE_TOKEN_<ENV>` is checked by `refuse_unknown_tokens`, where the environments are known.
    """
    asked = {name for name in os.environ if name.startswith("CIPIPE_")} - BESIDES_OPTIONS
    asked = {name for name in asked if not name.startswith(_TOKEN_OF_ENVIRONMENT)}
    if not asked:
        return
    known = BESIDES_OPTIONS.union(*(variables(load(name)) for name in commands))
    if unknown := sorted(asked - known):
        raise UsageError(f"unknown environment variable {unknown[0]}", hint=near_miss(unknown[0], known))


def refuse_unknown_tokens(known: Iterable[str]) -> None:
    """Raise `UsageError` for a `CIPIPE_TOKEN_<ENV>` that is none of `known`, the environments' own."""
    known = frozenset(known)
    for name in sorted(os.environ):
        if name.startswith(_TOKEN_OF_ENVIRONMENT) and name not in known:
            message = f"{name} is the token of no configured environment"
            raise UsageError(message, hint=near_miss(name, known))


def _options(command: click.Command) -> list[click.Option]:
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]
