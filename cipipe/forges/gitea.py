"""Gitea and Forgejo, by their REST API (docs.gitea.com/api): Python has no client for it that is kept up."""

import datetime as dt
import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from cipipe.errors import ConfigError
from cipipe.forges import session
from cipipe.forges.base import Access, ConflictError, NotFoundError, PullRequest, State, noted
from cipipe.forges.calls import TIMEOUT, Calls

_Result = TypeVar("_Result")
_DRAFT = "WIP: "
_COLOUR = "#ededed"  # of labels that are made
# seconds; a pushed branch goes through a queue before the API knows it
_UNTIL_KNOWN = (0.1, 0.2, 0.4, 0.8, 1.6, None)
_PAGE = 50  # the most that a server gives unless configured otherwise


def connect(access: Access) -> "Gitea":
    """The repository at Gitea; raises ConfigError when its path has no owner."""
    return Gitea(access)


class Gitea:
    """One repository at Gitea or Forgejo."""

    caution: str | None = None

    def __init__(self, access: Access) -> None:
        owner, slash, name = access.repository.rpartition("/")
        if not slash:
            raise ConfigError(f"'{access.repository}' is no Gitea repository: it must be OWNER/NAME")
        # a server below a path of its own shows it in the repository's address
        self._url = f"{access.api_url}/repos/{quote(owner.rpartition('/')[2])}/{quote(name)}"
        self.deadline = access.deadline
        self._calls = Calls(access, session.translated)
        self._session = session.make(access)
        self.close = self._session.close

    @property
    def proposals(self) -> "Proposals":
        """Its pull requests."""
        return Proposals(self)

    def read(self, what: str, path: str, parse: Callable[[Any], _Result], **query: str | int) -> _Result:
        """What `parse` makes of the document at `path`."""
        return self._calls.repeatable(what, lambda: parse(self._send("GET", path, None, query)))

    def repeatable(
        self, what: str, method: str, path: str, body: object, parse: Callable[[Any], _Result]
    ) -> _Result:
        """What `parse` makes of the answer to a request that may be sent twice."""
        return self._calls.repeatable(what, lambda: parse(self._send(method, path, body, {})))

    def once(self, what: str, path: str, body: object, parse: Callable[[Any], _Result]) -> _Result:
        """What `parse` makes of the answer to a POST that must not be sent twice."""
        return self._calls.once(what, lambda: parse(self._send("POST", path, body, {})))

    def _send(self, method: str, path: str, body: object, query: dict[str, str | int]) -> Any:
        answer = self._session.request(
            method, self._url + path, json=body, params=query, timeout=TIMEOUT, allow_redirects=False
        )
        return answer.json() if answer.content else None


class Proposals:
    """The pull requests of one repository."""

    def __init__(self, gitea: Gitea) -> None:
        self._gitea = gitea

    def by_head(self, head: str, base: str) -> Sequence[PullRequest]:
        """One request when there is none, or an open one is the only one.

        The API finds any one by its branches. Where that one is closed, the list tells of newer ones.
        """
        what = f"listing the pull requests of '{head}'"
        try:
            found = self._gitea.read(what, f"/pulls/{quote(base, safe='')}/{quote(head)}", _value)
        except NotFoundError:
            return ()
        if found.state == "open":
            return (found,)
        for page in itertools.count(1):
            listed = self._gitea.read(
                what, "/pulls", _values, state="all", base_branch=base, limit=_PAGE, page=page
            )
            pulls = [pull for pull in listed if pull and pull.head == head]
            if pulls or not listed:
                return tuple(sorted(pulls, key=lambda pull: -pull.number)) or (found,)
        raise AssertionError  # pragma: no cover - the count has no end

    def list_open(self) -> Sequence[PullRequest]:
        """One request for each page of fifty."""
        pulls: list[PullRequest] = []
        for page in itertools.count(1):
            listed = self._gitea.read(
                "listing the open pull requests", "/pulls", _values, state="open", limit=_PAGE, page=page
            )
            pulls += [pull for pull in listed if pull]
            if len(listed) < _PAGE:
                return sorted(pulls, key=lambda pull: -pull.number)
        raise AssertionError  # pragma: no cover - the count has no end

    def open(self, head: str, base: str, *, title: str, body: str, draft: bool) -> PullRequest:
        """Open one; a branch that is gone is a conflict, and one that was just pushed is soon there."""
        asked = {"head": head, "base": base, "title": _DRAFT + title if draft else title, "body": body}
        what = f"opening a pull request of '{head}'"
        for pause in _UNTIL_KNOWN:
            try:
                return self._gitea.once(what, "/pulls", asked, _value)
            except NotFoundError as error:
                if pause is None:
                    raise ConflictError(error.message, hint=error.hint) from None
                self._gitea.deadline.sleep(pause)
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    def rewrite(self, pull: PullRequest, *, title: str, body: str) -> None:
        """Give it another title and body."""
        self._patch("rewriting", pull, title=_DRAFT + title if pull.draft else title, body=body)

    def mark(self, pull: PullRequest, *, labels: Sequence[str], assignees: Sequence[str]) -> None:
        """Labels by name, those that are missing made first; then the assignees."""
        if labels:
            self._label(pull, labels)
        if assignees:
            self._patch("assigning", pull, assignees=list(dict.fromkeys((*pull.assignees, *assignees))))

    def ask(self, pull: PullRequest, people: Sequence[str]) -> None:
        """Ask people and teams for a review."""
        asked = {
            "reviewers": [name for name in people if "/" not in name],
            "team_reviewers": [name.rpartition("/")[2] for name in people if "/" in name],
        }
        what = f"asking for reviews of #{pull.number}"
        self._gitea.repeatable(what, "POST", f"/pulls/{pull.number}/requested_reviewers", asked, list)

    def answered(self, pull: PullRequest) -> frozenset[str]:
        """Who has reviewed it; a request is listed as a review, too."""
        what = f"reading the reviews of #{pull.number}"
        return frozenset(self._gitea.read(what, f"/pulls/{pull.number}/reviews", _reviewers))

    def comments(self, pull: PullRequest) -> tuple[str, ...]:
        """The texts of its comments."""
        what = f"reading the comments of #{pull.number}"
        return self._gitea.read(
            what, f"/issues/{pull.number}/comments", lambda listed: tuple(each["body"] for each in listed)
        )

    def comment(self, pull: PullRequest, text: str) -> None:
        """Comment on it."""
        path = f"/issues/{pull.number}/comments"
        self._gitea.once(f"commenting on #{pull.number}", path, {"body": text}, lambda made: made["id"])

    def close(self, pull: PullRequest, *, label: str, note: str = "") -> None:
        """Label and close it, in this order: a closed one without the label was a person's doing."""
        self._label(pull, [label])
        self._patch("closing", pull, state="closed", body=noted(pull, note))

    def reopen(self, pull: PullRequest) -> None:
        """Open it again."""
        self._patch("reopening", pull, state="open")

    def merge_when_ready(self, pull: PullRequest) -> None:
        """Schedule the merge, in the repository's usual way; what is scheduled already is fine."""
        doing = f"setting auto-merge of #{pull.number}"
        style = self._gitea.read(doing, "", lambda found: found.get("default_merge_style") or "merge")
        asked = {"Do": style, "merge_when_checks_succeed": True, "head_commit_id": pull.commit}
        path = f"/pulls/{pull.number}/merge"
        try:
            self._gitea.repeatable(doing, "POST", path, asked, bool)
        except ConflictError as error:
            if "scheduled" not in error.message:
                raise

    def _label(self, pull: PullRequest, names: Sequence[str]) -> None:
        """Names without a label are passed over by the server without a word."""
        what, path = f"labelling #{pull.number}", f"/issues/{pull.number}/labels"

        def missing() -> list[str]:
            there = self._gitea.repeatable(what, "POST", path, {"labels": list(names)}, _names)
            return [name for name in names if name not in there]

        made = missing()
        for name in made:
            asked = {"name": name, "color": _COLOUR}
            self._gitea.once(f"making label '{name}'", "/labels", asked, lambda label: label["id"])
        if made and (left := missing()):
            raise ConflictError(f"{what}: the server does not set label '{left[0]}'")

    def _patch(self, doing: str, pull: PullRequest, **changes: object) -> None:
        path = f"/pulls/{pull.number}"
        self._gitea.repeatable(f"{doing} #{pull.number}", "PATCH", path, changes, _value)


def _names(labels: Any) -> set[str]:
    return {label["name"] for label in labels}


def _reviewers(reviews: Any) -> list[str]:
    return [_login(each["user"]) for each in reviews if each["state"] != "REQUEST_REVIEW"]


def _values(documents: Any) -> list[PullRequest | None]:
    """The pull requests of a page, with None for those of forks."""
    return [
        _value(each) if each["head"]["repo_id"] == each["base"]["repo_id"] else None for each in documents
    ]


def _value(document: Any) -> PullRequest:
    closed: State = "merged" if document["merged"] else "closed"
    teams = document.get("requested_reviewers_teams") or []
    organisation = document["base"]["repo"]["owner"]["login"]
    title = document["title"]
    return PullRequest(
        number=document["number"],
        url=document["html_url"],
        state="open" if document["state"] == "open" else closed,
        title=title.removeprefix(_DRAFT) if document["draft"] else title,
        body=document["body"] or "",
        head=document["head"]["label"],
        base=document["base"]["ref"],
        commit=document["head"]["sha"],
        author=_login(document["user"]),
        labels=tuple(label["name"] for label in document["labels"] or []),
        assignees=tuple(user["login"] for user in document["assignees"] or []),
        reviewers=tuple(user["login"] for user in document["requested_reviewers"] or [])
        + tuple(f"{organisation}/{team['name']}" for team in teams),
        draft=document["draft"],
        created=dt.datetime.fromisoformat(document["created_at"]).timestamp(),
    )


def _login(user: Any) -> str:
    return user["login"] if user else ""
