"""The reviews of a pull request at Gitea and Forgejo (https://gitea.com/api/swagger), almost as at GitHub."""

from cipipe.forges.base import Access
from cipipe.forges.gitea_protection import documents
from cipipe.forges.github_review import GitHubReviews


def connect(access: Access) -> "GiteaReviews":
    """The reviews of the repository."""
    return GiteaReviews(documents(access), access.repository)


class GiteaReviews(GitHubReviews):
    """The reviews of one repository."""

    most_commits = None
    verdicts = {"APPROVED": True, "REQUEST_CHANGES": False}  # noqa: RUF012 - as in the base class
