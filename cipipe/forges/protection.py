"""What a forge says of a branch's protection, and how it is set; one module for each forge."""

import importlib
from typing import Protocol

from cipipe.config.model import Environment
from cipipe.controls.facts import Facts, Step
from cipipe.forges.base import Access

PROTECTIONS: dict[str, str] = {
    "github": "cipipe.forges.github_protection",
    "gitlab": "cipipe.forges.gitlab_protection",
    "gitea": "cipipe.forges.gitea_protection",
}


class Protection(Protocol):
    """The settings of one repository. Every method raises CredentialsError, DeadlineError, ForgeError."""

    def facts(self, environment: Environment) -> Facts:
        """The documents that `cipipe.controls` judges for the environment's branch."""

    def apply(self, step: Step) -> None:
        """Change one setting."""


def connect(kind: str, access: Access) -> Protection:
    """The settings of the repository at its forge."""
    found: Protection = importlib.import_module(PROTECTIONS[kind]).connect(access)
    return found
