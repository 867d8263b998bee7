"""Where words go: reports to stdout or a file, everything else to stderr, secrets nowhere."""

import errno
import io
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cipipe import reports, secrets
from cipipe.cli.words import message, printable
from cipipe.errors import CipipeError, ExternalError, UsageError

if TYPE_CHECKING:
    from cipipe.results import Outcome


def prepare_streams() -> None:
    """Make stdout and stderr take any text: what their encoding lacks is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def report(outcome: "Outcome", output_format: str, output_file: str | None) -> int:
    """Write the report of `outcome` to stdout, or to `output_file`, and return its exit code.

    Only text has room for all notes: beside the other formats they are progress.
    """
    if output_format != "text":
        _say(getattr(outcome, "notes", ()))
    _stop_progress()
    text = reports.render(output_format, outcome)
    text = printable(text) if output_format == "text" else secrets.redact(text)
    if text and not text.endswith("\n"):
        text += "\n"
    if output_file is None:
        _to_stdout(text, machine=output_format != "text")
    else:
        _to_file(text, Path(output_file))
    return outcome.exit_code


def _say(notes: Iterable[str]) -> None:
    import logging  # noqa: PLC0415 - `--version` needs none

    for note in notes:
        logging.getLogger("cipipe").info("note: %s", note)


def summarize(text: str) -> None:
    """Add to the step's summary, if the runner has one; without it the verdict stands all the same."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    try:
        with Path(file).open("a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(secrets.redact(text))
    except OSError as problem:
        to_stderr(f"note: no step summary: {problem.strerror}")


def check_output_file(output_file: str | None) -> str | None:
    """`output_file`; raise `UsageError` before any work where it cannot be written."""
    if output_file is None:
        return None
    path = Path(output_file)
    if path.is_dir():
        raise UsageError(f"--output-file {output_file} is a folder", hint="name a file")
    if not path.parent.is_dir():
        hint = f"mkdir -p {path.parent}"
        raise UsageError(f"--output-file {output_file}: there is no folder {path.parent}", hint=hint)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"--output-file {output_file} cannot be written: permission denied")
    return output_file


def failed(failure: CipipeError, *, as_json: bool) -> int:
    """Say what failed, in the format asked for, and return the failure's exit code."""
    import json  # noqa: PLC0415 - `--help` needs none

    _stop_progress()
    where = "".join(f"{part}:" for part in (failure.file, failure.line) if part is not None)
    to_stderr(f"{_painted('error:', 'red')} {where}{' ' if where else ''}{message(failure.message)}")
    if failure.hint:
        to_stderr(f"{_painted('hint:', 'cyan')} {message(failure.hint)}")
    if as_json:
        document = json.dumps({"error": failure.document()}, ensure_ascii=False)
        try:
            _to_stdout(secrets.redact(document) + "\n", machine=True)
        except ExternalError as problem:
            return failed(problem, as_json=False)
    return failure.exit_code


def bug(problem: Exception, *, as_json: bool, verbose: bool) -> int:
    """Say that cipipe is at fault, where, and what to do; the traceback comes with --verbose alone."""
    import traceback  # noqa: PLC0415 - `--help` needs none

    _stop_progress()
    frames = traceback.extract_tb(problem.__traceback__)
    frame = next((frame for frame in reversed(frames) if "/cipipe/" in frame.filename), frames[-1])
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    if verbose:
        to_stderr(printable("".join(traceback.format_exception(problem))))
    failure = CipipeError(
        f"a bug in cipipe: {type(problem).__name__}: {problem} (at {place})",
        hint="please report it with the command that you ran; --verbose shows the traceback",
    )
    return failed(failure, as_json=as_json)


def interrupted() -> int:
    """Say that somebody stopped it."""
    _stop_progress()
    to_stderr(f"{_painted('error:', 'red')} interrupted")
    return 130


def to_stderr(text: str) -> None:
    """Write a line to stderr; where nobody listens, that is no reason to stop."""
    try:
        click.echo(text, err=True)
    except (OSError, ValueError):
        return


def _to_stdout(text: str, *, machine: bool) -> None:
    """A machine reads UTF-8 whatever the locale; a reader that went away (`| head`) has what it wanted."""
    if sys.stdout is None:
        return
    try:
        if machine and isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        click.echo(text, nl=False)
    except OSError as problem:
        forget_stdout()
        if problem.errno != errno.EPIPE:
            raise ExternalError(f"cannot write the report to stdout: {problem.strerror}") from None


def forget_stdout() -> None:
    """Nobody reads it: what is left in its buffer would fail once more when Python flushes it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _to_file(text: str, path: Path) -> None:
    """A regular file is replaced as a whole; `/dev/stdout` and pipes are written to."""
    data = text.encode("utf-8", "backslashreplace")
    try:
        if path.is_relative_to("/dev") or (path.exists() and not path.is_file()):
            path.write_bytes(data)
            return
        target = path.resolve()
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            draft.write_bytes(data)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as problem:
        raise ExternalError(f"cannot write the report to {path}: {problem.strerror}") from None


def _painted(word: str, colour: str) -> str:
    """`word` in `colour` where stderr shows colours and nobody minds (no-color.org)."""
    coloured = sys.stderr is not None and sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return click.style(word, fg=colour, bold=True) if coloured else word


def _stop_progress() -> None:
    if progress := sys.modules.get("cipipe.cli.progress"):
        progress.stop()
