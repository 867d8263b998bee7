"""What an expression may be worth. Lists and maps are mutable through the evaluator's journal only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cipipe.groovy import tree
from cipipe.groovy.source import Piece, Source, Text
from cipipe.pipelines.model import Unknown
from cipipe.results import Location

CHOICES_LIMIT = 8  # possibilities of one value; more are not told apart


@dataclass(slots=True)
class Items:
    """A list; `cell["values"]` is a tuple."""

    cell: dict[str, tuple["Value", ...]]

    @property
    def values(self) -> tuple["Value", ...]:
        """The elements."""
        return self.cell["values"]


@dataclass(slots=True)
class Table:
    """A map with string keys; `whole` is false when it may have entries that are not known."""

    entries: dict[str, "Value"]
    whole: bool = True


@dataclass(slots=True)
class Bag:
    """An object of Jenkins whose properties may be set and read: `env`, `params`."""

    name: str
    values: dict[str, "Value"]


@dataclass(slots=True)
class Unit:
    """A script or an object. `steps`: calls of what it does not have are pipeline steps."""

    name: str
    source: Source
    methods: dict[str, list[tree.Method]]
    scope: "Scope"
    steps: bool = True
    imports: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Scope:
    """Variables; an inner scope sees the outer ones.

    `delegate` takes names that no scope declares; `receiver` is the object whose methods a `with` calls.
    """

    variables: dict[str, "Value"]
    outer: "Scope | None" = None
    delegate: "Table | None" = None
    receiver: "Unit | None" = None

    def holder(self, name: str) -> dict[str, "Value"] | None:
        """The variables that declare a name."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return scope.variables
            scope = scope.outer
        return None

    def receiving(self, method: str) -> "Unit | None":
        """The nearest receiver that has a method."""
        scope: Scope | None = self
        while scope is not None:
            if scope.receiver is not None and method in scope.receiver.methods:
                return scope.receiver
            scope = scope.outer
        return None

    def delegated(self) -> "Table | None":
        """The nearest delegate."""
        scope: Scope | None = self
        while scope is not None:
            if scope.delegate is not None:
                return scope.delegate
            scope = scope.outer
        return None


class Site(NamedTuple):
    """A call as it is written: its place, and its stretch of `source`."""

    location: Location
    source: Source
    begin: int
    end: int

    def holds(self, piece: Piece) -> bool:
        """Whether a stretch of text is written in the call itself."""
        return piece.source is self.source and self.begin <= piece.offset < self.end


@dataclass(slots=True)
class Function:
    """A closure, or a method by reference, with what it sees.

    `calls` leads from the pipeline to where it is written. An `inline` one stands among the arguments of a
    call: what it does is done in its place, whoever runs it.
    """

    node: tree.Closure | tree.Method
    scope: Scope
    unit: Unit
    delegate: Table | None = None
    calls: tuple[Site, ...] = ()
    inline: bool = False
    bound: tuple["Value", ...] = ()  # its first arguments, where it is curried


@dataclass(frozen=True, slots=True)
class Handle:
    """What a step gave back (`docker.image("x")`), or an object that is not in the files."""

    name: str
    arguments: "Arguments | None" = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values; a Choice of one is a value that may still be another (a default)."""

    values: tuple["Value", ...]


Value = Text | bool | int | float | None | Items | Table | Bag | Unit | Function | Handle | Choice | Unknown


@dataclass(slots=True)
class Arguments:
    """The arguments of a call, and where it is written."""

    positional: list[Value]
    named: dict[str, Value]
    site: Site

    @property
    def location(self) -> Location:
        """Where the call begins."""
        return self.site.location

    def closures(self) -> list[Function]:
        """The closures among them."""
        return [value for value in (*self.positional, *self.named.values()) if isinstance(value, Function)]

    def normalized(self) -> "Arguments":
        """One map alone is as good as named arguments: `sh([script: "…"])`."""
        first = self.positional[0] if self.positional else None
        if isinstance(first, Table):
            return Arguments(self.positional[1:], {**first.entries, **self.named}, self.site)
        return self

    def value(self, name: str, position: int = 0) -> Value:
        """A named argument, else a positional one that is not a closure; None when neither is there."""
        if name in self.named:
            return self.named[name]
        plain = [value for value in self.positional if not isinstance(value, Function)]
        return plain[position] if position < len(plain) else None


def items(values: Iterable[Value]) -> Items:
    """A new list."""
    return Items({"values": tuple(values)})


def table(entries: Mapping[str, Value]) -> Table:
    """A new map."""
    return Table(dict(entries))


def possibilities(value: Value) -> tuple[Value, ...]:
    """What the value may be."""
    return value.values if isinstance(value, Choice) else (value,)


def one_of(values: Iterable[Value]) -> Value:
    """A choice of values; equal ones count once, too many become an unknown one among the first."""
    values = list(values)
    if len(values) == 1:
        return values[0]
    found: list[Value] = []
    soft = False
    for value in values:
        soft = soft or isinstance(value, Choice)
        for member in possibilities(value):
            if not any(_same(member, other) for other in found):
                found.append(member)
    if len(found) == 1 and not soft:
        return found[0]
    if len(found) > CHOICES_LIMIT:
        found = [*found[: CHOICES_LIMIT - 1], Unknown("one of many values")]
    return Choice(tuple(found))


def soft(value: Value) -> Value:
    """The value as one that may be another when it matters for a condition."""
    return value if isinstance(value, Choice | Unknown) else Choice((value,))


def truth(value: Value) -> bool | None:
    """Groovy's truth where it is sure; collections may have grown unseen and are never sure."""
    if isinstance(value, bool | int | float) or value is None:
        return bool(value)
    if isinstance(value, Text) and (value.known or len(value.string) > 1):
        return bool(value.string)
    return None


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, Text) and isinstance(other, Text):
        return one.string == other.string and one.place() == other.place()
    if isinstance(one, Unknown) and isinstance(other, Unknown):
        return True
    return one is other or (type(one) is type(other) and isinstance(one, bool | int | float) and one == other)
