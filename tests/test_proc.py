"""Programs really run: deadlines hold for whole groups, output is bounded, foreign text stays harmless."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipipe import proc, secrets
from cipipe.errors import DeadlineError, ExternalError, MissingToolError
from cipipe.proc import Conversation, Deadline, escaped, run
from cipipe.programs import program, search_path

ENV = {"PATH": os.environ["PATH"]}


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_streams_code_and_environment() -> None:
    code = (
        "import os, sys\n"
        "sys.stdout.write(sys.stdin.read() + os.environ['A']); sys.stderr.write('e'); sys.exit(3)"
    )
    done = run(_python(code), env=ENV | {"A": "1"}, input=b"x" * 300_000)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"x" * 300_000 + b"1", b"e")
    with pytest.raises(ExternalError, match=r"failed \(exit 3\): e"):
        run(_python(code), env=ENV | {"A": "1"}, check=True)
    assert run(_python("import os; print(sorted(os.environ))"), env={"ONLY": "1"}).stdout.count(b"ONLY") == 1


def test_input_that_nobody_reads() -> None:
    assert run(_python("pass"), env=ENV, input=b"x" * 1_000_000).returncode == 0


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError):
        run([str(tmp_path / "none")], env=ENV)
    (tmp_path / "file").write_text("no program")
    with pytest.raises(ExternalError, match="cannot be started"):
        run([str(tmp_path / "file")], env=ENV)


def test_the_deadline_ends_the_whole_group(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(60)\n"
    )
    started = time.monotonic()
    with pytest.raises(DeadlineError, match="deadline of 1 s"):
        run(_python(code), env=ENV, deadline=Deadline(1))
    assert time.monotonic() - started < 5
    time.sleep(0.1)
    assert not [pid for pid in pids.read_text().split() if _alive(int(pid))]


def test_a_program_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cipipe.proc._TERMINATION_GRACE", 0.3)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    started = time.monotonic()
    with pytest.raises(DeadlineError):
        run(_python(code), env=ENV, deadline=Deadline(0.7))
    assert time.monotonic() - started < 5


def test_output_is_bounded() -> None:
    with pytest.raises(ExternalError, match="more than 1000 bytes"):
        run(_python("while True: print('y' * 100)"), env=ENV, limit=1000, deadline=Deadline(20))


def test_an_interrupt_leaves_nothing_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proc, "_interrupted", threading.Event())
    pid = tmp_path / "pid"
    code = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)"

    def stop(_number: int, _frame: object) -> None:  # as the command line does
        proc.interrupt()
        raise KeyboardInterrupt

    def interrupt() -> None:
        while not pid.exists() or not pid.read_text():
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    before = signal.signal(signal.SIGINT, stop)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run(_python(code), env=ENV)
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)
    patience = time.monotonic() + 10  # where the signal came before `run` could wait for the program
    while _alive(int(pid.read_text())) and time.monotonic() < patience:
        time.sleep(0.01)
    assert not _alive(int(pid.read_text()))


def test_a_conversation() -> None:
    code = "import sys\nfor line in sys.stdin: print(len(line), flush=True); print(line, end='', flush=True)"
    with Conversation(_python(code), env=ENV, deadline=Deadline(20)) as talk:
        for text in (b"a\n", b"bcd" * 10_000 + b"\n"):
            talk.ask(text)
            assert talk.exactly(int(talk.line())) == text
    with Conversation(_python("pass"), env=ENV, deadline=Deadline(20)) as talk, pytest.raises(ExternalError):
        talk.line()
    silent = Conversation(_python("import time; time.sleep(60)"), env=ENV, deadline=Deadline(0.3))
    with pytest.raises(DeadlineError), silent as talk:
        talk.line()


def test_a_deadline_says_what_it_waited_for() -> None:
    deadline = Deadline(1)
    assert deadline.error("git fetch").message == "git fetch did not end within the deadline of 1 s"
    deadline.note("the server answered 503")
    assert deadline.error("git fetch").message.endswith("of 1 s; before that: the server answered 503")


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_foreign_text_stays_on_one_printable_line(text: str | bytes) -> None:
    assert escaped(text).isprintable()


def test_escaped() -> None:
    secrets.learn("canary-escape")
    assert escaped("a\n::error::b\r\n\x1b[31mc canary-escape\n") == "a / ::error::b / \\x1b[31mc ***"
    assert escaped("x" * 3000) == "x" * 2000 + "…"


def test_search_path(tmp_path: Path) -> None:
    checkout, open_, good = tmp_path / "checkout", tmp_path / "open", tmp_path / "good"
    for folder in (checkout / "bin", open_, good):
        folder.mkdir(parents=True)
    open_.chmod(0o777)
    (tmp_path / "way").symlink_to(checkout / "bin")
    entries = [
        ".",
        "",
        "bin",
        str(checkout / "bin"),
        str(open_),
        str(tmp_path / "none"),
        str(tmp_path / "way"),
        str(good),
    ]
    assert search_path({"PATH": os.pathsep.join(entries)}, checkout) == str(good)
    (good / "tool").write_text("")
    with pytest.raises(MissingToolError, match="tool is not installed"):
        program("tool", str(good))
    (good / "tool").chmod(0o755)
    assert program("tool", str(good)) == str(good / "tool")
