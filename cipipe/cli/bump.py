"""`cipipe bump`."""

import os
from pathlib import Path
from typing import Any

import click

from cipipe.cli import options, output


@click.command("bump", epilog="Example: cipipe bump --env staging --image ghcr.io/acme/app:v2")
@click.option(
    "--env",
    "environments",
    multiple=True,
    required=True,
    metavar="NAME",
    help="The environment to change; repeat it for several, which are delivered in parallel.",
)
@click.option(
    "--image",
    "images",
    multiple=True,
    required=True,
    metavar="REF",
    help="REPOSITORY:TAG, with @DIGEST if you like, or NAME=TAG for a name under `images:`; may be repeated.",
)
@click.option(
    "--verify-image/--no-verify-image",
    default=False,
    help="Ask the registry first, and refuse what it does not have.",
)
@options.container
@options.key
@options.pull_request
@options.delivery
@options.config
@options.dry_run
@options.common()
def command(
    environments: tuple[str, ...],
    images: tuple[str, ...],
    config_file: str | None,
    output_format: str,
    output_file: str | None,
    **settings: Any,
) -> int:
    """Change an image's tag in environments' manifests, and deliver it.

    Nothing but the tag (and digest) changes. A pull request, or a push where the configuration says so,
    brings it to the environment's branch. Doing it again changes nothing; an older pipeline never overwrites
    a newer tag.
    """
    from cipipe.bump import bump  # noqa: PLC0415 - `--help` needs no Git
    from cipipe.cli import configuration  # noqa: PLC0415 - nor YAML
    from cipipe.tasks import Options  # noqa: PLC0415

    config = configuration.read(config_file)
    outcome = bump(config, environments, images, Options(**settings), environ=os.environ, folder=Path.cwd())
    return output.report(outcome, output_format, output_file)
