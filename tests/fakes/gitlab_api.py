"""The table in `openapi/gitlab.yaml` as an OpenAPI description."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.fakes.contract import Contract

_FILE = Path(__file__).parent / "openapi" / "gitlab.yaml"
_PLAIN: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "any": {},
}
_PAGES = {"page": "integer", "per_page": "integer"}


def _described(table: dict[str, Any]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for line, said in table["operations"].items():
        method, path = line.split(" ")
        query = {**said.get("query", {}), **(_PAGES if said.get("paged") else {})}
        operation: dict[str, Any] = {
            "parameters": [
                {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}
                for name in re.findall(r"{(\w+)}", path)
            ]
            + [{"in": "query", "name": name, "schema": _type(kind)} for name, kind in query.items()],
            "responses": {
                str(status): _content(kind) if kind is not None else {}
                for status, kind in said.items()
                if isinstance(status, int)
            },
        }
        if "body" in said:
            operation["requestBody"] = {"required": True, **_content(said["body"])}
        paths.setdefault(path, {})[method.lower()] = operation
    objects = {name: _type(fields) for name, fields in table["objects"].items()}
    return {"paths": paths, "components": {"schemas": objects}}


def _content(kind: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": _type(kind)}}}


def _type(kind: Any) -> dict[str, Any]:
    """The schema of a type as the table writes it."""
    if isinstance(kind, list):
        return {"type": "array", "items": _type(kind[0])}
    if isinstance(kind, dict):
        required = [name for name, each in kind.items() if str(each).endswith("!")]
        properties = {name: _type(each) for name, each in kind.items()}
        return {"type": "object", "minProperties": 1, "required": required, "properties": properties}
    name = str(kind).rstrip("*!")
    if name in _PLAIN:
        schema = _PLAIN[name]
    elif "|" in name:
        schema = {"enum": [int(each) if each.isdecimal() else each for each in name.split("|")]}
    else:
        schema = {"$ref": f"#/components/schemas/{name}"}
    return {"nullable": True, "anyOf": [schema]} if str(kind).endswith("*") else schema


CONTRACTS = (Contract(_described(yaml.safe_load(_FILE.read_bytes()))),)
