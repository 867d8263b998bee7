"""Sources of protection, and how several of them decide one control."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

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
    """Who may pass by a source; `merges` alone: not by a push, only when merging a pull request."""

    who: str
    merges: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that protects the branch: what it grants, and who is let past (`bypass` None: not shown).

    `unknown` holds the controls of which this source does not tell, each with the reason.
    """

    name: str
    grants: frozenset[str] = frozenset()
    approvals: int = 0
    checks: tuple[Check, ...] = ()
    strict: bool = False
    bypass: tuple[Bypass, ...] | None = ()
    unknown: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Sources that could not be read: the reason, in words for the report."""

    reason: str


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


def judge(
    environment: Environment,
    sources: Sequence[Source],
    missing: Sequence[Missing],
    settings: Mapping[str, str],
    not_available: Mapping[str, str],
    apps: Mapping[str, int] | None = None,
) -> Iterator[Control]:
    """The controls asked for; `settings` says what decides each, `not_available` what the forge cannot do."""
    names = [name for name in asked(environment) if name != BYPASS]
    tests = {name: _test(name, environment, apps or {}) for name in names}
    for name in asked(environment):
        setting = settings.get(name, "")
        if name in not_available:
            yield Control(name, "not-available", not_available[name], setting)
        elif name == BYPASS:
            yield Control(
                name, *_bypass({key: tests[key] for key in names if key not in not_available}, sources, missing),
                setting,
            )  # fmt: skip
        else:
            yield Control(name, *_granted(name, tests[name], sources, missing, environment), setting)


def _test(name: str, environment: Environment, apps: Mapping[str, int]) -> Callable[[Source], bool]:
    if name == APPROVALS:
        return lambda source: source.approvals >= environment.approvals
    if name == CHECKS:
        return lambda source: source.strict and not lacking(environment.required_checks, source.checks, apps)
    return lambda source: name in source.grants


def lacking(wanted: Sequence[RequiredCheck], found: Sequence[Check], apps: Mapping[str, int]) -> list[str]:
    """The wanted checks that `found` does not hold, each with the reason; `apps` maps slugs to ids.

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
            reasons.append(f"'{check.name}' is bound to no app, so any token can report it")
        elif app is not None and all(one.app != app for one in same):
            reasons.append(f"'{check.name}' is bound to another app than {check.app}")
    return reasons


def _granted(
    name: str,
    test: Callable[[Source], bool],
    sources: Sequence[Source],
    missing: Sequence[Missing],
    environment: Environment,
) -> tuple[ControlState, str]:
    """Whether some source grants a control, and the evidence."""
    granting = [source.name for source in sources if test(source)]
    if granting:
        return "pass", f"by {', '.join(granting)}"
    doubts = [source.unknown[name] for source in sources if source.unknown and name in source.unknown]
    doubts += [one.reason for one in missing]
    if doubts:
        return "unknown", "; ".join(dict.fromkeys(doubts))
    if not sources:
        return "fail", f"nothing protects the branch '{environment.branch}'"
    names = ", ".join(source.name for source in sources)
    if name == APPROVALS:
        most = max(source.approvals for source in sources)
        return "fail", f"{most} approvals are asked for, not {environment.approvals} ({names})"
    if name == CHECKS:
        return "fail", _why_no_checks(environment, sources)
    return "fail", f"not by {names}"


def _why_no_checks(environment: Environment, sources: Sequence[Source]) -> str:
    found = [check for source in sources for check in source.checks]
    reasons = lacking(environment.required_checks, found, {})
    if not reasons and not any(source.strict for source in sources if source.checks):
        reasons = ["the branch need not be up to date before a merge (not strict)"]
    return "; ".join(reasons) or "no one source requires all of them, strictly"


def _bypass(
    tests: Mapping[str, Callable[[Source], bool]], sources: Sequence[Source], missing: Sequence[Missing]
) -> tuple[ControlState, str]:
    """Whether each control that is granted is granted by a source that lets nobody past."""
    if not sources:
        return ("unknown", missing[0].reason) if missing else ("fail", "nothing protects the branch")
    open_ways: dict[str, list[str]] = {}
    hidden: dict[str, list[str]] = {}
    for name, test in tests.items():
        granting = [source for source in sources if test(source)]
        ways = [_ways(source, name) for source in granting]
        if not granting or () in ways:
            continue
        if None in ways:
            hidden.setdefault(", ".join(each.name for each in granting), []).append(name)
        else:
            who = ", ".join(dict.fromkeys(one for way in ways for one in way or ()))
            open_ways.setdefault(who, []).append(name)
    if open_ways:
        return "fail", "; ".join(f"{who} may pass by {', '.join(names)}" for who, names in open_ways.items())
    if hidden:
        said = [f"{source} does not show who may pass by it" for source in hidden]
        return "unknown", f"{'; '.join(said)} (a token that may write its settings sees it)"
    return "pass", "nobody may pass by what protects the branch"


def _ways(source: Source, name: str) -> tuple[str, ...] | None:
    """Who may pass by `source` where it grants the control `name`; None when that is not shown."""
    if source.bypass is None:
        return None
    pushes = name in {PULL_REQUEST, FORCE_PUSH, DELETION}
    return tuple(one.who for one in source.bypass if not (one.merges and pushes))
