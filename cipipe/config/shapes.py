"""A type annotation of the model, taken apart once for the reader and the JSON schema."""

import dataclasses
import types
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from cipipe.config.kinds import NotInFile, Number, OneOf, OneOrMany, Text

Rule = Text | Number | OneOf | OneOrMany | NotInFile


class Shape(NamedTuple):
    """A type without its annotations, what they said, and the description."""

    kind: Any
    rules: tuple[Rule, ...]
    description: str

    def rule(self, of: type[Any]) -> Any:
        """The annotation of the class `of`, or None."""
        return next((rule for rule in self.rules if isinstance(rule, of)), None)


class Key(NamedTuple):
    """One key of a dataclass in the file."""

    shape: Shape
    required: bool


def shape(annotation: Any) -> Shape:
    """Take `annotation` apart; `X | None` is X, for a key that may be left out is never null."""
    rules: list[Rule] = []
    description = ""
    while True:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            annotation = arguments[0]
            for extra in arguments[1:]:
                if isinstance(extra, str):
                    description = description or extra
                else:
                    rules.append(extra)
        elif origin in {Union, types.UnionType} and types.NoneType in arguments:
            left = tuple(argument for argument in arguments if argument is not types.NoneType)
            annotation = Union[left]  # noqa: UP007 - built from a tuple of unknown length
        else:
            return Shape(annotation, tuple(rules), description)


def alternatives(of: Shape) -> tuple[Shape, ...]:
    """The members of a union; the shape itself when it is none."""
    if get_origin(of.kind) in {Union, types.UnionType}:
        return tuple(shape(argument) for argument in get_args(of.kind))
    return (of,)


def choices(of: Shape) -> tuple[Any, ...]:
    """The values of a `Literal` or of `OneOf`, else nothing."""
    if get_origin(of.kind) is Literal:
        return get_args(of.kind)
    listed = of.rule(OneOf)
    return listed.choices if listed else ()


def item(of: Shape) -> Shape | None:
    """The items' shape where it is a `tuple[X, ...]`."""
    return shape(get_args(of.kind)[0]) if get_origin(of.kind) is tuple else None


def members(of: Shape) -> tuple[Shape, Shape] | None:
    """The shapes of names and values where it is a mapping."""
    if get_origin(of.kind) is not Mapping:
        return None
    name, value = get_args(of.kind)
    return shape(name), shape(value)


@cache
def keys(of: type) -> dict[str, Key]:
    """The keys that the dataclass `of` has in the file."""
    return {name: key for name, key in _fields(of).items() if not key.shape.rule(NotInFile)}


@cache
def filled(of: type) -> dict[str, str]:
    """The fields that the reader fills: name -> source."""
    marks = {name: key.shape.rule(NotInFile) for name, key in _fields(of).items()}
    return {name: mark.source for name, mark in marks.items() if mark}


@cache
def _fields(of: type) -> dict[str, Key]:
    hints = get_type_hints(of, include_extras=True)
    missing = dataclasses.MISSING
    return {
        field.name: Key(
            shape(hints[field.name]), field.default is missing and field.default_factory is missing
        )
        for field in dataclasses.fields(of)
    }
