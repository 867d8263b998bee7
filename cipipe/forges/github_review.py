"""The reviews of a pull request at GitHub, and the commit status.

https://docs.github.com/en/rest/pulls/reviews, https://docs.github.com/en/rest/pulls/pulls
https://docs.github.com/en/rest/collaborators/collaborators, https://docs.github.com/en/rest/commits/statuses
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cipipe.approvals import STATUS, Commit, Pull, Review
from cipipe.controls.facts import Step, understood
from cipipe.errors import ForgeError
from cipipe.forges.base import Access, NotFoundError
from cipipe.forges.documents import Documents, document, quoted
from cipipe.forges.github_protection import documents
from cipipe.forges.review import UNTARGETED

_MOST_FILES = 3000  # GitHub lists no more of a pull request
_MOST_COMMITS = 250
_WRITES = {"admin", "maintain", "write", "owner"}


def connect(access: Access) -> "GitHubReviews":
    """The reviews of the repository."""
    return GitHubReviews(documents(access), access.repository)


class GitHubReviews:
    """The reviews of one repository; Gitea's differ in a few words."""

    most_commits: int | None = _MOST_COMMITS
    events, retargeted = "events", "base_ref_changed"
    verdicts: Mapping[str, bool] = {"APPROVED": True, "CHANGES_REQUESTED": False, "DISMISSED": False}

    def __init__(self, source: Documents, repository: str) -> None:
        self._documents = source
        self._repository = repository
        self._writes: dict[str, bool] = {}

    def read(self, number: int) -> Pull:
        """A pull request with its commits, files and reviews."""
        with understood(f"#{number}"):
            return self._read(number)

    def publish(self, commit: str, *, success: bool, description: str) -> None:
        """Set the commit status."""
        body = {
            "state": "success" if success else "failure",
            "context": STATUS,
            "description": description[:140],
        }
        self._documents.send(Step("POST", f"statuses/{commit}", body, f"the status {STATUS}"))

    def _read(self, number: int) -> Pull:
        said = self._documents.get(f"pulls/{number}")
        if said.status == 404:
            raise NotFoundError(f"there is no pull request #{number} in {self._repository}")
        pull = document(said, f"#{number}")
        files = self._all(f"pulls/{number}/files")
        names = {name for file in files for name in (file["filename"], file.get("previous_filename")) if name}
        commits = [self._commit(each) for each in self._all(f"pulls/{number}/commits")]
        if self.most_commits is not None and len(commits) >= self.most_commits:
            # The rest is not listed: nobody knows who made it.
            commits.append(Commit("", None, None, "", ""))
        own = {"full_name": self._repository}  # null in its place is a fork that is gone
        events = self._documents.list(f"issues/{number}/{self.events}")
        targeted = self._targeted(events.document) if events.status == 200 else None
        return Pull(
            number=number,
            head=pull["head"]["ref"],
            head_repository=(pull["head"].get("repo", own) or {}).get("full_name") or "",
            base=pull["base"]["ref"],
            repository=self._repository,
            commit=pull["head"]["sha"],
            author=(pull.get("user") or {}).get("login") or "",
            files=tuple(sorted(names)) if len(files) < _MOST_FILES else None,
            commits=tuple(commits),
            reviews=tuple(self._latest(self._all(f"pulls/{number}/reviews"), targeted)),
            writers=self._writers(),
            pushers=self._pushers(pull["head"]),
            doubts=() if events.status == 200 else (UNTARGETED,),
        )

    def _targeted(self, events: Sequence[dict[str, Any]]) -> dt.datetime | None:
        """When the pull request got its target branch, if that was not at its opening."""
        times = [each["created_at"] for each in events if self.retargeted in each.values()]
        return max(map(dt.datetime.fromisoformat, times), default=None)

    def _pushers(self, head: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Who pushed to the branch since it was made, the last one first; a hundred pushes are told.

        https://docs.github.com/en/rest/repos/repos#list-repository-activities
        """
        repository = (head.get("repo") or {}).get("full_name")
        if not repository:
            return None
        ref = quoted(f"refs/heads/{head['ref']}")
        said = self._documents.get_global(f"repos/{repository}/activity?ref={ref}&per_page=100")
        if said.status != 200:
            return None
        pushers = []
        for each in said.document:
            if each["activity_type"] == "branch_deletion":
                break
            pushers.append((each.get("actor") or {}).get("login") or "")
            if each["activity_type"] == "branch_creation":
                break
        return tuple(pushers)

    def _commit(self, said: Mapping[str, Any]) -> Commit:
        author, committer = ((said.get(role) or {}).get("login") for role in ("author", "committer"))
        return Commit(said["sha"], author, committer, said["commit"]["message"], self._tree(said))

    def _tree(self, said: Mapping[str, Any]) -> str:
        return str((said["commit"].get("tree") or {}).get("sha") or "")

    def _all(self, path: str) -> Sequence[dict[str, Any]]:
        found: Sequence[dict[str, Any]] = document(self._documents.list(path), path)
        return found

    def _latest(self, reviews: Sequence[dict[str, Any]], targeted: dt.datetime | None) -> Iterator[Review]:
        """The last verdict of each person; a comment is none, and a dismissed one takes an approval back.

        `targeted` is when the pull request got another target.
        """
        latest = {}
        for review in reviews:  # in the order of time
            login = (review.get("user") or {}).get("login")
            if login and review.get("state") in self.verdicts:
                latest[login] = review
        for login, review in latest.items():
            approves = self.verdicts[review["state"]] and not review.get("dismissed")
            bot = review["user"].get("type") == "Bot"
            same = targeted is None or dt.datetime.fromisoformat(review["submitted_at"]) > targeted
            yield Review(login, approves, review.get("commit_id") or "", self._may_write(login), bot, same)

    def _may_write(self, login: str) -> bool:
        if login not in self._writes:
            said = self._documents.get(f"collaborators/{quoted(login)}/permission")
            if said.status == 403:
                raise ForgeError(
                    f"the token may not ask whether '{login}' has write access",
                    hint="give it a token of somebody who may write to the repository",
                )
            found = said.document if said.status == 200 and isinstance(said.document, dict) else {}
            self._writes[login] = found.get("permission") in _WRITES
        return self._writes[login]

    def _writers(self) -> tuple[str, ...] | None:
        said = self._documents.list("collaborators")
        if said.status != 200:
            return None
        return tuple(
            each["login"]
            for each in said.document
            if each.get("type") != "Bot"
            and (each.get("permissions") or {}).get("push", True)
            and self._may_write(each["login"])
        )
