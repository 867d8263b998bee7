"""Makes `github.json` and `ghes.json`: the operations below, from GitHub's own OpenAPI descriptions.

`python -m tests.fakes.openapi.cut` makes them anew; it fetches the npm package and checks its hash. What is
cut away is prose, examples, headers and what no operation refers to; nothing is changed. Of Enterprise Server
only the requests are kept.
"""

import base64
import hashlib
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = "@octokit/openapi@23.0.2"
SHA512 = "pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg=="
HERE = Path(__file__).parent
SOURCES = {
    "github.json": "package/generated/api.github.com.json",
    # the oldest Enterprise Server that the package describes
    "ghes.json": "package/generated/ghes-3.17.json",
}
_REPO = "/repos/{owner}/{repo}"
_PULL = _REPO + "/pulls/{pull_number}"
_ISSUE = _REPO + "/issues/{issue_number}"
OPERATIONS: dict[str, tuple[str, ...]] = {
    _REPO: ("get",),
    _REPO + "/activity": ("get",),
    _REPO + "/actions/permissions/workflow": ("get", "put"),
    _REPO + "/branches/{branch}": ("get",),
    _REPO + "/branches/{branch}/protection": ("get", "put", "delete"),
    _REPO + "/codeowners/errors": ("get",),
    _REPO + "/collaborators": ("get",),
    _REPO + "/collaborators/{username}/permission": ("get",),
    _REPO + "/commits/{ref}": ("get",),
    _REPO + "/commits/{ref}/check-runs": ("get",),
    _REPO + "/commits/{ref}/status": ("get",),
    _REPO + "/compare/{basehead}": ("get",),
    _REPO + "/environments/{environment_name}": ("get",),
    _REPO + "/installation": ("get",),
    _ISSUE: ("get", "patch"),
    _ISSUE + "/comments": ("get", "post"),
    _ISSUE + "/events": ("get",),
    _ISSUE + "/labels": ("get", "post"),
    _REPO + "/pulls": ("get", "post"),
    _PULL: ("get", "patch"),
    _PULL + "/commits": ("get",),
    _PULL + "/files": ("get",),
    _PULL + "/requested_reviewers": ("get", "post", "delete"),
    _PULL + "/reviews": ("get",),
    _REPO + "/rules/branches/{branch}": ("get",),
    _REPO + "/rulesets": ("get", "post"),
    _REPO + "/rulesets/{ruleset_id}": ("get", "put"),
    _REPO + "/statuses/{sha}": ("post",),
    "/app": ("get",),
    "/app/installations/{installation_id}": ("get",),
    "/app/installations/{installation_id}/access_tokens": ("post",),
    "/apps/{app_slug}": ("get",),
    "/user": ("get",),
}
_SCHEMA_PROSE = {"description", "example", "examples", "title", "externalDocs", "default", "deprecated"}
# words of JSON Schema whose value maps names to schemas
_NAMES = {"properties", "patternProperties"}


def main() -> None:
    """Write the files next to this one."""
    with tempfile.TemporaryDirectory() as folder:
        argv = ["npm", "pack", "--silent", "--ignore-scripts", PACKAGE]
        subprocess.run(argv, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(folder).iterdir()
        found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != SHA512:
            raise SystemExit(f"{PACKAGE} is not what it was: sha512-{found}")
        with tarfile.open(archive) as package:
            for name, path in SOURCES.items():
                description = package.extractfile(path)
                assert description
                part = cut(json.load(description), answers=name == "github.json")
                text = json.dumps(part, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
                (HERE / name).write_text(text + "\n")
            licence = package.extractfile("package/LICENSE")
            assert licence
            (HERE / "LICENSE").write_bytes(licence.read())


def cut(whole: dict[str, Any], *, answers: bool) -> dict[str, Any]:
    """The operations of `OPERATIONS` that are there, with all that they refer to."""
    paths = {
        path: {method: _operation(whole["paths"][path][method], answers=answers) for method in methods}
        for path, methods in OPERATIONS.items()
        if path in whole["paths"]
    }
    part = {"openapi": whole["openapi"], "info": whole["info"], "paths": paths, "components": {}}
    wanted, seen = set(_references(paths)), set[str]()
    while wanted:
        reference = wanted.pop()
        seen.add(reference)
        _, _, kind, name = reference.split("/")
        component = _component(kind, whole["components"][kind][name])
        part["components"].setdefault(kind, {})[name] = component
        wanted |= set(_references(component)) - seen
    return part


def _operation(found: dict[str, Any], *, answers: bool) -> dict[str, Any]:
    """What binds the two sides: parameters, body, answers, and where it is documented."""
    return {
        "externalDocs": {"url": found["externalDocs"]["url"]},
        "parameters": [_component("parameters", each) for each in found.get("parameters", [])],
        **({"requestBody": _content(found["requestBody"])} if "requestBody" in found else {}),
        "responses": {
            status: _component("responses", answer)
            for status, answer in found["responses"].items()
            if answers
        },
    }


def _component(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in found:
        return {"$ref": found["$ref"]}
    if kind == "parameters":
        kept: dict[str, Any] = {
            key: found[key] for key in ("name", "in", "required", "style", "explode") if key in found
        }
        return {**kept, "schema": _schema(found["schema"])}
    return _schema(found) if kind == "schemas" else _content(found)


def _content(found: dict[str, Any]) -> dict[str, Any]:
    """A body or an answer: its JSON."""
    kept: dict[str, Any] = {"required": found["required"]} if "required" in found else {}
    for media, content in found.get("content", {}).items():
        if media == "application/json":
            kept["content"] = {media: {"schema": _schema(content["schema"])}}
    return kept


def _schema(found: Any) -> Any:
    if isinstance(found, list):
        return [_schema(each) for each in found]
    if not isinstance(found, dict):
        return found
    kept = {}
    for key, value in found.items():
        if key in _NAMES:
            kept[key] = {name: _schema(each) for name, each in value.items()}
        elif key in {"enum", "required"}:
            kept[key] = value
        elif key not in _SCHEMA_PROSE and not key.startswith("x-"):
            kept[key] = _schema(value)
    return kept


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for each in part.values():
            yield from _references(each)
    elif isinstance(part, list):
        for each in part:
            yield from _references(each)


if __name__ == "__main__":
    main()
