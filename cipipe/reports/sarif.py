"""SARIF 2.1.0, as code scanning services read it (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""

import hashlib
import json
import os
from collections import Counter
from urllib.parse import quote

from cipipe import __version__
from cipipe.results import Finding, GateOutcome, Location, Outcome, Rule

_HOME = "https://github.com/cipipe/cipipe"


def render(outcome: Outcome) -> str:
    """One run with one rule for each id; a waived finding is a suppressed result."""
    if not isinstance(outcome, GateOutcome):
        raise NotImplementedError(type(outcome).__name__)
    known = {rule.id: rule for rule in outcome.rules}
    ids = list(dict.fromkeys([*known, *(finding.rule for finding in outcome.findings)]))
    seen: Counter[str] = Counter()
    log = {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "cipipe",
                        "semanticVersion": __version__,
                        "informationUri": _HOME,
                        "rules": [_rule(name, known.get(name)) for name in ids],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, ids, seen) for finding in outcome.findings],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)


def _rule(name: str, rule: Rule | None) -> dict[str, object]:
    if rule is None:
        return {"id": name, "shortDescription": {"text": name}}
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.description},
        "help": {
            "text": f"{rule.description}\n\n{rule.remedy}",
            "markdown": f"{rule.description}\n\n**Remedy:** {rule.remedy}",
        },
        "helpUri": f"{_HOME}/blob/main/{rule.docs}",
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(finding: Finding, ids: list[str], seen: Counter[str]) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": finding.rule,
        "ruleIndex": ids.index(finding.rule),
        "level": finding.severity,
        "message": {"text": f"{finding.message} ({finding.command})" if finding.command else finding.message},
        "partialFingerprints": {"cipipe/v1": _fingerprint(finding, seen)},
    }
    if finding.location:
        result["locations"] = [_location(finding.location)]
    if finding.via:
        result["relatedLocations"] = [
            _location(place) | {"message": {"text": "on the way there"}}
            for place in dict.fromkeys(finding.via)
        ]
    if finding.waived is not None:
        result["suppressions"] = [{"kind": "external", "justification": finding.waived}]
    return result


def _location(place: Location) -> dict[str, object]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(os.fsencode(place.file)), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": place.line, "startColumn": place.column},
        }
    }


def _fingerprint(finding: Finding, seen: Counter[str]) -> str:
    """Stays when lines move: rule, file, command and message, and a count among equals."""
    file = finding.location.file if finding.location else ""
    same = "\0".join([finding.rule, file, finding.command or "", finding.message])
    seen[same] += 1
    return hashlib.sha256(f"{same}\0{seen[same]}".encode(errors="surrogatepass")).hexdigest()
