"""What operators make of values; what is not sure stays unknown."""

from collections.abc import Callable, Sequence

from cipipe.groovy.methods import Strings
from cipipe.groovy.source import TEXT_LIMIT, Text
from cipipe.groovy.values import (
    CHOICES_LIMIT,
    Choice,
    Handle,
    Items,
    Table,
    Value,
    items,
    one_of,
    possibilities,
    truth,
)
from cipipe.pipelines.model import Unknown

_RANGE_LIMIT = 50
_ITEMS_LIMIT = 10_000
_PIECES_LIMIT = 400  # that a text is put together from: each sum looks at all of them
_CONDITION = Unknown("a condition")


def operate(operator: str, left: Value, right: Value, strings: Strings) -> Value:
    """`left operator right`, for each possibility of both."""
    if operator in {"==", "!=", "in", "<", ">", "<=", ">=", "<=>"} and (
        isinstance(left, Choice) or isinstance(right, Choice)
    ):
        return _CONDITION
    if isinstance(left, Choice) or isinstance(right, Choice):
        pairs = [(one, other) for one in possibilities(left) for other in possibilities(right)]
        return one_of(
            Choice((operate(operator, one, other, strings),)) for one, other in pairs[: CHOICES_LIMIT * 2]
        )
    return _OPERATORS.get(operator, _unknown)(left, right, strings)


def _unknown(left: Value, right: Value, strings: Strings) -> Value:  # noqa: ARG001 - as all operators
    return _CONDITION


def _plus(left: Value, right: Value, strings: Strings) -> Value:
    if isinstance(left, Items):
        return _joined(left, right.values if isinstance(right, Items) else (right,))
    if isinstance(left, Text) or isinstance(right, Text):
        one, other = strings.text(left), strings.text(right)
        long = len(one.string) + len(other.string) > TEXT_LIMIT
        if long or len(one.pieces) + len(other.pieces) > _PIECES_LIMIT:
            return Unknown("a text too long to follow")
        return one + other
    if isinstance(left, Table) and isinstance(right, Table):
        return Table({**left.entries, **right.entries}, left.whole and right.whole)
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left + right
    return Unknown("a sum")


def _joined(left: Items, more: Sequence[Value]) -> Value:
    if len(left.values) + len(more) > _ITEMS_LIMIT:
        return Unknown("a list too long to follow")
    return items([*left.values, *more])


def _minus(left: Value, right: Value, strings: Strings) -> Value:
    if isinstance(left, Text):
        return strings.call(left, "minus", [right])
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left - right
    if isinstance(left, Items):
        return left
    return Unknown("a difference")


def _times(left: Value, right: Value, strings: Strings) -> Value:
    if isinstance(left, Text):
        return strings.call(left, "multiply", [right])
    return Unknown("a product")


def _equal(left: Value, right: Value) -> bool | None:
    if isinstance(left, Text) and isinstance(right, Text):
        return left.string == right.string if left.known and right.known else None
    plain = bool | int | float
    if isinstance(left, Unknown | Handle) or isinstance(right, Unknown | Handle):
        return None
    if left is None or right is None:
        return left is right
    return left == right if isinstance(left, plain) and isinstance(right, plain) else None


def _is(left: Value, right: Value, strings: Strings) -> Value:  # noqa: ARG001 - as all operators
    same = _equal(left, right)
    return _CONDITION if same is None else same


def _is_not(left: Value, right: Value, strings: Strings) -> Value:  # noqa: ARG001 - as all operators
    same = _equal(left, right)
    return _CONDITION if same is None else not same


def _in(left: Value, right: Value, strings: Strings) -> Value:  # noqa: ARG001 - as all operators
    if not isinstance(right, Items):
        return _CONDITION
    found = [_equal(left, value) for value in right.values]
    return True if True in found else _CONDITION if None in found else False


def _range(left: Value, right: Value, strings: Strings) -> Value:  # noqa: ARG001 - as all operators
    if isinstance(left, int) and isinstance(right, int) and 0 <= right - left < _RANGE_LIMIT:
        return items(range(left, right + 1))
    return Unknown("a range")


def _ordered(left: Value, right: Value, strings: Strings) -> Value:  # noqa: ARG001 - as all operators
    return _CONDITION


def _and(left: Value, right: Value, strings: Strings) -> Value:  # noqa: ARG001 - as all operators
    known = {truth(left), truth(right)}
    return False if False in known else True if known == {True} else _CONDITION


def _or(left: Value, right: Value, strings: Strings) -> Value:  # noqa: ARG001 - as all operators
    known = {truth(left), truth(right)}
    return True if True in known else False if known == {False} else _CONDITION


def _first(left: Value, right: Value, strings: Strings) -> Value:  # noqa: ARG001 - as all operators
    return left


_OPERATORS: dict[str, Callable[[Value, Value, Strings], Value]] = {
    "+": _plus,
    "-": _minus,
    "*": _times,
    "==": _is,
    "!=": _is_not,
    "in": _in,
    "..": _range,
    "..<": _range,
    "&&": _and,
    "||": _or,
    "as": _first,
    "<<": _plus,
}
