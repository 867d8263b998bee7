"""GitLab: every wildcard that matches counts, and the most permissive one wins; approvals need Premium.

https://docs.gitlab.com/api/protected_branches/, https://docs.gitlab.com/api/merge_request_approvals/
https://docs.gitlab.com/user/project/repository/branches/protection_rules/
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from cipipe.config.model import Environment
from cipipe.controls import sources as by
from cipipe.controls.facts import Answer, Facts, Step
from cipipe.controls.patterns import wildcard
from cipipe.controls.sources import Bypass, Protection, Source
from cipipe.results import Control

SETTINGS = {
    by.PULL_REQUEST: "protected branch: push_access_levels = No one (0), on every rule that matches",
    by.APPROVALS: "approval rule: approvals_required (Premium); else the job `cipipe gate` in the pipeline",
    by.STALE: "approval settings: reset_approvals_on_push = true (Premium)",
    by.LAST_PUSH: "approval settings: merge_requests_disable_committers_approval = true (Premium)",
    by.SELF: "approval settings: merge_requests_author_approval = false (Premium)",
    by.CODE_OWNERS: "protected branch: code_owner_approval_required = true (Premium)",
    by.BYPASS: "approval settings: disable_overriding_approvers_per_merge_request = true",
    by.FORCE_PUSH: "protected branch: allow_force_push = false, on every rule that matches",
    by.DELETION: "protected branch",
    by.CHECKS: "project: only_allow_merge_if_pipeline_succeeds = true,"
    " allow_merge_on_skipped_pipeline = false",
    by.CONVERSATIONS: "project: only_allow_merge_if_all_discussions_are_resolved = true",
}
_NO_ONE = 0
_MAINTAINERS = 40
_LEVELS = {30: "Developers", 40: "Maintainers", 60: "administrators"}
_APPROVALS = (by.APPROVALS, by.STALE, by.LAST_PUSH, by.SELF)
_SETTINGS = {
    "reset_approvals_on_push": True,
    "merge_requests_author_approval": False,
    "merge_requests_disable_committers_approval": True,
    "disable_overriding_approvers_per_merge_request": True,
}
_EVERYTHING = frozenset(SETTINGS)


def controls(environment: Environment, facts: Facts) -> tuple[Control, ...]:
    """The controls of a branch.

    `facts` has `project`, `protected_branches`, `approvals`, `approval_rules` and `ci` (the merged pipeline).
    """
    return tuple(by.judge(environment, _protection(environment, facts), SETTINGS))


def plan(environment: Environment, facts: Facts) -> tuple[Step, ...]:
    """The branch's own rule, the project's settings, and on Premium the approvals."""
    failed = {
        control.name for control in controls(environment, facts) if control.state in {"fail", "unknown"}
    }
    if not failed or _get(facts, "protected_branches").status != 200:
        return ()
    steps = [*_branch_steps(environment, facts), *_project_steps(environment, facts)]
    if _premium(facts) and (failed & {*_APPROVALS, by.BYPASS}):
        steps += _approval_steps(environment, facts)
    return tuple(steps)


def _get(facts: Facts, name: str) -> Answer:
    return facts.get(name, Answer(0))


def _matching(environment: Environment, facts: Facts) -> list[dict[str, Any]]:
    answer = _get(facts, "protected_branches")
    listed = answer.document if answer.status == 200 else []
    return [rule for rule in listed if wildcard(rule["name"], environment.branch)]


def _premium(facts: Facts) -> bool:
    return _get(facts, "approvals").status == 200 and _get(facts, "approval_rules").status == 200


def _protection(environment: Environment, facts: Facts) -> Protection:
    hidden = [
        f"the token may not read {words} ({_get(facts, name).status})"
        for name, words in (("project", "the project"), ("protected_branches", "the protected branches"))
        if _get(facts, name).status != 200
    ]
    if hidden:
        return Protection([], hidden)
    rules = _matching(environment, facts)
    if not rules:
        return Protection([])
    source = _source(rules, facts)
    absent = {} if _premium(facts) else _without_premium(source, facts)
    hidden = [] if _premium(facts) or _is_maintainer(facts) else ["the token may not read the approval rules"]
    if hidden and absent:
        absent = {}
    return Protection([source], hidden, absent)


def _source(rules: Sequence[Mapping[str, Any]], facts: Facts) -> Source:
    """All matching rules as one: pushing is as open as the most open one."""
    project = _get(facts, "project").document
    grants = {by.DELETION}
    why = {}
    pushers = [f"{who} ('{rule['name']}')" for rule in rules for who in _pushers(rule)]
    if pushers:
        why[by.PULL_REQUEST] = f"{', '.join(pushers)} may push to the branch"
    else:
        grants.add(by.PULL_REQUEST)
    forced = [f"'{rule['name']}'" for rule in rules if rule.get("allow_force_push")]
    if forced:
        why[by.FORCE_PUSH] = f"{', '.join(forced)} allows force pushes"
    else:
        grants.add(by.FORCE_PUSH)
    grants |= {by.CODE_OWNERS} if any(rule.get("code_owner_approval_required") for rule in rules) else set()
    grants |= {by.CONVERSATIONS} if project.get("only_allow_merge_if_all_discussions_are_resolved") else set()
    if _pipeline_must_succeed(project):
        grants.add(by.CHECKS)
    else:
        why[by.CHECKS] = "a merge needs no pipeline that succeeded"
    approvals, bypass = 0, []
    if _premium(facts):
        settings = _get(facts, "approvals").document
        approvals = _approvals_required(rules, facts)
        grants |= {by.STALE} if settings.get("reset_approvals_on_push") else set()
        grants |= {by.LAST_PUSH} if settings.get("merge_requests_disable_committers_approval") else set()
        grants |= {by.SELF} if settings.get("merge_requests_author_approval") is False else set()
        if not settings.get("disable_overriding_approvers_per_merge_request"):
            who = "whoever writes a merge request (its approval rules can be changed there)"
            bypass.append(Bypass(who, _EVERYTHING - {by.APPROVALS}))
    names = ", ".join(f"'{rule['name']}'" for rule in rules)
    return Source(f"protected branch {names}", frozenset(grants), approvals, bypass=tuple(bypass), why=why)


def _pushers(rule: Mapping[str, Any]) -> Iterator[str]:
    for level in rule.get("push_access_levels") or ():
        special = next((kind for kind in ("deploy_key_id", "user_id", "group_id") if level.get(kind)), None)
        if special or level.get("access_level") != _NO_ONE:
            known = _LEVELS.get(level.get("access_level") or 0, "somebody")
            yield str(level.get("access_level_description") or known)


def _pipeline_must_succeed(project: Mapping[str, Any]) -> bool:
    asked = project.get("only_allow_merge_if_pipeline_succeeds")
    return bool(asked and not project.get("allow_merge_on_skipped_pipeline"))


def _approvals_required(rules: Sequence[Mapping[str, Any]], facts: Facts) -> int:
    """The most that one approval rule of the branch asks; a rule without branches is for all of them."""
    names = {rule["name"] for rule in rules}
    counts = [0]
    for rule in _get(facts, "approval_rules").document:
        branches = {branch.get("name") for branch in rule.get("protected_branches") or ()}
        if not branches or branches & names or rule.get("applies_to_all_protected_branches"):
            counts.append(rule.get("approvals_required") or 0)
    return max(counts)


def _is_maintainer(facts: Facts) -> bool:
    """Whether a refusal of the approval rules is the plan's and not the token's.

    An administrator of the server is no member, and has no level; others without one see no protected branch.
    """
    permissions = (_get(facts, "project").document or {}).get("permissions") or {}
    told = [(permissions.get(kind) or {}).get("access_level") for kind in ("project_access", "group_access")]
    levels = [level for level in told if level is not None]
    return not levels or max(levels) >= _MAINTAINERS


def _without_premium(source: Source, facts: Facts) -> dict[str, str]:
    """What GitLab Free cannot do, where `cipipe gate` in a pipeline that must succeed does it instead."""
    absent = {by.CODE_OWNERS: "code owners' approvals need GitLab Premium"}
    ci = _get(facts, "ci")
    merged = str((ci.document or {}).get("merged_yaml") or "") if ci.status == 200 else ""
    gate = "cipipe" in merged and "gate" in merged
    if gate and {by.PULL_REQUEST, by.CHECKS} <= source.grants:
        said = (
            "approval rules need GitLab Premium: the server does not ask for it, the job `cipipe gate` does"
        )
        absent |= dict.fromkeys(_APPROVALS, said)
    return absent


def _branch_steps(environment: Environment, facts: Facts) -> Iterator[Step]:
    """The branch's own rule; a wildcard that is too open serves other branches, and stays as it is."""
    name = environment.branch
    own = next((rule for rule in _matching(environment, facts) if rule["name"] == name), None)
    owners = environment.code_owners and _premium(facts)
    body: dict[str, object] = {"name": name, "push_access_level": _NO_ONE, "allow_force_push": False}
    body |= {"code_owner_approval_required": True} if owners else {}
    if own is None:
        body["merge_access_level"] = _MAINTAINERS
        says = f"protect the branch '{name}': nobody pushes, Maintainers merge, no force push"
        yield Step("POST", "protected_branches", body, says)
        return
    pushers = list(_pushers(own))
    right = not own.get("allow_force_push") and (bool(own.get("code_owner_approval_required")) or not owners)
    path = f"protected_branches/{quote(name, safe='')}"
    if not pushers and right:
        return
    if not pushers or _premium(facts):
        change: dict[str, object] = {"allow_force_push": False}
        change |= {"code_owner_approval_required": True} if owners else {}
        levels = own.get("push_access_levels") or ()
        closed = [{"id": level["id"], "_destroy": True} for level in levels]
        change |= {"allowed_to_push": [*closed, {"access_level": _NO_ONE}]} if pushers else {}
        yield Step("PATCH", path, change, f"change the protection of '{name}': nobody pushes, no force push")
        return
    merges = [level.get("access_level") for level in own.get("merge_access_levels") or ()]
    body["merge_access_level"] = max([level for level in merges if level], default=_MAINTAINERS)
    # GitLab Free cannot change who pushes: the rule is made anew, and for a moment there is none.
    yield Step("DELETE", path, None, f"take away the protection of '{name}', to make it anew")
    yield Step(
        "POST", "protected_branches", body, f"protect the branch '{name}': nobody pushes, no force push"
    )


def _project_steps(environment: Environment, facts: Facts) -> Iterator[Step]:
    asked = by.asked(environment)
    wanted: dict[str, object] = {}
    if by.CHECKS in asked or (not _premium(facts) and by.APPROVALS in asked):
        wanted |= {"only_allow_merge_if_pipeline_succeeds": True, "allow_merge_on_skipped_pipeline": False}
    if by.CONVERSATIONS in asked:
        wanted["only_allow_merge_if_all_discussions_are_resolved"] = True
    project = _get(facts, "project").document
    changed = {key: value for key, value in wanted.items() if bool(project.get(key)) is not value}
    if changed:
        words = ", ".join(f"{key} = {str(value).lower()}" for key, value in changed.items())
        yield Step("PUT", "", changed, f"change the project: {words}")


def _approval_steps(environment: Environment, facts: Facts) -> Iterator[Step]:
    now = _get(facts, "approvals").document
    changed = {key: value for key, value in _SETTINGS.items() if now.get(key) is not value}
    if changed:
        words = ", ".join(f"{key} = {str(value).lower()}" for key, value in changed.items())
        yield Step("POST", "approvals", changed, f"change the approval settings: {words}")
    if _approvals_required(_matching(environment, facts), facts) >= environment.approvals:
        return
    listed = _get(facts, "approval_rules").document
    anyone = next((rule for rule in listed if rule.get("rule_type") == "any_approver"), None)
    count = {"approvals_required": environment.approvals}
    says = f"ask for {environment.approvals} approvals"
    if anyone:
        yield Step("PUT", f"approval_rules/{anyone['id']}", count, says)
    else:
        body = {"name": "All Members", "rule_type": "any_approver", **count}
        yield Step("POST", "approval_rules", body, says)
