"""Reports to files, progress to stderr."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from cipipe import secrets
from cipipe.cli import output
from cipipe.cli.words import message, printable
from cipipe.errors import UsageError
from cipipe.results import Change, SetImageOutcome
from tests.cli.conftest import ROOT, Cipipe

CHANGE = Change(file="grün\udcff.yaml", line=3, path="image", kind="container", old="app:v1", new="app:v2")
OUTCOME = SetImageOutcome("changed", (CHANGE,), check=True, notes=("a\x1b[2Jnote",))


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target, link = tmp_path / "report.json", tmp_path / "link.json"
    target.write_text("old" * 1000)
    link.symlink_to(target)
    assert output.report(OUTCOME, "json", str(link)) == 1
    assert json.loads(target.read_bytes())["changes"][0]["file"] == CHANGE.file
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "report.json"]


def test_a_device_is_written_to(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    output.report(OUTCOME, "json", "/dev/stderr")
    assert json.loads(capfdbinary.readouterr().err)["status"] == "changed"


def test_text_shows_escapes_and_hides_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    secrets.learn("app:v2")
    try:
        output.report(OUTCOME, "text", None)
    finally:
        secrets._known.discard("app:v2")
    words = capsys.readouterr().out
    assert "\\x1b[2Jnote" in words
    assert "app:v1 -> ***" in words


@pytest.mark.parametrize(
    ("name", "says"), [("missing/report.json", "there is no folder"), (".", "is a folder")]
)
def test_a_file_that_cannot_be_written_is_refused_before_any_work(
    name: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=says):
        output.check_output_file(str(tmp_path / name))


def test_words() -> None:
    assert printable("a\tb\r\nc\x1b[0m\x9b\u202e") == "a\tb\nc\\x1b[0m\\x9b\\u202e"
    assert message("one\n::error::two\n") == "one\n  | ::error::two"


PROGRESS = """
import logging, sys
from cipipe import secrets
from cipipe.cli import progress
secrets.learn("canary-token")
progress.start(verbose="verbose" in sys.argv, quiet="quiet" in sys.argv)
log = logging.getLogger("cipipe")
log.debug("ran git fetch")
log.info("fetching canary-token\\x1b[2J")
log.info("pushing [bold]x[/bold]")
progress.stop()
progress.stop()
log.info("after")
print("rich" in sys.modules)
"""


@pytest.mark.parametrize(
    ("how", "lines"),
    [
        ((), ["fetching ***\\x1b[2J", "pushing [bold]x[/bold]"]),
        (("verbose",), ["ran git fetch", "fetching ***\\x1b[2J", "pushing [bold]x[/bold]"]),
        (("quiet",), []),
    ],
)
def test_plain_lines_where_there_is_no_terminal(
    cipipe: Cipipe, how: tuple[str, ...], lines: list[str]
) -> None:
    ran = cipipe(*how, python=("-c", PROGRESS))
    assert ran.stderr.decode().splitlines() == lines
    assert ran.stdout == b"False\n"


def on_terminal(*arguments: str, **env: str) -> tuple[str, str]:
    """What a terminal and a pipe at stdout get."""
    mine, its = pty.openpty()
    with os.fdopen(mine, "rb", buffering=0) as terminal:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRESS, *arguments],
            stdout=subprocess.PIPE,
            stderr=its,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", **env},
        )
        os.close(its)
        shown = b""
        try:
            while chunk := terminal.read(4096):
                shown += chunk
        except OSError:  # Linux says EIO when the other side is closed
            pass
        out, _ = process.communicate(timeout=30)
    return shown.decode(), out.decode()


def test_a_live_line_on_a_terminal() -> None:
    shown, out = on_terminal()
    assert out == "True\n"
    assert "\x1b[2m" in shown  # dimmed
    assert "fetching ***\\x1b[2J" in shown
    assert "pushing [bold]x[/bold]" in shown
    assert "canary" not in shown


def test_no_colour_and_no_terminal_features_where_not_wanted() -> None:
    shown, _ = on_terminal(NO_COLOR="1")
    assert "\x1b[3" not in shown
    for env in ({"CI": "true"}, {"TERM": "dumb"}):
        shown, out = on_terminal(**env)
        assert (shown.splitlines(), out) == (["fetching ***\\x1b[2J", "pushing [bold]x[/bold]"], "False\n")
    assert on_terminal("quiet") == ("", "False\n")
