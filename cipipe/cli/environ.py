"""Options by environment variable: which `CIPIPE_*` names exist, and what a wrong one was meant to be."""

import difflib
import os
import re
from collections.abc import Iterable, Mapping

import click

from cipipe.errors import UsageError

_BESIDES_OPTIONS = frozenset({"CIPIPE_TOKEN", "CIPIPE_USERNAME", "CIPIPE_FAILPOINT"})
_TOKEN_OF_ENVIRONMENT = re.compile(r"CIPIPE_TOKEN_[A-Z0-9][A-Z0-9_]*", re.ASCII)


def known_variables(commands: Mapping[str, click.Command]) -> frozenset[str]:
    """Every variable that stands for an option, and the few that stand for none (DESIGN section 3)."""
    names = set(_BESIDES_OPTIONS)
    for command_name, command in commands.items():
        prefix = f"CIPIPE_{command_name.upper().replace('-', '_')}_"
        for parameter in command.params:
            if isinstance(parameter, click.Option) and parameter.name:
                names.add(prefix + parameter.name.upper())
                names.update([parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or [])
    return frozenset(names)


def refuse_unknown(known: frozenset[str]) -> None:
    """Raise `UsageError` for a `CIPIPE_*` variable that nothing reads: a typo must not pick a default.

    `CIPIPE_TOKEN_<ENV>` is checked against the configured environments where the token is read.
    """
    for name in sorted(os.environ):
        if name.startswith("CIPIPE_") and name not in known and not _TOKEN_OF_ENVIRONMENT.fullmatch(name):
            raise UsageError(f"unknown environment variable {name}", hint=near_miss(name, known))


def near_miss(name: str, known: Iterable[str]) -> str:
    """A hint: the nearest known name, else all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
    return f"did you mean '{near[0]}'?" if near else f"known are: {', '.join(names)}"
