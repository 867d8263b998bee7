"""GitHub annotations (workflow commands); every value is escaped, so that no finding can speak to the runner.

Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
"""

from cipipe.results import Finding, GateOutcome, Outcome


def render(outcome: Outcome) -> str:
    """One annotation for each finding that counts."""
    if not isinstance(outcome, GateOutcome):
        raise NotImplementedError(type(outcome).__name__)
    return "\n".join(_annotation(finding) for finding in outcome.findings if finding.waived is None)


def _annotation(finding: Finding) -> str:
    properties = {"title": f"cipipe: {finding.rule}"}
    if finding.location:
        where = finding.location
        properties |= {"file": where.file, "line": str(where.line), "col": str(where.column)}
    text = f"{finding.message}: {finding.command}" if finding.command else finding.message
    values = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{finding.severity} {values}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
