"""GitHub's own description of its API, and what holds for every request to it.

The description is that of GitHub and of the oldest Enterprise Server in the package. What holds besides:
https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api,
https://docs.github.com/en/rest/about-the-rest-api/api-versions
"""

import json
from pathlib import Path
from typing import Any

from tests.fakes.contract import Contract, Excuse
from tests.fakes.server import Answer, ApiServer, Request

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
_VERSIONS = {"2022-11-28", "2026-03-10"}


class GitHubApi(ApiServer):
    """What every fake of GitHub's API does with a request."""

    prefix = "/api/v3"
    contracts = CONTRACTS

    def headers(self) -> dict[str, str]:
        """As long as no limit is near."""
        return {
            "X-GitHub-Media-Type": "github.v3; format=json",
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": "4999",
            "X-RateLimit-Reset": "4102444800",
        }

    def answered(self, request: Request) -> Answer:
        """Nobody is served who does not say who they are, or speaks a version that is not supported."""
        if not request.headers.get("user-agent"):
            return Answer(403, {"message": "Request forbidden by administrative rules."})
        version = request.headers.get("x-github-api-version", "2022-11-28")
        if version not in _VERSIONS:
            return Answer(400, {"message": f"The API version {version} is not supported."})
        return super().answered(request)
