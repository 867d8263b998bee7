"""What an engine is: rules and one document of facts in, judgements out, and an error for everything else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cipipe.errors import EngineError
from cipipe.proc import Deadline
from cipipe.results import Severity, Verdict

_SEVERITIES: Mapping[Any, Severity] = {"error": "error", "warning": "warning"}
_VERDICTS: Mapping[Any, Verdict] = {"deny": "deny", "unresolved": "unresolved"}
PREFIX = "cipipe."  # of the shipped rules' packages


@dataclass(frozen=True, slots=True)
class Document:
    """The facts document as the rules get it (no places): its JSON text, its nonce, how many kinds it has."""

    text: str
    nonce: str
    kinds: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rule says; `id` is that of the fact it is about (None: a user's rule may speak of no fact)."""

    rule: str
    id: str | None
    message: str
    severity: Severity
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an engine found, the rules that it ran, and its own name and version."""

    judgements: tuple[Judgement, ...]
    rules: tuple[str, ...]
    engine: str


class Engine(Protocol):
    """One way to evaluate rules."""

    def missing(self, checkout: Path) -> str | None:
        """Why it cannot be used here, or None; nothing below `checkout` is ever run."""

    def evaluate(
        self,
        document: Document,
        rules: Sequence[str],
        own: Sequence[Path],
        checkout: Path,
        deadline: Deadline,
    ) -> Evaluation:
        """Judge `document` by the shipped `rules` (ids) and the user's `own` folders.

        Raises EngineError, MissingToolError or DeadlineError unless every rule proved that it ran.
        """


def package(rule: str) -> str:
    """The package of the shipped rule `rule`."""
    return PREFIX + rule.replace("-", "_")


def check_ran(rule: str, ran: Any, document: Document) -> None:
    """Raise EngineError unless `ran` is the rule's proof that it saw this document."""
    wanted = {"msg": "ran", "nonce": document.nonce, "facts": document.kinds}
    if not isinstance(ran, dict) or {key: ran.get(key) for key in wanted} != wanted:
        raise EngineError(
            f"the rule {rule} did not run, so nothing is known to be allowed",
            hint="the policies and this version of cipipe may not belong together; install cipipe anew",
        )


def judgement(rule: str, said: Any) -> Judgement:
    """What a shipped rule said. Raises EngineError for anything that is not exactly a finding."""
    if isinstance(said, dict) and all(isinstance(said.get(key), str) for key in ("id", "msg")):
        severity: Severity | None = _SEVERITIES.get(said.get("severity"))
        verdict: Verdict | None = _VERDICTS.get(said.get("verdict"))
        if severity is not None and verdict is not None:
            return Judgement(rule, said["id"], said["msg"], severity, verdict)
    raise EngineError(f"the rule {rule} said something that is no finding: {said!r:.200}")
