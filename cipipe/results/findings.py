"""What gate, rules and facts return: findings with their places."""

from dataclasses import dataclass, field
from typing import Literal


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
            "notes": list(self.notes),
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
