"""The gate's findings and the controls of branches as Markdown for a step summary.

Foreign text stands in code spans, escaped.
"""

import re

from cipipe.results import Control, Finding, GateOutcome, ProtectedEnvironment, ProtectOutcome

_MARKS = {"pass": "✅", "fail": "❌", "unknown": "⚠️", "not-available": ""}
_MOST = 200  # findings; GitHub takes one megabyte a step


def summary(outcome: GateOutcome) -> str:
    """A table of what was found."""
    live = [finding for finding in outcome.findings if finding.waived is None]
    if not live:
        return f"### cipipe gate\n\nNothing found in {outcome.read} pipelines.\n"
    rows = [_row(finding) for finding in live[:_MOST]]
    more = f"\n…and {len(live) - _MOST} more.\n" if len(live) > _MOST else ""
    head = "### cipipe gate\n\n| | rule | where | what |\n| --- | --- | --- | --- |\n"
    return head + "\n".join(rows) + "\n" + more


def protection(outcome: ProtectOutcome) -> str:
    """A table of each environment's controls, and the plan."""
    return "### cipipe protect\n\n" + "\n".join(_environment(each) for each in outcome.environments)


def _environment(found: ProtectedEnvironment) -> str:
    rows = [_control(each, failed=each in found.failed) for each in found.controls]
    head = f"#### {found.environment}\n\n| | control | evidence | setting |\n| --- | --- | --- | --- |\n"
    said = "set" if found.applied else "`--apply` would"
    plan = [f"- {said}: {_code(step)}" for step in found.plan]
    return head + "\n".join(rows) + "\n" + ("\n" + "\n".join(plan) + "\n" if plan else "")


def _control(control: Control, *, failed: bool) -> str:
    mark, setting = ("❌", _code(control.setting)) if failed else (_MARKS[control.state], "")
    return f"| {mark} | {control.name} | {_code(control.evidence)} | {setting} |"


def _row(finding: Finding) -> str:
    mark = "❌" if finding.severity == "error" else "⚠️"
    where = f"{finding.location.file}:{finding.location.line}" if finding.location else ""
    return f"| {mark} | {finding.rule} | {_code(where)} | {_code(finding.command or finding.message)} |"


def _code(text: str) -> str:
    """Foreign text as code: it can end neither the span nor the cell."""
    plain = re.sub(r"[\x00-\x1f\x7f]", " ", text).replace("`", "'").replace("|", "\\|")
    return f"`{plain}`" if plain else ""
