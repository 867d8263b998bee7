"""Text for people: what changed, where it went, what to do next."""

from functools import singledispatch

from cipipe.reports import board_text, controls, gate_text
from cipipe.results import (
    Change,
    DeliveriesOutcome,
    Delivery,
    GateOutcome,
    Outcome,
    ProtectOutcome,
    RulesOutcome,
    SetImageOutcome,
    StatusOutcome,
)


@singledispatch
def render(outcome: Outcome) -> str:
    """`outcome` as lines for a terminal or a log."""
    raise NotImplementedError(type(outcome).__name__)


@render.register
def _(outcome: DeliveriesOutcome) -> str:
    diffs = [delivery.diff.rstrip("\n") for delivery in outcome.deliveries if delivery.diff]
    lines = [_delivery(delivery, dry_run=outcome.dry_run) for delivery in outcome.deliveries]
    return "\n".join([*(diffs if outcome.dry_run or outcome.command == "demo" else []), *lines])


@render.register
def _(outcome: StatusOutcome) -> str:
    return board_text.board(outcome)


@render.register
def _(outcome: SetImageOutcome) -> str:
    verb = "would change" if outcome.check or outcome.dry_run else "changed"
    head = (
        f"{verb} {_count(outcome.changes)}" if outcome.changes else "unchanged: every field is right already"
    )
    return "\n".join(
        filter(None, [outcome.diff.rstrip("\n"), head, *_changes(outcome.changes), *outcome.notes])
    )


@render.register
def _(outcome: GateOutcome) -> str:
    return gate_text.gate(outcome)


@render.register
def _(outcome: ProtectOutcome) -> str:
    return controls.text(outcome)


@render.register
def _(outcome: RulesOutcome) -> str:
    return gate_text.rules(outcome)


def _delivery(delivery: Delivery, *, dry_run: bool) -> str:
    status = "would change" if dry_run and delivery.status == "changed" else delivery.status
    lines = [f"{delivery.environment}: {status}"]
    lines += _changes(delivery.changes)
    if delivery.commit and delivery.branch:
        lines.append(f"  commit {delivery.commit[:12]} on {delivery.branch}")
    if delivery.pull_request:
        lines.append(f"  pull request {delivery.pull_request.url}")
    if delivery.error:
        where = ":".join(str(part) for part in (delivery.error.file, delivery.error.line) if part is not None)
        lines.append(f"  error: {where + ': ' if where else ''}{delivery.error.message}")
        if delivery.error.hint:
            lines.append(f"  hint: {delivery.error.hint}")
    return "\n".join([*lines, *(f"  {note}" for note in delivery.notes)])


def _changes(changes: tuple[Change, ...]) -> list[str]:
    return [f"  {change.file}:{change.line}  {change.old} -> {change.new}" for change in changes]


def _count(changes: tuple[Change, ...]) -> str:
    files = len({change.file for change in changes})
    fields = f"{len(changes)} field{'s' if len(changes) != 1 else ''}"
    return f"{fields} in {files} file{'s' if files != 1 else ''}"
