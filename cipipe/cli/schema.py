"""`cipipe schema`."""

import json

import click


@click.command(epilog="Example: cipipe schema > cipipe.schema.json")
def command() -> None:
    """Print the JSON schema of cipipe.yaml, for editors and checkers."""
    from cipipe.config import schema  # noqa: PLC0415 - start-up budget

    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))
