"""The README keeps its word: its configuration is valid, and every command in it is one that cipipe takes."""

import re
import shlex
from pathlib import Path

import click
import pytest

from cipipe import config
from cipipe.cli.main import load

README = (Path(__file__).parent.parent / "README.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


COMMANDS = [
    found for block in _blocks("sh") for found in re.findall(r"(?<!pip install )\bcipipe ([^&|\n]+)", block)
]


@pytest.mark.parametrize("text", _blocks("yaml"))
def test_the_configuration_is_valid(text: str) -> None:
    assert config.load(text.encode(), "cipipe.yaml").environments


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_parses(command: str) -> None:
    name, *arguments = shlex.split(command, comments=True)
    assert isinstance(load(name).make_context(name, arguments), click.Context)


def test_the_quick_start_is_there() -> None:
    assert "demo" in COMMANDS
