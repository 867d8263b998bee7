"""The corpus: cases as pipelines in memory, what the gate says of each, and what it should say."""

import functools
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from regopy import Interpreter

from cipipe import config, pipelines
from cipipe.policy import actions, shipped
from cipipe.policy.facts import Facts
from cipipe.policy.jobs import Judged, judge
from cipipe.policy.rules import rules
from cipipe.results import Location
from cipipe.shell import Session

CORPUS = Path(__file__).with_name("corpus")
WORKFLOW, GITLAB, JENKINS = ".github/workflows/ci.yml", ".gitlab-ci.yml", "Jenkinsfile"
RULES = {
    "deny": "direct-deploy",
    "credentials": "cluster-credentials",
    "unresolved": "unresolved-command",
    "environment": "unknown-environment",
}


@dataclass(frozen=True)
class Case:
    """One repository, and its findings as (rule, file, line)."""

    id: str
    files: Mapping[str, str]
    wanted: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    @property
    def denies(self) -> bool:
        """Whether something must be found."""
        return bool(self.wanted)


class Memory:
    """A repository that is a dictionary."""

    def __init__(self, files: Mapping[str, str], slug: str = "acme/shop") -> None:
        self.slug = slug
        self._files = {path: text.encode() for path, text in files.items()}
        self._paths = tuple(sorted(files))

    def read(self, path: str) -> bytes | None:
        """The content."""
        return self._files.get(path)

    def list(self, prefix: str) -> tuple[str, ...]:
        """The paths below `prefix`."""
        start = prefix.rstrip("/") + "/"
        return tuple(path for path in self._paths if path.startswith(start)) if prefix else self._paths


def load() -> Iterator[Case]:
    """Every case of the corpus."""
    for file in sorted(CORPUS.glob("*.yaml")):
        for entry in yaml.safe_load(file.read_text(encoding="utf-8")):
            yield from _snippet(entry) if "sh" in entry else [_whole(file.stem, entry)]


def _whole(topic: str, entry: dict[str, Any]) -> Case:
    wanted: Counter[tuple[str, str, int]] = Counter()
    main = next(iter(entry["files"]))
    for name, rule in RULES.items():
        for line in entry.get(name, ()):
            file, _, number = str(line).rpartition(":")
            wanted[rule, file or main, int(number)] += 1
    return Case(f"{topic}/{entry['id']}", entry["files"], wanted)


def _snippet(entry: dict[str, Any]) -> Iterator[Case]:
    text = entry["sh"]
    github = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n"
    gitlab = "a:\n  script:\n    - |\n"
    jenkins = "node {\n  sh '''"
    for platform, file, head, indent, tail, first in (
        ("github", WORKFLOW, github, " " * 10, "\n", 7),
        ("gitlab", GITLAB, gitlab, " " * 6, "\n", 4),
        ("jenkins", JENKINS, jenkins, "", "'''\n}\n", 2),
    ):
        if platform == "jenkins":
            if "'''" in text or text.endswith("'"):
                continue
            body = text.replace("\\", "\\\\")
        else:
            body = "\n".join(indent + line if line else line for line in text.split("\n"))
        wanted = Counter(
            (rule, file, first + line - 1) for name, rule in RULES.items() for line in entry.get(name, ())
        )
        yield Case(
            f"shell/{entry['id']}/{platform}", {file: head + body + tail, **entry.get("files", {})}, wanted
        )


@functools.cache
def _interpreter() -> Any:
    interpreter = Interpreter()
    for file in (
        shipped.policies() / "lib" / "facts.rego",
        *(shipped.policies() / r.id / f"{r.id}.rego" for r in rules()),
    ):
        interpreter.add_module(file.name, file.read_text(encoding="utf-8"))
    return interpreter


def collect(case: Case, into: Facts | None = None) -> Facts:
    """The facts of a case."""
    found = into or Facts()
    files = Memory(case.files)
    settings = (
        config.load(case.files["cipipe.yaml"].encode(), "cipipe.yaml")
        if "cipipe.yaml" in case.files
        else None
    )
    found.add("setting", None, strict=False, config=settings is not None)
    run = Judged(found, Session(files=files, images=actions.images()), settings)
    for pipeline in pipelines.read_all(files):
        judge(pipeline, run)
    return found


def found(case: Case) -> Counter[tuple[str, str, int]]:
    """What the gate finds, each place once."""
    return placed(collect(case))


def placed(found: Facts) -> Counter[tuple[str, str, int]]:
    """The findings of the shipped rules on `found`."""
    places: set[tuple[str, Location, tuple[Location, ...]]] = set()
    for identifier, said in _judged(found.document("n")).items():
        places.update(
            (rule, place.location, place.via[-1:]) for rule in said for place in found.places[identifier]
        )
    return Counter((rule, where.file, where.line) for rule, where, _ in places)


_JUDGED: dict[tuple[str, str], list[str]] = {}  # by the settings and the fact without its id


def _judged(document: dict[str, Any]) -> dict[str, list[str]]:
    """The rules that find something in each fact.

    A rule judges each fact by itself and the settings, and takes the engine 10 ms however few there are: the
    same fact is judged once for all cases.
    """
    setting = json.dumps([{**one, "id": ""} for one in document["facts"]["setting"]])
    keys = {
        fact["id"]: (setting, kind + json.dumps({**fact, "id": ""}))
        for kind, facts in document["facts"].items()
        for fact in facts
    }
    new = {identifier: key for identifier, key in keys.items() if key not in _JUDGED}
    if new:
        asked = {
            kind: [fact for fact in facts if kind == "setting" or fact["id"] in new]
            for kind, facts in document["facts"].items()
        }
        _JUDGED.update({key: [] for key in new.values()})
        for rule, identifier in _asked({**document, "facts": asked}):
            _JUDGED[keys[identifier]].append(rule)
    return {identifier: _JUDGED[key] for identifier, key in keys.items()}


def _asked(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the rules say: rule and fact."""
    interpreter = _interpreter()
    interpreter.set_input_term(json.dumps(document, ensure_ascii=False))
    for rule in rules():
        if rule.id == "unknown-environment" and not document["facts"]["setting"][0]["config"]:
            continue
        answer = json.loads(str(interpreter.query(f"data.cipipe.{rule.id.replace('-', '_')}.findings")))
        yield from ((rule.id, said["id"]) for said in answer["expressions"][0])


__all__ = ["Case", "collect", "found", "load", "placed"]
