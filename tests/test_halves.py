"""Work that two processes share gives what one alone gives, and leaves none behind."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.gate import write
from cipipe import halves, reading

two_processors = pytest.mark.skipif(not halves._possible(), reason="there is one processor")


def _whole(items: Sequence[int]) -> tuple[int, list[int]]:
    return os.getpid(), list(items)


@two_processors
@pytest.mark.parametrize("items", [[1, 1], [5, 1, 1, 3], [1, 1, 9, 1], list(range(1, 50))])
def test_halves_come_in_order(items: list[int]) -> None:
    first, second = halves.shared(_whole, items, lambda item: item, worth=0)
    assert first[0] == os.getpid() != second[0]
    assert first[1] + second[1] == items
    assert sum(first[1]) * 2 >= sum(items) > sum(first[1])


@pytest.mark.parametrize("items", [[], [7], [1, 2]])
def test_little_work_is_done_here(items: list[int]) -> None:
    assert halves.shared(_whole, items, lambda item: item, worth=10) == ((os.getpid(), items),)


@two_processors
def test_a_copy_that_fails_is_replaced() -> None:
    here = os.getpid()

    def work(items: Sequence[int]) -> int:
        if os.getpid() != here:
            os._exit(9)
        return sum(items)

    assert halves.shared(work, [1, 2, 3], lambda _: 1, worth=0) == (3, 3)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@two_processors
def test_an_error_is_raised_here() -> None:
    def work(items: Sequence[int]) -> int:
        return 1 // (3 - items[0])

    with pytest.raises(ZeroDivisionError):
        halves.shared(work, [1, 1, 3, 1], lambda _: 1, worth=0)
    with pytest.raises(ZeroDivisionError):
        halves.shared(work, [3, 1, 1, 1], lambda _: 1, worth=0)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@two_processors
def test_facts_are_the_same_from_two_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = reading.locate(write(tmp_path, 12))
    alone = reading.collect(repository, None)
    monkeypatch.setattr(reading, "_WORTH_A_PROCESS", 1)
    together = reading.collect(repository, None)
    assert together.facts.complete("") == alone.facts.complete("")
    assert (together.read, together.followed) == (alone.read, alone.followed) == (12, 0)
