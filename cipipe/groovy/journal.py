"""Assignments that may not happen: branches start from one state, and all that they leave is possible."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cipipe.groovy.values import one_of

_ABSENT = object()
_Log = dict[tuple[int, str], tuple[dict[str, Any], str, Any]]


class Journal:
    """The one place that changes a variable, so that a branch can be undone."""

    def __init__(self) -> None:
        self._log: _Log | None = None

    def write(self, holder: dict[str, Any], name: str, value: object) -> None:
        """Set a variable."""
        if self._log is not None and (id(holder), name) not in self._log:
            self._log[id(holder), name] = (holder, name, holder.get(name, _ABSENT))
        holder[name] = value

    def fork(self, arms: Sequence[Callable[[], bool]], *, exhaustive: bool) -> bool:
        """Run each arm from the state that is now; an arm says whether it left (by return or throw).

        Without `exhaustive` none of them may run. The result says that every way left.
        """
        outer = self._log
        touched: _Log = {}
        ends: list[dict[tuple[int, str], Any]] = []
        for arm in arms:
            self._log = {}
            left = arm()
            if not left:
                ends.append({key: holder.get(name, _ABSENT) for key, (holder, name, _) in self._log.items()})
            for key, (holder, name, old) in self._log.items():
                _put(holder, name, old)
                touched.setdefault(key, (holder, name, old))
        self._log = outer
        for key, (holder, name, old) in touched.items():
            values = [end.get(key, old) for end in ends] + ([] if exhaustive and ends else [old])
            present = [value for value in values if value is not _ABSENT]
            if present:
                cells = all(isinstance(value, tuple) for value in present)
                self.write(holder, name, _longest(present) if cells else one_of(present))
        return exhaustive and not ends

    def abandon(self) -> None:
        """Leave all branches; what they have set stays."""
        self._log = None

    @contextmanager
    def restored(self, holder: dict[str, Any], values: dict[str, Any]) -> Iterator[None]:
        """Variables for the time of a block."""
        before = {name: holder.get(name, _ABSENT) for name in values}
        for name, value in values.items():
            self.write(holder, name, value)
        yield
        for name, old in before.items():
            if old is _ABSENT:
                holder.pop(name, None)
            else:
                self.write(holder, name, old)


def _put(holder: dict[str, Any], name: str, value: object) -> None:
    if value is _ABSENT:
        holder.pop(name, None)
    else:
        holder[name] = value


def _longest(cells: list[Any]) -> object:
    """The contents of a list after branches: what any of them added is there."""
    return max(cells, key=len)
