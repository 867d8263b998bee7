"""`cipipe promote`."""

import os
from pathlib import Path
from typing import Any

import click

from cipipe.cli import options, output


@click.command("promote", epilog="Example: cipipe promote --from staging --to prod")
@click.option(
    "--from", "source", required=True, metavar="NAME", help="The environment that is taken as it is."
)
@click.option(
    "--to", "target", required=True, metavar="NAME", help="The environment that is brought to that."
)
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="NAME",
    help="Only this image: a name under `images:`, or a repository. [default: the configured images]",
)
@options.pull_request
@options.delivery
@options.config
@options.dry_run
@options.common()
def command(  # noqa: PLR0913, PLR0917 - one for each option, which click names
    source: str,
    target: str,
    images: tuple[str, ...],
    config_file: str | None,
    output_format: str,
    output_file: str | None,
    **settings: Any,
) -> int:
    """Bring one environment to exactly the refs that another runs now: tags and digests, by image.

    No registry is asked. What the first one does not run, runs with two tags, or what would move the second
    one backwards is refused.
    """
    from cipipe.cli import configuration  # noqa: PLC0415 - `--help` needs no YAML
    from cipipe.promote import promote  # noqa: PLC0415
    from cipipe.tasks import Options  # noqa: PLC0415 - nor Git

    config = configuration.read(config_file)
    outcome = promote(
        config, (source, target), images, Options(**settings), environ=os.environ, folder=Path.cwd()
    )
    return output.report(outcome, output_format, output_file)
