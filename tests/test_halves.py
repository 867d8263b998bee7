"""Work that two processes share gives what one alone gives, and leaves none behind."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks.gate import write
from cipipe import halves, reading

ROOT = Path(__file__).parents[1]
two_processors = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one processor")


def in_a_process_of_its_own(scenario: Callable[..., None], *arguments: object) -> None:
    """Other tests leave threads and servers in this one."""
    code = f"from tests import test_halves; test_halves.{scenario.__name__}(*{arguments!r})"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def _who(items: Sequence[int]) -> list[tuple[int, int]]:
    return [(item, os.getpid()) for item in items]


@two_processors
@pytest.mark.parametrize("count", [2, 3, 50])
def test_each_process_has_every_other_one(count: int) -> None:
    in_a_process_of_its_own(every_other_one, count)


def every_other_one(count: int) -> None:
    found = halves.shared(_who, range(count), worth=0)
    assert [item for item, _ in found] == list(range(count))
    assert {process for _, process in found[::2]} == {os.getpid()}
    assert len({process for _, process in found[1::2]} - {os.getpid()}) == 1


@pytest.mark.parametrize("count", [0, 1, 9])
def test_little_work_is_done_here(count: int) -> None:
    assert halves.shared(_who, range(count), worth=10) == [(item, os.getpid()) for item in range(count)]


@two_processors
def test_a_copy_that_fails_is_replaced() -> None:
    in_a_process_of_its_own(replaced)


def replaced() -> None:
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
    in_a_process_of_its_own(raised, items)


def raised(items: list[int]) -> None:
    def work(items: Sequence[int]) -> list[int]:
        return [1 // item for item in items]

    with pytest.raises(ZeroDivisionError):
        halves.shared(work, items, worth=0)
    _no_child_is_left()


def _no_child_is_left() -> None:
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@two_processors
def test_facts_are_the_same_from_two_processes(tmp_path: Path) -> None:
    write(tmp_path, 12)
    in_a_process_of_its_own(the_same, str(tmp_path / "gate-12"))


def the_same(folder: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_WORTH_A_PROCESS", 100)
        alone = reading.collect(reading.locate(Path(folder), {}), None)
        patch.setattr(reading, "_WORTH_A_PROCESS", 1)
        assert halves._possible()
        together = reading.collect(reading.locate(Path(folder), {}), None)
    assert together.facts.complete("") == alone.facts.complete("")
    assert (together.read, together.followed) == (alone.read, alone.followed) == (12, 0)
