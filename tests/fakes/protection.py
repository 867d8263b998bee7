"""Stateful fakes of the settings of GitHub and GitLab, and documents as they are, for what is only read.

Shapes and refusals from https://docs.github.com/en/rest/repos/rules and https://docs.gitlab.com/api/.
"""

import re
import urllib.parse
from typing import Any

from tests.fakes import github_api, gitlab_api
from tests.fakes.github_api import GitHubApi
from tests.fakes.server import Answer, ApiServer, Refused, Request

# what GitHub adds to the parameters of a rule that it is not told
_ADDED: dict[str, dict[str, Any]] = {
    "pull_request": {"allowed_merge_methods": ["merge", "squash", "rebase"], "required_reviewers": []},
    "required_status_checks": {"do_not_enforce_on_create": False},
}


class DocumentsFake(ApiServer):
    """Documents by path; a POST is kept in `posted`."""

    def __init__(self, token: str, prefix: str, documents: dict[str, Any]) -> None:
        super().__init__(token)
        self.prefix = prefix
        self.contracts = {"/api/v3": github_api.CONTRACTS, "/api/v4": gitlab_api.CONTRACTS}[prefix]
        self.documents = documents
        self.posted: dict[str, Any] = {}

    def is_authorized(self, request: Request) -> bool:
        """As GitHub or as GitLab asks for it."""
        return super().is_authorized(request) or request.headers.get("private-token") == self.token

    def answer(self, request: Request) -> Answer:
        """The document, or 404."""
        path = urllib.parse.unquote(request.path)
        if request.method == "POST":
            self.posted[path] = request.body
            return Answer(201, {"id": 1, "description": request.body.get("description")})
        if search := request.query.get("search"):
            path += f"?search={search}"
        if path not in self.documents:
            raise Refused(404, {"message": "Not Found"})
        return Answer(200, self.documents[path])


class GitHubSettings(GitHubApi):
    """One repository, acme/infra, with rulesets; `admin` is whether the token may write settings."""

    def __init__(self, token: str, *, admin: bool = True) -> None:
        super().__init__(token)
        self.admin = admin
        self.rulesets: list[dict[str, Any]] = []
        self.protection: dict[str, Any] | None = None
        self.workflow = {
            "default_workflow_permissions": "read",
            "can_approve_pull_request_reviews": True,
        }

    def answer(self, request: Request) -> Answer:
        """By path."""
        path = request.path.removeprefix("/repos/acme/infra").lstrip("/")
        number = re.fullmatch(r"rulesets/(\d+)", path)
        if number:
            return self._ruleset(request, int(number[1]))
        if path == "rulesets" and request.method == "POST":
            self._may_write()
            if any(each["name"] == request.body["name"] for each in self.rulesets):
                raise Refused(422, {"message": "Validation Failed", "errors": ["Name must be unique"]})
            self.rulesets.append({**_completed(request.body), "id": len(self.rulesets) + 1})
            return Answer(201, self.rulesets[-1])
        if path == "rulesets":
            listed = [{"id": each["id"], "name": each["name"]} for each in self.rulesets]
            return self.page(request, listed, size=30)
        if path == "actions/permissions/workflow":
            self._may_write()
            self.workflow |= request.body or {}
            return Answer(204) if request.method == "PUT" else Answer(200, self.workflow)
        if path == "branches/prod/protection":
            self._may_write()
            if self.protection is None:
                raise Refused(404, {"message": "Branch not protected"})
            return Answer(200, self.protection)
        documents: dict[str, Any] = {
            "": {"full_name": "acme/infra", "default_branch": "main"},
            "rules/branches/prod": [],
            "apps/github-actions": {"id": 15368, "slug": "github-actions"},
        }
        if path not in documents:
            raise Refused(404, {"message": "Not Found"})
        return Answer(200, documents[path])

    def _may_write(self) -> None:
        if not self.admin:
            raise Refused(403, {"message": "Resource not accessible by integration"})

    def _ruleset(self, request: Request, number: int) -> Answer:
        found = next((each for each in self.rulesets if each["id"] == number), None)
        if found is None:
            raise Refused(404, {"message": "Not Found"})
        if request.method == "PUT":
            self._may_write()
            found |= _completed(request.body)
        shown = {key: value for key, value in found.items() if self.admin or key != "bypass_actors"}
        return Answer(200, {**shown, "source_type": "Repository", "source": "acme/infra"})


def _completed(body: dict[str, Any]) -> dict[str, Any]:
    """A ruleset as GitHub keeps it."""
    rules = [
        {**rule, "parameters": _ADDED[rule["type"]] | rule["parameters"]} if rule["type"] in _ADDED else rule
        for rule in body["rules"]
    ]
    return {**body, "rules": rules}


class GitLabSettings(ApiServer):
    """One project, acme/infra; without `premium` the approval rules are not there."""

    prefix = "/api/v4"
    contracts = gitlab_api.CONTRACTS

    def __init__(self, token: str, *, premium: bool) -> None:
        super().__init__(token)
        self.premium = premium
        self.branches: list[dict[str, Any]] = []
        self.project = {
            "only_allow_merge_if_pipeline_succeeds": False,
            "allow_merge_on_skipped_pipeline": None,
            "only_allow_merge_if_all_discussions_are_resolved": False,
            "permissions": {"project_access": {"access_level": 40}, "group_access": None},
        }
        self.approvals: dict[str, Any] = {
            "reset_approvals_on_push": False,
            "merge_requests_author_approval": True,
            "merge_requests_disable_committers_approval": False,
            "disable_overriding_approvers_per_merge_request": False,
        }
        self.rules: list[dict[str, Any]] = []
        self.ci = "gate:\n  script: [cipipe gate]\n"

    def is_authorized(self, request: Request) -> bool:
        """GitLab's own header."""
        return request.headers.get("private-token") == self.token

    def answer(self, request: Request) -> Answer:
        """By path."""
        path = request.path.removeprefix("/projects/acme%2Finfra").lstrip("/")
        body = request.body or {}
        if path == "":
            self.project |= body
            return Answer(200, self.project)
        if path == "ci/lint":
            return Answer(200, {"valid": True, "merged_yaml": self.ci})
        if path in {"approvals", "approval_rules"} and not self.premium:
            raise Refused(404, {"error": "404 Not Found"})
        if path == "approvals":
            self.approvals |= body
            return Answer(201 if request.method == "POST" else 200, self.approvals)
        if path.startswith("approval_rules"):
            return self._rules(request)
        if path.startswith("protected_branches"):
            return self._branches(request, path.partition("/")[2])
        raise Refused(404, {"message": "404 Not Found"})

    def _rules(self, request: Request) -> Answer:
        if request.method == "POST":
            self.rules.append({"id": len(self.rules) + 1, "protected_branches": [], **request.body})
            return Answer(201, self.rules[-1])
        return Answer(200, self.rules)

    def _branches(self, request: Request, name: str) -> Answer:
        if request.method == "GET":
            return self.page(request, self.branches, size=20)
        if request.method == "POST":
            if any(each["name"] == request.body["name"] for each in self.branches):
                raise Refused(409, {"message": "Protected branch already exists"})
            self.branches.append(branch(**request.body))
            return Answer(201, self.branches[-1])
        own = next(each for each in self.branches if each["name"] == urllib.parse.unquote(name))
        if request.method == "DELETE":
            self.branches.remove(own)
            return Answer(204)
        if "allowed_to_push" in request.body and self.premium:
            gone = {each["id"] for each in request.body["allowed_to_push"] if each.get("_destroy")}
            kept = [each for each in own["push_access_levels"] if each["id"] not in gone]
            new = [each for each in request.body["allowed_to_push"] if "id" not in each]
            own["push_access_levels"] = kept + [{"id": 90 + at, **each} for at, each in enumerate(new)]
        own["allow_force_push"] = request.body.get("allow_force_push", own["allow_force_push"])
        return Answer(200, own)


def branch(
    name: str, push_access_level: int = 40, merge_access_level: int = 40, **more: Any
) -> dict[str, Any]:
    """A protected branch as GitLab shows it."""
    words = {0: "No one", 40: "Maintainers"}
    levels = [
        {"id": 1, "access_level": push_access_level, "access_level_description": words[push_access_level]}
    ]
    merge = [{"id": 2, "access_level": merge_access_level}]
    return {
        "name": name, "push_access_levels": levels, "merge_access_levels": merge, "allow_force_push": False,
        "code_owner_approval_required": False, **more,
    }  # fmt: skip
