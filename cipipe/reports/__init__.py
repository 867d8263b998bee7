"""The one list of report formats; a format is a module with `render(outcome) -> str`."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cipipe.results import Outcome

REPORTS: dict[str, str] = {
    "text": "cipipe.reports.text",
    "json": "cipipe.reports.json",
    "sarif": "cipipe.reports.sarif",
    "github": "cipipe.reports.github",
    "gitlab": "cipipe.reports.gitlab",
    "junit": "cipipe.reports.junit",
    "html": "cipipe.reports.html",
}
EVERYWHERE = ("text", "json")
_OF_FINDINGS = ("sarif", "github", "gitlab")


def render(name: str, outcome: "Outcome") -> str:
    """`outcome` in the format `name`."""
    from cipipe.results import ProtectOutcome  # noqa: PLC0415 - `--version` renders nothing

    if name in _OF_FINDINGS and isinstance(outcome, ProtectOutcome):
        outcome = outcome.findings()
    text = importlib.import_module(REPORTS[name]).render(outcome)
    assert isinstance(text, str)  # noqa: S101 - for the type checker; the contract test renders each
    return text
