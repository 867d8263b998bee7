"""Where words go: reports to stdout or a file, everything else to stderr, secrets nowhere."""

import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from cipipe import reports, secrets
from cipipe.errors import CipipeError, UsageError
from cipipe.results import Outcome


def report(outcome: Outcome, output_format: str, output_file: str | None) -> int:
    """Write the report of `outcome` to stdout, or to `output_file`, and return its exit code."""
    text = secrets.redact(reports.render(output_format, outcome))
    if output_file is None:
        click.echo(text, nl=not text.endswith("\n") and bool(text))
    else:
        try:
            Path(output_file).write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
        except OSError as problem:
            raise UsageError(f"cannot write {output_file}: {problem.strerror}") from problem
    return outcome.exit_code


def failed(failure: CipipeError, arguments: Sequence[str]) -> int:
    """Say what failed, in the format asked for, and return the failure's exit code."""
    if _asked_for_json(arguments):
        click.echo(secrets.redact(json.dumps({"error": failure.document()}, ensure_ascii=False)))
    error_text(error_line(failure))
    return failure.exit_code


def error_line(failure: CipipeError) -> str:
    """`error: FILE:LINE: MESSAGE` and, on its own line, the hint."""
    where = "".join(f"{part}:" for part in (failure.file, failure.line) if part is not None)
    hint = f"\nhint: {failure.hint}" if failure.hint else ""
    return f"error: {where}{' ' if where else ''}{failure.message}{hint}"


def error_text(text: str) -> None:
    """Write `text` to stderr without any secret."""
    click.echo(secrets.redact(text), err=True)


def interrupted() -> int:
    """Say that the user stopped it."""
    error_text("error: interrupted")
    return 130


def bug(problem: Exception, arguments: Sequence[str]) -> int:
    """Say that cipipe is at fault, where, and what to do; the traceback comes with --verbose alone."""
    frame = traceback.extract_tb(problem.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    failure = CipipeError(
        f"a bug in cipipe: {type(problem).__name__}: {problem} (at {place})",
        hint="please report it with the command that you ran; --verbose shows the traceback",
    )
    if "--verbose" in arguments or "-v" in arguments:
        error_text("".join(traceback.format_exception(problem)))
    return failed(failure, arguments)


def _asked_for_json(arguments: Sequence[str]) -> bool:
    """Whether JSON was asked for, as far as a command line that may not parse can tell."""
    for index, argument in enumerate(arguments):
        if argument in {"--output", "-o"}:
            return arguments[index + 1 : index + 2] == ["json"] or list(arguments[index + 1 : index + 2]) == ["json"]
        if argument.startswith("--output="):
            return argument == "--output=json"
    return os.environ.get("CIPIPE_OUTPUT") == "json"
