"""Sources of protection, and how several of them decide one control."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cipipe.config.model import Environment, RequiredCheck
from cipipe.results import Control, ControlState

PULL_REQUEST = "pull-request-required"
APPROVALS = "approvals"
STALE = "stale-approvals-dismissed"
LAST_PUSH = "last-push-approved-by-another"
SELF = "no-self-approval"
CODE_OWNERS = "code-owners"
BYPASS = "no-bypass"
FORCE_PUSH = "no-force-push"
DELETION = "no-deletion"
CHECKS = "required-checks"
CONVERSATIONS = "conversations-resolved"

_REVIEW = (APPROVALS, STALE, LAST_PUSH, SELF)


@dataclass(frozen=True, slots=True)
class Check:
    """A required check; `app` is the id of the app that alone may report it (None: anyone may)."""

    name: str
    app: int | None = None


@dataclass(frozen=True, slots=True)
class Bypass:
    """Who may pass by a source, in everything but the controls that it `spares`."""

    who: str
    spares: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that protects the branch: what it grants, and who is let past (`bypass` None: not shown).

    `checks` counts when `strict`: the branch must be up to date before a merge. `why` says of a control that
    is not granted who or what is in the way.
    """

    name: str
    grants: frozenset[str] = frozenset()
    approvals: int = 0
    checks: tuple[Check, ...] = ()
    strict: bool = False
    bypass: tuple[Bypass, ...] | None = ()
    why: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Protection:
    """All that is known of a branch.

    `hidden` says what could not be read, and why; `not_available` what the forge cannot do, by control;
    `apps` maps the slugs of apps to their ids.
    """

    sources: Sequence[Source]
    hidden: Sequence[str] = ()
    not_available: Mapping[str, str] = field(default_factory=dict)
    apps: Mapping[str, int] = field(default_factory=dict)


def asked(environment: Environment) -> tuple[str, ...]:
    """The controls that an environment asks for, in the order of the report."""
    wanted = [PULL_REQUEST] if environment.protected or environment.delivery == "pull-request" else []
    wanted += _REVIEW if environment.approvals else ()
    wanted += [CODE_OWNERS] if environment.code_owners else []
    wanted += [BYPASS] if environment.protected else []
    wanted += [FORCE_PUSH, DELETION]
    wanted += [CHECKS] if environment.required_checks else []
    wanted += [CONVERSATIONS] if environment.protected else []
    return tuple(wanted)


def judge(environment: Environment, protection: Protection, settings: Mapping[str, str]) -> Iterator[Control]:
    """The controls asked for; `settings` says of each what decides it."""
    tests = {
        name: _test(name, environment, protection.apps)
        for name in asked(environment)
        if name != BYPASS and name not in protection.not_available
    }
    for name in asked(environment):
        if name in protection.not_available:
            said: tuple[ControlState, str] = ("not-available", protection.not_available[name])
        elif name == BYPASS:
            said = _bypass(tests, protection)
        else:
            said = _granted(name, tests[name], protection, environment)
        yield Control(name, *said, settings.get(name, ""))


def _test(name: str, environment: Environment, apps: Mapping[str, int]) -> Callable[[Source], bool]:
    if name == APPROVALS:
        return lambda source: source.approvals >= environment.approvals
    if name == CHECKS:
        wanted = environment.required_checks
        return lambda source: (
            name in source.grants or (source.strict and not lacking(wanted, source.checks, apps))
        )
    return lambda source: name in source.grants


def lacking(wanted: Sequence[RequiredCheck], found: Sequence[Check], apps: Mapping[str, int]) -> list[str]:
    """The wanted checks that `found` does not hold, each with the reason.

    A check that is bound to no app can be reported green by any token that may write statuses.
    """
    reasons = []
    for check in wanted:
        same = [one for one in found if one.name == check.name]
        app = apps.get(check.app) if isinstance(check.app, str) else check.app
        if not same:
            reasons.append(f"'{check.name}' is not required")
        elif isinstance(check.app, str) and app is None:
            reasons.append(f"'{check.name}' is to be bound to the app '{check.app}', which is not known")
        elif all(one.app is None for one in same):
            named = "" if check.app else "; name its 'app' under required_checks"
            reasons.append(f"'{check.name}' is bound to no app, so any token can report it{named}")
        elif app is not None and all(one.app != app for one in same):
            reasons.append(f"'{check.name}' is bound to another app than {check.app}")
    return reasons


def _granted(
    name: str, test: Callable[[Source], bool], protection: Protection, environment: Environment
) -> tuple[ControlState, str]:
    """Whether some source grants a control, and the evidence."""
    sources = protection.sources
    granting = [source.name for source in sources if test(source)]
    if granting:
        return "pass", f"by {', '.join(granting)}"
    if protection.hidden:
        return "unknown", "; ".join(protection.hidden)
    if not sources:
        return "fail", f"nothing protects the branch '{environment.branch}'"
    names = ", ".join(source.name for source in sources)
    return "fail", f"{_why_not(name, protection, environment)} ({names})"


def _why_not(name: str, protection: Protection, environment: Environment) -> str:
    reasons = [source.why[name] for source in protection.sources if name in source.why]
    if reasons:
        return "; ".join(reasons)
    if name == APPROVALS:
        most = max(source.approvals for source in protection.sources)
        return f"{most} approvals are asked for, not {environment.approvals}"
    if name == CHECKS:
        return _why_no_checks(environment, protection)
    return "nothing grants it"


def _why_no_checks(environment: Environment, protection: Protection) -> str:
    found = [check for source in protection.sources for check in source.checks]
    reasons = lacking(environment.required_checks, found, protection.apps)
    if not reasons and not any(source.strict for source in protection.sources if source.checks):
        reasons = ["a pull request need not be up to date before its merge (not strict)"]
    return "; ".join(reasons) or "no one source requires all of them, strictly"


def _bypass(
    tests: Mapping[str, Callable[[Source], bool]], protection: Protection
) -> tuple[ControlState, str]:
    """Whether each control that is granted is granted by a source that lets nobody past."""
    sources = protection.sources
    if not sources:
        return (
            ("unknown", protection.hidden[0])
            if protection.hidden
            else ("fail", "nothing protects the branch")
        )
    past: dict[str, list[str]] = {}
    unseen: dict[str, None] = {}
    for name, test in tests.items():
        granting = [source for source in sources if test(source)]
        ways = [_ways(source, name) for source in granting]
        if not granting or () in ways:
            continue
        if None in ways:
            unseen |= dict.fromkeys(source.name for source in granting if source.bypass is None)
        else:
            who = ", ".join(dict.fromkeys(one for way in ways for one in way or ()))
            past.setdefault(who, []).append(name)
    if past:
        return "fail", "; ".join(f"{who} may pass by {', '.join(names)}" for who, names in past.items())
    if unseen:
        return "unknown", f"who may pass by {', '.join(unseen)} is shown only to who may write its settings"
    return "pass", "nobody may pass by what protects the branch"


def _ways(source: Source, name: str) -> tuple[str, ...] | None:
    """Who may pass by `source` where it grants the control `name`; None when that is not shown."""
    if source.bypass is None:
        return None
    return tuple(one.who for one in source.bypass if name not in one.spares)
