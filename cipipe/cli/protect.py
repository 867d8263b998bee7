"""`cipipe protect`."""

import os
from pathlib import Path

import click

from cipipe.cli import options, output


@click.command("protect", epilog="Example: cipipe protect --env prod --apply")
@click.option(
    "--env",
    "environments",
    multiple=True,
    metavar="NAME",
    help="Only this environment. [default: every protected one]",
)
@click.option("--apply", is_flag=True, help="Show the plan, set what is missing, and read it back.")
@click.option(
    "--timeout",
    type=click.IntRange(min=1, max=86_400),
    default=120,
    show_default=True,
    metavar="SECONDS",
    help="How long one environment may take.",
)
@options.config
@options.dry_run
@options.common("text", "json", "sarif", "github", "gitlab", "junit")
def command(  # noqa: PLR0913 - the options
    *,
    environments: tuple[str, ...],
    apply: bool,
    timeout: float,
    config_file: str | None,
    dry_run: bool,
    output_format: str,
    output_file: str | None,
) -> int:
    """Compare the forge's real branch protection with the policy of cipipe.yaml.

    Each control is pass, fail, unknown or not-available, with the evidence and the setting that decides it.
    A failed one is exit 1; so is an unknown one of a protected environment.
    """
    from cipipe.cli import configuration  # noqa: PLC0415 - `--help` needs no YAML
    from cipipe.protect import protect  # noqa: PLC0415
    from cipipe.reports.summary import protection  # noqa: PLC0415
    from cipipe.tasks import Options  # noqa: PLC0415 - nor Git

    asked = Options(dry_run=dry_run, timeout=timeout)
    config = configuration.read(config_file)
    outcome = protect(config, environments, asked, apply=apply, environ=os.environ, folder=Path.cwd())
    output.summarize(protection(outcome))
    return output.report(outcome, output_format, output_file)
