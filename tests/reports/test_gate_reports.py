"""The gate's findings in every format: valid, escaped, complete, and with the same exit code."""

import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipipe import reports
from cipipe.cli import run
from cipipe.reports.summary import summary
from cipipe.results import Finding, GateOutcome, Location, Outcome, Rule

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
SCHEMA = json.loads(Path(__file__).with_name("sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
CHECKER = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)


def sarif(outcome: Outcome) -> dict[str, Any]:
    """The log, valid by the standard's own schema, with references that a consumer can follow."""
    log: dict[str, Any] = json.loads(reports.render("sarif", outcome))
    CHECKER.validate(log)
    for run_ in log["runs"]:
        rules = run_["tool"]["driver"]["rules"]
        for result in run_["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            for place in (*result.get("locations", ()), *result.get("relatedLocations", ())):
                uri = place["physicalLocation"]["artifactLocation"]["uri"]
                assert re.fullmatch(r"(?:[A-Za-z0-9._~/!$&'()*+,;=@-]|%[0-9A-F]{2})+", uri), uri
                assert not uri.startswith("/")
    return log


ODD_FILES = [
    "a b.yml", "a:b.yml", "C:\\x\\y.yml", "é/日本.yml", "a%20b.yml", "a#b?c.yml", "a\nb.yml",
    os.fsdecode(b"\xff\xfe.yml"), "[x].yml", "-", "\u202e.yml",
]  # fmt: skip


@pytest.mark.parametrize("file", ODD_FILES)
def test_every_file_name_is_a_uri_and_back(file: str) -> None:
    finding = Finding(
        "direct-deploy", "error", "deny", Location(file, 1, 1), "x\x00\x1b\ud800", "é", (Location(file, 2),)
    )
    log = sarif(GateOutcome((finding,), (RULE,), (), "e", 1, 0))
    (result,) = log["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert os.fsdecode(unquote_to_bytes(uri)).removeprefix("./") == file.lstrip("/")
    for output in ("json", "github", "gitlab", "junit", "text"):
        reports.render(output, GateOutcome((finding,), (RULE,), (), "e", 1, 0)).encode(
            "utf-8", "backslashreplace"
        )


TEXTS = st.text(st.characters(codec=None), max_size=40)
PLACES = st.builds(
    Location,
    st.text(max_size=40).filter(lambda text: text[:1] not in {"", "/"}),
    st.integers(1),
    st.integers(1),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(
            Finding,
            rule=st.sampled_from(["direct-deploy", "acme", "é x"]),
            severity=st.sampled_from(["error", "warning"]),
            verdict=st.sampled_from(["deny", "unresolved"]),
            location=st.none() | PLACES,
            message=TEXTS,
            command=st.none() | TEXTS,
            via=st.tuples() | st.tuples(PLACES, PLACES),
            waived=st.none() | TEXTS,
            excerpt=st.none() | TEXTS,
        ),
        max_size=4,
    )
)
def test_whatever_a_finding_says_every_format_is_valid(findings: list[Finding]) -> None:
    outcome = GateOutcome(tuple(findings), (RULE,), (), "e", 1, 0)
    log = sarif(outcome)
    assert len(log["runs"][0]["results"]) == len(findings)
    assert len(json.loads(reports.render("json", outcome))["findings"]) == len(findings)
    code_quality(outcome)
    ET.fromstring(reports.render("junit", outcome))  # noqa: S314 - our own text
    lines = list(filter(None, reports.render("github", outcome).split("\n")))
    assert len(lines) == sum(finding.waived is None for finding in findings)
    assert all(line.startswith(("::error ", "::warning ")) for line in lines)


def code_quality(outcome: Outcome) -> list[dict[str, Any]]:
    """GitLab's Code Quality report, with every field that GitLab's documentation asks for."""
    issues: list[dict[str, Any]] = json.loads(reports.render("gitlab", outcome))
    for issue in issues:
        assert issue.keys() >= {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert isinstance(issue["location"]["path"], str)
        assert not issue["location"]["path"].startswith("./")
        assert issue["location"]["lines"]["begin"] >= 1
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    return issues


def test_sarif() -> None:
    log = sarif(OUTCOME)
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
    logs = [sarif(GateOutcome(some, (), (), "e", 1, 0)) for some in (FINDINGS, moved)]
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
    issues = code_quality(OUTCOME)
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
