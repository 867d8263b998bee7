"""The controls of a branch at GitHub, and what to set.

https://docs.github.com/en/rest/branches/branch-protection
https://docs.github.com/en/rest/repos/rules
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cipipe.config.model import Environment
from cipipe.controls import github_sources
from cipipe.controls import sources as by
from cipipe.controls.facts import Facts, Step
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
    said = list(by.judge(environment, github_sources.protection(environment, facts), SETTINGS))
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
        now = github_sources.get(facts, "workflow").document
        body = {**now, "can_approve_pull_request_reviews": False}
        says = "GitHub Actions may not approve pull requests"
        steps.append(Step("PUT", "actions/permissions/workflow", body, says))
    return tuple(steps)


def _owners_file(control: Control, facts: Facts) -> Control:
    """Asking for a code owner's review is nothing where the file names none."""
    answer = github_sources.get(facts, "codeowners")
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
    answer, setting = github_sources.get(facts, "workflow"), SETTINGS[ACTIONS]
    if answer.status != 200:
        said = f"the token may not read the permissions of Actions ({answer.status})"
        return Control(ACTIONS, "unknown", said, setting)
    if answer.document.get("can_approve_pull_request_reviews"):
        return Control(ACTIONS, "fail", "a workflow may approve pull requests", setting)
    return Control(ACTIONS, "pass", "a workflow cannot approve pull requests", setting)


def _reviewers(environment: Environment, facts: Facts) -> Control:
    """The deployment environment of the same name, where there is one."""
    answer, setting = github_sources.get(facts, "environment"), SETTINGS[REVIEWERS]
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
    listed = github_sources.get(facts, "rulesets")
    own = [each for each in listed.document or [] if each.get("name") == name] if listed.status == 200 else []
    own = [each for each in own if each.get("source_type", "Repository") == "Repository"]
    body = {
        "name": name,
        "target": "branch",
        "enforcement": "active",
        "bypass_actors": [],
        "conditions": {"ref_name": {"include": [f"refs/heads/{environment.branch}"], "exclude": []}},
        "rules": _rules(environment, own[0].get("rules") or [] if own else [], github_sources.apps(facts)),
    }
    if (
        own
        and github_sources.applies(own[0], environment.branch, None)
        and github_sources.of_ruleset(own[0]) == github_sources.of_ruleset(body)
    ):
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
        switches = {
            key: control in wanted or bool(before.get(key))
            for key, control in github_sources.PARAMETERS.items()
        }
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
