"""GitHub: classic protection and rulesets add up, each with its own exceptions.

https://docs.github.com/en/rest/branches/branch-protection
https://docs.github.com/en/rest/repos/rules
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cipipe.config.model import Environment
from cipipe.controls import sources as by
from cipipe.controls.facts import Answer, Facts, Step
from cipipe.controls.patterns import fnmatch
from cipipe.controls.sources import Bypass, Check, Protection, Source
from cipipe.results import Control

ACTIONS = "actions-cannot-approve"
REVIEWERS = "environment-reviewers"
_PULL = "ruleset rule pull_request"
SETTINGS = {
    by.PULL_REQUEST: _PULL,
    by.APPROVALS: f"{_PULL}: required_approving_review_count",
    by.STALE: f"{_PULL}: dismiss_stale_reviews_on_push = true",
    by.LAST_PUSH: f"{_PULL}: require_last_push_approval = true",
    by.SELF: _PULL,
    by.CODE_OWNERS: f"{_PULL}: require_code_owner_review = true",
    by.BYPASS: "ruleset bypass_actors = []"
    " (classic: enforce_admins = true, bypass_pull_request_allowances empty)",
    by.FORCE_PUSH: "ruleset rule non_fast_forward (classic: allow_force_pushes = false)",
    by.DELETION: "ruleset rule deletion (classic: allow_deletions = false)",
    by.CHECKS: "ruleset rule required_status_checks: strict_required_status_checks_policy = true,"
    " each with its integration_id",
    by.CONVERSATIONS: f"{_PULL}: required_review_thread_resolution = true",
    ACTIONS: "actions/permissions/workflow: can_approve_pull_request_reviews = false",
    REVIEWERS: "environment protection rule required_reviewers: prevent_self_review = true,"
    " can_admins_bypass = false",
}


def controls(environment: Environment, facts: Facts) -> tuple[Control, ...]:
    """The controls of a branch at GitHub.

    `facts` has `repository`, `protection`, `rulesets` (each in full), `rules` (those in force on the branch),
    `workflow`, `environment`, `codeowners` (the errors of the file) and `app/SLUG`.
    """
    said = list(by.judge(environment, _protection(environment, facts), SETTINGS))
    if environment.code_owners:
        said = [_owners_file(each, facts) if each.name == by.CODE_OWNERS else each for each in said]
    if environment.protected:
        said += [_actions(facts), _reviewers(environment, facts)]
    return tuple(said)


def plan(environment: Environment, facts: Facts) -> tuple[Step, ...]:
    """A ruleset of cipipe's own, which only ever adds, and the permission of Actions."""
    steps: list[Step] = []
    said = {control.name: control for control in controls(environment, facts)}
    outside = {ACTIONS, REVIEWERS}
    if any(control.state in {"fail", "unknown"} for name, control in said.items() if name not in outside):
        steps += _ruleset(environment, facts)
    if ACTIONS in said and said[ACTIONS].state == "fail":
        now = _get(facts, "workflow").document
        body = {**now, "can_approve_pull_request_reviews": False}
        says = "GitHub Actions may not approve pull requests"
        steps.append(Step("PUT", "actions/permissions/workflow", body, says))
    return tuple(steps)


def _get(facts: Facts, name: str) -> Answer:
    return facts.get(name, Answer(0))


def _apps(facts: Facts) -> dict[str, int]:
    found = {
        name.removeprefix("app/"): answer.document
        for name, answer in facts.items()
        if name.startswith("app/")
    }
    return {slug: app["id"] for slug, app in found.items() if isinstance(app, dict) and "id" in app}


def _protection(environment: Environment, facts: Facts) -> Protection:
    found, hidden = [], []
    classic = _get(facts, "protection")
    if classic.status == 200:
        found.append(_classic(classic.document))
    elif "not protected" not in classic.message and not _plan_lacks(classic):
        hidden.append(f"the token may not read the branch's classic protection ({classic.status})")
    rulesets = _get(facts, "rulesets")
    if rulesets.status != 200 and not _plan_lacks(rulesets):
        hidden.append(f"the token may not read the rulesets ({rulesets.status})")
    listed = rulesets.document if rulesets.status == 200 else []
    default = (_get(facts, "repository").document or {}).get("default_branch")
    found += [_of_ruleset(each) for each in listed if _applies(each, environment.branch, default)]
    found += _only_in_force(facts, {each.get("id") for each in listed})
    return Protection(found, hidden, apps=_apps(facts))


def _plan_lacks(answer: Answer) -> bool:
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
        Bypass(f"{kind[:-1]} {one.get('login') or one.get('slug')} (classic protection)")
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


def _applies(ruleset: Mapping[str, Any], branch: str, default: str | None) -> bool:
    """Whether a ruleset is in force on `branch`; `evaluate` and `disabled` are not."""
    if ruleset.get("target") != "branch" or ruleset.get("enforcement") != "active":
        return False
    names = (ruleset.get("conditions") or {}).get("ref_name") or {}
    include, exclude = names.get("include") or [], names.get("exclude") or []
    included = not include or any(_matches(pattern, branch, default) for pattern in include)
    return included and not any(_matches(pattern, branch, default) for pattern in exclude)


def _matches(pattern: str, branch: str, default: str | None) -> bool:
    if pattern in {"~ALL", "~DEFAULT_BRANCH"}:
        return pattern == "~ALL" or branch == default
    return fnmatch(pattern, f"refs/heads/{branch}")


def _of_ruleset(ruleset: Mapping[str, Any]) -> Source:
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
            grants |= {control for key, control in _PARAMETERS.items() if given.get(key)}
        elif rule["type"] == "required_status_checks":
            strict = strict or bool(given.get("strict_required_status_checks_policy"))
            listed = given.get("required_status_checks") or []
            checks += [Check(each["context"], _app(each.get("integration_id"))) for each in listed]
        elif rule["type"] in _RULES:
            grants.add(_RULES[rule["type"]])
    return Source(name, frozenset(grants), approvals, tuple(checks), strict, bypass)


_SPARED_IN_A_MERGE = frozenset({by.PULL_REQUEST, by.FORCE_PUSH, by.DELETION})
_SPARED_BY_ALLOWANCE = frozenset({by.FORCE_PUSH, by.DELETION, by.CHECKS})
_PARAMETERS = {
    "dismiss_stale_reviews_on_push": by.STALE,
    "require_last_push_approval": by.LAST_PUSH,
    "require_code_owner_review": by.CODE_OWNERS,
    "required_review_thread_resolution": by.CONVERSATIONS,
}
_RULES = {"non_fast_forward": by.FORCE_PUSH, "deletion": by.DELETION}


def _only_in_force(facts: Facts, known: set[object]) -> Iterator[Source]:
    """Rules in force whose ruleset (of the organisation or enterprise) is not shown in full."""
    answer = _get(facts, "rules")
    hidden: dict[object, list[dict[str, Any]]] = {}
    for rule in answer.document if answer.status == 200 else []:
        if rule.get("ruleset_id") not in known:
            hidden.setdefault(rule.get("ruleset_id"), []).append(rule)
    for number, rules in hidden.items():
        yield _of_rules(f"ruleset {number} of {rules[0].get('ruleset_source', 'another place')}", rules, None)


def _owners_file(control: Control, facts: Facts) -> Control:
    """Asking for a code owner's review is nothing where the file names none."""
    answer = _get(facts, "codeowners")
    if control.state != "pass":
        return control
    if answer.status == 404:
        return Control(control.name, "fail", "there is no CODEOWNERS file on the branch", "CODEOWNERS")
    if answer.status != 200:
        said = f"the errors of CODEOWNERS cannot be read ({answer.status})"
        return Control(control.name, "unknown", said, "CODEOWNERS")
    wrong = answer.document.get("errors") or []
    if wrong:
        said = f"CODEOWNERS has {len(wrong)} errors, the first in line {wrong[0].get('line')}"
        return Control(control.name, "fail", said, "CODEOWNERS")
    return control


def _actions(facts: Facts) -> Control:
    answer, setting = _get(facts, "workflow"), SETTINGS[ACTIONS]
    if answer.status != 200:
        said = f"the token may not read the permissions of Actions ({answer.status})"
        return Control(ACTIONS, "unknown", said, setting)
    if answer.document.get("can_approve_pull_request_reviews"):
        return Control(ACTIONS, "fail", "a workflow may approve pull requests", setting)
    return Control(ACTIONS, "pass", "a workflow cannot approve pull requests", setting)


def _reviewers(environment: Environment, facts: Facts) -> Control:
    """The deployment environment of the same name, where there is one."""
    answer, setting = _get(facts, "environment"), SETTINGS[REVIEWERS]
    if answer.status == 404:
        said = f"there is no deployment environment '{environment.name}' (or the token may not see it)"
        return Control(REVIEWERS, "not-available", said, setting)
    if answer.status != 200:
        said = f"the token may not read the deployment environment ({answer.status})"
        return Control(REVIEWERS, "unknown", said, setting)
    rules = answer.document.get("protection_rules") or []
    asked = [rule for rule in rules if rule.get("type") == "required_reviewers" and rule.get("reviewers")]
    wrong = [] if asked else ["it asks no reviewer"]
    wrong += ["who starts a run may approve it"] if asked and not asked[0].get("prevent_self_review") else []
    wrong += ["administrators may pass by it"] if answer.document.get("can_admins_bypass") else []
    said = f"deployment environment '{environment.name}': {'; '.join(wrong) or 'others must approve'}"
    return Control(REVIEWERS, "fail" if wrong else "pass", said, setting)


def _ruleset(environment: Environment, facts: Facts) -> Iterator[Step]:
    name = f"cipipe {environment.name}"
    listed = _get(facts, "rulesets")
    own = [each for each in listed.document or [] if each.get("name") == name] if listed.status == 200 else []
    own = [each for each in own if each.get("source_type", "Repository") == "Repository"]
    body = {
        "name": name,
        "target": "branch",
        "enforcement": "active",
        "bypass_actors": [],
        "conditions": {"ref_name": {"include": [f"refs/heads/{environment.branch}"], "exclude": []}},
        "rules": _rules(environment, own[0].get("rules") or [] if own else [], _apps(facts)),
    }
    if own and _applies(own[0], environment.branch, None) and _of_ruleset(own[0]) == _of_ruleset(body):
        return  # what still fails is not the ruleset's to give
    verb = "change" if own else "make"
    says = f"{verb} the ruleset '{name}' for '{environment.branch}': {_in_words(environment)}"
    yield Step("PUT" if own else "POST", f"rulesets/{own[0]['id']}" if own else "rulesets", body, says)


def _rules(
    environment: Environment, own: list[dict[str, Any]], apps: Mapping[str, int]
) -> list[dict[str, object]]:
    """The rules to set; what our ruleset has besides stays, and a higher count too."""
    wanted = by.asked(environment)
    rules: list[dict[str, object]] = [{"type": "deletion"}, {"type": "non_fast_forward"}]
    before = next((rule.get("parameters") or {} for rule in own if rule["type"] == "pull_request"), {})
    if by.PULL_REQUEST in wanted:
        count = max(environment.approvals, before.get("required_approving_review_count") or 0)
        switches = {key: control in wanted or bool(before.get(key)) for key, control in _PARAMETERS.items()}
        rules.append(
            {
                "type": "pull_request",
                "parameters": {**before, "required_approving_review_count": count, **switches},
            }
        )
    if environment.required_checks:
        rules.append(_checks(environment, own, apps))
    kept = {str(rule["type"]) for rule in rules}
    return rules + [rule for rule in own if rule["type"] not in kept]


def _checks(
    environment: Environment, own: list[dict[str, Any]], apps: Mapping[str, int]
) -> dict[str, object]:
    before = next(
        (rule.get("parameters") or {} for rule in own if rule["type"] == "required_status_checks"), {}
    )
    names = {check.name for check in environment.required_checks}
    checks = [each for each in before.get("required_status_checks") or [] if each["context"] not in names]
    for check in environment.required_checks:
        app = apps.get(check.app) if isinstance(check.app, str) else check.app
        checks.append({"context": check.name, **({"integration_id": app} if app is not None else {})})
    given = {**before, "strict_required_status_checks_policy": True, "required_status_checks": checks}
    return {"type": "required_status_checks", "parameters": given}


def _in_words(environment: Environment) -> str:
    words = ["no deletion", "no force push"]
    if by.PULL_REQUEST in by.asked(environment):
        words.append(f"pull request with {environment.approvals} approvals")
    words += [f"check '{check.name}'" for check in environment.required_checks]
    return ", ".join(words)
