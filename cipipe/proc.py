"""The one place that starts outside programs: no shell, own session, bounded output, a deadline.

A child gets exactly the environment that is passed in, never ours. Every program is logged at DEBUG.
"""

import contextlib
import logging
import os
import select
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from cipipe import secrets
from cipipe.errors import DeadlineError, ExternalError, MissingToolError

# bytes: a runaway program must not take the machine's memory
OUTPUT_LIMIT = 512 * 1024 * 1024
_TERMINATION_GRACE = 5.0  # seconds between SIGTERM and SIGKILL
_STRAGGLER_GRACE = 2.0  # seconds for grandchildren that keep a pipe open after their parent is gone
_CHUNK = 1 << 16
_log = logging.getLogger("cipipe")


_running: set[subprocess.Popen[bytes]] = set()
_interrupted = threading.Event()


def interrupt() -> None:
    """End the programs of all threads and start no other: somebody stops cipipe. Signal handlers may call it.

    Children have sessions of their own, so that ^C does not reach them, and a thread that waits for one
    hears nothing of it.
    """
    _interrupted.set()
    for process in list(_running):
        _signal(process, signal.SIGTERM)


def interrupted() -> bool:
    """Whether somebody stops cipipe."""
    return _interrupted.is_set()


class Deadline:
    """A point in time that all steps of one job share; `seconds` from now on a monotonic clock."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds
        self._failure = ""

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - self._clock())

    @property
    def expired(self) -> bool:
        """Whether no time is left."""
        return self.remaining() <= 0

    def error(self, what: str) -> DeadlineError:
        """The error for `what` not having ended in time."""
        last = f"; before that: {self._failure}" if self._failure else ""
        return DeadlineError(f"{what} did not end within the deadline of {self.seconds:g} s{last}")

    def note(self, failure: str) -> None:
        """Remember why something is tried again: whoever reads that time ran out wants to know."""
        self._failure = failure

    def sleep(self, seconds: float) -> None:
        """Wait `seconds`, but not past the deadline, and not when somebody stops cipipe."""
        _interrupted.wait(min(seconds, self.remaining()))


@dataclass(frozen=True, slots=True)
class Completed:
    """A program that ended; a negative `returncode` is the signal that ended it."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: bytes


def escaped(text: str | bytes, limit: int = 2000) -> str:
    """Foreign text fit to stand in one line of ours: no control characters, lines joined, secrets hidden.

    On one line it cannot speak to a terminal or start a CI's workflow command. `limit` counts characters.
    """
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    lines = (line.strip() for line in secrets.redact(text).replace("\r", "\n").split("\n"))
    joined = " / ".join(line for line in lines if line)
    safe = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in joined)
    return safe if len(safe) <= limit else safe[:limit] + "…"


def run(  # noqa: PLR0913 - the settings of a process, by name only
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    input: bytes = b"",  # noqa: A002 - the name that subprocess gave it
    deadline: Deadline | None = None,
    check: bool = False,
    limit: int = OUTPUT_LIMIT,
) -> Completed:
    """Run a program to its end; its whole process group is ended with it (SIGTERM, 5 s, SIGKILL).

    `limit` bounds stdout and stderr each, in bytes. Raises DeadlineError, MissingToolError, and ExternalError
    for output past the limit or, with `check`, for a return code that is not 0.
    """
    started = time.monotonic()
    process = _start(argv, env, cwd)
    out = _Drain(process, _piped(process.stdout), limit)
    err = _Drain(process, _piped(process.stderr), limit)
    feeder = threading.Thread(target=_feed, args=(_piped(process.stdin), input), daemon=True)
    threads = (out, err, feeder)
    in_time = False
    try:
        for thread in threads:
            thread.start()
        in_time = _wait(process, deadline)
        for thread in threads if in_time else ():
            thread.join(_STRAGGLER_GRACE)
    finally:
        begun = [thread for thread in threads if thread.ident]
        if process.poll() is None or any(thread.is_alive() for thread in begun):
            _stop(process)
        _running.discard(process)
        for thread in begun:
            thread.join(_STRAGGLER_GRACE)  # what left the group and kept the pipe is not waited for
    if deadline and not in_time:
        raise deadline.error(_name(argv))
    _log.debug("ran %s -> %d in %.3f s", shown(argv), process.returncode, time.monotonic() - started)
    if out.exceeded or err.exceeded:
        raise ExternalError(f"{_name(argv)} printed more than {limit} bytes and was ended")
    completed = Completed(tuple(argv), process.returncode, out.content(), err.content())
    if check and completed.returncode:
        said = escaped(completed.stderr or completed.stdout)
        raise ExternalError(f"{_name(argv)} failed (exit {completed.returncode}): {said}")
    return completed


def shown(argv: Sequence[str]) -> str:
    """A command line for a log."""
    return escaped(shlex.join(argv), limit=500)


class Conversation:
    """A program that answers questions one after the other over its standard streams; a context manager.

    Its stderr is dropped: it must not fill a pipe that nobody reads.
    """

    def __init__(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None, deadline: Deadline
    ) -> None:
        self._name = _name(argv)
        self._deadline = deadline
        self._process = _start(argv, env, cwd, stderr=subprocess.DEVNULL)
        self._input, self._output = _piped(self._process.stdin), _piped(self._process.stdout)
        self._buffer = bytearray()
        _log.debug("started %s", shown(argv))

    def ask(self, question: bytes) -> None:
        """Send bytes; more than a pipe holds (64 kB) could wait for answers that were not read yet."""
        try:
            self._input.write(question)
            self._input.flush()
        except BrokenPipeError:
            raise ExternalError(f"{self._name} ended unexpectedly") from None

    def line(self) -> bytes:
        """The next line of the answer, without its newline."""
        while (end := self._buffer.find(b"\n")) < 0:
            self._fill()
        answer = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return answer

    def exactly(self, size: int) -> bytes:
        """The next `size` bytes of the answer."""
        while len(self._buffer) < size:
            self._fill()
        answer = bytes(self._buffer[:size])
        del self._buffer[:size]
        return answer

    def _fill(self) -> None:
        if not select.select([self._output], [], [], self._deadline.remaining())[0]:
            raise self._deadline.error(self._name)
        chunk = os.read(self._output.fileno(), _CHUNK)
        if not chunk:
            raise ExternalError(f"{self._name} ended unexpectedly")
        self._buffer += chunk

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the program."""
        with contextlib.suppress(BrokenPipeError):
            self._input.close()
        self._output.close()
        try:
            self._process.wait(_STRAGGLER_GRACE)
        except subprocess.TimeoutExpired:
            _stop(self._process)
        _running.discard(self._process)


class _Drain(threading.Thread):
    """Reads one stream of a process to its end; past `limit` bytes it kills the process group."""

    def __init__(self, process: subprocess.Popen[bytes], stream: IO[bytes], limit: int) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._stream = stream
        self._limit = limit
        self._chunks: list[bytes] = []
        self.exceeded = False

    def run(self) -> None:
        size = 0
        with self._stream:
            while chunk := os.read(self._stream.fileno(), _CHUNK):
                size += len(chunk)
                if size > self._limit:
                    self.exceeded = True
                    _signal(self._process, signal.SIGKILL)
                    return
                self._chunks.append(chunk)

    def content(self) -> bytes:
        return b"".join(self._chunks)


def _start(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path | None, stderr: int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    if _interrupted.is_set():
        raise ExternalError(f"{_name(argv)} was not started: interrupted")
    try:
        process = subprocess.Popen(
            list(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=dict(env), cwd=cwd,
            start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError:
        raise MissingToolError(f"{argv[0]} is not there") from None
    except OSError as error:
        raise ExternalError(f"{_name(argv)} cannot be started: {error.strerror}") from None
    _running.add(process)
    if _interrupted.is_set():
        _signal(process, signal.SIGTERM)
    return process


def _piped(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("the stream is not a pipe")
    return stream


def _wait(process: subprocess.Popen[bytes], deadline: Deadline | None) -> bool:
    """Whether the process ended in time.

    A thread waits, since `wait` with a time-out looks only every 50 ms, which each step would pay.
    """
    waiter = threading.Thread(target=process.wait, daemon=True)
    waiter.start()
    waiter.join(deadline.remaining() if deadline else None)
    return not waiter.is_alive()


def _feed(stream: IO[bytes], content: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), stream:  # it may end without reading all
        stream.write(content)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the process group; harmless when nothing is."""
    _signal(process, signal.SIGTERM)
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_TERMINATION_GRACE)
    finally:  # also on a second ^C
        _signal(process, signal.SIGKILL)
        process.wait()
        _running.discard(process)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _name(argv: Sequence[str]) -> str:
    name = Path(argv[0]).name
    return f"{name} {argv[1]}" if name == "git" and len(argv) > 1 else name
