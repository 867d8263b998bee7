"""A stateful fake of GitLab's REST API, as far as cipipe speaks to it (https://docs.gitlab.com/api/)."""

import re
import urllib.parse
from collections.abc import Callable
from typing import Any

from tests.fakes import gitlab_api
from tests.fakes.server import Answer, ApiServer, Refused, Request
from tests.fakes.state import Hosted, HostedError, Pull

_REQUESTS = r"/projects/([^/]+)/merge_requests"


class GitLabFake(ApiServer):
    """One server with its projects; labels are made as they are used.

    As the server does, it passes over reviewers and assignees that may not see the project (`strangers`), and
    without `premium` over all but the first, and says 200.
    """

    prefix = "/api/v4"
    contracts = gitlab_api.CONTRACTS

    def __init__(self, token: str) -> None:
        super().__init__(token)
        self.repositories: dict[str, Hosted] = {}
        self.premium = True
        self.strangers = {"stella"}
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = [
            ("GET", re.compile(_REQUESTS), self._list),
            ("POST", re.compile(_REQUESTS), self._open),
            ("PUT", re.compile(_REQUESTS + r"/(\d+)"), self._edit),
            ("PUT", re.compile(_REQUESTS + r"/(\d+)/merge"), self._merge),
            ("GET", re.compile(_REQUESTS + r"/(\d+)/approvals"), self._approvals),
            ("GET", re.compile(_REQUESTS + r"/(\d+)/notes"), self._notes),
            ("POST", re.compile(_REQUESTS + r"/(\d+)/notes"), self._note),
        ]

    def host(self, hosted: Hosted) -> Hosted:
        """Take a project in."""
        self.repositories[hosted.name] = hosted
        return hosted

    def is_authorized(self, request: Request) -> bool:
        """Only a bearer's token will do: cipipe never sends PRIVATE-TOKEN."""
        own = request.headers.get("authorization") == f"Bearer {self.token}"
        return own and "private-token" not in request.headers

    def answer(self, request: Request) -> Answer:
        """By method and path."""
        if (request.method, request.path) == ("GET", "/users"):
            asked = request.query["username"].lower()
            return Answer(200, [self._user(name) for name in self._names().values() if name == asked])
        for method, pattern, handle in self._routes:
            if method == request.method and (match := pattern.fullmatch(request.path)):
                hosted = self.repositories.get(urllib.parse.unquote(match[1]))
                if hosted is None:
                    raise Refused(404, {"message": "404 Project Not Found"})
                try:
                    return handle(
                        request, hosted, *(hosted.pull(int(number)) for number in match.groups()[1:])
                    )
                except LookupError:
                    break
        raise Refused(404, {"message": "404 Not found"})

    def _list(self, request: Request, hosted: Hosted) -> Answer:
        hosted.refresh()
        query = request.query
        found = [
            self._json(hosted, pull, fork=pull in hosted.forks)
            for pull in (*hosted.pulls, *hosted.forks)
            if query.get("source_branch") in {None, pull.head}
            and query.get("target_branch") in {None, pull.base}
            and query.get("state", "all") in {"all", {"open": "opened"}.get(pull.state, pull.state)}
        ]
        return self.page(request, sorted(found, key=lambda each: -each["iid"]), size=20)

    def _open(self, request: Request, hosted: Hosted) -> Answer:
        body = request.body
        _check_length(body)
        title = body["title"]
        draft = title.startswith("Draft: ")
        try:
            pull = hosted.open(
                body["source_branch"], body["target_branch"], title, body["description"], draft=draft
            )
        except HostedError as error:
            exists = "already exists" in str(error)
            said = (
                "Another open merge request already exists for this source branch: !1"
                if exists
                else str(error)
            )
            raise Refused(409 if exists else 422, {"message": [said]}) from None
        return Answer(201, self._json(hosted, pull))

    def _edit(self, request: Request, hosted: Hosted, pull: Pull) -> Answer:
        body = request.body
        _check_length(body)
        pull.title = body.get("title", pull.title)
        pull.draft = pull.title.startswith("Draft: ")
        pull.body = body.get("description", pull.body)
        added = [name for name in body.get("add_labels", "").split(",") if name]
        pull.labels = list(dict.fromkeys((*pull.labels, *added)))
        pull.assignees = self._chosen(hosted, body.get("assignee_ids"), pull.assignees)
        pull.reviewers = self._chosen(hosted, body.get("reviewer_ids"), pull.reviewers)
        if body.get("state_event") == "close":
            pull.state = "closed"
        if body.get("state_event") == "reopen":
            pull.state = "open"
        return Answer(200, self._json(hosted, pull))

    def _chosen(self, hosted: Hosted, ids: list[int] | None, before: list[str]) -> list[str]:
        if ids is None:
            return before
        names = self._names()
        chosen = [names[each] for each in (ids if self.premium else ids[:1])]
        readers = [name for name in chosen if name in hosted.people]
        return readers or (before if chosen else [])

    def _names(self) -> dict[int, str]:
        people = {name for hosted in self.repositories.values() for name in hosted.people}
        return {self._user(name)["id"]: name for name in people | self.strangers}

    def _merge(self, request: Request, hosted: Hosted, pull: Pull) -> Answer:
        if request.body.get("sha", pull.commit) != pull.commit:
            raise Refused(409, {"message": "SHA does not match HEAD of source branch: " + pull.commit})
        if pull.draft:
            raise Refused(405, {"message": "405 Method Not Allowed"})
        assert request.body["auto_merge"] is True
        pull.auto_merge = True
        return Answer(200, self._json(hosted, pull))

    def _approvals(self, _request: Request, _hosted: Hosted, pull: Pull) -> Answer:
        users = [{"user": self._user(review.login)} for review in pull.reviews]
        return Answer(200, {"id": pull.number, "approved_by": users})

    def _notes(self, request: Request, _: Hosted, pull: Pull) -> Answer:
        listed = [{"id": at, "body": text, "system": False} for at, text in enumerate(pull.comments)]
        listed.append({"id": 1000, "body": "added 1 commit", "system": True})
        return self.page(request, listed, size=20)

    def _note(self, request: Request, _: Hosted, pull: Pull) -> Answer:
        pull.comments.append(request.body["body"])
        return Answer(201, {"id": len(pull.comments), "body": request.body["body"], "system": False})

    def _json(self, hosted: Hosted, pull: Pull, *, fork: bool = False) -> dict[str, Any]:
        return {
            "id": 1000 + pull.number,
            "iid": pull.number,
            "web_url": f"{self.base}/{hosted.name}/-/merge_requests/{pull.number}",
            "state": "merged" if pull.merged else {"open": "opened"}.get(pull.state, pull.state),
            "title": pull.title,
            "created_at": pull.created_at,
            "description": pull.body or None,
            "source_branch": pull.head,
            "target_branch": pull.base,
            "source_project_id": 2 if fork else 1,
            "target_project_id": 1,
            "sha": pull.commit,
            "author": self._user(pull.author),
            "labels": sorted(pull.labels),
            "assignees": [self._user(name) for name in pull.assignees],
            "reviewers": [self._user(name) for name in pull.reviewers],
            "draft": pull.draft,
            "merge_when_pipeline_succeeds": pull.auto_merge,
        }

    def _user(self, name: str) -> dict[str, Any]:
        return {"id": sum(name.encode()), "username": name, "name": name}


def _check_length(body: dict[str, Any]) -> None:
    for field, most in (("title", 255), ("description", 1_048_576)):
        if len(body.get(field) or "") > most:
            message = {field: [f"is too long (maximum is {most} characters)"]}
            raise Refused(400, {"message": message})
