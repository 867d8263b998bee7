"""`cipipe facts`."""

from pathlib import Path

import click

from cipipe.cli import options, output


@click.command("facts", epilog="Example: cipipe facts | jq .facts.command")
@click.argument("path", default=".", metavar="[PATH]")
@options.common("json")
def command(path: str, *, output_format: str, output_file: str | None) -> int:
    """Print what the gate's rules judge, as JSON, for writing rules of your own.

    PATH is a repository, or one pipeline or script.
    """
    import os  # noqa: PLC0415 - `--help` needs none

    from cipipe.facts import facts  # noqa: PLC0415

    outcome = facts(Path(path), environ=os.environ)
    return output.report(outcome, output_format, output_file)
