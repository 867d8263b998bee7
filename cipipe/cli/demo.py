"""`cipipe demo`."""

import os
from pathlib import Path

import click

from cipipe.cli import options, output


@click.command("demo", epilog="Example: cipipe demo")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@options.common()
def command(folder: Path | None, output_format: str, output_file: str | None) -> int:
    """Make repositories in FOLDER (a new temporary folder when left out) and perform a real bump in them.

    It needs Git and nothing else: no token, Docker, conftest or network. What it makes stays to look at.
    """
    import tempfile  # noqa: PLC0415 - `--help` needs none of these

    from cipipe.demo import demo  # noqa: PLC0415

    outcome = demo(folder or Path(tempfile.mkdtemp(prefix="cipipe-demo-")), os.environ)
    return output.report(outcome, output_format, output_file)
