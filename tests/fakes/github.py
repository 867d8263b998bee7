"""A stateful fake of GitHub's REST and GraphQL APIs, as far as cipipe speaks to them.

Shapes from https://docs.github.com/en/rest (pulls, issues, reviews); all URLs are the fake's own.
"""

import re
from collections.abc import Callable
from typing import Any

from tests.fakes.github_api import GitHubApi
from tests.fakes.server import Answer, Refused, Request
from tests.fakes.state import Hosted, HostedError, Pull

_PULL = r"/repos/([^/]+/[^/]+)/pulls"
_ISSUE = r"/repos/([^/]+/[^/]+)/issues"


class GitHubFake(GitHubApi):
    """One server with its repositories.

    `forbids_pull_requests` is GITHUB_TOKEN's lot, `drafts` go with the plan, and `merge_methods` are those of
    the repositories; where there is none, auto-merge is switched off. From who does not push it takes neither
    labels nor assignees, without a word.
    """

    def __init__(self, token: str) -> None:
        super().__init__(token)
        self.repositories: dict[str, Hosted] = {}
        self.forbids_pull_requests = False
        self.drafts = True
        self.pushes = True
        self.merge_methods = {"MERGE", "SQUASH", "REBASE"}
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = [
            ("GET", re.compile(_PULL), self._list),
            ("POST", re.compile(_PULL), self._open),
            ("GET", re.compile(_PULL + r"/(\d+)"), self._show),
            ("PATCH", re.compile(_PULL + r"/(\d+)"), self._edit),
            ("PATCH", re.compile(_ISSUE + r"/(\d+)"), self._edit_issue),
            ("POST", re.compile(_PULL + r"/(\d+)/requested_reviewers"), self._ask),
            ("GET", re.compile(_PULL + r"/(\d+)/reviews"), self._reviews),
            ("GET", re.compile(_ISSUE + r"/(\d+)/comments"), self._comments),
            ("POST", re.compile(_ISSUE + r"/(\d+)/comments"), self._comment),
        ]

    def host(self, hosted: Hosted) -> Hosted:
        """Take a repository in."""
        self.repositories[hosted.name] = hosted
        return hosted

    def answer(self, request: Request) -> Answer:
        """By method and path, as GitHub does it."""
        if request.path == "/api/graphql":
            return self._graphql(request)
        for method, pattern, handle in self._routes:
            if method == request.method and (match := pattern.fullmatch(request.path)):
                hosted = self.repositories.get(match[1])
                if hosted is None:
                    break
                try:
                    rest = [hosted.pull(int(number)) for number in match.groups()[1:]]
                except LookupError:
                    break
                return handle(request, hosted, *rest)
        raise Refused(404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"})

    def _list(self, request: Request, hosted: Hosted) -> Answer:
        hosted.refresh()
        head, base = request.query.get("head"), request.query.get("base")
        state = request.query.get("state", "open")
        owner = hosted.name.partition("/")[0]
        found = [
            self._json(hosted, pull, fork=pull in hosted.forks)
            for pull in (*hosted.pulls, *hosted.forks)
            if head in {None, f"{owner}:{pull.head}"}
            and base in {None, pull.base}
            and state in {"all", pull.state}
        ]
        return self.page(request, sorted(found, key=lambda each: -each["number"]), size=30)

    def _open(self, request: Request, hosted: Hosted) -> Answer:
        if self.forbids_pull_requests:
            message = "GitHub Actions is not permitted to create or approve pull requests."
            raise Refused(403, {"message": message})
        body = request.body
        _check_length(body)
        if body.get("draft") and not self.drafts:
            raise Refused(422, {"message": "Draft pull requests are not supported in this repository."})
        try:
            pull = hosted.open(
                body["head"],
                body["base"],
                body["title"],
                body.get("body") or "",
                draft=body.get("draft", False),
            )
        except HostedError as error:
            raise _invalid(str(error)) from None
        return Answer(201, self._json(hosted, pull))

    def _show(self, _: Request, hosted: Hosted, pull: Pull) -> Answer:
        return Answer(200, self._json(hosted, pull))

    def _edit(self, request: Request, hosted: Hosted, pull: Pull) -> Answer:
        _check_length(request.body)
        pull.title = request.body.get("title", pull.title)
        pull.body = request.body.get("body", pull.body)
        self._set_state(request, hosted, pull)
        return Answer(200, self._json(hosted, pull))

    def _edit_issue(self, request: Request, hosted: Hosted, pull: Pull) -> Answer:
        if not self.pushes:
            request.body = {key: request.body[key] for key in request.body.keys() - {"labels", "assignees"}}
        unknown = set(request.body.get("assignees", [])) - hosted.people
        if unknown:
            raise _invalid(f"{unknown.pop()} cannot be assigned", field="assignees")
        if "labels" in request.body:
            # one that differs in case alone is the one that is there
            known = {name.casefold(): name for each in reversed(hosted.pulls) for name in each.labels}
            names = (known.get(name.casefold(), name) for name in request.body["labels"])
            pull.labels = list({name.casefold(): name for name in names}.values())
        pull.assignees = request.body.get("assignees", pull.assignees)
        pull.body = request.body.get("body", pull.body)
        self._set_state(request, hosted, pull)
        labels = [self._label(hosted, name) for name in pull.labels]
        people = [self._user(login) for login in pull.assignees]
        return Answer(
            200, {"number": pull.number, "state": pull.state, "labels": labels, "assignees": people}
        )

    def _set_state(self, request: Request, hosted: Hosted, pull: Pull) -> None:
        if request.body.get("state", pull.state) == pull.state:
            return
        if request.body["state"] == "closed":
            pull.state = "closed"
            return
        try:
            hosted.reopen(pull)
        except HostedError as error:
            raise _invalid(str(error)) from None

    def _ask(self, request: Request, hosted: Hosted, pull: Pull) -> Answer:
        people = request.body.get("reviewers", [])
        if pull.author in people:
            raise Refused(422, {"message": "Review cannot be requested from pull request author."})
        if set(people) - hosted.people or set(request.body.get("team_reviewers", [])) - hosted.teams:
            message = "Reviews may only be requested from collaborators."
            raise Refused(422, {"message": message})
        pull.reviewers = list(dict.fromkeys((*pull.reviewers, *people)))
        pull.teams = list(dict.fromkeys((*pull.teams, *request.body.get("team_reviewers", []))))
        return Answer(201, self._json(hosted, pull))

    def _reviews(self, request: Request, _: Hosted, pull: Pull) -> Answer:
        listed = [
            {"id": at, "user": self._user(review.login), "state": review.state, "commit_id": review.commit}
            for at, review in enumerate(pull.reviews)
        ]
        return self.page(request, listed, size=30)

    def _comments(self, request: Request, _: Hosted, pull: Pull) -> Answer:
        listed = [{"id": at, "body": text, "user": self._user("ci")} for at, text in enumerate(pull.comments)]
        return self.page(request, listed, size=30)

    def _comment(self, request: Request, _: Hosted, pull: Pull) -> Answer:
        _check_length(request.body)
        pull.comments.append(request.body["body"])
        return Answer(201, {"id": len(pull.comments), "body": request.body["body"]})

    def _graphql(self, request: Request) -> Answer:
        given = request.body["variables"]["input"]
        name, number = given["pullRequestId"].split("#")
        pull = self.repositories[name].pull(int(number))
        message = ""
        if not self.merge_methods:
            message = "Pull request Auto merge is not allowed for this repository"
        elif pull.draft:
            message = "Pull request Pull request is in draft state"
        elif given.get("mergeMethod", "MERGE") not in self.merge_methods:
            message = "Merge method merge commits are not allowed on this repository"
        elif given.get("expectedHeadOid", pull.commit) != pull.commit:
            message = "Head sha didn't match expectedHeadOid."
        if message:
            return Answer(200, {"data": {}, "errors": [{"type": "UNPROCESSABLE", "message": message}]})
        pull.auto_merge = True
        return Answer(200, {"data": {"enablePullRequestAutoMerge": {"clientMutationId": None}}})

    def _json(self, hosted: Hosted, pull: Pull, *, fork: bool = False) -> dict[str, Any]:
        repository = f"{self.api_url}/repos/{hosted.name}"
        own = {"full_name": hosted.name, "url": repository}
        other = {"full_name": f"{hosted.name}-fork", "url": f"{repository}-fork"}
        return {
            "url": f"{repository}/pulls/{pull.number}",
            "issue_url": f"{repository}/issues/{pull.number}",
            "html_url": f"{self.base}/{hosted.name}/pull/{pull.number}",
            "id": 1000 + pull.number,
            "node_id": f"{hosted.name}#{pull.number}",
            "number": pull.number,
            "state": pull.state,
            "title": pull.title,
            "created_at": pull.created_at,
            "body": pull.body or None,
            "user": self._user(pull.author),
            "labels": [self._label(hosted, name) for name in pull.labels],
            "assignees": [self._user(login) for login in pull.assignees],
            "requested_reviewers": [self._user(login) for login in pull.reviewers],
            "requested_teams": [{"id": 1, "slug": slug, "name": slug} for slug in pull.teams],
            "head": {
                "ref": pull.head, "sha": pull.commit, "label": f"acme:{pull.head}",
                "repo": None if pull.deleted else other if fork else own,
            },
            "base": {"ref": pull.base, "sha": hosted.origin.tip(pull.base), "label": "x", "repo": own},
            "draft": pull.draft,
            "auto_merge": {"merge_method": "merge"} if pull.auto_merge else None,
            "merged_at": "2026-01-01T00:00:00Z" if pull.merged else None,
        }  # fmt: skip

    def _user(self, login: str) -> dict[str, Any]:
        return {"login": login, "id": len(login), "url": f"{self.api_url}/users/{login}", "type": "User"}

    def _label(self, hosted: Hosted, name: str) -> dict[str, Any]:
        return {"id": 1, "name": name, "url": f"{self.api_url}/repos/{hosted.name}/labels/{name}"}


def _check_length(body: dict[str, Any]) -> None:
    for field, most in (("title", 256), ("body", 65_536)):
        if len(body.get(field) or "") > most:
            raise _invalid(f"{field} is too long (maximum is {most} characters)", field=field)


def _invalid(message: str, *, field: str = "") -> Refused:
    detail: dict[str, str] = {"resource": "PullRequest", "code": "custom", "message": message}
    if message in {"head", "base"}:
        detail = {"resource": "PullRequest", "field": message, "code": "invalid"}
    elif field:
        detail["field"] = field
    return Refused(422, {"message": "Validation Failed", "errors": [detail]})
