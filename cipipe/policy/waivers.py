"""Findings accepted on purpose: by rule and file, with a reason, until a day."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from cipipe import globs
from cipipe.config.model import Config, Waiver
from cipipe.results import Finding, Location, Rule

RULE = Rule(
    id="waiver",
    title="A waiver must still be needed",
    severity="warning",
    description="A waiver in cipipe.yaml has expired, or no finding needs it any more.",
    remedy="Take it out of cipipe.yaml, or agree on a new day.",
    docs="docs/rules.md#waivers",
)


def waive(findings: Sequence[Finding], config: Config | None, today: dt.date) -> list[Finding]:
    """`findings`, those accepted marked with the reason, and one for each waiver expired or not used."""
    waivers = config.gate.waivers if config else ()
    used: set[Waiver] = set()
    marked = []
    for finding in findings:
        fitting = [waiver for waiver in waivers if _fits(waiver, finding)]
        used.update(fitting)
        valid = next((waiver for waiver in fitting if waiver.expires >= today), None)
        marked.append(replace(finding, waived=valid.reason) if valid else finding)
    file = config.file if config else ""
    for waiver in waivers:
        if waiver.expires < today:
            said = f"the waiver of {waiver.rule} in {waiver.file} expired on {waiver.expires}"
            marked.append(_report(file, waiver, said))
        elif waiver not in used:
            said = f"no finding of {waiver.rule} in {waiver.file} needs this waiver"
            marked.append(_report(file, waiver, said))
    return marked


def _fits(waiver: Waiver, finding: Finding) -> bool:
    where = finding.location
    if finding.rule != waiver.rule or where is None:
        return False
    glob = globs.only_stars(waiver.file) if "*" in waiver.file else None
    return where.file == waiver.file or (glob is not None and globs.matches(glob, where.file))


def _report(file: str, waiver: Waiver, message: str) -> Finding:
    return Finding(RULE.id, RULE.severity, "deny", Location(file, waiver.line), message)
