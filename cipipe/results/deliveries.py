"""What bump, promote and set-image return."""

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

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say of each delivery besides."""
        return tuple(f"{each.environment}: {note}" for each in self.deliveries for note in each.notes)

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
