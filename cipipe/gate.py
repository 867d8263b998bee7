"""`cipipe gate`: files -> pipelines -> facts -> rules -> findings (DESIGN section 9)."""

import datetime as dt
import logging
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cipipe import ci, config, engines, reading, review, trust
from cipipe.engines import Evaluation
from cipipe.engines.base import Document
from cipipe.errors import EngineError, MissingToolError, NothingMatched, UsageError
from cipipe.hints import near_miss
from cipipe.pipelines.model import FileRefused
from cipipe.policy.facts import KINDS, Facts
from cipipe.policy.rules import rules as shipped_rules
from cipipe.policy.waivers import waive
from cipipe.proc import Deadline
from cipipe.results import Finding, GateOutcome, Rule

_log = logging.getLogger("cipipe")
_SECONDS = 60.0  # for the engine; a thousand files take a second


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    base: str | None = None
    engine: str | None = None
    policies: tuple[Path, ...] = ()
    strict: bool = False
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    pull: int | None = None
    publish: bool = False


def gate(path: Path, options: Options, *, environ: Mapping[str, str], today: dt.date) -> GateOutcome:
    """Judge the pipelines at `path`. Raises CipipeError; a finding is no error but part of the outcome."""
    rules = _selected(options)
    repository = reading.locate(path, environ)
    root = repository.files.root
    reviewed = _reviewed(root, options, environ)
    # in full: a tag of the same name is anybody's who may push
    base = f"refs/heads/{reviewed.pull.base}" if reviewed and options.base is None else options.base
    settings, notes = trust.settings(root, base, environ)
    rules, skipped = _applicable(rules, settings, reviewed)
    engine = _engine(options, root)
    read = reading.collect(repository, settings, strict=options.strict)
    _log.info("pipelines read: %d, files that they lead to: %d", read.read, read.followed)
    if reviewed:
        notes += reviewed.collect(read.facts, _needed(settings, base))
    document = _document(read.facts)
    asked = [rule.id for rule in rules]
    evaluation = engine.evaluate(document, asked, options.policies, root, Deadline(_SECONDS))
    waived = waive(_findings(evaluation, read, repository), settings, today)
    outcome = GateOutcome(
        findings=tuple(waived),
        rules=(*rules, *_own(evaluation, rules)),
        skipped=skipped,
        engine=evaluation.engine,
        read=read.read,
        followed=read.followed,
        notes=notes,
        pull=reviewed.pull.number if reviewed else None,
    )
    if reviewed and options.publish:
        reviewed.publish(outcome)
    return outcome


def _reviewed(root: Path, options: Options, environ: Mapping[str, str]) -> review.Reviewed | None:
    """The pull request to judge; which forge it is at, the pull request itself cannot say."""
    if options.publish and (options.pull is None or options.only or options.skip):
        raise UsageError("--publish posts what all rules say of --pr", hint="leave --only and --skip out")
    number = options.pull or ci.pull_request_number(environ)
    if number is None:
        return None
    if options.pull is None and not _concerns(root, options, environ):
        return None
    review.check_checkout(root, environ)
    # What is checked out may be the pull request's own, and would choose where the token goes.
    settings, _ = trust.settings(root, _base(options, environ), environ)
    return review.read(root, number, settings, environ, publish=options.publish)


def _base(options: Options, environ: Mapping[str, str]) -> str:
    target = ci.target_branch(environ)
    return options.base or (f"refs/heads/{target}" if target else "refs/remotes/origin/HEAD")


def _concerns(root: Path, options: Options, environ: Mapping[str, str]) -> bool:
    """Whether the pull request that a CI tests may change an environment of this repository."""
    settings, doubts = trust.settings(root, options.base, environ)
    return not doubts and review.concerns(root, settings, ci.target_branch(environ), environ)


def _needed(settings: config.Config | None, base: str | None) -> config.Config:
    if settings is None:
        name = (base or "").removeprefix("refs/heads/")
        raise UsageError(
            f"--pr needs {trust.CONFIG} on '{name}', and there is none", hint="name another branch by --base"
        )
    return settings


def _selected(options: Options) -> tuple[Rule, ...]:
    """The rules asked for."""
    known = {rule.id: rule for rule in shipped_rules()}
    for name in (*options.only, *options.skip):
        if name not in known:
            raise UsageError(f"no rule '{name}'", hint=near_miss(name, known))
    kept = [name for name in known if not options.only or name in options.only]
    chosen = tuple(known[name] for name in kept if name not in options.skip)
    if not chosen and not options.policies:
        raise NothingMatched("--only and --skip leave no rule", hint="`cipipe rules` lists them")
    return chosen


def _applicable(
    rules: Iterable[Rule], settings: config.Config | None, reviewed: review.Reviewed | None
) -> tuple[tuple[Rule, ...], tuple[tuple[str, str], ...]]:
    """The rules that can run here, and those that cannot, with the reason."""
    reasons = {}
    if settings is None:
        reasons["unknown-environment"] = f"there is no {trust.CONFIG}"
    if reviewed is None:
        reasons |= dict.fromkeys(review.RULES, "no pull request is named by --pr")
    kept = tuple(rule for rule in rules if rule.id not in reasons)
    return kept, tuple((rule.id, reasons[rule.id]) for rule in rules if rule.id in reasons)


def _engine(options: Options, checkout: Path) -> engines.Engine:
    """The engine asked for; else conftest where it is installed, else the embedded one."""
    for folder in options.policies:
        if not folder.exists():
            raise UsageError(f"--policy {folder}: there is nothing", hint="name a folder with Rego rules")
    wanted = options.engine or ("conftest" if options.policies else None)
    if wanted is None:
        usable = (name for name in engines.ENGINES if engines.load(name).missing(checkout) is None)
        wanted = next(usable, None)
        if wanted is None:
            raise MissingToolError(
                "there is no engine to judge with", hint="install conftest, or cipipe anew"
            )
    engine = engines.load(wanted)
    if options.policies and wanted != "conftest":
        raise MissingToolError("--policy needs the engine conftest", hint="use --engine conftest")
    missing = engine.missing(checkout)
    if missing:
        raise MissingToolError(missing, hint="install it, or leave the choice of the engine to cipipe")
    return engine


def _document(collected: Facts) -> Document:
    nonce = secrets.token_hex(16)
    return Document(collected.text(nonce), nonce, len(KINDS))


def _findings(evaluation: Evaluation, read: reading.Read, repository: reading.Repository) -> list[Finding]:
    """Every judgement at every place of its fact, each place once, in the order of the files."""
    findings: dict[tuple[object, ...], Finding] = {}
    for said in evaluation.judgements:
        if said.id is not None and said.id not in read.facts.places:
            raise EngineError(f"the rule {said.rule} speaks of a fact that is not there: {said.id}")
        for place in read.facts.places[said.id] if said.id is not None else ():
            message = f"{said.message}: {place.detail}" if place.detail else said.message
            finding = Finding(
                said.rule, said.severity, said.verdict, place.location, message, place.command, place.via,
                excerpt=_line(repository, place.location.file, place.location.line),
            )  # fmt: skip
            # one command is one finding, by however many ways its call site leads there
            findings.setdefault((said.rule, place.location, place.via[-1:]), finding)
        if said.id is None or not read.facts.places[said.id]:  # a pull request is no file
            findings[said.rule, said.message] = Finding(
                said.rule, said.severity, said.verdict, None, said.message
            )
    return sorted(findings.values(), key=_order)


def _order(finding: Finding) -> tuple[object, ...]:
    where = finding.location
    if where is None:
        return (True, finding.rule, finding.message)
    return (False, where.file, where.line, where.column, finding.rule)


def _line(repository: reading.Repository, file: str, line: int) -> str | None:
    try:
        content = repository.files.read(file)
    except FileRefused:
        return None
    lines = (content or b"").split(b"\n")
    return lines[line - 1].decode(errors="replace").rstrip("\r") if 0 < line <= len(lines) else None


def _own(evaluation: Evaluation, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The user's own rules that ran."""
    shipped = {rule.id for rule in rules}
    named = (
        name.removeprefix("cipipe.").replace("_", "-") for name in evaluation.rules if name not in shipped
    )
    remedy, docs = "See the rule's own text.", "docs/rules.md#rules-of-your-own"
    return tuple(Rule(name, name, "error", "A rule of --policy.", remedy, docs) for name in named)
