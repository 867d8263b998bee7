"""`cipipe gate`."""

from pathlib import Path

import click

from cipipe.cli import options, output

_FORMATS = ("text", "json", "sarif", "github", "gitlab", "junit")


@click.command("gate", epilog="Example: cipipe gate --output sarif --output-file gate.sarif")
@click.argument("path", default=".", metavar="[PATH]")
@click.option(
    "--base",
    metavar="REF",
    help="Where waivers and configuration are read from. [default in CI: the target branch]",
)
@click.option(
    "--engine",
    type=click.Choice(["conftest", "embedded"]),
    help="What evaluates the rules. [default: conftest where it is installed]",
)
@click.option(
    "--policy",
    "policies",
    multiple=True,
    metavar="DIR",
    help="A folder with Rego rules of your own; needs conftest.",
)
@click.option(
    "--pr",
    "pull",
    type=click.IntRange(min=1),
    metavar="N",
    help="Judge this pull request too, at this checkout's forge: who approved it, where it comes from."
    " [default in CI: the one under test]",
)
@click.option("--publish", is_flag=True, help="Post what --pr finds as the commit status `cipipe/approvals`.")
@click.option("--strict", is_flag=True, help="What cannot be resolved is an error, not a warning.")
@click.option("--only", multiple=True, metavar="RULE", help="Run these rules alone.")
@click.option("--skip", multiple=True, metavar="RULE", help="Do not run these rules.")
@options.common(*_FORMATS)
def command(  # noqa: PLR0913 - the options
    path: str,
    *,
    base: str | None,
    engine: str | None,
    policies: tuple[str, ...],
    pull: int | None,
    publish: bool,
    strict: bool,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    output_format: str,
    output_file: str | None,
) -> int:
    """Find what deploys round Git in pipelines: GitHub Actions, GitLab CI, Jenkins, scripts.

    PATH is a repository, or one pipeline or script. Nothing of it is ever run. Warnings alone are exit 0.
    """
    import datetime as dt  # noqa: PLC0415 - `--help` needs none
    import gc  # noqa: PLC0415
    import os  # noqa: PLC0415

    from cipipe.gate import Options, gate  # noqa: PLC0415
    from cipipe.reports.summary import summary  # noqa: PLC0415

    gc.set_threshold(
        50_000, 20, 100
    )  # trees live as long as the run: looking for garbage among them takes 15 %
    asked = Options(base, engine, tuple(map(Path, policies)), strict, only, skip, pull, publish)
    outcome = gate(Path(path), asked, environ=os.environ, today=dt.datetime.now(dt.UTC).date())
    output.summarize(summary(outcome))
    return output.report(outcome, output_format, output_file)
