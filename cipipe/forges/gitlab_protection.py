"""The documents that say how a branch is protected at GitLab.

https://docs.gitlab.com/api/protected_branches/, https://docs.gitlab.com/api/merge_request_approvals/
https://docs.gitlab.com/api/projects/, https://docs.gitlab.com/api/lint/
"""

from cipipe.config.model import Environment
from cipipe.controls.facts import Facts, Step
from cipipe.forges.base import Access
from cipipe.forges.documents import Documents, quoted


def connect(access: Access) -> "GitLabProtection":
    """The settings of the project."""
    return GitLabProtection(documents(access))


def documents(access: Access) -> Documents:
    """The documents of the project; a job's token has a header of its own."""
    name = "JOB-TOKEN" if access.credentials.variable == "CI_JOB_TOKEN" else "PRIVATE-TOKEN"
    return Documents(access, f"projects/{quoted(access.repository)}", {name: access.credentials.token})


class GitLabProtection:
    """The settings of one project."""

    def __init__(self, source: Documents) -> None:
        self._documents = source

    def facts(self, environment: Environment) -> Facts:
        """Protected branches, approvals, and the pipeline as GitLab merges it."""
        ref = quoted(environment.branch)
        return {
            "project": self._documents.get(""),
            "protected_branches": self._documents.list("protected_branches"),
            "approvals": self._documents.get("approvals"),
            "approval_rules": self._documents.list("approval_rules"),
            "ci": self._documents.get(f"ci/lint?content_ref={ref}&include_jobs=false"),
        }

    def apply(self, step: Step) -> None:
        """Change one setting."""
        self._documents.send(step)
