"""The engine `embedded`: the shipped rules by regopy, where conftest is not installed.

regopy is not OPA: what it cannot do is silently undefined, and some input crashes it. So it runs the
shipped rules alone, which are written in the part of Rego that both read alike (tests/policies checks
that), in a process of its own with a time limit, and each rule must prove that it ran.
"""

import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cipipe import proc
from cipipe.engines.base import Document, Evaluation, check_ran, judgement, package
from cipipe.errors import EngineError, UsageError
from cipipe.policy import shipped
from cipipe.proc import Deadline

_WORKER = Path(__file__).with_name("embedded_worker.py")


class EmbeddedEngine:
    """See the module."""

    def missing(self, checkout: Path) -> str | None:  # noqa: ARG002 - the protocol's
        """Why it cannot be used here, or None."""
        return None if importlib.util.find_spec("regopy") else "regopy is not installed"

    def evaluate(
        self,
        document: Document,
        rules: Sequence[str],
        own: Sequence[Path],
        checkout: Path,  # noqa: ARG002 - the protocol's: it runs no program of the machine
        deadline: Deadline,
    ) -> Evaluation:
        """Judge `document` by the shipped `rules`; a user's own are refused."""
        if own:
            raise UsageError("--policy needs the engine conftest", hint="use --engine conftest")
        answers = _ask(document, rules, deadline) if rules else {}
        judgements = []
        for rule in rules:
            check_ran(rule, answers.get(f"data.{package(rule)}.ran"), document)
            findings = answers.get(f"data.{package(rule)}.findings")
            if not isinstance(findings, list):
                raise EngineError(f"the rule {rule} gave no list of findings")
            judgements += [judgement(rule, said) for said in findings]
        return Evaluation(tuple(judgements), tuple(rules), f"embedded {importlib.metadata.version('regopy')}")


engine = EmbeddedEngine()


def _ask(document: Document, rules: Sequence[str], deadline: Deadline) -> dict[str, Any]:
    """The value of each query; one that is undefined is left out."""
    files = [
        shipped.policies() / "lib" / "facts.rego",
        *(shipped.policies() / rule / f"{rule}.rego" for rule in rules),
    ]
    question = {
        "modules": {file.name: file.read_text(encoding="utf-8") for file in files},
        "input": document.text,
        "queries": [f"data.{package(rule)}.{name}" for rule in rules for name in ("ran", "findings")],
    }
    argv = [sys.executable, "-I", str(_WORKER)]
    done = proc.run(argv, env={}, input=json.dumps(question, ensure_ascii=False).encode(), deadline=deadline)
    try:
        answers = json.loads(done.stdout)
    except ValueError:
        answers = None
    if done.returncode or not isinstance(answers, dict):
        said = proc.escaped(done.stderr, limit=500) or f"exit {done.returncode}"
        raise EngineError(
            f"the embedded engine failed: {said}", hint="install conftest and use --engine conftest"
        )
    return answers
