"""The corpus' workflows and GitLab files are what those services take, by the schemas of check-jsonschema.

A case that no service would run proves nothing.
"""

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
import yaml

from tests.gate.cases import Case, load

SCHEMAS = files("check_jsonschema") / "builtin_schemas" / "vendor"
BROKEN = {
    "github/broken-yaml": "no YAML, on purpose",
    "gitlab/broken": "no YAML, on purpose",
    "unseen_gitlab/bad-yaml": "no YAML, on purpose",
    "unseen_gitlab/job-not-mapping": "no job, on purpose",
    "more_platforms/gh-merge-key": "a key of one's own, which GitHub takes no more; the anchors are the case",
    "more_platforms/gl-include-wildcard": "the schema's pattern knows no `*`, which GitLab documents",
    "unseen_gitlab/include-wildcard": "the schema's pattern knows no `*`, which GitLab documents",
    "unseen_gitlab/nested-lists-three": "the schema knows two levels of lists, GitLab ten",
    "more_platforms/gl-reference-variables": "`!reference` is read as a list here, and stands for a text",
    "unseen_gitlab/reference-single-variable": "`!reference` is read as a list here, and stands for a text",
    "unseen_gitlab/reference-variables": "`!reference` is read as a list here, and stands for a mapping",
    "unseen_gitlab/inputs-boolean-rules": "the schema sees an input before it is a number",
    "unseen_gitlab/extends-null-resets": "the schema knows no null, with which `extends` takes a key away",
}


class Loader(yaml.CSafeLoader):
    """YAML 1.2's booleans, so that `on:` is a text, and GitLab's `!reference`."""


Loader.yaml_implicit_resolvers = {
    first: [each for each in found if each[0] != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, found in Loader.yaml_implicit_resolvers.items()
}
Loader.add_constructor("!reference", lambda _, node: [each.value for each in node.value])


def _validator(name: str) -> Any:
    schema = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)


@pytest.fixture(scope="module")
def validators() -> dict[str, Any]:
    """By where a file lies."""
    return {
        ".github/workflows/": _validator("github-workflows.json"),
        ".gitlab-ci.yml": _validator("gitlab-ci.json"),
    }


def _fault(case: Case, validators: dict[str, Any]) -> str | None:
    for path, text in case.files.items():
        validator = next((one for start, one in validators.items() if path.startswith(start)), None)
        if validator is None:
            continue
        try:
            *_, document = yaml.load_all(text, Loader)  # before it, a GitLab file may have a header
        except yaml.YAMLError as error:
            return f"{path}: {error}"
        if fault := jsonschema.exceptions.best_match(validator.iter_errors(document)):
            return f"{path}: {list(fault.absolute_path)}: {fault.message}"
    return None


def test_cases_are_valid_but_for_those_that_must_not_be(validators: dict[str, Any]) -> None:
    """A new case that is not valid must be mended, or listed with the reason."""
    faults = {case.id: fault for case in load() if (fault := _fault(case, validators))}
    assert {name: fault for name, fault in faults.items() if name not in BROKEN} == {}
    assert set(BROKEN) - set(faults) == set()
