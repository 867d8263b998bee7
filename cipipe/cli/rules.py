"""`cipipe rules`."""

import click

from cipipe.cli import options, output


@click.command("rules", epilog="Example: cipipe rules --output json")
@options.common()
def command(*, output_format: str, output_file: str | None) -> int:
    """List the gate's rules: what each says, how severe it is, what to do."""
    from cipipe.policy.rules import rules  # noqa: PLC0415 - `--help` needs no YAML
    from cipipe.results import RulesOutcome  # noqa: PLC0415

    return output.report(RulesOutcome(rules()), output_format, output_file)
