"""GitHub's own description of its API, as GitHub and the oldest supported Enterprise Server have it."""

import json
from pathlib import Path
from typing import Any

from tests.fakes.contract import Contract, Excuse

FOLDER = Path(__file__).parent / "openapi"
# https://docs.github.com/en/graphql/reference/mutations#enablepullrequestautomerge
_AUTO_MERGE = {
    "type": "object",
    "required": ["pullRequestId"],
    "properties": {
        "authorEmail": {"type": "string"},
        "clientMutationId": {"type": "string"},
        "commitBody": {"type": "string"},
        "commitHeadline": {"type": "string"},
        "expectedHeadOid": {"type": "string", "pattern": "[0-9a-f]{40}"},
        "mergeMethod": {"enum": ["MERGE", "REBASE", "SQUASH"]},
        "pullRequestId": {"type": "string"},
    },
}
_QUERY = {
    "type": "object",
    "required": ["query", "variables"],
    "properties": {
        "query": {
            "type": "string",
            "pattern": r"^mutation Mutation\(\$input: EnablePullRequestAutoMergeInput!\) "
            r"\{ enablePullRequestAutoMerge\(input: \$input\) \{ .* \} \}$",
        },
        "variables": {"type": "object", "required": ["input"], "properties": {"input": _AUTO_MERGE}},
    },
}
_GRAPHQL: dict[str, Any] = {
    "post": {"requestBody": {"required": True, "content": {"application/json": {"schema": _QUERY}}}}
}

_EXCUSES = (
    Excuse(
        r"GET /repos/\{owner\}/\{repo\}/pulls(/\{pull_number\})?",
        r"\$(\[\d+\])?\.head\.repo: None is not of type 'object'",
        "null where the fork was deleted: github/rest-api-description, issue 1811",
    ),
)


def _contract(file: str) -> Contract:
    description = json.loads((FOLDER / file).read_bytes())
    description["paths"]["/api/graphql"] = _GRAPHQL  # it lies beside /api/v3, and has no OpenAPI description
    return Contract(description, _EXCUSES)


CONTRACTS = (_contract("github.json"), _contract("ghes.json"))
