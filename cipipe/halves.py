"""One job for two processes: a copy of this one does the second half of it (layer 2)."""

import os
import pickle
import signal
import threading
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TypeVar

Item = TypeVar("Item")
T = TypeVar("T")


def shared(
    work: Callable[[Sequence[Item]], T], items: Sequence[Item], size: Callable[[Item], int], worth: int
) -> tuple[T, ...]:
    """`work` of all `items`, or of their first and second half, in this order.

    Halves are equal by `size`; below `worth` a second process would cost more than it saves.
    """
    sizes = list(accumulate(map(size, items)))
    middle = next((i + 1 for i, sum_ in enumerate(sizes) if sum_ * 2 >= sizes[-1]), 0)
    if not sizes or sizes[-1] < worth or middle == len(items) or not _possible():
        return (work(items),)
    return _both(lambda: work(items[:middle]), lambda: work(items[middle:]))


def _possible() -> bool:
    """Whether a copy helps, and is safe: another processor is free for us, and no thread runs.

    Only Linux tells the processors that are ours; elsewhere a copy without `exec` may fail in strange ways.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return processors > 1 and threading.active_count() == 1


def _both(first: Callable[[], T], second: Callable[[], T]) -> tuple[T, T]:
    """What both give. Where the copy fails this process does its half too, and an error is its own."""
    copy, answer = _copy(second)
    try:
        done = first()
        with os.fdopen(answer, "rb") as stream:
            told = stream.read()
    except BaseException:
        os.kill(copy, signal.SIGKILL)
        raise
    finally:
        _, status = os.waitpid(copy, 0)
    return done, pickle.loads(told) if status == 0 else second()  # noqa: S301 - our own copy made it


def _copy(work: Callable[[], T]) -> tuple[int, int]:
    """The copy's process id, and where its answer can be read."""
    answer, end = os.pipe()
    copy = os.fork()
    if copy:
        os.close(end)
        return copy, answer
    status = 1
    try:
        with os.fdopen(end, "wb") as stream:
            pickle.dump(work(), stream)
        status = 0
    finally:
        os._exit(status)  # it cleans nothing up and prints nothing: all that is the first one's
