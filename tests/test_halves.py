"""Work that two processes share gives what one alone gives, and leaves none behind."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.gate import write
from cipipe import halves, reading

two_processors = pytest.mark.skipif(not halves._possible(), reason="there is one processor")


def _who(items: Sequence[int]) -> list[tuple[int, int]]:
    return [(item, os.getpid()) for item in items]


@two_processors
@pytest.mark.parametrize("count", [2, 3, 50])
def test_each_process_has_every_other_one(count: int) -> None:
    found = halves.shared(_who, range(count), worth=0)
    assert [item for item, _ in found] == list(range(count))
    assert {process for _, process in found[::2]} == {os.getpid()}
    assert len({process for _, process in found[1::2]} - {os.getpid()}) == 1


@pytest.mark.parametrize("count", [0, 1, 9])
def test_little_work_is_done_here(count: int) -> None:
    assert halves.shared(_who, range(count), worth=10) == [(item, os.getpid()) for item in range(count)]


@two_processors
def test_a_copy_that_fails_is_replaced() -> None:
    here = os.getpid()

    def work(items: Sequence[int]) -> list[int]:
        if os.getpid() != here:
            os._exit(9)
        return [2 * item for item in items]

    assert halves.shared(work, [1, 2, 3], worth=0) == [2, 4, 6]
    _no_child_is_left()


@two_processors
@pytest.mark.parametrize("items", [[0, 1, 1], [1, 0, 1]])
def test_an_error_is_raised_here(items: list[int]) -> None:
    def work(items: Sequence[int]) -> list[int]:
        return [1 // item for item in items]

    with pytest.raises(ZeroDivisionError):
        halves.shared(work, items, worth=0)
    _no_child_is_left()


def _no_child_is_left() -> None:
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@two_processors
def test_facts_are_the_same_from_two_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = reading.locate(write(tmp_path, 12), {})
    alone = reading.collect(repository, None)
    monkeypatch.setattr(reading, "_WORTH_A_PROCESS", 1)
    together = reading.collect(repository, None)
    assert together.facts.complete("") == alone.facts.complete("")
    assert (together.read, together.followed) == (alone.read, alone.followed) == (12, 0)
