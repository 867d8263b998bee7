"""The gate's findings for people: where, what, the source line with a caret, the way there, what to do."""

from collections.abc import Iterator

from cipipe.results import Finding, GateOutcome, RulesOutcome

_WIDEST = 160


def gate(outcome: GateOutcome) -> str:
    """All findings, then one line that counts them."""
    blocks = ["\n".join(_finding(finding)) for finding in outcome.findings]
    rules = {rule.id: rule for rule in outcome.rules}
    fired = dict.fromkeys(finding.rule for finding in outcome.findings if finding.waived is None)
    remedies = [f"{name}: {rules[name].remedy}\n  see {rules[name].docs}" for name in fired if name in rules]
    said = [f"skipped: {rule}: {why}" for rule, why in outcome.skipped]
    notes = [f"note: {note}" for note in outcome.notes]
    return "\n\n".join(
        filter(None, [*blocks, "\n".join(remedies), "\n".join([*said, *notes, _summary(outcome)])])
    )


def _finding(finding: Finding) -> Iterator[str]:
    where = finding.location
    place = f"{where.file}:{where.line}:{where.column}: " if where else ""
    mark = "waived" if finding.waived is not None else finding.severity
    yield f"{place}{mark}[{finding.rule}] {finding.message}"
    if where and finding.excerpt is not None:
        number = str(where.line)
        # a minified file may be one line of megabytes: show the part that the caret points at
        start = max(0, where.column - 1 - _WIDEST // 2) if len(finding.excerpt) > _WIDEST else 0
        line = finding.excerpt[start : start + _WIDEST].replace("\t", " ")
        yield f"  {number} | {line}"
        yield f"  {' ' * len(number)} | {' ' * max(0, min(where.column - 1 - start, len(line)))}^"
    if finding.command:
        yield f"  command: {finding.command}"
    for step in finding.via:
        yield f"  via {step.file}:{step.line}"
    if finding.waived is not None:
        yield f"  waived: {finding.waived}"


def _summary(outcome: GateOutcome) -> str:
    live = [finding for finding in outcome.findings if finding.waived is None]
    errors = sum(finding.severity == "error" for finding in live)
    waived = len(outcome.findings) - len(live)
    counts = ((errors, "error"), (len(live) - errors, "warning"))
    words = [f"{count} {word}{'s' if count != 1 else ''}" for count, word in counts if count]
    said = ", ".join([*words, *([f"{waived} waived"] if waived else [])])
    if not outcome.read and outcome.pull is None:
        return "no pipeline was found: nothing was judged"
    files = f"{outcome.read} pipeline{'s' if outcome.read != 1 else ''}, {outcome.followed} followed"
    return f"{said or 'nothing found'} in {files} ({len(outcome.rules)} rules, {outcome.engine})"


def rules(outcome: RulesOutcome) -> str:
    """Each rule with its severity, description and remedy."""
    return "\n\n".join(
        f"{rule.id} ({rule.severity})\n  {rule.title}\n  {rule.description}\n  Remedy: {rule.remedy}\n"
        f"  {rule.docs}"
        for rule in outcome.rules
    )
