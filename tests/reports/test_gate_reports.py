"""The gate's findings in every format: valid, escaped, complete, and with the same exit code."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest

from cipipe import reports
from cipipe.cli import run
from cipipe.reports.summary import summary
from cipipe.results import Finding, GateOutcome, Location, Rule

RULE = Rule("direct-deploy", "Title", "error", "Description.", "Remedy.", "docs/rules.md#direct-deploy")
PLACE = Location(".github/workflows/a b,c:d.yml", 3, 9)
HOSTILE = "x%0A::set-env name=A::b\n::error::y\r\n]]> <&\"' \x1b[31m `|` é"
FINDINGS = (
    Finding(
        "direct-deploy",
        "error",
        "deny",
        PLACE,
        "deploys",
        "kubectl apply",
        (Location("x.sh", 1),),
        None,
        "  - run: x",
    ),
    Finding("direct-deploy", "error", "deny", PLACE, "deploys", "kubectl apply", (Location("x.sh", 2),)),
    Finding("unresolved-command", "warning", "unresolved", Location("b.yml", 1), HOSTILE, HOSTILE),
    Finding("direct-deploy", "error", "deny", Location("c.yml", 7), "deploys", "helm", (), "agreed"),
    Finding("acme", "error", "deny", None, "no place"),
)
OUTCOME = GateOutcome(
    FINDINGS, (RULE,), (("unknown-environment", "there is no cipipe.yaml"),), "embedded", 3, 1
)
# The parts of SARIF 2.1.0 that a consumer relies on (OASIS, section 3): closed where the standard is closed.
NUMBER = {"type": "integer", "minimum": 1}
REGION = {
    "type": "object",
    "properties": {"startLine": NUMBER, "startColumn": NUMBER},
    "required": ["startLine"],
    "additionalProperties": False,
}
ARTIFACT = {"type": "object", "properties": {"uri": {"type": "string", "pattern": r"^[^ :]+$"}}}
LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "message": {"type": "object", "required": ["text"]},
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation", "region"],
            "properties": {"artifactLocation": ARTIFACT, "region": REGION},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}  # fmt: skip
SUPPRESSION = {"properties": {"kind": {"enum": ["inSource", "external"]}}}
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["ruleId", "message", "partialFingerprints"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": {"type": "object", "required": ["text"]},
                                "locations": {"type": "array", "items": LOCATION},
                                "relatedLocations": {"type": "array", "items": LOCATION},
                                "suppressions": {"type": "array", "items": SUPPRESSION},
                            },
                        },
                    }
                },
            },
        },
    },
}  # fmt: skip


def test_sarif() -> None:
    log = json.loads(reports.render("sarif", OUTCOME))
    jsonschema.validate(log, SARIF)
    driver, results = log["runs"][0]["tool"]["driver"], log["runs"][0]["results"]
    assert [rule["id"] for rule in driver["rules"]] == ["direct-deploy", "unresolved-command", "acme"]
    assert driver["rules"][0]["help"]["text"].endswith("Remedy.")
    assert all(driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] for result in results)
    prints = [result["partialFingerprints"]["cipipe/v1"] for result in results]
    assert len(set(prints)) == len(prints)
    assert results[3]["suppressions"] == [{"kind": "external", "justification": "agreed"}]
    assert "locations" not in results[4]


def test_a_sarif_fingerprint_stays_when_lines_move() -> None:
    moved = tuple(
        Finding(
            f.rule,
            f.severity,
            f.verdict,
            f.location and Location(f.location.file, f.location.line + 5),
            f.message,
            f.command,
        )
        for f in FINDINGS
    )
    logs = [
        json.loads(reports.render("sarif", GateOutcome(some, (), (), "e", 1, 0)))
        for some in (FINDINGS, moved)
    ]
    prints = [[result["partialFingerprints"] for result in log["runs"][0]["results"]] for log in logs]
    assert prints[0] == prints[1]


def test_no_finding_can_speak_to_the_runner() -> None:
    lines = reports.render("github", OUTCOME).split("\n")
    assert len(lines) == 4
    assert all(re.match(r"::(?:error|warning) title=[^:]*::", line) for line in lines)
    assert "\r" not in "".join(lines)
    assert "file=.github/workflows/a b%2Cc%3Ad.yml,line=3,col=9::" in lines[0]
    assert "%250A" in lines[2]


def test_gitlab_code_quality() -> None:
    issues = json.loads(reports.render("gitlab", OUTCOME))
    assert [issue["severity"] for issue in issues] == ["major", "major", "minor", "major"]
    assert len({issue["fingerprint"] for issue in issues}) == 4
    assert all(issue["location"]["lines"]["begin"] >= 1 for issue in issues)


def test_junit_is_xml_whatever_a_finding_says() -> None:
    suite = ET.fromstring(reports.render("junit", OUTCOME))[0]  # noqa: S314 - our own text
    assert suite.attrib["failures"] == "3"
    assert suite.attrib["tests"] == str(len(suite))
    assert len(suite.findall("testcase/skipped")) == 2


def test_text_shows_the_line_and_a_caret() -> None:
    text = reports.render("text", OUTCOME)
    assert "  3 |   - run: x\n    |         ^" in text
    assert "via x.sh:1" in text
    assert "waived: agreed" in text
    assert text.endswith("3 errors, 1 warning, 1 waived in 3 pipelines, 1 followed (1 rules, embedded)")


def test_a_summary_is_a_table_that_foreign_text_cannot_leave() -> None:
    text = summary(OUTCOME)
    rows = [line for line in text.split("\n") if line.startswith(("| ❌", "| ⚠️"))]
    assert len(rows) == 4
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)


@pytest.mark.parametrize("name", ["text", "json", "sarif", "github", "gitlab", "junit"])
def test_the_format_never_changes_the_exit_code(name: str, tmp_path: Path) -> None:
    workflow = tmp_path / ".github/workflows/ci.yml"
    workflow.parent.mkdir(parents=True)
    code = []
    for command in ("kubectl apply -f x", "kubectl diff -f x"):
        workflow.write_text(f"on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: {command}\n")
        code.append(
            run(
                [
                    "gate",
                    str(tmp_path),
                    "--engine",
                    "embedded",
                    "-q",
                    "--output",
                    name,
                    "--output-file",
                    str(tmp_path / "out"),
                ]
            )
        )
    assert code == [1, 0]
    assert run(["gate", str(tmp_path / ".github"), "--engine", "embedded", "-q", "--output", name]) == 3
