"""Both engines say the same of everything in the corpus."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from cipipe.engines import load
from cipipe.engines.base import Document
from cipipe.policy.facts import KINDS, Facts
from cipipe.policy.rules import rules
from cipipe.proc import Deadline
from tests.gate import cases


@pytest.fixture(scope="module")
def facts() -> Facts:
    """The facts of every case in one document."""
    found = Facts()
    for case in cases.load():
        cases.collect(case, found)
    for head, known in itertools.product(("bump", "promotion", "other", "fork"), (True, False)):
        for approvals in (0, 1, 2):
            found.add(
                "pull", None, number="#7", environment="prod", protected=known, approvals=approvals,
                head=head, merges=True, commits_known=known,
            )  # fmt: skip
    keys = KINDS["review"][1:]
    for values in itertools.product((True, False), repeat=len(keys)):
        name = "rita-" + "".join(str(int(value)) for value in values)
        found.add("review", None, person=name, **dict(zip(keys, values, strict=True)))
    return found


def test_same_findings(facts: Facts, tool: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(tool('conftest')).parent}:/usr/bin:/bin")
    document = Document(facts.text("nonce"), "nonce", len(KINDS))
    asked = [rule.id for rule in rules()]
    said = [
        set(load(name).evaluate(document, asked, (), Path("/nowhere"), Deadline(60)).judgements)
        for name in ("conftest", "embedded")
    ]
    assert said[0] == said[1]
    assert {one.rule for one in said[0]} == set(asked)
