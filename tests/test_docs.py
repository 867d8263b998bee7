"""The docs say what the code does: every example loads, every table is the one that types and options give.

`python -m tests.test_docs` writes the tables anew.
"""

import re
from pathlib import Path
from typing import Any

import click
import pytest

from cipipe.cli import options
from cipipe.cli.commands import COMMANDS
from cipipe.cli.main import load as load_command
from cipipe.config import load, model, shapes

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), DOCS.parent / "README.md"]
EXAMPLES = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(
            r"^```yaml\n(version: .*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        )
    )
]
SECTIONS: dict[str, Any] = {
    "The top level": model.Config,
    "`images.NAME`": model.Image,
    "`environments.NAME`": model.Environment,
    "`pull_request`": model.PullRequestSettings,
    "`required_checks`": model.RequiredCheck,
    "`forge`": model.Forge,
    "`gate`": model.Gate,
    "`gate.waivers`": model.Waiver,
}


@click.command
@options.config
@options.dry_run
@options.common()
def common() -> None:
    """Only the options that all commands share."""


SHARED = {max(option.opts, key=len) for option in common.params}


def keys_table(of: Any) -> str:
    """The keys of a type."""
    rows = (
        f"| `{name}`{' (required)' if key.required else ''} | {key.shape.description} |\n"
        for name, key in shapes.keys(of).items()
    )
    return "| key | meaning |\n| --- | --- |\n" + "".join(rows)


def options_table(command: click.Command) -> str:
    """The options of a command, without those that all share; empty when that leaves none."""
    rows = ""
    for option in command.params:
        long = max(option.opts, key=len)
        if not isinstance(option, click.Option) or (long in SHARED and command is not common):
            continue
        variable = option.envvar if isinstance(option.envvar, str) else (option.envvar or [""])[0]
        rows += (
            f"| `{long}{f' {option.metavar}' if option.metavar else ''}` | {option.help} | `{variable}` |\n"
        )
    return f"| option | meaning | variable |\n| --- | --- | --- |\n{rows}" if rows else ""


def with_table(text: str, title: str, table: str) -> str:
    """`text` with `table` as the one under the heading `title`, which is made where it is missing."""
    if f"## {title}\n" not in text:
        text += f"\n## {title}\n"
    before, heading, rest = text.partition(f"## {title}\n")
    own, following, after = rest.partition("\n## ")
    kept = re.sub(r"\n*(?:^\|.*\n)+", "\n", own, flags=re.MULTILINE).strip("\n")
    body = "\n\n".join(filter(None, [kept, table.rstrip("\n")]))
    return before + heading + (f"\n{body}\n" if body else "") + following + after


def tables() -> list[tuple[str, str, str]]:
    """Page, heading and table of all there are."""
    return [
        *(("configuration.md", title, keys_table(of)) for title, of in SECTIONS.items()),
        ("command-line.md", "All commands", options_table(common)),
        *(("command-line.md", f"`cipipe {name}`", options_table(load_command(name))) for name in COMMANDS),
    ]


def test_every_table_is_up_to_date() -> None:
    for page, title, table in tables():
        text = (DOCS / page).read_text(encoding="utf-8")
        assert with_table(text, title, table) == text, f"run `python -m tests.test_docs`: {page}, {title}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads(example: str) -> None:
    assert load(example.encode(), "cipipe.yaml").environments


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


if __name__ == "__main__":
    for page, title, table in tables():
        file = DOCS / page
        file.write_text(with_table(file.read_text(encoding="utf-8"), title, table), encoding="utf-8")
