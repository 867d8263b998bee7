"""One job for two processes: a copy of this one does half of it (layer 2)."""

import os
import pickle
import signal
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar, cast

Item = TypeVar("Item")
T = TypeVar("T")


def shared(work: Callable[[Sequence[Item]], Sequence[T]], items: Sequence[Item], worth: int) -> list[T]:
    """What `work` gives for each of `items`, in their order; each process has every other one.

    Fewer than `worth` items would take two processes longer than one. Where one process has to do both
    halves it does so one after the other, so that limits are met at the same items.
    """
    if len(items) < max(worth, 2):
        return list(work(items))
    first, second = partial(work, items[::2]), partial(work, items[1::2])
    found: list[T | None] = [None] * len(items)
    found[::2], found[1::2] = _both(first, second) if _possible() else (first(), second())
    return cast("list[T]", found)


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
