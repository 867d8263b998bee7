"""What protects a branch at GitHub: classic protection and rulesets, which add up.

https://docs.github.com/en/rest/branches/branch-protection
https://docs.github.com/en/rest/repos/rules
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cipipe.config.model import Environment
from cipipe.controls import sources as by
from cipipe.controls.facts import Answer, Facts
from cipipe.controls.patterns import fnmatch
from cipipe.controls.sources import Bypass, Check, Protection, Source


def get(facts: Facts, name: str) -> Answer:
    """What was said to a question; status 0 where it was not asked."""
    return facts.get(name, Answer(0))


def apps(facts: Facts) -> dict[str, int]:
    """The ids of apps by slug."""
    found = {
        name.removeprefix("app/"): answer.document
        for name, answer in facts.items()
        if name.startswith("app/")
    }
    return {slug: app["id"] for slug, app in found.items() if isinstance(app, dict) and "id" in app}


def protection(environment: Environment, facts: Facts) -> Protection:
    """All that protects the branch."""
    found, hidden = [], []
    classic = get(facts, "protection")
    if classic.status == 200:
        found.append(_classic(classic.document))
    elif not _is_none(classic, facts):
        hidden.append(f"the token may not read the branch's classic protection ({classic.status})")
    rulesets = get(facts, "rulesets")
    if rulesets.status != 200 and not _is_none(rulesets, facts):
        hidden.append(f"the token may not read the rulesets ({rulesets.status})")
    listed = rulesets.document if rulesets.status == 200 else []
    default = (get(facts, "repository").document or {}).get("default_branch")
    found += [of_ruleset(each) for each in listed if applies(each, environment.branch, default)]
    found += _only_in_force(facts, {each.get("id") for each in listed})
    return Protection(found, hidden, apps=apps(facts))


def _is_none(answer: Answer, facts: Facts) -> bool:
    """Whether a refusal says that there is none: not to an administrator's token, and not in this plan."""
    permissions = (get(facts, "repository").document or {}).get("permissions") or {}
    if answer.status == 404:
        return "not protected" in answer.message or permissions.get("admin") is True
    return answer.status == 403 and "upgrade" in answer.message.lower()


def _classic(said: Mapping[str, Any]) -> Source:
    """Classic protection; administrators pass by it unless `enforce_admins`."""
    reviews = said.get("required_pull_request_reviews")
    checks = said.get("required_status_checks") or {}
    grants = set()
    if reviews is not None:
        grants |= {by.PULL_REQUEST, by.SELF}
        grants |= {by.STALE} if reviews.get("dismiss_stale_reviews") else set()
        grants |= {by.LAST_PUSH} if reviews.get("require_last_push_approval") else set()
        grants |= {by.CODE_OWNERS} if reviews.get("require_code_owner_reviews") else set()
    grants |= {by.CONVERSATIONS} if _enabled(said, "required_conversation_resolution") else set()
    grants |= set() if _enabled(said, "allow_force_pushes") else {by.FORCE_PUSH}
    grants |= set() if _enabled(said, "allow_deletions") else {by.DELETION}
    bypass = [] if _enabled(said, "enforce_admins") else [Bypass("administrators (classic protection)")]
    allowed = (reviews or {}).get("bypass_pull_request_allowances") or {}
    names = [(kind, one) for kind in ("users", "teams", "apps") for one in allowed.get(kind) or ()]
    # A listed one may push past the pull request, but neither force a push nor delete the branch.
    bypass += [
        Bypass(
            f"{kind[:-1]} {one.get('login') or one.get('slug')} (classic protection)", _SPARED_BY_ALLOWANCE
        )
        for kind, one in names
    ]
    listed = checks.get("checks") or [{"context": name} for name in checks.get("contexts") or ()]
    return Source(
        "classic protection",
        frozenset(grants),
        approvals=(reviews or {}).get("required_approving_review_count") or 0,
        checks=tuple(Check(each["context"], _app(each.get("app_id"))) for each in listed),
        strict=bool(checks.get("strict")),
        bypass=tuple(bypass),
    )


def _enabled(said: Mapping[str, Any], name: str) -> bool:
    return bool((said.get(name) or {}).get("enabled"))


def _app(number: object) -> int | None:
    """-1 and null mean any app."""
    return number if isinstance(number, int) and number > 0 else None


def applies(ruleset: Mapping[str, Any], branch: str, default: str | None) -> bool:
    """Whether a ruleset is in force on `branch`; `evaluate` and `disabled` are not."""
    if ruleset.get("target") != "branch" or ruleset.get("enforcement") != "active":
        return False
    names = (ruleset.get("conditions") or {}).get("ref_name") or {}
    include, exclude = names.get("include") or [], names.get("exclude") or []
    included = any(_matches(pattern, branch, default) for pattern in include) if include else bool(exclude)
    return included and not any(_matches(pattern, branch, default) for pattern in exclude)


def _matches(pattern: str, branch: str, default: str | None) -> bool:
    if pattern in {"~ALL", "~DEFAULT_BRANCH"}:
        return pattern == "~ALL" or branch == default
    return fnmatch(pattern, f"refs/heads/{branch}")


def of_ruleset(ruleset: Mapping[str, Any]) -> Source:
    """A ruleset as a source."""
    name = f"ruleset '{ruleset.get('name')}'"
    actors = ruleset.get("bypass_actors")
    bypass = None if actors is None else tuple(_bypass(actor, name) for actor in actors)
    return _of_rules(name, ruleset.get("rules") or [], bypass)


def _bypass(actor: Mapping[str, Any], ruleset: str) -> Bypass:
    number = actor.get("actor_id")
    who = f"{actor.get('actor_type')}{f' {number}' if number is not None else ''} ({ruleset})"
    return Bypass(who, _SPARED_IN_A_MERGE if actor.get("bypass_mode") == "pull_request" else frozenset())


def _of_rules(name: str, rules: list[dict[str, Any]], bypass: tuple[Bypass, ...] | None) -> Source:
    grants: set[str] = set()
    approvals, checks, strict = 0, [], False
    for rule in rules:
        given = rule.get("parameters") or {}
        if rule["type"] == "pull_request":
            approvals = max(approvals, given.get("required_approving_review_count") or 0)
            grants |= {by.PULL_REQUEST, by.SELF}
            grants |= {control for key, control in PARAMETERS.items() if given.get(key)}
        elif rule["type"] == "required_status_checks":
            strict = strict or bool(given.get("strict_required_status_checks_policy"))
            listed = given.get("required_status_checks") or []
            checks += [Check(each["context"], _app(each.get("integration_id"))) for each in listed]
        elif rule["type"] in _RULES:
            grants.add(_RULES[rule["type"]])
    return Source(name, frozenset(grants), approvals, tuple(checks), strict, bypass)


_SPARED_IN_A_MERGE = frozenset({by.PULL_REQUEST, by.FORCE_PUSH, by.DELETION})
_SPARED_BY_ALLOWANCE = frozenset({by.FORCE_PUSH, by.DELETION, by.CHECKS})
PARAMETERS = {
    "dismiss_stale_reviews_on_push": by.STALE,
    "require_last_push_approval": by.LAST_PUSH,
    "require_code_owner_review": by.CODE_OWNERS,
    "required_review_thread_resolution": by.CONVERSATIONS,
}
_RULES = {"non_fast_forward": by.FORCE_PUSH, "deletion": by.DELETION}


def _only_in_force(facts: Facts, known: set[object]) -> Iterator[Source]:
    """Rules in force whose ruleset (of the organisation or enterprise) is not shown in full."""
    answer = get(facts, "rules")
    hidden: dict[object, list[dict[str, Any]]] = {}
    for rule in answer.document if answer.status == 200 else []:
        if rule.get("ruleset_id") not in known:
            hidden.setdefault(rule.get("ruleset_id"), []).append(rule)
    for number, rules in hidden.items():
        yield _of_rules(f"ruleset {number} of {rules[0].get('ruleset_source', 'another place')}", rules, None)
