"""The JSON schema of `cipipe.yaml`, draft 2020-12, from the same types that read it.

It says what one key may hold; what keys mean together (`cipipe.config.rules`) is beyond it.
"""

import dataclasses
import datetime as dt
from typing import Any

from cipipe.config import shapes
from cipipe.config.kinds import CONTROL, CONTROL_IN_LINES, Number, OneOrMany, Text
from cipipe.config.model import Config
from cipipe.config.shapes import Shape


def schema() -> dict[str, Any]:
    """The whole schema; editors take it from a file or by `# yaml-language-server: $schema=...`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cipipe.yaml",
        **_of(Shape(Config, (), "")),
    }


def _of(wanted: Shape) -> dict[str, Any]:
    described = {"description": wanted.description} if wanted.description else {}
    options = shapes.alternatives(wanted)
    if len(options) > 1:
        return described | {"anyOf": [_of(option) for option in options]}
    if dataclasses.is_dataclass(wanted.kind):
        return {"description": (wanted.kind.__doc__ or "").split("\n")[0]} | described | _object(wanted.kind)
    if named := shapes.members(wanted):
        names, values = named
        return described | {
            "type": "object",
            "propertyNames": _text(names.rule(Text)),
            "additionalProperties": _of(values),
        }
    if of := shapes.item(wanted):
        listed = {"type": "array", "minItems": 1, "items": _of(of)}
        return described | ({"anyOf": [_of(of), listed]} if wanted.rule(OneOrMany) else listed)
    return described | _scalar(wanted)


def _object(of: Any) -> dict[str, Any]:
    keys = shapes.keys(of)
    required = [name for name, key in keys.items() if key.required]
    return {
        "type": "object",
        "properties": {name: _property(of, name, key.shape) for name, key in keys.items()},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _property(of: type, name: str, wanted: Shape) -> dict[str, Any]:
    default = next(field.default for field in dataclasses.fields(of) if field.name == name)
    plain = isinstance(default, bool | str)
    return _of(wanted) | ({"default": default} if plain else {})


def _scalar(wanted: Shape) -> dict[str, Any]:
    if listed := shapes.choices(wanted):
        return {"enum": list(listed)}
    if wanted.kind is bool:
        return {"type": "boolean"}
    if wanted.kind is int:
        bounds: Number = wanted.rule(Number)
        return {"type": "integer", "minimum": bounds.least, "maximum": bounds.most}
    if wanted.kind is dt.date:
        # No "type": readers of YAML 1.1, PyYAML for one, hand a date object over where 1.2 has a string.
        others = ["null", "boolean", "number", "array", "object"]
        return {"format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "not": {"type": others}}
    return {"type": "string"} | _text(wanted.rule(Text))


def _text(rule: Text) -> dict[str, Any]:
    # "not" besides "pattern": in Python's dialect `$` also fits before a last newline.
    allowed = {"maxLength": rule.longest}
    if rule.lines:
        return {"pattern": r"\S", "not": {"pattern": CONTROL_IN_LINES}, **allowed}
    return {
        "pattern": f"^({rule.pattern})$" if rule.pattern else r"\S",
        "not": {"pattern": CONTROL},
        **allowed,
    }
