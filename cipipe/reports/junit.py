"""JUnit XML: one test case for each rule, one failure for each finding; a warning passes and says so."""

import re
import xml.etree.ElementTree as ET

from cipipe.reports import controls
from cipipe.results import Finding, GateOutcome, Outcome, ProtectOutcome

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(outcome: Outcome) -> str:
    """One suite; rules without findings are passed cases, skipped ones are skipped."""
    if isinstance(outcome, ProtectOutcome):
        return _document(controls.junit(outcome))
    if not isinstance(outcome, GateOutcome):
        raise NotImplementedError(type(outcome).__name__)
    suite = ET.Element("testsuite", name="cipipe gate")
    fired = {finding.rule for finding in outcome.findings}
    for rule in outcome.rules:
        if rule.id not in fired:
            ET.SubElement(suite, "testcase", classname="cipipe.gate", name=rule.id)
    for finding in outcome.findings:
        _case(suite, finding)
    for name, why in outcome.skipped:
        case = ET.SubElement(suite, "testcase", classname="cipipe.gate", name=name)
        ET.SubElement(case, "skipped", message=_clean(why))
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", "0")
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    root = ET.Element("testsuites")
    root.append(suite)
    return _document(root)


def _document(root: ET.Element) -> str:
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _case(suite: ET.Element, finding: Finding) -> None:
    where = finding.location
    place = f"{where.file}:{where.line}" if where else "repository"
    case = ET.SubElement(suite, "testcase", classname=f"cipipe.gate.{finding.rule}", name=_clean(place))
    if where:
        case.set("file", _clean(where.file))
        case.set("line", str(where.line))
    way = [f"via {step.file}:{step.line}" for step in finding.via]
    text = _clean("\n".join([f"{place}: {finding.message}", finding.command or "", *way]))
    if finding.waived is not None:
        ET.SubElement(case, "skipped", message=_clean(f"waived: {finding.waived}"))
    elif finding.severity == "error":
        ET.SubElement(case, "failure", message=_clean(finding.message), type=finding.rule).text = text
    else:
        ET.SubElement(case, "system-out").text = text


def _clean(text: str) -> str:
    return _NOT_XML.sub("?", text)
