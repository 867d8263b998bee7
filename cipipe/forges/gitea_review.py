"""The reviews of a pull request at Gitea and Forgejo (https://gitea.com/api/swagger), almost as at GitHub."""

from collections.abc import Mapping
from typing import Any

from cipipe import trailers
from cipipe.errors import ForgeError
from cipipe.forges.base import Access
from cipipe.forges.documents import document
from cipipe.forges.gitea_protection import documents
from cipipe.forges.github_review import GitHubReviews
from cipipe.forges.tree import tree_id

_MOST_PAGES = 20


def connect(access: Access) -> "GiteaReviews":
    """The reviews of the repository."""
    return GiteaReviews(documents(access), access.repository)


class GiteaReviews(GitHubReviews):
    """The reviews of one repository."""

    most_commits = None
    events, retargeted = "timeline", "change_target_branch"
    verdicts = {"APPROVED": True, "REQUEST_CHANGES": False}  # noqa: RUF012 - as in the base class

    def _tree(self, said: Mapping[str, Any]) -> str:
        """Gitea gives the commit's id for its tree's (services/convert/git_commit.go); a bump's is needed."""
        if trailers.parse(said["commit"]["message"]) is None:
            return ""
        path, entries = f"git/trees/{said['sha']}", []
        for page in range(1, _MOST_PAGES + 1):
            found = document(self._documents.get(f"{path}?page={page}"), path)
            entries += [(each["mode"], each["path"], each["sha"]) for each in found["tree"]]
            if not found.get("truncated"):
                return tree_id(entries, said["sha"])
        raise ForgeError(f"{path} has more than {_MOST_PAGES} pages")

    def _pushers(self, head: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Who pushed to the branch of late; the feed has no end, and is not read to it."""
        if not (repository := (head.get("repo") or {}).get("full_name")):
            return None
        ref = f"refs/heads/{head['ref']}"
        pushers: list[str] = []
        for page in range(1, _MOST_PAGES + 1):
            said = self._documents.get_global(f"repos/{repository}/activities/feeds?limit=50&page={page}")
            if said.status != 200:
                return None
            for each in said.document:
                if each["ref_name"] != ref:
                    continue
                if each["op_type"] == "delete_branch":
                    return tuple(pushers)
                if each["op_type"] == "commit_repo":
                    pushers.append(each["act_user"]["login"])
            if not said.document:
                break
        return tuple(pushers)
