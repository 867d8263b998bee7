"""GitLab Code Quality (https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format)."""

import hashlib
import json
from collections import Counter

from cipipe.results import Finding, GateOutcome, Outcome

_SEVERITY = {"error": "major", "warning": "minor"}


def render(outcome: Outcome) -> str:
    """A list of issues; a waived finding is left out."""
    if not isinstance(outcome, GateOutcome):
        raise NotImplementedError(type(outcome).__name__)
    seen: Counter[str] = Counter()
    issues = [_issue(finding, seen) for finding in outcome.findings if finding.waived is None]
    return json.dumps(issues, indent=2, ensure_ascii=False)


def _issue(finding: Finding, seen: Counter[str]) -> dict[str, object]:
    where = finding.location
    file = where.file if where else "cipipe.yaml"
    same = "\0".join([finding.rule, file, finding.command or "", finding.message])
    seen[same] += 1
    return {
        "description": f"{finding.message}: {finding.command}" if finding.command else finding.message,
        "check_name": finding.rule,
        "fingerprint": hashlib.sha256(f"{same}\0{seen[same]}".encode(errors="surrogatepass")).hexdigest(),
        "severity": _SEVERITY[finding.severity],
        "location": {"path": file, "lines": {"begin": where.line if where else 1}},
    }
