"""Gitea and Forgejo: of all rules that match a branch, the first one counts.

https://docs.gitea.com/usage/protected-branches; the order is that of `models/git/protected_branch_list.go`.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from cipipe.config.model import Environment
from cipipe.controls import sources as by
from cipipe.controls.facts import Answer, Facts, Step
from cipipe.controls.sources import Bypass, Protection, Source
from cipipe.globs import matches
from cipipe.results import Control

SETTINGS = {
    by.PULL_REQUEST: "branch protection: enable_push = false",
    by.APPROVALS: "branch protection: required_approvals",
    by.STALE: "branch protection: dismiss_stale_approvals = true",
    by.LAST_PUSH: "none",
    by.SELF: "branch protection: required_approvals (nobody can approve a pull request of their own)",
    by.CODE_OWNERS: "branch protection: block_on_official_review_requests = true",
    by.BYPASS: "branch protection: block_admin_merge_override = true, unprotected_file_patterns empty",
    by.FORCE_PUSH: "branch protection: enable_force_push = false",
    by.DELETION: "branch protection (a protected branch cannot be deleted)",
    by.CHECKS: "branch protection: enable_status_check = true, status_check_contexts,"
    " block_on_outdated_branch = true",
    by.CONVERSATIONS: "none",
}
_NOT_AVAILABLE = {
    by.LAST_PUSH: "Gitea has no such setting; `cipipe gate --pr` checks it",
    by.CONVERSATIONS: "Gitea has no such setting",
}
_SPARED_BY_ADMINS = frozenset({by.PULL_REQUEST, by.FORCE_PUSH, by.DELETION})


def controls(environment: Environment, facts: Facts) -> tuple[Control, ...]:
    """The controls of a branch; `facts` has `branch` and `branch_protections`, the repository's rules."""
    return tuple(by.judge(environment, _protection(environment, facts), SETTINGS))


def plan(environment: Environment, facts: Facts) -> tuple[Step, ...]:
    """Set or tighten the rule that counts; what it has besides stays."""
    if all(control.state in {"pass", "not-available"} for control in controls(environment, facts)):
        return ()
    branch = environment.branch
    rules = facts.get("branch_protections", Answer(0))
    listed = rules.document if rules.status == 200 else []
    own = next((rule for rule in listed if rule["rule_name"] == branch), None)
    counts = _rule(branch, facts)
    wanted = _wanted(environment, own or counts or {})
    changed = {key: value for key, value in wanted.items() if own is None or own.get(key) != value}
    words = ", ".join(f"{key} = {_shown(value)}" for key, value in changed.items())
    steps = []
    if own is None:
        # A rule with a pattern serves other branches too: this one gets a rule of its own.
        body = {**_kept(counts or {}), **wanted, "rule_name": branch}
        steps.append(Step("POST", "branch_protections", body, f"protect the branch '{branch}': {words}"))
    elif changed:
        says = f"change the protection of '{branch}': {words}"
        steps.append(Step("PATCH", f"branch_protections/{quote(branch, safe='')}", changed, says))
    if counts is not None and counts is not own:
        first = {"priority": (counts.get("priority") or 0) - 1}
        says = f"let the rule of '{branch}' come before '{counts['rule_name']}'"
        steps.append(Step("PATCH", f"branch_protections/{quote(branch, safe='')}", first, says))
    return tuple(steps)


def _protection(environment: Environment, facts: Facts) -> Protection:
    answer = facts.get("branch_protections", Answer(0))
    if answer.status != 200:
        said = f"the token may not read the branch's protection ({answer.status}); an administrator's may"
        return Protection([], [said], _NOT_AVAILABLE)
    rule = _rule(environment.branch, facts)
    sources = [] if rule is None else [_source(rule, environment)]
    return Protection(sources, (), _NOT_AVAILABLE)


def _rule(branch: str, facts: Facts) -> dict[str, Any] | None:
    """The rule that counts: as the server names it where the branch is there, else by Gitea's order."""
    answer, server = facts.get("branch_protections", Answer(0)), facts.get("branch", Answer(0))
    rules = answer.document if answer.status == 200 else []
    if server.status == 200 and "effective_branch_protection_name" in server.document:
        name = server.document["effective_branch_protection_name"]
        return next((rule for rule in rules if rule["rule_name"] == name), None)
    fitting = [rule for rule in rules if _matches(rule["rule_name"], branch)]
    return min(fitting, key=_order, default=None)


def _matches(pattern: str, branch: str) -> bool:
    try:
        return pattern == branch or matches(pattern, branch)
    except ValueError:
        return False


def _order(rule: Mapping[str, Any]) -> tuple[int, bool, str]:
    pattern = any(character in "*?[]{}\\!" for character in rule["rule_name"])
    return (rule.get("priority") or 0, pattern, str(rule.get("created_at")))


def _source(rule: Mapping[str, Any], environment: Environment) -> Source:
    grants = {by.SELF, by.DELETION}
    why = {}
    if rule.get("enable_push"):
        why[by.PULL_REQUEST] = f"{_pushers(rule)} may push to the branch"
    else:
        grants.add(by.PULL_REQUEST)
    grants |= set() if rule.get("enable_force_push") else {by.FORCE_PUSH}
    grants |= (
        {by.STALE} if rule.get("dismiss_stale_approvals") or rule.get("ignore_stale_approvals") else set()
    )
    grants |= {by.CODE_OWNERS} if rule.get("block_on_official_review_requests") else set()
    missing = _missing_checks(rule, environment)
    if missing:
        why[by.CHECKS] = "; ".join(missing)
    else:
        grants.add(by.CHECKS)
    bypass = []
    if not (rule.get("block_admin_merge_override") or rule.get("apply_to_admins")):
        bypass.append(Bypass("administrators", _SPARED_BY_ADMINS))
    if patterns := rule.get("unprotected_file_patterns"):
        bypass.append(Bypass(f"whoever may write and changes only '{patterns}'", frozenset({by.DELETION})))
    return Source(
        f"branch protection '{rule['rule_name']}'",
        frozenset(grants),
        approvals=rule.get("required_approvals") or 0,
        bypass=tuple(bypass),
        why=why,
    )


def _pushers(rule: Mapping[str, Any]) -> str:
    if not rule.get("enable_push_whitelist"):
        return "whoever may write"
    names = [*(rule.get("push_whitelist_usernames") or ()), *(rule.get("push_whitelist_teams") or ())]
    names += ["deploy keys"] if rule.get("push_whitelist_deploy_keys") else []
    return ", ".join(names) or "a list of people"


def _missing_checks(rule: Mapping[str, Any], environment: Environment) -> list[str]:
    contexts = rule.get("status_check_contexts") or [] if rule.get("enable_status_check") else []
    missing = [
        f"'{check.name}' is not required"
        for check in environment.required_checks
        if not any(_matches(context, check.name) for context in contexts)
    ]
    if environment.required_checks and not rule.get("block_on_outdated_branch"):
        missing.append("a pull request need not be up to date before its merge")
    return missing


def _wanted(environment: Environment, rule: Mapping[str, Any]) -> dict[str, object]:
    asked = by.asked(environment)
    wanted: dict[str, object] = {"enable_force_push": False}
    if by.PULL_REQUEST in asked:
        wanted["enable_push"] = False
    if by.APPROVALS in asked:
        wanted["required_approvals"] = max(environment.approvals, rule.get("required_approvals") or 0)
        wanted["dismiss_stale_approvals"] = True
        wanted["block_on_rejected_reviews"] = True
    if by.CODE_OWNERS in asked:
        wanted["block_on_official_review_requests"] = True
    if by.BYPASS in asked:
        # Forgejo's name for it is the second one; each ignores the other's.
        names = {"block_admin_merge_override", "apply_to_admins"}
        wanted |= dict.fromkeys(names & rule.keys() or names, True)
        wanted["unprotected_file_patterns"] = ""
    if by.CHECKS in asked:
        names_wanted = [check.name for check in environment.required_checks]
        wanted["enable_status_check"] = True
        wanted["status_check_contexts"] = list(
            dict.fromkeys([*(rule.get("status_check_contexts") or ()), *names_wanted])
        )
        wanted["block_on_outdated_branch"] = True
    return wanted


def _kept(rule: Mapping[str, Any]) -> dict[str, object]:
    """What a rule says besides its names and times."""
    own = {"rule_name", "branch_name", "priority", "created_at", "updated_at"}
    return {key: value for key, value in rule.items() if key not in own}


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
