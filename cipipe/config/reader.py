"""A tree of YAML nodes -> the model's dataclasses, guided by their annotations; errors name their line."""

import dataclasses
import datetime as dt
import re
from typing import Any, TypeVar

from cipipe.config import shapes
from cipipe.config.document import Items, Keys, Node, Scalar
from cipipe.config.kinds import Number, OneOrMany, Text
from cipipe.config.shapes import Shape
from cipipe.errors import ConfigError
from cipipe.hints import near_miss

_MOST_VALUES = 100_000  # aliases of aliases would otherwise read one value without end
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")

T = TypeVar("T")


def read(node: Node, into: type[T], file: str) -> T:
    """The dataclass `into` made of `node`; raise `ConfigError` for unknown and missing keys, wrong values."""
    value = _Reader(file).value(node, Shape(into, (), ""), "", under=("", node.line))
    assert isinstance(value, into)  # noqa: S101 - for the type checker
    return value


class _Reader:
    """Holds what every error needs (the file) and the budget."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._left = _MOST_VALUES

    def value(self, node: Node, wanted: Shape, place: str, under: tuple[str, int]) -> Any:
        """`node` as `wanted`; `place` is its dotted path, `under` its key and the key's line."""
        self._left -= 1
        if self._left < 0:
            raise ConfigError(
                f"more than {_MOST_VALUES:,} values, counting aliases", file=self._file, line=node.line
            )
        if dataclasses.is_dataclass(wanted.kind):
            return self._dataclass(node, wanted.kind, place, under)
        if named := shapes.members(wanted):
            return self._mapping(node, named, place)
        if of := shapes.item(wanted):
            return self._items(node, of, place, single=wanted.rule(OneOrMany) is not None)
        return self._scalar(node, wanted, place)

    def _dataclass(self, node: Node, into: Any, place: str, under: tuple[str, int]) -> Any:
        keys = shapes.keys(into)
        if not isinstance(node, Keys):
            raise self._wrong(node, place, "a mapping", hint=f"its keys: {', '.join(keys)}")
        written = node.all()
        for key, (line, _) in written.items():
            if key not in keys:
                raise ConfigError(
                    f"{place or 'the top level'} has no key '{_short(key)}'",
                    file=self._file,
                    line=line,
                    hint=near_miss(key, keys),
                )
        if missing := [key for key, of in keys.items() if of.required and key not in written]:
            says = keys[missing[0]].shape.description
            raise ConfigError(
                f"{_join(place, missing[0])} is missing",
                file=self._file,
                line=under[1],
                hint=f"{missing[0]}: {says}",
            )
        values = {
            key: self.value(value, keys[key].shape, _join(place, key), (key, line))
            for key, (line, value) in written.items()
        }
        lines = {"": under[1]} | {key: line for key, (line, _) in written.items()}
        sources = {"name": under[0], "line": under[1], "lines": lines, "file": self._file}
        return into(**values, **{key: sources[source] for key, source in shapes.filled(into).items()})

    def _mapping(self, node: Node, named: tuple[Shape, Shape], place: str) -> dict[str, Any]:
        if not isinstance(node, Keys):
            raise self._wrong(node, place, "a mapping of names")
        name_shape, value_shape = named
        result = {}
        for name, (line, value) in node.all().items():
            if problem := name_shape.rule(Text).problem(name):
                raise ConfigError(
                    f"{place}: the name '{_short(name)}': {problem}", file=self._file, line=line
                )
            result[name] = self.value(value, value_shape, _join(place, name), (name, line))
        return result

    def _items(self, node: Node, of: Shape, place: str, *, single: bool) -> tuple[Any, ...]:
        if single and isinstance(node, Scalar):
            return (self.value(node, of, place, ("", node.line)),)
        if not isinstance(node, Items):
            raise self._wrong(node, place, "a list", hint=_as_list(node))
        if not node.items:
            raise ConfigError(
                f"{place} is an empty list", file=self._file, line=node.line, hint="leave the key out"
            )
        return tuple(
            self.value(item, of, f"{place}[{index}]", ("", item.line))
            for index, item in enumerate(node.items)
        )

    def _scalar(self, node: Node, wanted: Shape, place: str) -> Any:
        problem: ConfigError | None = None
        for alternative in shapes.alternatives(wanted):
            try:
                return self._one_scalar(node, alternative, place)
            except ConfigError as error:
                problem = problem or error
        assert problem is not None  # noqa: S101 - a union has members
        raise problem

    def _one_scalar(self, node: Node, wanted: Shape, place: str) -> Any:
        if listed := shapes.choices(wanted):
            return self._choice(node, listed, place)
        if wanted.kind is bool:
            if not isinstance(node, Scalar) or node.kind != "truth value":
                raise self._wrong(node, place, "true or false")
            return node.text.lower() == "true"
        if wanted.kind is int:
            return self._number(node, wanted.rule(Number), place)
        if wanted.kind is dt.date:
            return self._date(node, place)
        return self._text(node, wanted.rule(Text), place)

    def _choice(self, node: Node, listed: tuple[Any, ...], place: str) -> Any:
        kind = "number" if isinstance(listed[0], int) else "text"
        for choice in listed:
            if isinstance(node, Scalar) and node.kind == kind and node.text == str(choice):
                return choice
        expected = " or ".join(str(choice) for choice in listed)
        hint = near_miss(node.text, map(str, listed)) if isinstance(node, Scalar) and kind == "text" else None
        raise self._wrong(node, place, expected, hint=hint)

    def _number(self, node: Node, bounds: Number, place: str) -> int:
        if (
            isinstance(node, Scalar)
            and node.kind == "number"
            and re.fullmatch("0|[1-9][0-9]{0,17}", node.text)
        ):
            number = int(node.text)
            if bounds.least <= number <= bounds.most:
                return number
        raise self._wrong(node, place, f"a whole number from {bounds.least} to {bounds.most}")

    def _date(self, node: Node, place: str) -> dt.date:
        if isinstance(node, Scalar) and node.kind == "text" and _DATE.fullmatch(node.text):
            try:
                return dt.date.fromisoformat(node.text)
            except ValueError:
                raise self._wrong(node, place, "a day of the calendar") from None
        raise self._wrong(node, place, "a date as YYYY-MM-DD")

    def _text(self, node: Node, rule: Text, place: str) -> str:
        if not isinstance(node, Scalar) or node.kind != "text":
            hint = f'quote it: "{node.text}"' if isinstance(node, Scalar) and node.text else None
            raise self._wrong(node, place, "text", hint=hint)
        if problem := rule.problem(node.text):
            raise ConfigError(f"{place}: {problem}", file=self._file, line=node.line)
        return node.text

    def _wrong(self, node: Node, place: str, expected: str, *, hint: str | None = None) -> ConfigError:
        where = place or "the top level"
        return ConfigError(
            f"{where}: expected {expected}, found {_found(node)}", file=self._file, line=node.line, hint=hint
        )


def _found(node: Node) -> str:
    if isinstance(node, Items):
        return "a list"
    if isinstance(node, Keys):
        return "a mapping"
    return "nothing" if node.kind == "nothing" else f"the {node.kind} {_short(node.text)!r}"


def _as_list(node: Node) -> str | None:
    return f"write [{_short(node.text)}]" if isinstance(node, Scalar) and node.kind == "text" else None


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _join(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key
