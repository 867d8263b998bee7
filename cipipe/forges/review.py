"""What a forge says of one pull request's reviews; one module for each forge that has them."""

import importlib
from typing import Protocol

from cipipe.approvals import Pull
from cipipe.errors import UsageError
from cipipe.forges.base import Access

REVIEWS: dict[str, str] = {
    "github": "cipipe.forges.github_review",
    "gitlab": "cipipe.forges.gitlab_review",
    "gitea": "cipipe.forges.gitea_review",
}


UNTARGETED = "when it got its target branch: not available, it is taken for that of its opening"
"""A doubt of `Pull`, where the forge does not tell the history of a pull request."""


class Reviews(Protocol):
    """The reviews at one repository. Every method raises CredentialsError, DeadlineError, ForgeError."""

    def read(self, number: int) -> Pull:
        """A pull request with its commits, files and reviews; raises NotFoundError."""

    def publish(self, commit: str, *, success: bool, description: str) -> None:
        """Set the commit status `cipipe/approvals`."""


def connect(kind: str, access: Access) -> Reviews:
    """The reviews of the repository at its forge."""
    if kind not in REVIEWS:
        raise UsageError(
            f"--pr cannot read the reviews at a forge of kind '{kind}'",
            hint=f"it can at {' and '.join(REVIEWS)}",
        )
    found: Reviews = importlib.import_module(REVIEWS[kind]).connect(access)
    return found
