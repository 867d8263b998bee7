"""Every option of every command: its variable, its help, its example, its place in the docs."""

from pathlib import Path
from typing import Any

import click
import pytest

from cipipe.cli.commands import COMMANDS
from cipipe.cli.environ import refuse_unknown, variables
from cipipe.cli.main import load
from cipipe.errors import UsageError

COMMON = {"config", "output", "output-file", "dry-run", "verbose", "quiet"}


def options(name: str) -> list[click.Option]:
    return [option for option in load(name).params if isinstance(option, click.Option)]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_and_how(name: str) -> None:
    command = load(name)
    assert (command.epilog or "").startswith(f"Example: cipipe {name}")
    assert (command.help or "").split("\n\n")[0].endswith(".")
    assert [option.name for option in options(name) if not option.help] == []


def sample(option: click.Option) -> tuple[str, Any]:
    """A text for the option's variable, and the value that the command gets."""
    if option.is_flag:
        return "1", True
    if isinstance(option.type, click.Choice):
        choice = list(option.type.choices)[-1]
        return (f"{choice} {choice}", (choice, choice)) if option.multiple else (choice, choice)
    if isinstance(option.type, click.types.IntParamType | click.types.FloatParamType):
        return "1", 1
    return ("one two:three", ("one", "two:three")) if option.multiple else ("one", "one")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_variable_is_named_after_its_option_and_works(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for option in options(name):
        long = max(option.opts, key=len).removeprefix("--")
        wanted = [f"CIPIPE_{name}_{long}", *([f"CIPIPE_{long}"] if long in COMMON else [])]
        names = [variable.upper().replace("-", "_") for variable in wanted]
        assert option.envvar == names
        for variable in names:
            text, value = sample(option)
            with monkeypatch.context() as patch:
                patch.setenv(variable, text)
                context = click.Context(load(name), info_name=name)
                read = option.process_value(context, option.consume_value(context, {})[0])
            assert (variable, str(read) if isinstance(read, Path) else read) == (variable, value)
        assert not option.multiple or option.type.envvar_list_splitter is None, "a list is parted by blanks"


def test_unknown_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIPIPE_TOKEN", "x")
    monkeypatch.setenv("CIPIPE_TOKEN_PROD", "x")
    monkeypatch.setenv("CIPIPE_DRY_RUN", "1")
    refuse_unknown(COMMANDS, load)
    monkeypatch.setenv("CIPIPE_DRYRUN", "")
    with pytest.raises(UsageError, match="CIPIPE_DRYRUN"):
        refuse_unknown(COMMANDS, load)


def test_a_command_has_each_variable_once() -> None:
    for name in COMMANDS:
        every = [variable for option in options(name) for variable in option.envvar or ()]
        assert sorted(every) == sorted(variables(load(name)))
