"""The evaluator's state, and methods that take closures: `each`, `collect`, `with`, …"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cipipe.groovy import tree
from cipipe.groovy.journal import Journal
from cipipe.groovy.methods import Strings, list_method, map_method
from cipipe.groovy.source import Text
from cipipe.groovy.values import (
    Arguments,
    Function,
    Items,
    Scope,
    Site,
    Table,
    Unit,
    Value,
    items,
    one_of,
    possibilities,
    soft,
)
from cipipe.pipelines.model import Unknown

if TYPE_CHECKING:
    from cipipe.groovy.host import Host

WORK_LIMIT = 60_000  # nodes that one pipeline may visit; loops in loops end here
_TIMES_LIMIT = 20
ADDS = frozenset({"add", "addAll", "append", "leftShift", "push", "put", "putAt", "putIfAbsent"})


class WorkExceeded(Exception):  # noqa: N818 - becomes a Problem of the pipeline
    """The pipeline is more than can be followed."""


class Iterations:
    """State, and the loops that are calls."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.host: Host
        self.journal = Journal()
        self.calls: tuple[Site, ...] = ()  # from the pipeline to what runs now
        self.running: list[int] = []
        self.recursive: dict[int, Site] = {}  # where a method called itself again
        self.returns: list[Value] | None = None
        self.ran: set[tuple[str, int]] = set()  # methods, each by its file and offset
        self.silent: dict[
            tuple[object, ...], tuple[Value, Scope]
        ] = {}  # the scope, so that its id stays taken
        self.closures: dict[tuple[object, ...], tuple[int, Scope]] = {}  # how often each ran
        self.quiet: Counter[int] = Counter()
        self.worked = 0  # nodes visited
        self._assigned: dict[int, frozenset[str]] = {}

    def work(self) -> None:
        """Count one step of work."""
        self.worked += 1
        if self.worked > WORK_LIMIT:
            raise WorkExceeded

    def strings(self, at: int) -> Strings:
        """Text methods for something at an offset of the present source."""
        return Strings(self.unit.source, at)

    def soften(self, body: Sequence[tree.Node], scope: Scope) -> None:
        """Before a body that may run any number of times: what it assigns decides no condition any more."""
        for name in assigned(body, self._assigned):
            holder = scope.holder(name)
            if holder is not None:
                self.journal.write(holder, name, soft(holder[name]))

    def iterate(self, receiver: Value, name: str, arguments: Arguments) -> Value:
        """A method with a closure."""
        function = arguments.closures()[-1]
        if name in {"with", "tap"}:
            if isinstance(receiver, Unit):
                function = replace(function, scope=Scope({}, function.scope, receiver=receiver))
            value = self.run(function, [receiver], receiver if isinstance(receiver, Table) else None)
            return receiver if name == "tap" else value
        if isinstance(receiver, int) and name in {"times", "upto", "step"}:
            for number in range(min(receiver, _TIMES_LIMIT)):
                self.run(function, [number])
            return None
        rows = self._rows(receiver, function, counted=name == "eachWithIndex")
        if rows is None or name in {"inject", "sort", "toSorted", "max", "min"}:
            self.run_unsure(arguments)
            return (
                receiver
                if name in {"each", "eachWithIndex", "sort", "toSorted", "findAll"}
                else Unknown(f"{name}()")
            )
        results = [self.run(function, row) for row in rows]
        return self._result(receiver, name, results)

    def _rows(self, receiver: Value, function: Function, *, counted: bool) -> list[list[Value]] | None:
        wanted = len(function.node.parameters or [])
        if isinstance(receiver, Items):
            return [[value, number] if counted else [value] for number, value in enumerate(receiver.values)]
        if not isinstance(receiver, Table):
            return None
        rows: list[list[Value]] = []
        for number, (key, value) in enumerate(list(receiver.entries.items())):
            text = self.strings(0).literal(key)
            pair: list[Value] = (
                [text, value] if wanted - counted >= 2 else [Table({"key": text, "value": value})]
            )
            rows.append([*pair, number] if counted else pair)
        return rows

    def _result(self, receiver: Value, name: str, results: list[Value]) -> Value:
        if name in {"collect", "collectMany", "collectNested"}:
            return items(results) if name != "collectMany" else list_method(tuple(results), "flatten", [])
        if name == "collectEntries":
            made = Table({})
            for result in results:
                if isinstance(result, Table):
                    made.entries.update(result.entries)
                elif (
                    isinstance(result, Items)
                    and len(result.values) == 2
                    and isinstance(result.values[0], Text)
                ):
                    made.entries[result.values[0].string] = result.values[1]
                else:
                    made.whole = False
            return made
        if name in {"each", "eachWithIndex", "reverseEach", "findAll", "unique", "forEach"}:
            return receiver
        if name in {"find", "first"} and isinstance(receiver, Items):
            return one_of([soft(value) for value in receiver.values] or [None])
        return Unknown(f"{name}()")

    def collection(self, receiver: Value, name: str, arguments: list[Value], strings: Strings) -> Value:
        """A method without closure on a list, map or anything else."""
        if isinstance(receiver, Items):
            if name in {"add", "push", "addAll", "leftShift", "append"} and arguments:
                added = arguments[-1]
                more = added.values if name == "addAll" and isinstance(added, Items) else (added,)
                self.journal.write(receiver.cell, "values", (*receiver.values, *more))
                return receiver
            if name == "join":
                return self._joined(receiver.values, arguments, strings)
            return list_method(receiver.values, name, arguments)
        if isinstance(receiver, Table):
            self._grow(receiver, name, arguments)
            return map_method(receiver, name, arguments)
        if name in {"toString", "trim", "toInteger", "toBoolean"}:
            return receiver if name == "toString" or isinstance(receiver, Unknown) else strings.text(receiver)
        return Unknown(f"{receiver.why}.{name}()" if isinstance(receiver, Unknown) else f"{name}()")

    def _joined(self, values: Sequence[Value], arguments: list[Value], strings: Strings) -> Value:
        separator = strings.text(possibilities(arguments[0])[0]) if arguments else strings.literal("")
        rows: list[list[Value]] = [[]]
        for value in values:
            rows = [[*row, one] for row in rows for one in possibilities(value)[: 8 // len(rows) or 1]]
        return one_of(strings.joined([strings.text(value) for value in row], separator) for row in rows)

    def _grow(self, receiver: Table, name: str, arguments: list[Value]) -> None:
        first = arguments[0] if arguments else None
        if name in {"put", "putAt", "putIfAbsent"} and len(arguments) > 1:
            key = first.string if isinstance(first, Text) else f"?{len(receiver.entries)}"
            self.journal.write(receiver.entries, key, arguments[1])
        elif name == "putAll":
            for key, value in (first.entries if isinstance(first, Table) else {}).items():
                self.journal.write(receiver.entries, key, value)

    # what the evaluator adds

    def evaluate(self, node: tree.Node | None, scope: Scope) -> Value:
        """The value of an expression."""
        raise NotImplementedError

    def statements(self, body: Sequence[tree.Node], scope: Scope) -> tuple[bool, Value]:
        """Run statements."""
        raise NotImplementedError

    def run(self, function: Function, values: Sequence[Value], delegate: Table | None = None) -> Value:
        """Run a closure once."""
        raise NotImplementedError

    def run_unsure(self, arguments: Arguments) -> Value:
        """Run closures that may run."""
        raise NotImplementedError

    def assign(self, target: tree.Node, value: Value, scope: Scope) -> None:
        """Set what an expression names."""
        raise NotImplementedError


def assigned(body: Sequence[tree.Node], cache: dict[int, frozenset[str]]) -> frozenset[str]:
    """The names that statements assign, at any depth."""
    key = id(body)
    if key not in cache:
        found: set[str] = set()
        pending: list[object] = list(body)
        while pending:
            node = pending.pop()
            if isinstance(node, tree.Assign) or (
                isinstance(node, tree.Operation) and len(node.operands) == 1
            ):
                targets = node.targets if isinstance(node, tree.Assign) else node.operands
                found.update(target.name for target in targets if isinstance(target, tree.Name))
            if isinstance(node, tree.Node):
                pending += [getattr(node, name) for name in _slots(type(node))]
            elif isinstance(node, list | tuple):
                pending += node
        cache[key] = frozenset(found)
    return cache[key]


def _slots(kind: type) -> tuple[str, ...]:
    return tuple(name for base in kind.__mro__ for name in getattr(base, "__slots__", ()) if name != "at")
