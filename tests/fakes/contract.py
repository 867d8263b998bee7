"""Whether requests and answers keep to an OpenAPI 3.0 description of an API.

Stricter than the description: what it does not name is a violation, where servers pass over it in silence (a
misspelt key would never be noticed). Laxer for answers: a fake may leave out what nobody reads.
"""

import datetime as dt
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

_HERE = "urn:description"
_IN_PLACE = ("allOf", "anyOf", "oneOf")
_REFUSALS = range(400, 600)
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or dt.datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True)
class Excuse:
    """A description that is wrong: `problem` (a pattern) of the operations that match is none."""

    operation: str
    problem: str
    reason: str


@dataclass(frozen=True)
class Operation:
    """A method on a path; `names` are those of the path's parameters."""

    method: str
    template: str
    pattern: re.Pattern[str]
    said: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.template}"


class Contract:
    """One description; what `excuses` name is no violation.

    The path's parameters in `spanning` may have slashes in them, as branches have.
    """

    def __init__(
        self,
        description: Mapping[str, Any],
        excuses: tuple[Excuse, ...] = (),
        *,
        spanning: frozenset[str] = frozenset(),
    ) -> None:
        self._excuses = excuses
        self._validators: dict[tuple[int, bool], Draft202012Validator] = {}
        self._components: Mapping[str, Any] = description.get("components", {})
        schemas = self._components.get("schemas", {})
        forms = {
            f"{'closed' if closed else 'open'}-{'part' if part else 'whole'}": {
                name: _translated(schema, closed=closed, part=part) for name, schema in schemas.items()
            }
            for closed in (True, False)
            for part in (True, False)
        }
        self._registry: Registry[Any] = Registry().with_resource(_HERE, DRAFT202012.create_resource(forms))
        self._operations = [
            Operation(method.upper(), template, _pattern(template, spanning), said)
            for template, methods in description["paths"].items()
            for method, said in methods.items()
        ]
        # a path that is spelt out goes before one with a parameter in its place
        self._operations.sort(key=lambda operation: operation.template.count("{"))

    def find(self, method: str, path: str) -> Operation | None:
        """The operation; `path` is as it was sent, with its percent signs."""
        return next(
            (each for each in self._operations if each.method == method and each.pattern.fullmatch(path)),
            None,
        )

    def violations(self, method: str, path: str, query: Mapping[str, str], body: object) -> Iterator[str]:
        """What is wrong with a request, in words."""
        operation = self.find(method, path)
        if operation is None:
            yield f"{method} {path}: no such operation is described"
            return
        parameters = [self._resolved("parameters", each) for each in operation.said.get("parameters", ())]
        match = operation.pattern.fullmatch(path)
        assert match
        given = {
            "path": {name: urllib.parse.unquote(value) for name, value in match.groupdict().items()},
            "query": query,
        }
        for place, values in given.items():
            known = {each["name"]: each for each in parameters if each["in"] == place}
            for name, value in values.items():
                if name not in known:
                    yield f"{operation}: {place} parameter '{name}' is not described"
                elif problem := self._mistake(
                    operation, known[name]["schema"], _read(value, known[name]["schema"])
                ):
                    yield f"{operation}: {place} parameter '{name}': {problem}"
            for name, each in known.items():
                if each.get("required") and name not in values:
                    yield f"{operation}: {place} parameter '{name}' is missing"
        if problem := self._body(operation, body):
            yield f"{operation}: {problem}"

    def lies(self, method: str, path: str, status: int, body: object) -> Iterator[str]:
        """What an answer says that the described API does not say."""
        operation = self.find(method, path)
        if operation is None:
            return
        answers = operation.said.get("responses")
        if answers is None:
            return
        if str(status) not in answers:
            if status not in _REFUSALS:
                yield f"{operation} never answers {status}"
            return
        described = self._resolved("responses", answers[str(status)]).get("content", {})
        schema = described.get("application/json", {}).get("schema")
        if schema is None:
            if body is not None and status not in _REFUSALS:
                yield f"{operation} answers {status} without a body"
        elif problem := self._mistake(operation, schema, body, part=True):
            yield f"{operation} never answers {status} like this: {problem}"

    def _body(self, operation: Operation, body: object) -> str | None:
        described = operation.said.get("requestBody")
        if described is None:
            return None if body is None else "it takes no body"
        if body is None:
            return "the body is missing" if described.get("required") else None
        return self._mistake(operation, described["content"]["application/json"]["schema"], body)

    def _resolved(self, kind: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        reference = found.get("$ref")
        resolved: Mapping[str, Any] = self._components[kind][_name(reference)] if reference else found
        return resolved

    def _mistake(
        self, operation: Operation, schema: Mapping[str, Any], value: object, *, part: bool = False
    ) -> str | None:
        """The gravest one that has no excuse."""
        errors = self._validator(schema, part=part).iter_errors(value)
        error = best_match(each for each in errors if not self._is_excused(operation, each))
        return f"{error.json_path}: {error.message}"[:500] if error else None

    def _validator(self, schema: Mapping[str, Any], *, part: bool) -> Draft202012Validator:
        """The validator of a schema of the description, which lives as long as this."""
        key = (id(schema), part)
        if key not in self._validators:
            self._validators[key] = Draft202012Validator(
                _translated(schema, closed=True, part=part), registry=self._registry, format_checker=_FORMATS
            )
        return self._validators[key]

    def _is_excused(self, operation: Operation, error: ValidationError) -> bool:
        said = f"{error.json_path}: {error.message}"
        return any(
            re.fullmatch(each.operation, str(operation)) and re.match(each.problem, said)
            for each in self._excuses
        )


def _pattern(template: str, spanning: frozenset[str]) -> re.Pattern[str]:
    parts = re.split(r"\{([^}]+)\}", template)
    names = parts[1::2]
    literals = [re.escape(part) for part in parts[::2]]
    groups = [f"(?P<{name}>{'.+' if name in spanning else '[^/]+'})" for name in names] + [""]
    return re.compile("".join(a + b for a, b in zip(literals, groups, strict=True)))


def _read(value: str, schema: Mapping[str, Any]) -> object:
    """A value of a path or a query, by its type."""
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if schema.get("type") == "boolean" and value in {"true", "false"}:
        return value == "true"
    return value


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _translated(schema: Any, *, closed: bool, part: bool) -> Any:
    """The schema of OpenAPI 3.0 in the words of JSON Schema 2020-12.

    `closed`: an object has no properties but those described. `part`: it need not have all of them.
    """
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        form = f"{'closed' if closed else 'open'}-{'part' if part else 'whole'}"
        return {"$ref": f"{_HERE}#/{form}/{_name(schema['$ref'])}"}
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _IN_PLACE:
            name = "anyOf" if part and key == "oneOf" else key
            made[name] = [_translated(each, closed=False, part=part) for each in value]
        elif key in {"properties", "patternProperties"}:
            made[key] = {name: _translated(each, closed=True, part=part) for name, each in value.items()}
        elif key in {"items", "additionalProperties"}:
            made[key] = _translated(value, closed=True, part=part)
        elif key != "nullable" and not (part and key in {"required", "minProperties"}):
            made[key] = value
    _seal(made, closed=closed)
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") else made


def _seal(schema: dict[str, Any], *, closed: bool) -> None:
    if "additionalProperties" in schema:
        return
    if "properties" in schema or any(key in schema for key in _IN_PLACE):
        if closed:
            schema["unevaluatedProperties"] = False
    elif schema.get("type") == "object":
        schema["additionalProperties"] = True
