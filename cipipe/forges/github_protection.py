"""The documents that say how a branch is protected at GitHub.

https://docs.github.com/en/rest/branches/branch-protection, https://docs.github.com/en/rest/repos/rules
https://docs.github.com/en/rest/actions/permissions, https://docs.github.com/en/rest/deployments/environments
"""

from cipipe.config.model import Environment
from cipipe.controls.facts import Answer, Facts, Step, understood
from cipipe.forges.base import Access
from cipipe.forges.documents import Documents, quoted

HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


def connect(access: Access) -> "GitHubProtection":
    """The settings of the repository."""
    return GitHubProtection(documents(access))


def documents(access: Access) -> Documents:
    """The documents of the repository."""
    headers = {**HEADERS, "Authorization": f"Bearer {access.credentials.token}"}
    return Documents(access, f"repos/{access.repository}", headers)


class GitHubProtection:
    """The settings of one repository."""

    def __init__(self, source: Documents) -> None:
        self._documents = source

    def facts(self, environment: Environment) -> Facts:
        """Classic protection, rulesets in full, and what Actions may do."""
        branch = quoted(environment.branch)
        found = {
            "repository": self._documents.get(""),
            "protection": self._documents.get(f"branches/{branch}/protection"),
            "rulesets": self._rulesets(),
            "rules": self._documents.list(f"rules/branches/{branch}"),
        }
        if environment.protected:
            found["workflow"] = self._documents.get("actions/permissions/workflow")
            found["environment"] = self._documents.get(f"environments/{quoted(environment.name)}")
        if environment.code_owners:
            found["codeowners"] = self._documents.get(f"codeowners/errors?ref={branch}")
        for check in environment.required_checks:
            if isinstance(check.app, str):
                found[f"app/{check.app}"] = self._documents.get_global(f"apps/{quoted(check.app)}")
        return found

    def apply(self, step: Step) -> None:
        """Change one setting."""
        self._documents.send(step)

    def _rulesets(self) -> Answer:
        """The list says neither rules nor exceptions: each is read by itself."""
        listed = self._documents.list("rulesets?includes_parents=true")
        if listed.status != 200:
            return listed
        with understood("the rulesets"):
            numbers = [int(one["id"]) for one in listed.document]
        each = [self._documents.get(f"rulesets/{number}?includes_parents=true") for number in numbers]
        return Answer(200, [answer.document for answer in each if answer.status == 200])
