"""The engine `conftest`: the program of that name, told what to do, believed when it proves it.

No exit code is trusted alone: 1 means "a finding" as well as "broken", and 0 also "no rule was there". A
`conftest.toml` in the current folder and `CONFTEST_*` variables could turn findings into success, so it
runs in an empty private folder with an empty environment (https://www.conftest.dev/options/).
"""

import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cipipe import proc, programs
from cipipe.engines.base import Document, Evaluation, Judgement, check_ran, judgement, package
from cipipe.errors import EngineError, MissingToolError, UsageError
from cipipe.policy import shipped
from cipipe.proc import Deadline

_HINT = "install conftest (https://www.conftest.dev/install/), or use --engine embedded"
_PACKAGE = re.compile(r"^\s*package\s+([A-Za-z_][\w.]*)", re.ASCII | re.MULTILINE)
_VERSION = re.compile(r"^Conftest:\s*v?(\S+)", re.MULTILINE)
_OPA = re.compile(r"^OPA:\s*v?(\d+)\.(\d+)", re.MULTILINE)
_OUTPUT_LIMIT = 64 * 1024 * 1024


class ConftestEngine:
    """See the module."""

    def missing(self, checkout: Path) -> str | None:
        """Why it cannot be used here, or None."""
        try:
            _program(checkout)
        except MissingToolError as problem:
            return problem.message
        return None

    def evaluate(
        self,
        document: Document,
        rules: Sequence[str],
        own: Sequence[Path],
        checkout: Path,
        deadline: Deadline,
    ) -> Evaluation:
        """Judge `document`; the user's own rules run apart, so that they cannot silence the shipped ones."""
        program = _program(checkout)
        with tempfile.TemporaryDirectory(prefix="cipipe-gate-") as name:
            folder = Path(name)
            version = _version(program, folder, deadline)
            (folder / "facts.json").write_text(document.text, encoding="utf-8")
            namespaces = {package(rule): rule for rule in rules}
            policies = shipped.policies()
            results = _test(program, folder, [policies], list(namespaces), deadline) if rules else {}
            judgements = [
                found
                for space, rule in namespaces.items()
                for found in _shipped(rule, results[space], document)
            ]
            own_rules = _packages(own)
            if own_rules:
                results = _test(program, folder, [policies / "lib", *own], own_rules, deadline)
                judgements += [found for space in own_rules for found in _own(space, results[space])]
        return Evaluation(tuple(judgements), (*rules, *own_rules), version)


engine = ConftestEngine()


def _program(checkout: Path) -> str:
    return programs.program("conftest", programs.search_path(os.environ, checkout), _HINT)


def _version(program: str, folder: Path, deadline: Deadline) -> str:
    """`conftest VERSION`. Raises MissingToolError for one whose OPA reads another Rego than ours."""
    said = proc.run(
        [program, "--version"], env={"HOME": str(folder)}, cwd=folder, deadline=deadline
    ).stdout.decode(errors="replace")
    opa = _OPA.search(said)
    if opa is None:
        raise EngineError("conftest --version does not tell its OPA version", hint=_HINT)
    if int(opa[1]) < 1:
        raise MissingToolError(
            f"conftest is too old: it has OPA {opa[1]}.{opa[2]}, needed is 1.0", hint=_HINT
        )
    version = _VERSION.search(said)
    return f"conftest {version[1] if version else 'of an unknown version'} (OPA {opa[1]}.{opa[2]})"


def _test(
    program: str, folder: Path, policies: Sequence[Path], spaces: Sequence[str], deadline: Deadline
) -> dict[str, Any]:
    """The result of each namespace. Raises EngineError unless the answer is whole and consistent."""
    argv = [program, "test", "--parser", "json", "--output", "json", "--no-color", "--show-builtin-errors"]
    argv += [part for policy in policies for part in ("--policy", str(policy.resolve()))]
    argv += [part for space in spaces for part in ("--namespace", space)]
    done = proc.run(
        [*argv, "facts.json"], env={"HOME": str(folder)}, cwd=folder, deadline=deadline, limit=_OUTPUT_LIMIT
    )
    said = proc.escaped(done.stderr) or "nothing on stderr"
    if done.returncode not in {0, 1}:
        raise EngineError(f"conftest failed (exit {done.returncode}): {said}", hint=_HINT)
    try:
        results = json.loads(done.stdout)
        found = {result["namespace"]: result for result in results}
    except (ValueError, TypeError, KeyError):
        raise EngineError(
            f"conftest gave no result: {said}", hint="correct the rules in --policy, or install conftest anew"
        ) from None
    if len(results) != len(found) or set(found) != set(spaces):
        raise EngineError(
            f"conftest did not judge by every rule asked for: {', '.join(sorted(set(spaces) ^ set(found)))}"
        )
    failures = any(result.get("failures") for result in results)
    if failures != (done.returncode == 1):
        raise EngineError(
            f"conftest contradicts itself: exit {done.returncode} with{'' if failures else 'out'} failures"
        )
    return found


def _shipped(rule: str, result: Any, document: Document) -> Iterator[Judgement]:
    if result.get("exceptions"):
        raise EngineError(f"the rule {rule} was silenced by an exception")
    warnings = list(_said(result, "warnings"))
    check_ran(rule, warnings[0] if len(warnings) == 1 else None, document)
    for said in _said(result, "failures"):
        yield judgement(rule, said)


def _said(result: Any, field: str) -> Iterator[Any]:
    """What the rules said: message and metadata in one dict."""
    for entry in result.get(field) or ():
        if not isinstance(entry, dict):
            raise EngineError(f"conftest reports a result of an unknown form: {entry!r:.200}")
        yield {**(entry.get("metadata") or {}), "msg": entry.get("msg")}


def _own(space: str, result: Any) -> Iterator[Judgement]:
    """A user's rule: `deny` is an error, `warn` a warning; `id` names the fact, when it says so."""
    counts = [
        result.get("successes", 0),
        *(len(result.get(field) or ()) for field in ("failures", "warnings", "exceptions")),
    ]
    if not any(counts):
        raise EngineError(
            f"the package {space} in --policy has no rule that ran",
            hint="it needs `deny contains …` or `warn contains …`",
        )
    rule = space.removeprefix("cipipe.").replace("_", "-")
    for field in ("failures", "warnings"):
        for said in _said(result, field):
            if said["msg"] == "ran" and "nonce" in said:
                continue
            fact = said.get("id")
            severity = "error" if field == "failures" else "warning"
            yield Judgement(rule, fact if isinstance(fact, str) else None, str(said["msg"]), severity, "deny")  # type: ignore[arg-type]  # one of two literals


def _packages(folders: Sequence[Path]) -> list[str]:
    """The packages of the user's rules that have something to say. Raises UsageError."""
    found: dict[str, None] = {}
    for folder in folders:
        files = (
            sorted(folder.rglob("*.rego"))
            if folder.is_dir()
            else [folder]
            if folder.suffix == ".rego"
            else []
        )
        if not files:
            raise UsageError(f"--policy {folder} holds no .rego file", hint="name a folder with Rego rules")
        for file in files:
            if file.name.endswith("_test.rego"):
                continue
            text = file.read_text(encoding="utf-8", errors="replace")
            name = _PACKAGE.search(text)
            if name and name[1].startswith("cipipe"):
                raise UsageError(
                    f"{file}: the package {name[1]} is cipipe's own", hint="give it a name of your own"
                )
            if name and re.search(r"^\s*(?:deny|violation|warn)", text, re.MULTILINE):
                found[name[1]] = None
    return list(found)
