"""The reviews of a merge request at GitLab, and the commit status.

GitLab keeps an approval when a commit comes later (without Premium always), and knows of commits only the
addresses of who made them. https://docs.gitlab.com/api/merge_requests/,
https://docs.gitlab.com/api/merge_request_approvals/, https://docs.gitlab.com/api/commits/
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cipipe import trailers
from cipipe.approvals import STATUS, Commit, Pull, Review
from cipipe.controls.facts import Step, understood
from cipipe.errors import ForgeError
from cipipe.forges.base import Access, NotFoundError
from cipipe.forges.documents import Documents, document, quoted
from cipipe.forges.gitlab_protection import documents
from cipipe.forges.review import UNTARGETED
from cipipe.forges.tree import tree_id

_MOST_PAGES = 20
_DEVELOPER = 30  # the lowest role that may push to a branch that is not protected
_NOREPLY = re.compile(r"(?:\d+-)?([^@\s]+)@users\.noreply\.[\w.-]+")
_BOT = re.compile(r"(?:project|group)_\d+_bot(?:_\w+)?")
_APPROVED = {"approved this merge request": True, "unapproved this merge request": False}


def connect(access: Access) -> "GitLabReviews":
    """The reviews of the project."""
    return GitLabReviews(documents(access))


class GitLabReviews:
    """The reviews of one project."""

    def __init__(self, source: Documents) -> None:
        self._documents = source
        self._logins: dict[str, str | None] = {}

    def read(self, number: int) -> Pull:
        """A merge request with its commits, files and approvals."""
        with understood(f"!{number}"):
            return self._read(number)

    def publish(self, commit: str, *, success: bool, description: str) -> None:
        """Set the commit status."""
        state = "success" if success else "failed"
        body = {"state": state, "name": STATUS, "description": description[:255]}
        self._documents.send(Step("POST", f"statuses/{commit}", body, f"the status {STATUS}"))

    def _read(self, number: int) -> Pull:
        path = f"merge_requests/{number}"
        said = self._documents.get(path)
        if said.status == 404:
            raise NotFoundError(f"there is no merge request !{number}")
        found = document(said, f"!{number}")
        writers = self._writers()
        doubts: list[str] = []
        history = self._history(path, found["sha"], doubts)
        reviews = self._approvals(path, found["sha"], writers, history)
        return Pull(
            number=number,
            head=found["source_branch"],
            head_repository=str(found.get("source_project_id")),
            base=found["target_branch"],
            repository=str(found.get("target_project_id")),
            commit=found["sha"],
            author=found["author"]["username"],
            files=self._files(path, found),
            commits=tuple(self._commit(each) for each in self._all(f"{path}/commits")),
            reviews=tuple(reviews),
            writers=None if writers is None else tuple(name for name in writers if not _BOT.fullmatch(name)),
            pushers=self._pushers(found),
            doubts=tuple(doubts),
        )

    def _files(self, path: str, found: Mapping[str, Any]) -> tuple[str, ...] | None:
        said = self._documents.list(f"{path}/diffs")
        if said.status != 200 or str(found.get("changes_count") or "").endswith("+"):
            return None
        names = {name for diff in said.document for name in (diff["new_path"], diff["old_path"])}
        return tuple(sorted(names))

    def _writers(self) -> list[str] | None:
        """Who may write, those of groups above too, each perhaps listed more than once; None if not told."""
        said = self._documents.list("members/all")
        if said.status != 200:
            return None
        return list(dict.fromkeys(each["username"] for each in said.document if _writes(each)))

    def _may_write(self, user: Mapping[str, Any], writers: Sequence[str] | None) -> bool:
        if writers is not None:
            return user["username"] in writers
        said = self._documents.get(f"members/all/{user['id']}")
        return said.status == 200 and _writes(said.document)

    def _pushers(self, found: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Who pushed to the branch since it was made, the last one first (https://docs.gitlab.com/api/events/)."""
        project = found["source_project_id"]
        pushers: list[str] = []
        for page in range(1, _MOST_PAGES + 1):
            path = f"projects/{project}/events?action=pushed&sort=desc&per_page=100&page={page}"
            said = self._documents.get_global(path)
            if said.status != 200:
                return None
            for each in said.document:
                pushed = each.get("push_data") or {}
                if (pushed.get("ref_type"), pushed.get("ref")) != ("branch", found["source_branch"]):
                    continue
                if pushed["action"] == "removed":
                    return tuple(pushers)
                pushers.append(each["author_username"])
                if pushed["action"] == "created":
                    return tuple(pushers)
            if len(said.document) < 100:
                break
        return tuple(pushers)

    def _all(self, path: str) -> Sequence[dict[str, Any]]:
        found: Sequence[dict[str, Any]] = document(self._documents.list(path), path)
        return found

    def _commit(self, said: Mapping[str, Any]) -> Commit:
        author, committer = (self._login(said[f"{role}_email"]) for role in ("author", "committer"))
        # GitLab names no tree: only a bump's is needed.
        tree = self._tree(said["id"]) if trailers.parse(said["message"]) else ""
        return Commit(said["id"], author, committer, said["message"], tree)

    def _login(self, address: str) -> str | None:
        """The account of an address; GitLab tells it of public addresses, and administrators of all."""
        if found := _NOREPLY.fullmatch(address):
            return found[1]
        if address not in self._logins:
            said = self._documents.get_global(f"users?search={quoted(address)}")
            people = said.document if said.status == 200 and isinstance(said.document, list) else []
            self._logins[address] = people[0]["username"] if len(people) == 1 else None
        return self._logins[address]

    def _tree(self, commit: str) -> str:
        said = self._documents.list(f"repository/tree?ref={commit}")
        if said.status != 200:
            return ""
        return tree_id(((each["mode"], each["name"], each["id"]) for each in said.document), commit)

    def _pushed(self, path: str, commit: str, doubts: list[str]) -> dt.datetime | None:
        """When the last commit was pushed; None where that is not in the list yet."""
        said = self._documents.list(f"{path}/versions")
        if said.status != 200:
            doubts.append("when it was pushed: not available, no approval counts for its last commit")
            return None
        last = said.document[0] if said.document else {}
        return _time(last["created_at"]) if last.get("head_commit_sha") == commit else None

    def _approvals(
        self, path: str, commit: str, writers: Sequence[str] | None, history: "_History"
    ) -> Iterator[Review]:
        """Who approves now; an approval is for the last commit when it came after its push."""
        approved = document(self._documents.get(f"{path}/approvals"), f"{path}/approvals")
        for each in approved["approved_by"]:
            login = each["user"]["username"]
            told = each.get("approved_at") or history.approved.get(login)
            at = _time(told) if told else None
            current = history.pushed is not None and at is not None and at >= history.pushed
            yield Review(
                login,
                approves=True,
                commit=commit if current else "",
                writes=self._may_write(each["user"], writers),
                bot=self._is_bot(each["user"]),
                same_target=history.targeted is None or (at is not None and at > history.targeted),
            )

    def _is_bot(self, user: Mapping[str, Any]) -> bool:
        """Whether an account is a token's or a service's; the name of a service account tells nothing."""
        if _BOT.fullmatch(user["username"]):
            return True
        said = self._documents.get_global(f"users/{user['id']}") if "id" in user else None
        return said is not None and said.status == 200 and bool(said.document.get("bot"))

    def _history(self, path: str, commit: str, doubts: list[str]) -> "_History":
        """What the notes of GitLab itself and the pushes tell."""
        approved: dict[str, str] = {}
        targeted = None
        said = self._documents.list(f"{path}/notes?sort=asc&order_by=created_at")
        doubts += () if said.status == 200 else (UNTARGETED,)
        for note in said.document if said.status == 200 else ():
            if note.get("system") and note.get("body") in _APPROVED:
                approved[note["author"]["username"]] = note["created_at"]
            if note.get("system") and str(note.get("body")).startswith("changed target branch from"):
                targeted = _time(note["created_at"])
        return _History(approved, targeted, self._pushed(path, commit, doubts))


@dataclass(frozen=True, slots=True)
class _History:
    """When each person approved last, the target was changed, and the last commit pushed, where told."""

    approved: Mapping[str, str]
    targeted: dt.datetime | None
    pushed: dt.datetime | None


def _writes(member: Mapping[str, Any]) -> bool:
    """Whether a member may write, and is neither blocked nor still to be let in."""
    states = {member.get("state", "active"), member.get("membership_state", "active")}
    return member["access_level"] >= _DEVELOPER and states == {"active"}


def _time(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise ForgeError(f"GitLab gives a time that is none: {text[:40]!r}") from None
