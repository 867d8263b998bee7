"""What the verbs return and the reports render: frozen values that know their JSON form (DESIGN 3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from cipipe.errors import CipipeError

Status = Literal["unchanged", "superseded", "changed", "failed"]
_WORST_LAST: tuple[Status, ...] = ("unchanged", "superseded", "changed", "failed")


class Outcome(Protocol):
    """What every verb returns."""

    @property
    def exit_code(self) -> int:
        """The exit code, the same in every format."""

    def document(self) -> dict[str, object]:
        """The JSON form."""


@dataclass(frozen=True, slots=True)
class Change:
    """A field with its old and new ref; `line` counts from 1, `path` is dotted with `[n]` for list items."""

    file: str
    line: int
    path: str
    kind: str
    old: str
    new: str

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "file": self.file,
            "line": self.line,
            "path": self.path,
            "kind": self.kind,
            "old": self.old,
            "new": self.new,
        }


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request on a forge; `created` says that this run opened it."""

    number: int
    url: str
    state: str
    created: bool

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {"number": self.number, "url": self.url, "state": self.state, "created": self.created}


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one environment.

    `base` is the commit that the edit was derived from, `commit` the one that carries it (None in a dry run
    or without a change), `branch` where it was pushed. `diff` is a unified diff and `notes` are sentences
    for the reader; neither is JSON.
    """

    environment: str
    status: Status
    changes: tuple[Change, ...] = ()
    base: str | None = None
    commit: str | None = None
    branch: str | None = None
    pull_request: PullRequest | None = None
    error: CipipeError | None = None
    diff: str = ""
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "environment": self.environment,
            "status": self.status,
            "changes": [change.document() for change in self.changes],
            "base": self.base,
            "commit": self.commit,
            "branch": self.branch,
            "pull_request": self.pull_request.document() if self.pull_request else None,
            "error": self.error.document() if self.error else None,
        }


def worst(statuses: Sequence[Status]) -> Status:
    """The status of a whole: failed before changed before superseded before unchanged."""
    return max(statuses, key=_WORST_LAST.index)


@dataclass(frozen=True, slots=True)
class DeliveriesOutcome:
    """What `bump` and `promote` return: one delivery for each environment, in the order given."""

    command: str
    dry_run: bool
    deliveries: tuple[Delivery, ...]

    @property
    def exit_code(self) -> int:
        """The code of the first delivery that failed."""
        return next((d.error.exit_code for d in self.deliveries if d.error), 0)

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "command": self.command,
            "status": worst([delivery.status for delivery in self.deliveries]),
            "dry_run": self.dry_run,
            "deliveries": [delivery.document() for delivery in self.deliveries],
        }


@dataclass(frozen=True, slots=True)
class SetImageOutcome:
    """What `set-image` returns; with `check` a change still to be made is exit 1 and nothing was written."""

    status: Status
    changes: tuple[Change, ...]
    check: bool = False
    dry_run: bool = False
    diff: str = field(default="", repr=False)
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 when `check` found something to change."""
        return int(self.check and self.status == "changed")

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "command": "set-image",
            "status": self.status,
            "changes": [change.document() for change in self.changes],
        }


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file: the path relative to the repository's root (POSIX), line and column from 1."""

    file: str
    line: int
    column: int = 1


Severity = Literal["error", "warning"]
Verdict = Literal["deny", "unresolved"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says about one place.

    `location` is the call site (None: it is about no file); `via` walks from there to the definition;
    `command` is the command in one short line; `waived` is the reason of the waiver that accepts it;
    `excerpt` is the source line of the call site.
    """

    rule: str
    severity: Severity
    verdict: Verdict
    location: Location | None
    message: str
    command: str | None = None
    via: tuple[Location, ...] = ()
    waived: str | None = None
    excerpt: str | None = field(default=None, repr=False)

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "verdict": self.verdict,
            "file": self.location.file if self.location else None,
            "line": self.location.line if self.location else None,
            "column": self.location.column if self.location else None,
            "message": self.message,
            "command": self.command,
            "via": [{"file": place.file, "line": place.line} for place in self.via],
            "waived": self.waived,
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as its metadata says: what reports and `cipipe rules` show."""

    id: str
    title: str
    severity: Severity
    description: str
    remedy: str
    docs: str

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "id": self.id,
            "title": self.title,
            "severity": self.severity,
            "description": self.description,
            "remedy": self.remedy,
            "docs": self.docs,
        }


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """What `gate` returns: exit 1 for an error not waived, 3 when nothing was judged, else 0."""

    findings: tuple[Finding, ...]
    rules: tuple[Rule, ...]
    skipped: tuple[tuple[str, str], ...]
    engine: str
    read: int
    followed: int
    notes: tuple[str, ...] = ()
    pull: int | None = None

    @property
    def exit_code(self) -> int:
        """The exit code, the same in every format."""
        if any(finding.severity == "error" and finding.waived is None for finding in self.findings):
            return 1
        return 0 if self.read or self.pull is not None else 3

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "command": "gate",
            "findings": [finding.document() for finding in self.findings],
            "rules": {
                "run": [rule.id for rule in self.rules],
                "engine": self.engine,
                "skipped": [{"rule": rule, "why": why} for rule, why in self.skipped],
            },
            "files": {"read": self.read, "followed": self.followed},
        }


@dataclass(frozen=True, slots=True)
class RulesOutcome:
    """What `rules` returns."""

    rules: tuple[Rule, ...]

    @property
    def exit_code(self) -> int:
        """Always 0."""
        return 0

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {"command": "rules", "rules": [rule.document() for rule in self.rules]}


@dataclass(frozen=True, slots=True)
class FactsOutcome:
    """What `facts` returns: the document with its places; 3 when there was no pipeline."""

    facts: dict[str, object]
    read: int

    @property
    def exit_code(self) -> int:
        """3 when nothing was read."""
        return 0 if self.read else 3

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return self.facts


def age(seconds: int) -> str:
    """`seconds` in the largest unit that fits."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


@dataclass(frozen=True, slots=True)
class Held:
    """An image in an environment: its tags (several while it is mixed), its one digest, its files."""

    image: str
    tags: tuple[str, ...]
    digest: str | None
    files: tuple[str, ...]

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "image": self.image,
            "tags": list(self.tags),
            "digest": self.digest,
            "files": list(self.files),
        }


@dataclass(frozen=True, slots=True)
class Waiting:
    """A bump that is not merged: its branch, its age in seconds, its pull request where a forge has one."""

    branch: str
    images: tuple[str, ...]
    age: int
    number: int | None = None
    url: str | None = None

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "number": self.number,
            "url": self.url,
            "branch": self.branch,
            "images": list(self.images),
            "age": self.age,
        }


@dataclass(frozen=True, slots=True)
class Move:
    """What a promotion would change: `old` is None where the environment does not run the image."""

    image: str
    source: str
    old: str | None
    new: str

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {"image": self.image, "from": self.source, "old": self.old, "new": self.new}


@dataclass(frozen=True, slots=True)
class Board:
    """One environment on the board."""

    environment: str
    images: tuple[Held, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    promotions: tuple[Move, ...] = ()
    error: CipipeError | None = None

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "environment": self.environment,
            "images": [image.document() for image in self.images],
            "pull_requests": [bump.document() for bump in self.waiting],
            "promotions": [move.document() for move in self.promotions],
            "error": self.error.document() if self.error else None,
        }


@dataclass(frozen=True, slots=True)
class StatusOutcome:
    """What `status` returns: one board for each environment, in the order of the configuration."""

    environments: tuple[Board, ...]

    @property
    def exit_code(self) -> int:
        """The code of the first environment that could not be read."""
        return next((board.error.exit_code for board in self.environments if board.error), 0)

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {"command": "status", "environments": [board.document() for board in self.environments]}


ControlState = Literal["pass", "fail", "unknown", "not-available"]


@dataclass(frozen=True, slots=True)
class Control:
    """One thing that must hold on a branch, what the forge says of it, and the setting that decides it."""

    name: str
    state: ControlState
    evidence: str
    setting: str

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "control": self.name,
            "state": self.state,
            "evidence": self.evidence,
            "setting": self.setting,
        }


@dataclass(frozen=True, slots=True)
class ProtectedEnvironment:
    """An environment's controls; `plan` says what is to be set, or with `applied` what was set."""

    environment: str
    protected: bool
    controls: tuple[Control, ...]
    plan: tuple[str, ...] = ()
    applied: bool = False

    @property
    def failed(self) -> tuple[Control, ...]:
        """The controls that do not hold; what nobody can see does not hold where it matters most."""
        bad = {"fail", "unknown"} if self.protected else {"fail"}
        return tuple(control for control in self.controls if control.state in bad)

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "environment": self.environment,
            "controls": [control.document() for control in self.controls],
            "plan": list(self.plan),
        }


@dataclass(frozen=True, slots=True)
class ProtectOutcome:
    """What `protect` returns: exit 1 when a control does not hold."""

    environments: tuple[ProtectedEnvironment, ...]
    file: str = "cipipe.yaml"

    @property
    def exit_code(self) -> int:
        """The exit code, the same in every format."""
        return int(any(each.failed for each in self.environments))

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {"command": "protect", "environments": [each.document() for each in self.environments]}

    def findings(self) -> GateOutcome:
        """The same as findings of rules, for the formats that know nothing else."""
        found = tuple(
            Finding(
                f"protect-{control.name}", "error", "deny" if control.state == "fail" else "unresolved", None,
                f"{each.environment}: {control.evidence}; set {control.setting}",
            )
            for each in self.environments
            for control in each.failed
        )  # fmt: skip
        rules = {
            f"protect-{control.name}": Rule(
                f"protect-{control.name}", control.name.replace("-", " ").capitalize(), "error",
                "A setting of the forge that keeps a branch to its policy.",
                f"Set {control.setting}, or run `cipipe protect --apply`.", "docs/protection.md",
            )
            for each in self.environments
            for control in each.controls
        }  # fmt: skip
        return GateOutcome(found, tuple(rules.values()), (), "forge", len(self.environments), 0)
