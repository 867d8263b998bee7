"""GitLab, by python-gitlab: a merge request is the pull request (https://docs.gitlab.com/api/merge_requests/).

The token goes as a bearer's: `PRIVATE-TOKEN`, python-gitlab's usual header, would follow redirects.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import gitlab
from gitlab.v4.objects import ProjectMergeRequest

from cipipe.errors import ConfigError
from cipipe.forges import session
from cipipe.forges.base import Access, ConflictError, NotFoundError, PullRequest, State, noted
from cipipe.forges.calls import TIMEOUT, Calls, Lost, Refusal, check_kept
from cipipe.proc import Deadline

_Result = TypeVar("_Result")
_DRAFT = "Draft: "
_NO_MEMBER = "they must be members of the project, and more than one needs GitLab Premium"
_NO_LABELS = "the token must have the role Reporter or a higher one"
_UNTIL_CHECKED = (0.5, 1.0, 2.0)  # seconds
_STATES: dict[str, State] = {"opened": "open", "locked": "open", "closed": "closed", "merged": "merged"}


def connect(access: Access) -> "GitLab":
    """The project at GitLab; raises ConfigError for an API that is not version 4."""
    return GitLab(access)


class GitLab:
    """One project at GitLab."""

    caution: str | None = None

    def __init__(self, access: Access) -> None:
        server, version, rest = access.api_url.partition("/api/v4")
        if not version or rest:
            raise ConfigError(f"forge.api_url '{access.api_url}' does not end in /api/v4, as GitLab's does")
        self._client = gitlab.Gitlab(
            server,
            oauth_token=access.credentials.token,
            session=session.make(access),
            timeout=TIMEOUT,
            ssl_verify=session.verify(access),
            user_agent="cipipe",
            retry_transient_errors=False,
            keep_base_url=True,
        )
        self.close = self._client.session.close
        self._project = access.repository
        self._calls = Calls(access, _translated)
        self._deadline = access.deadline

    @property
    def proposals(self) -> "Proposals":
        """Its merge requests."""
        return Proposals(self._client, self._project, self._calls, self._deadline)


class Proposals:
    """The merge requests of one project."""

    def __init__(self, client: gitlab.Gitlab, project: str, calls: Calls, deadline: Deadline) -> None:
        self._client = client
        self._deadline = deadline
        self._requests = client.projects.get(project, lazy=True).mergerequests
        self._calls = calls

    def by_head(self, head: str, base: str) -> Sequence[PullRequest]:
        """One request, newest first; forks are left out."""

        def call() -> list[PullRequest]:
            found = self._requests.list(
                source_branch=head, target_branch=base, state="all", order_by="created_at", sort="desc",
                per_page=100, get_all=False,
            )  # fmt: skip
            return [_value(each.attributes) for each in found if _is_own(each.attributes)]

        return self._calls.repeatable(f"listing the merge requests of '{head}'", call)

    def list_open(self) -> Sequence[PullRequest]:
        """One request for each hundred."""

        def call() -> list[PullRequest]:
            found = self._requests.list(
                state="opened", order_by="created_at", sort="desc", per_page=100, get_all=True
            )
            return [_value(each.attributes) for each in found if _is_own(each.attributes)]

        return self._calls.repeatable("listing the open merge requests", call)

    def open(self, head: str, base: str, *, title: str, body: str, draft: bool) -> PullRequest:
        """Open one."""
        asked = {
            "source_branch": head,
            "target_branch": base,
            "title": _DRAFT + title if draft else title,
            "description": body,
        }
        what = f"opening a merge request of '{head}'"
        return self._calls.once(what, lambda: _value(self._requests.create(asked).attributes))

    def rewrite(self, pull: PullRequest, *, title: str, body: str) -> None:
        """Give it another title and body."""
        self._update("rewriting", pull, title=_DRAFT + title if pull.draft else title, description=body)

    def mark(self, pull: PullRequest, *, labels: Sequence[str], assignees: Sequence[str]) -> None:
        """Labels and assignees in one request, after one for the id of each person."""
        changes: dict[str, object] = {"add_labels": ",".join(labels)} if labels else {}
        if assignees:
            changes["assignee_ids"] = self._ids([*pull.assignees, *assignees])
        answer = self._update("labelling", pull, **changes)
        check_kept(f"labels of !{pull.number}", labels, answer.labels, hint=_NO_LABELS)
        check_kept(f"assignees of !{pull.number}", assignees, answer.assignees, hint=_NO_MEMBER)

    def ask(self, pull: PullRequest, people: Sequence[str]) -> None:
        """Ask people for a review; GitLab asks no groups."""
        if groups := [name for name in people if "/" in name]:
            raise ConflictError(
                f"GitLab asks people for a review, and '{groups[0]}' is a group",
                hint="name people under 'reviewers', and let an approval rule name the group",
            )
        ids = self._ids([*pull.reviewers, *people])
        answer = self._update("asking for reviews of", pull, reviewer_ids=ids)
        check_kept(f"reviewers of !{pull.number}", people, answer.reviewers, hint=_NO_MEMBER)

    def answered(self, pull: PullRequest) -> frozenset[str]:
        """Who has approved it; all that are asked stay among its reviewers."""
        request = self._request(pull)
        return self._repeatable(
            "reading the approvals of",
            pull,
            lambda: frozenset(each["user"]["username"] for each in request.approvals.get().approved_by),
        )

    def comments(self, pull: PullRequest) -> tuple[str, ...]:
        """The texts of its comments."""
        notes = self._request(pull).notes
        return self._repeatable(
            "reading the comments of",
            pull,
            lambda: tuple(note.body for note in notes.list(get_all=True, per_page=100) if not note.system),
        )

    def comment(self, pull: PullRequest, text: str) -> None:
        """Comment on it."""
        notes = self._request(pull).notes
        self._calls.once(f"commenting on !{pull.number}", lambda: notes.create({"body": text}).id)

    def close(self, pull: PullRequest, *, label: str, note: str = "") -> None:
        """Close, label and note it, in one request."""
        changes = {"add_labels": label, "description": noted(pull, note)}
        self._update("closing", pull, state_event="close", **changes)

    def reopen(self, pull: PullRequest) -> None:
        """Open it again."""
        self._update("reopening", pull, state_event="reopen")

    def merge_when_ready(self, pull: PullRequest) -> None:
        """Set auto-merge; `merge_when_pipeline_succeeds` is its name before GitLab 17.11.

        GitLab refuses it (405, 422) until it knows of the pipeline and of conflicts, shortly after the push.
        """
        path = f"{self._requests.path}/{pull.number}/merge"
        asked = {"auto_merge": True, "merge_when_pipeline_succeeds": True, "sha": pull.commit}
        for pause in () if pull.draft else _UNTIL_CHECKED:
            try:
                return self._set_auto_merge(pull, path, asked)
            except ConflictError:
                self._deadline.sleep(pause)
        try:
            return self._set_auto_merge(pull, path, asked)
        except ConflictError as error:
            hint = "GitLab merges by itself only what has a pipeline, no conflict, and is no draft"
            raise ConflictError(error.message, hint=hint) from None

    def _set_auto_merge(self, pull: PullRequest, path: str, asked: dict[str, Any]) -> None:
        self._repeatable("setting auto-merge of", pull, lambda: self._client.http_put(path, post_data=asked))

    def _ids(self, names: Sequence[str]) -> list[int]:
        return [self._id(name) for name in dict.fromkeys(names)]

    def _id(self, name: str) -> int:
        def call() -> int | None:
            return next((user.id for user in self._client.users.list(username=name, get_all=False)), None)

        found = self._calls.repeatable(f"looking for '{name}'", call)
        if found is None:
            raise NotFoundError(f"GitLab knows no '{name}'", hint="correct the name under 'pull_request'")
        return found

    def _request(self, pull: PullRequest) -> ProjectMergeRequest:
        return self._requests.get(pull.number, lazy=True)

    def _update(self, doing: str, pull: PullRequest, **changes: object) -> PullRequest:
        """The merge request as it is then: GitLab passes over what it does not want, and answers 200."""

        def call() -> PullRequest:
            found = _value(self._requests.update(pull.number, changes))
            if found.number != pull.number:
                raise TypeError("another merge request")
            return found

        return self._repeatable(doing, pull, call)

    def _repeatable(self, doing: str, pull: PullRequest, call: Callable[[], _Result]) -> _Result:
        return self._calls.repeatable(f"{doing} !{pull.number}", call)


def _is_own(said: Mapping[str, Any]) -> bool:
    """Whether its branch is in the project itself."""
    return said.get("source_project_id") == said.get("target_project_id")


def _value(said: Mapping[str, Any]) -> PullRequest:
    """What every answer has, and the rest where it is told: servers of other versions know less."""
    title, created = said["title"], said.get("created_at")
    draft = bool(said.get("draft", said.get("work_in_progress")))
    return PullRequest(
        number=said["iid"],
        url=said["web_url"],
        state=_STATES[said["state"]],
        title=title.removeprefix(_DRAFT) if draft else title,
        body=said.get("description") or "",
        head=said["source_branch"],
        base=said["target_branch"],
        commit=said["sha"],
        author=(said.get("author") or {}).get("username", ""),
        labels=tuple(said.get("labels") or ()),
        assignees=_names(said.get("assignees")),
        reviewers=_names(said.get("reviewers")),
        draft=draft,
        auto_merge=bool(said.get("merge_when_pipeline_succeeds")),
        created=dt.datetime.fromisoformat(created).timestamp() if created else None,
    )


def _names(people: Sequence[Mapping[str, Any]] | None) -> tuple[str, ...]:
    return tuple(user["username"] for user in people or ())


def _translated(error: Exception) -> Refusal | Lost | None:
    if isinstance(error, gitlab.exceptions.GitlabError):
        return Lost(str(error))
    return session.translated(error)
