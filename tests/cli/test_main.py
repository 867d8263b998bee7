"""The command line as a process: exit codes, streams, variables, signals, start-up."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from cipipe import __version__
from cipipe.cli.commands import COMMANDS
from tests.cli.conftest import ROOT, Cipipe


def error(ran: subprocess.CompletedProcess[bytes]) -> dict[str, object]:
    document = json.loads(ran.stdout)
    assert set(document) == {"error"}
    assert set(document["error"]) == {"kind", "message", "file", "line", "hint"}
    assert isinstance(document["error"], dict)
    return document["error"]


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["-h"], ["schema"]])
def test_what_does_not_look_at_variables(cipipe: Cipipe, arguments: list[str]) -> None:
    ran = cipipe(*arguments, env={"CIPIPE_BUMPP_ENV": "x"})
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout


def test_version(cipipe: Cipipe) -> None:
    assert __version__ in cipipe("--version").stdout.decode()


def test_help_lists_every_command(cipipe: Cipipe) -> None:
    words = cipipe("--help").stdout.decode()
    assert [name for name, (_, line) in COMMANDS.items() if name not in words or line[:30] not in words] == []
    assert "Example: cipipe" in words


def test_no_command_is_wrong_usage_and_shows_help(cipipe: Cipipe) -> None:
    ran = cipipe()
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert b"Commands:" in ran.stderr


def test_schema_is_a_schema(cipipe: Cipipe) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(cipipe("schema").stdout))


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["shema"], "no command 'shema'", "did you mean 'schema'?"),
        (["--nope"], "--nope", "cipipe --help"),
        (["schema", "--nope"], "--nope", "cipipe schema --help"),
        (["schema", "extra"], "extra", "cipipe schema --help"),
    ],
)
def test_wrong_usage_is_exit_2_in_words_and_in_json(
    cipipe: Cipipe, arguments: list[str], message: str, hint: str
) -> None:
    ran = cipipe(*arguments)
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert "error: " in ran.stderr.decode()
    assert message in ran.stderr.decode()
    assert hint in ran.stderr.decode()
    for asked, env in ([["--output", "json"], {}], [["--output=json"], {}], [[], {"CIPIPE_OUTPUT": "json"}]):
        ran = cipipe(*arguments, *asked, env=env)
        assert ran.returncode == 2
        said = error(ran)
        assert said["kind"] == "usage"
        assert message in str(said["message"]) or "--output" in str(said["message"])


def test_unknown_variable_is_refused_with_the_nearest(
    cipipe: Cipipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = cipipe("demo", "--output", "json", env={"CIPIPE_DRYRUN": "1"})
    assert ran.returncode == 2
    assert error(ran) == {
        "kind": "usage",
        "message": "unknown environment variable CIPIPE_DRYRUN",
        "file": None,
        "line": None,
        "hint": "did you mean 'CIPIPE_DRY_RUN'?",
    }


def test_a_reader_that_goes_away_is_no_error(cipipe: Cipipe) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        for arguments in (["schema"], ["--help"]):
            ran = cipipe(*arguments, stdout=writing)
            assert (ran.returncode, ran.stderr) == (0, b"")
    finally:
        os.close(writing)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams(tmp_path: Path, closed: str) -> None:
    line = f'"{sys.executable}" -m cipipe nope --output json {closed}'
    ran = subprocess.run(
        ["sh", "-c", line],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 2
    assert b"Traceback" not in ran.stderr


def test_a_full_disk_is_said(cipipe: Cipipe) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = cipipe("nope", "--output", "json", stdout=full)
    assert ran.returncode == 4
    assert b"cannot write the report to stdout" in ran.stderr


@pytest.mark.parametrize(
    "env", [{"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "latin-1"}]
)
def test_any_locale(cipipe: Cipipe, env: dict[str, str]) -> None:
    ran = cipipe("grün→", "--output", "json", env=env)
    assert ran.returncode == 2
    assert error(ran)["message"] is not None
    assert b"Traceback" not in ran.stderr


def test_text_that_is_not_utf8_stays_json(cipipe: Cipipe) -> None:
    ran = cipipe(b"\xff".decode(errors="surrogateescape"), "--output", "json")
    assert (ran.returncode, error(ran)["message"]) == (2, "no command '\udcff'")


def test_control_characters_of_others_do_not_reach_the_terminal(cipipe: Cipipe) -> None:
    ran = cipipe("x\x1b]0;owned\x07\n::error::owned\r")
    assert ran.returncode == 2
    assert b"\x1b" not in ran.stderr
    assert b"\x07" not in ran.stderr
    assert b"\n::error" not in ran.stderr


WAITING = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
import click
from cipipe import proc
from cipipe.cli import commands, main, options
commands.COMMANDS["wait"] = ("__main__", "Wait.")

@click.command()
@options.common()
def command(output_format, output_file):
    with ThreadPoolExecutor() as pool:
        script = "import os, time; print(os.getpid(), file=open('pid', 'w'), flush=True); time.sleep(60)"
        waiting = pool.submit(proc.run, [sys.executable, "-c", script], env={})
        while not (os.path.exists("pid") and os.path.getsize("pid")):
            proc.Deadline(1).sleep(0.01)
        print("ready", flush=True)
        waiting.result()

sys.exit(main.run(["wait"]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_is_130_and_leaves_no_child(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    _, words = process.communicate(timeout=10)
    assert (process.returncode, words) == (130, b"error: interrupted\n")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


BUG = """
import sys
import click
from cipipe import secrets
from cipipe.cli import commands, main, options
commands.COMMANDS["fail"] = ("__main__", "Fail.")

@click.command()
@options.common()
def command(output_format, output_file):
    secrets.learn("canary-token")
    raise ZeroDivisionError("canary-token")

sys.exit(main.run(["fail", *sys.argv[1:]]))
"""


def test_a_bug_is_70_without_traceback_and_secrets(cipipe: Cipipe) -> None:
    ran = cipipe("--output", "json", python=("-c", BUG))
    assert ran.returncode == 70
    assert error(ran)["kind"] == "bug"
    assert b"Traceback" not in ran.stderr
    verbose = cipipe("--verbose", python=("-c", BUG))
    assert b"Traceback" in verbose.stderr
    assert b"canary-token" not in ran.stdout + ran.stderr + verbose.stdout + verbose.stderr


HEAVY = (
    "git",
    "docker",
    "github",
    "gitlab",
    "ruamel",
    "yaml",
    "rich",
    "logging",
    "subprocess",
    "cipipe.config",
)


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_loads_nothing_heavy(cipipe: Cipipe, arguments: list[str]) -> None:
    script = (
        "import sys\nfrom cipipe.cli import run\ncode = run(sys.argv[1:])\n"
        f"print(sorted(set({HEAVY!r}) & sys.modules.keys()), file=sys.stderr)\nsys.exit(code)"
    )
    ran = cipipe(*arguments, python=("-c", script))
    assert (ran.returncode, ran.stderr) == (0, b"[]\n")
