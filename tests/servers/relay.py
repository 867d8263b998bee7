"""A relay in front of a real Gitea, which holds every request against the server's own description."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import requests

from tests.fakes.contract import Contract, Excuse
from tests.fakes.server import Answer, ApiServer, Request

_METHODS = ("get", "post", "put", "patch", "delete")
_PASSED_ON = ("Link", "X-Total-Count", "Retry-After")
_EXCUSES = (
    Excuse(
        r"POST /repos/\{owner\}/\{repo\}/pulls/\{index\}/merge",
        r"\$: ('do' is a required property|.*'Do' was unexpected)",
        "it is 'Do' at Forgejo and before Gitea 1.26, which reads that too (forms.MergePullRequestForm)",
    ),
)


class Relay(ApiServer):
    """Leaving the context raises AssertionError where a request was not as `target` describes it."""

    prefix = "/api/v1"

    def __init__(self, target: str) -> None:
        super().__init__("")
        self._target = target
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=32))
        swagger = self._session.get(f"{target}/swagger.v1.json", timeout=60).json()
        spanning = frozenset({"branch", "head", "name"})
        self.contracts = (Contract(_described(swagger), _EXCUSES, spanning=spanning),)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()
        super().__exit__(kind, error, trace)

    def answered(self, request: Request) -> Answer:
        """What the server says; many may ask at once."""
        said = self._session.request(
            request.method, f"{self._target}{self.prefix}{request.path}", params=request.query,
            json=request.body, headers={"Authorization": request.headers.get("authorization", "")},
            timeout=60, allow_redirects=False,
        )  # fmt: skip
        headers = {name: said.headers[name] for name in _PASSED_ON if name in said.headers}
        return Answer(said.status_code, said.json() if said.content else None, headers)

    def check_answer(self, request: Request, answer: Answer) -> None:
        """The real server is right."""


def _described(swagger: Mapping[str, Any]) -> dict[str, Any]:
    """The requests of a Swagger 2.0 description in the words of OpenAPI 3.0."""
    paths = {
        path: {method: _operation(methods[method]) for method in _METHODS if method in methods}
        for path, methods in swagger["paths"].items()
    }
    return {"paths": paths, "components": {"schemas": swagger["definitions"]}}


def _operation(said: Mapping[str, Any]) -> dict[str, Any]:
    given = said.get("parameters", ())
    operation: dict[str, Any] = {
        "parameters": [
            {
                "name": each["name"], "in": each["in"], "required": each.get("required", False),
                "schema": {key: each[key] for key in ("type", "enum", "items", "format") if key in each},
            }
            for each in given
            if each["in"] in {"path", "query"}
        ]
    }  # fmt: skip
    for each in given:
        if each["in"] == "body":
            content = {"application/json": {"schema": each["schema"]}}
            operation["requestBody"] = {"required": each.get("required", False), "content": content}
    return operation
