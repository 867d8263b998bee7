"""The engine `embedded`: a process of its own, which must prove that each rule ran."""

import json
from pathlib import Path

import pytest

from cipipe.engines import embedded, load
from cipipe.engines.base import Document
from cipipe.errors import DeadlineError, EngineError, UsageError
from cipipe.proc import Deadline

SETTING = [{"id": "setting-1", "strict": False, "config": False}]


def document(facts: dict[str, object], *, kinds: int | None = None, version: int = 1) -> Document:
    text = json.dumps({"version": version, "nonce": "n", "facts": facts}, ensure_ascii=False)
    return Document(text, "n", len(facts) if kinds is None else kinds)


def evaluate(asked: Document, seconds: float = 20) -> object:
    return load("embedded").evaluate(asked, ["direct-deploy"], (), Path("/nowhere"), Deadline(seconds))


@pytest.mark.parametrize(
    "asked",
    [
        document({"setting": SETTING}),
        document({"command": [], "setting": SETTING}, version=2),
        document({"command": [], "setting": SETTING}, kinds=3),
        document({"command": {}, "setting": SETTING}),
        Document("not json", "n", 2),
        Document('{"version": 1, "nonce": "other", "facts": {"command": [], "setting": []}}', "n", 2),
    ],
    ids=["a kind is missing", "another version", "another count", "no list", "no JSON", "another nonce"],
)
def test_a_rule_that_did_not_run_is_an_error(asked: Document) -> None:
    with pytest.raises(EngineError):
        evaluate(asked)


def test_no_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text("import time\ntime.sleep(30)\n")
    monkeypatch.setattr(embedded, "_WORKER", worker)
    with pytest.raises(DeadlineError):
        evaluate(document({"command": [], "setting": SETTING}), seconds=1)


@pytest.mark.parametrize(
    "body",
    [
        "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
        "raise SystemExit(0)",
        "print('[]')",
        "1 / 0",
    ],
)
def test_a_process_that_fails(body: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text(body + "\n")
    monkeypatch.setattr(embedded, "_WORKER", worker)
    with pytest.raises(EngineError):
        evaluate(document({"command": [], "setting": SETTING}))


def test_rules_of_ones_own_need_conftest(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load("embedded").evaluate(document({}), [], (tmp_path,), tmp_path, Deadline(5))
