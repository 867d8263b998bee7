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
