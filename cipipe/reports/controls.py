"""The controls of `protect`, for people and as JUnit XML."""

import xml.etree.ElementTree as ET

from cipipe.results import Control, ProtectedEnvironment, ProtectOutcome

_MARKS = {"pass": "pass", "fail": "FAIL", "unknown": "unknown", "not-available": "n/a"}


def text(outcome: ProtectOutcome) -> str:
    """Each environment with its controls, what to set, and one line that counts."""
    return "\n\n".join("\n".join(_environment(each)) for each in outcome.environments)


def _environment(each: ProtectedEnvironment) -> list[str]:
    width = max((len(control.name) for control in each.controls), default=0)
    lines = [f"{each.environment}: {_count(each)}"]
    failed = set(each.failed)
    for control in each.controls:
        lines.append(f"  {_MARKS[control.state]:7}  {control.name:{width}}  {control.evidence}")
        if control in failed and control.setting:
            lines.append(f"  {'':7}  {'':{width}}  set: {control.setting}")
    head = "set:" if each.applied else "--apply would:"
    return lines + ([head, *(f"  {step}" for step in each.plan)] if each.plan else [])


def _count(each: ProtectedEnvironment) -> str:
    held = len(each.controls) - len(each.failed)
    return f"{held} of {len(each.controls)} controls hold" if each.failed else "every control holds"


def junit(outcome: ProtectOutcome) -> ET.Element:
    """One suite for each environment, one case for each control."""
    root = ET.Element("testsuites")
    for each in outcome.environments:
        suite = ET.SubElement(root, "testsuite", name=f"cipipe protect {each.environment}")
        failed = set(each.failed)
        for control in each.controls:
            _case(suite, each, control, failed=control in failed)
        suite.set("tests", str(len(each.controls)))
        suite.set("failures", str(len(failed)))
        suite.set("errors", "0")
        suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    return root


def _case(suite: ET.Element, each: ProtectedEnvironment, control: Control, *, failed: bool) -> None:
    case = ET.SubElement(suite, "testcase", classname=f"cipipe.protect.{each.environment}", name=control.name)
    if failed:
        failure = ET.SubElement(case, "failure", message=control.evidence, type=control.state)
        failure.text = f"set: {control.setting}"
    elif control.state != "pass":
        ET.SubElement(case, "skipped", message=f"{control.state}: {control.evidence}")
