"""The documents that say how a branch is protected at Gitea and Forgejo (https://gitea.com/api/swagger)."""

from cipipe.config.model import Environment
from cipipe.controls.facts import Facts, Step
from cipipe.forges.base import Access
from cipipe.forges.documents import Documents


def connect(access: Access) -> "GiteaProtection":
    """The settings of the repository."""
    return GiteaProtection(documents(access))


def documents(access: Access) -> Documents:
    """The documents of the repository."""
    headers = {"Authorization": f"token {access.credentials.token}"}
    return Documents(access, f"repos/{access.repository}", headers, page_size="limit")


class GiteaProtection:
    """The settings of one repository."""

    def __init__(self, source: Documents) -> None:
        self._documents = source

    def facts(self, environment: Environment) -> Facts:
        """All rules; the server itself names the one that counts for a branch that is there."""
        return {
            "branch_protections": self._documents.list("branch_protections"),
            "branch": self._documents.get(f"branches/{environment.branch}"),
        }

    def apply(self, step: Step) -> None:
        """Change one setting."""
        self._documents.send(step)
