"""GitHub and GitHub Enterprise Server, by PyGithub without its own retries (they repeat POST).

Objects are lazy: what a method needs is in its one answer.
https://docs.github.com/en/rest/pulls, https://docs.github.com/en/rest/issues
"""

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import github
import requests
from github.GithubObject import NotSet
from github.Issue import Issue
from github.NamedUser import NamedUser
from github.PullRequest import PullRequest as Found
from github.Repository import Repository
from urllib3 import Retry

from cipipe.errors import ConfigError
from cipipe.forges.base import Access, ConflictError, PullRequest, noted
from cipipe.forges.calls import TIMEOUT, Calls, Lost, Refusal, check_kept
from cipipe.forges.github_pull import document, is_own, names, pull_request
from cipipe.forges.session import NOT_THE_API

_Result = TypeVar("_Result")
# https://docs.github.com/en/actions/concepts/security/github_token
_CAUTION = (
    "no checks run on a pull request that GITHUB_TOKEN opened: close and open it, or set CIPIPE_TOKEN to the"
    " token of an app or a person"
)
# PyGithub goes after a redirect within its host, in circles too, and without the query
_UNREDIRECTED = Retry(0, read=False, status_forcelist=range(300, 400), allowed_methods=None)


_PAGE = 100
_MERGE_METHODS = ("MERGE", "SQUASH", "REBASE")
# https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/incorporating-changes-from-a-pull-request/automatically-merging-a-pull-request
_NO_AUTO_MERGE = {
    "not allowed for this repository": "switch 'Allow auto-merge' on in the repository's settings",
    "clean status": "nothing is left to wait for: ask for a check or a review in the branch's protection",
    "draft": "GitHub merges no drafts: mark it as ready first",
}
_NO_DRAFTS = "the repository's plan has no drafts: leave 'draft' out"
_NO_PUSH = "the token must be allowed to push to the repository, and assignees to read it"


def connect(access: Access) -> "GitHub":
    """The repository at GitHub; raises ConfigError when its path is not owner/name."""
    return GitHub(access)


class GitHub:
    """One repository at GitHub."""

    def __init__(self, access: Access) -> None:
        if access.repository.count("/") != 1:
            raise ConfigError(f"'{access.repository}' is no GitHub repository: it must be OWNER/NAME")
        self._calls = Calls(access, _translated)
        client = github.Github(
            base_url=access.api_url,
            auth=github.Auth.Token(access.credentials.token),
            timeout=int(TIMEOUT),
            retry=_UNREDIRECTED,
            seconds_between_requests=None,
            seconds_between_writes=None,
            per_page=_PAGE,
            lazy=True,
            user_agent="cipipe",
            verify=access.environ.get("SSL_CERT_FILE") or True,
        )
        self.close = client.close
        self._repository = client.get_repo(access.repository)
        self._name = access.repository
        in_actions = access.environ.get("GITHUB_ACTIONS") == "true"
        own = in_actions and access.credentials.variable == "GITHUB_TOKEN"
        self.caution = _CAUTION if own else None

    @property
    def proposals(self) -> "Proposals":
        """Its pull requests."""
        return Proposals(self._repository, self._name, self._calls)


class Proposals:
    """The pull requests of one repository."""

    def __init__(self, repository: Repository, name: str, calls: Calls) -> None:
        self._repository = repository
        self._name = name
        self._calls = calls

    def by_head(self, head: str, base: str) -> Sequence[PullRequest]:
        """One request, newest first; forks under the same owner are left out."""

        def call() -> list[PullRequest]:
            owner = self._name.partition("/")[0]
            pages = self._repository.get_pulls(
                state="all", head=f"{owner}:{head}", base=base, sort="created", direction="desc"
            )
            found = [self._value(each) for each in pages.get_page(0)]
            return [pull for pull in found if pull and (pull.head, pull.base) == (head, base)]

        return self._calls.repeatable(f"listing the pull requests of '{head}'", call)

    def list_open(self) -> Sequence[PullRequest]:
        """One request for each hundred."""
        listed = self._repository.get_pulls(state="open", sort="created", direction="desc")
        pulls: list[PullRequest] = []

        def call(page: int) -> list[PullRequest | None]:
            return [self._value(each) for each in listed.get_page(page)]

        for page in itertools.count():
            found = self._calls.repeatable("listing the open pull requests", partial(call, page))
            pulls += [pull for pull in found if pull]
            if len(found) < _PAGE:
                return pulls
        raise AssertionError  # pragma: no cover - the count has no end

    def open(self, head: str, base: str, *, title: str, body: str, draft: bool) -> PullRequest:
        """Open one."""

        def call() -> PullRequest:
            made = self._repository.create_pull(base, head, title=title, body=body, draft=draft or NotSet)
            return pull_request(document(made), self._name)

        try:
            return self._calls.once(f"opening a pull request of '{head}'", call)
        except ConflictError as error:
            hint = _NO_DRAFTS if "Draft pull requests are not supported" in error.message else error.hint
            raise ConflictError(error.message, hint=hint) from None

    def rewrite(self, pull: PullRequest, *, title: str, body: str) -> None:
        """Give it another title and body."""
        self._edit("rewriting", pull, self._pull(pull), title=title, body=body)

    def mark(self, pull: PullRequest, *, labels: Sequence[str], assignees: Sequence[str]) -> None:
        """Labels and assignees in one request; GitHub makes labels that are missing."""
        people = list(dict.fromkeys((*pull.assignees, *assignees)))
        asked: dict[str, object] = {"labels": list(dict.fromkeys((*pull.labels, *labels)))}
        asked |= {"assignees": people} if assignees else {}
        url = f"{self._repository.url}/issues/{pull.number}"

        def call() -> tuple[Sequence[str], Sequence[str]]:
            _, answer = self._repository.requester.requestJsonAndCheck("PATCH", url, input=asked)
            return names(answer["labels"], "name"), names(answer.get("assignees", people), "login")

        answer = self._repeatable("labelling", pull, call)
        for what, wanted, there in zip(("labels", "assignees"), (labels, assignees), answer, strict=True):
            check_kept(f"{what} of #{pull.number}", wanted, there, hint=_NO_PUSH)

    def ask(self, pull: PullRequest, people: Sequence[str]) -> None:
        """Ask people and teams for a review; PyGithub's own method does not look at the answer."""
        users = [name for name in people if "/" not in name]
        teams = [name.rpartition("/")[2] for name in people if "/" in name]
        url = f"{self._repository.url}/pulls/{pull.number}/requested_reviewers"
        asked = {"reviewers": users, "team_reviewers": teams}

        def call() -> None:
            _, answer = self._repository.requester.requestJsonAndCheck("POST", url, input=asked)
            if answer["number"] != pull.number:
                raise TypeError("another pull request")

        self._repeatable("asking for reviews of", pull, call)

    def answered(self, pull: PullRequest) -> frozenset[str]:
        """Who has reviewed it."""
        reviews = self._pull(pull).get_reviews
        return frozenset(
            self._repeatable(
                "reading the reviews of", pull, lambda: [_login(each.user) for each in reviews()]
            )
        )

    def comments(self, pull: PullRequest) -> tuple[str, ...]:
        """The texts of its comments."""
        listed = self._issue(pull).get_comments
        return tuple(
            self._repeatable("reading the comments of", pull, lambda: [_text(each.body) for each in listed()])
        )

    def comment(self, pull: PullRequest, text: str) -> None:
        """Comment on it."""
        issue = self._issue(pull)

        def call() -> None:
            if not isinstance(issue.create_comment(text).id, int):
                raise TypeError("no comment")

        self._calls.once(f"commenting on #{pull.number}", call)

    def close(self, pull: PullRequest, *, label: str, note: str = "") -> None:
        """Close, label and note it, in one request."""
        changes = {"labels": list(dict.fromkeys((*pull.labels, label))), "body": noted(pull, note)}
        self._edit("closing", pull, self._issue(pull), state="closed", **changes)

    def reopen(self, pull: PullRequest) -> None:
        """Open it again; GitHub refuses that after a force push to its branch."""
        self._edit("reopening", pull, self._pull(pull), state="open")

    def merge_when_ready(self, pull: PullRequest) -> None:
        """GraphQL alone can do it, by a way of merging that the repository allows."""

        def call(method: str) -> None:
            found = self._pull(pull)
            if not isinstance(found.node_id, str):
                raise TypeError("no node")
            found.enable_automerge(merge_method=method, expected_head_oid=pull.commit)

        for method in _MERGE_METHODS:
            try:
                return self._repeatable("setting auto-merge of", pull, partial(call, method))
            except ConflictError as error:
                if "not allowed on this repository" in error.message and method != _MERGE_METHODS[-1]:
                    continue
                hint = next((hint for words, hint in _NO_AUTO_MERGE.items() if words in error.message), None)
                raise ConflictError(error.message, hint=hint) from None
        return None

    def _pull(self, pull: PullRequest) -> Found:
        return self._repository.get_pull(pull.number)

    def _issue(self, pull: PullRequest) -> Issue:
        return self._repository.get_issue(pull.number)

    def _edit(self, doing: str, pull: PullRequest, target: Found | Issue, **changes: Any) -> None:
        """PyGithub takes any page with status 200 for an answer, and leaves unset what it misses there."""

        def call() -> None:
            target.edit(**changes)
            if not isinstance(target.state, str):
                raise TypeError("no state")

        self._repeatable(doing, pull, call)

    def _repeatable(self, doing: str, pull: PullRequest, call: Callable[[], _Result]) -> _Result:
        return self._calls.repeatable(f"{doing} #{pull.number}", call)

    def _value(self, found: Found) -> PullRequest | None:
        """None where its branch is in another repository."""
        said = document(found)
        return pull_request(said, self._name) if is_own(said, self._name) else None


def _login(user: NamedUser | None) -> str:
    """Accounts go, and what they did stays."""
    return user.login if user is not None else ""


def _text(body: str | None) -> str:
    return body or ""


def _translated(error: Exception) -> Refusal | Lost | None:
    """PyGithub's exceptions; those of Python are its way to meet an answer that is not the API's."""
    if isinstance(error, github.GithubException):
        headers = {name.lower(): str(value) for name, value in (error.headers or {}).items()}
        return Refusal(error.status, _message(error.data), headers)
    if isinstance(error, requests.exceptions.RetryError):
        return Refusal(301, "it redirects to another address", {})
    if isinstance(error, requests.RequestException):
        return Lost(str(error))
    if isinstance(error, (*NOT_THE_API, github.BadAttributeException)):
        return Lost("the answer is not that of GitHub's API")
    return None


def _message(data: object) -> str:
    """GitHub's own words, with the reasons that a validation error lists."""
    if not isinstance(data, dict):
        return str(data or "no reason given")
    errors = data.get("errors") or []
    reasons = [each.get("message") or each.get("code") if isinstance(each, dict) else each for each in errors]
    return "; ".join(str(part) for part in (data.get("message") or data.get("data"), *reasons) if part)
