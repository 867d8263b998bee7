"""The controls of a branch at GitHub, from the documents of its API."""

from dataclasses import replace
from typing import Any

import pytest

from cipipe import controls
from cipipe.config import Environment, RequiredCheck
from cipipe.controls.facts import Answer, Facts

PROD = Environment(name="prod", branch="prod", path=("m",), protected=True, approvals=1)
NONE = Answer(404, {"message": "Branch not protected"})
UPGRADE = Answer(403, {"message": "Upgrade to GitHub Pro or make this repository public."})
LOST = Answer(404, {"message": "Not Found"})
HIDDEN = Answer(403, {"message": "Resource not accessible by integration"})
BRANCH = ("pull-request-required", "approvals", "stale-approvals-dismissed", "last-push-approved-by-another",
          "no-self-approval", "no-bypass", "no-force-push", "no-deletion", "conversations-resolved")  # fmt: skip


def ruleset(**changes: Any) -> dict[str, Any]:
    """A ruleset that grants every control of prod."""
    review: dict[str, Any] = {
        "required_approving_review_count": 1, "dismiss_stale_reviews_on_push": True, "require_code_owner_review": False,
        "require_last_push_approval": True, "required_review_thread_resolution": True,
    }  # fmt: skip
    checks: dict[str, Any] = {
        "strict_required_status_checks_policy": True,
        "required_status_checks": [{"context": "cipipe/approvals", "integration_id": 15368}],
    }
    review |= changes.pop("review", {})
    checks |= changes.pop("checks", {})
    rules: list[dict[str, Any]] = [
        {"type": "deletion"},
        {"type": "non_fast_forward"},
        {"type": "pull_request", "parameters": review},
        {"type": "required_status_checks", "parameters": checks},
    ]
    without = changes.pop("without", ())
    names = {"include": changes.pop("include", ["refs/heads/prod"]), "exclude": changes.pop("exclude", [])}
    return {
        "id": 1, "name": "guard", "target": "branch", "enforcement": "active", "bypass_actors": [],
        "conditions": {"ref_name": names}, "rules": [rule for rule in rules if rule["type"] not in without], **changes,
    }  # fmt: skip


def classic(**changes: Any) -> Answer:
    """Classic protection that grants every control of prod."""
    review: dict[str, Any] = {
        "dismiss_stale_reviews": True, "require_code_owner_reviews": False, "require_last_push_approval": True,
        "required_approving_review_count": 1,
    }  # fmt: skip
    said: dict[str, Any] = {
        "required_pull_request_reviews": review,
        "enforce_admins": {"enabled": True},
        "allow_force_pushes": {"enabled": False},
        "allow_deletions": {"enabled": False},
        "required_conversation_resolution": {"enabled": True},
    }
    review |= changes.pop("review", {})
    return Answer(200, said | changes)


def facts(*listed: dict[str, Any], protection: Answer = NONE, **more: Answer) -> dict[str, Answer]:
    """What GitHub says; Actions may approve nothing, and there is no deployment environment."""
    return {
        "repository": Answer(200, {"default_branch": "main"}),
        "protection": protection,
        "rulesets": Answer(200, list(listed)),
        "rules": Answer(200, []),
        "workflow": Answer(200, {"can_approve_pull_request_reviews": False}),
        "environment": Answer(404, {"message": "Not Found"}),
        **more,
    }


def states(said: Facts, environment: Environment = PROD) -> dict[str, str]:
    return {control.name: control.state for control in controls.controls("github", environment, said)}


def bad(said: Facts, environment: Environment = PROD) -> dict[str, str]:
    """The controls that do not pass."""
    return {name: state for name, state in states(said, environment).items() if state in {"fail", "unknown"}}


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in ruleset().items() if name != key}


APPROVALS = {"approvals": "fail"}
BY_PASS = {"no-bypass": "fail"}
HOLDS: dict[str, str] = {}
EVERYTHING = dict.fromkeys(BRANCH, "fail")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(facts(ruleset()), HOLDS, id="a ruleset"),
        pytest.param(facts(protection=classic()), HOLDS, id="classic"),
        pytest.param(facts(), EVERYTHING, id="nothing"),
        pytest.param(facts(protection=UPGRADE, rulesets=UPGRADE), EVERYTHING, id="a plan without protection"),
        pytest.param(facts(protection=HIDDEN, rulesets=Answer(200, [])), dict.fromkeys(BRANCH, "unknown"), id="403"),
        pytest.param(facts(protection=LOST), dict.fromkeys(BRANCH, "unknown"), id="404"),
        pytest.param(facts(protection=LOST, repository=Answer(200, {"permissions": {"admin": True}})),
                     dict.fromkeys(BRANCH, "fail"), id="404 to an administrator"),
        pytest.param(facts(protection=LOST, repository=Answer(200, {"permissions": {"admin": False}})),
                     dict.fromkeys(BRANCH, "unknown"), id="404 to others"),
        pytest.param(facts(protection=classic(), rulesets=LOST,
                           repository=Answer(200, {"permissions": {"admin": True}})), {}, id="a server without rulesets"),
        pytest.param(facts(ruleset(), protection=HIDDEN), HOLDS, id="a ruleset is enough"),
        pytest.param(facts(ruleset(enforcement="evaluate")), EVERYTHING, id="evaluate"),
        pytest.param(facts(ruleset(enforcement="disabled")), EVERYTHING, id="disabled"),
        pytest.param(facts(ruleset(target="tag")), EVERYTHING, id="for tags"),
        pytest.param(facts(ruleset(include=["~ALL"])), HOLDS, id="all branches"),
        pytest.param(facts(ruleset(include=["~DEFAULT_BRANCH"])), EVERYTHING, id="the default branch is another"),
        pytest.param(facts(ruleset(include=[], exclude=["refs/heads/main"])), HOLDS, id="all but main"),
        pytest.param(facts(ruleset(include=[], exclude=["refs/heads/p*"])), EVERYTHING, id="all but p*"),
        pytest.param(facts(ruleset(include=["~ALL"], exclude=["refs/heads/prod"])), EVERYTHING, id="excluded"),
        pytest.param(facts(ruleset(include=[], exclude=[])), EVERYTHING, id="no branch at all"),
        pytest.param(facts(ruleset(include=["refs/heads/*/prod"])), EVERYTHING, id="a folder more"),
        pytest.param(facts(ruleset(review={"required_approving_review_count": 0})), APPROVALS, id="no approvals"),
        pytest.param(facts(ruleset(review={"required_approving_review_count": 0}), protection=classic()), HOLDS,
                     id="the stricter one counts"),
        pytest.param(facts(ruleset(bypass_actors=[{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}])),
                     BY_PASS, id="a role passes"),
        pytest.param(facts(ruleset(bypass_actors=[{"actor_id": 5, "actor_type": "Team", "bypass_mode": "pull_request"}])),
                     BY_PASS, id="a team merges unapproved"),
        pytest.param(facts(ruleset(bypass_actors=[{"actor_id": 5, "actor_type": "Team", "bypass_mode": "exempt"}]),
                           protection=classic()), HOLDS, id="who passes the ruleset is held by classic"),
        pytest.param(facts(ruleset(name="open", bypass_actors=[{"actor_id": 1, "actor_type": "Team"}]), ruleset(id=2)),
                     HOLDS, id="the bypass is the other ruleset's"),
        pytest.param(facts(ruleset(bypass_actors=[{"actor_id": 1, "actor_type": "Team"}]),
                           ruleset(id=2, review={"required_approving_review_count": 0})),
                     BY_PASS, id="the approvals alone can be passed by"),
        pytest.param(facts(without("bypass_actors")), {"no-bypass": "unknown"}, id="the exceptions are hidden"),
        pytest.param(facts(without("bypass_actors"), protection=classic()), HOLDS, id="hidden, but classic has none"),
        pytest.param(facts(protection=classic(enforce_admins={"enabled": False})), BY_PASS, id="not for administrators"),
        pytest.param(facts(protection=classic(review={"bypass_pull_request_allowances": {"users": [{"login": "bob"}]}})),
                     BY_PASS, id="bob passes"),
        pytest.param(facts(protection=classic(review={"bypass_pull_request_allowances": {"apps": [{"slug": "bot"}], "users": []}})),
                     BY_PASS, id="an app passes"),
        pytest.param(facts(protection=classic(allow_force_pushes={"enabled": True})), {"no-force-push": "fail"}, id="force"),
        pytest.param(facts(protection=classic(allow_deletions={"enabled": True})), {"no-deletion": "fail"}, id="deletion"),
        pytest.param(facts(ruleset(without=("non_fast_forward",))), {"no-force-push": "fail"}, id="force, ruleset"),
        pytest.param(facts(ruleset(review={"dismiss_stale_reviews_on_push": False})),
                     {"stale-approvals-dismissed": "fail"}, id="stale"),
        pytest.param(facts(ruleset(review={"require_last_push_approval": False})),
                     {"last-push-approved-by-another": "fail"}, id="last push"),
        pytest.param(facts(ruleset(review={"required_review_thread_resolution": False})),
                     {"conversations-resolved": "fail"}, id="conversations"),
        pytest.param(facts(ruleset(), workflow=Answer(200, {"can_approve_pull_request_reviews": True})),
                     {"actions-cannot-approve": "fail"}, id="a workflow approves"),
        pytest.param(facts(ruleset(), workflow=HIDDEN), {"actions-cannot-approve": "unknown"}, id="hidden workflow"),
        pytest.param(facts(ruleset(), environment=Answer(200, {"protection_rules": [], "can_admins_bypass": False})),
                     {"environment-reviewers": "fail"}, id="a deployment environment without reviewers"),
    ],
)  # fmt: skip
def test_controls(said: Facts, expected: dict[str, str]) -> None:
    assert bad(said) == expected


def test_rules_in_force_whose_ruleset_is_not_shown() -> None:
    listed: Any = ruleset()["rules"]
    rules = [{**rule, "ruleset_id": 9, "ruleset_source": "acme"} for rule in listed]
    assert bad(facts(rules=Answer(200, rules))) == {"no-bypass": "unknown"}
    assert bad(facts(ruleset(), rules=Answer(200, rules))) == {}


@pytest.mark.parametrize(
    ("reviewer", "admins", "expected"),
    [(True, False, "pass"), (False, False, "fail"), (True, True, "fail")],
)
def test_deployment_environment(reviewer: bool, admins: bool, expected: str) -> None:
    rule = {"type": "required_reviewers", "prevent_self_review": reviewer, "reviewers": [{"type": "User"}]}
    answer = Answer(200, {"protection_rules": [rule], "can_admins_bypass": admins})
    assert states(facts(ruleset(), environment=answer))["environment-reviewers"] == expected


CHECK = replace(PROD, required_checks=(RequiredCheck(name="cipipe/approvals", app=15368),))


@pytest.mark.parametrize(
    ("app", "said", "expected"),
    [
        (15368, facts(ruleset()), "pass"),
        (None, facts(ruleset()), "pass"),
        (7, facts(ruleset()), "fail"),
        ("github-actions", facts(ruleset()), "fail"),
        ("github-actions", facts(ruleset(), **{"app/github-actions": Answer(200, {"id": 15368})}), "pass"),
        ("github-actions", facts(ruleset(), **{"app/github-actions": Answer(200, {"id": 7})}), "fail"),
        (15368, facts(ruleset(checks={"strict_required_status_checks_policy": False})), "fail"),
        (None, facts(ruleset(checks={"required_status_checks": [{"context": "cipipe/approvals"}]})), "fail"),
        (None, facts(ruleset(checks={"required_status_checks": []})), "fail"),
        (
            15368,
            facts(protection=classic(required_status_checks={
                "strict": True, "checks": [{"context": "cipipe/approvals", "app_id": 15368}]})),
            "pass",
        ),
        (
            None,
            facts(protection=classic(required_status_checks={
                "strict": True, "checks": [{"context": "cipipe/approvals", "app_id": -1}]})),
            "fail",
        ),
        (None, facts(protection=classic(required_status_checks={
            "strict": True, "contexts": ["cipipe/approvals"]})), "fail"),
    ],
)  # fmt: skip
def test_required_checks(app: int | str | None, said: Facts, expected: str) -> None:
    environment = replace(PROD, required_checks=(RequiredCheck(name="cipipe/approvals", app=app),))
    assert states(said, environment)["required-checks"] == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200, {"errors": []}), "pass"),
        (Answer(200, {"errors": [{"line": 3}]}), "fail"),
        (Answer(404, {}), "fail"),
        (HIDDEN, "unknown"),
    ],
)
def test_code_owners(answer: Answer, expected: str) -> None:
    said = facts(ruleset(review={"require_code_owner_review": True}), codeowners=answer)
    assert states(said, replace(PROD, code_owners=True))["code-owners"] == expected


def test_evidence_names_who_may_pass_and_what_to_set() -> None:
    actors = [{"actor_id": 42, "actor_type": "Team", "bypass_mode": "always"}]
    said = {
        each.name: each for each in controls.controls("github", PROD, facts(ruleset(bypass_actors=actors)))
    }
    assert "Team 42 (ruleset 'guard')" in said["no-bypass"].evidence
    assert "bypass_actors = []" in said["no-bypass"].setting


def carried_out(environment: Environment, said: dict[str, Answer]) -> dict[str, Answer]:
    """The facts after the plan's steps, as GitHub would have them."""
    rulesets = list(said["rulesets"].document)
    result = dict(said)
    for step in controls.plan("github", environment, said):
        if step.path.startswith("rulesets"):
            assert step.body is not None
            number = int(step.path.rpartition("/")[2]) if "/" in step.path else 77
            rulesets = [one for one in rulesets if one["id"] != number] + [{**step.body, "id": number}]
        else:
            result["workflow"] = Answer(200, step.body)
    return {**result, "rulesets": Answer(200, rulesets)}


@pytest.mark.parametrize(
    "before",
    [
        facts(),
        facts(protection=classic(enforce_admins={"enabled": False})),
        facts(ruleset(bypass_actors=[{"actor_id": 1, "actor_type": "Team"}])),
        facts(ruleset(review={"required_approving_review_count": 0})),
        facts(workflow=Answer(200, {"can_approve_pull_request_reviews": True})),
        facts(ruleset(name="cipipe prod", rules=[{"type": "required_signatures"}], id=5)),
    ],
)
def test_a_plan_makes_everything_hold_and_is_empty_then(before: dict[str, Answer]) -> None:
    after = carried_out(CHECK, before)
    assert bad(after, CHECK) == {}
    assert controls.plan("github", CHECK, after) == ()


def test_a_plan_keeps_what_the_ruleset_has_besides() -> None:
    own = ruleset(
        id=5, name="cipipe prod", review={"required_approving_review_count": 3, "require_last_push_approval": False},
        checks={"required_status_checks": [{"context": "lint", "integration_id": 3}]},
    )  # fmt: skip
    own["rules"].append({"type": "required_signatures"})
    (step,) = controls.plan("github", CHECK, facts(own))
    assert (step.method, step.path) == ("PUT", "rulesets/5")
    body: Any = step.body
    by_type: dict[str, Any] = {rule["type"]: rule.get("parameters") for rule in body["rules"]}
    assert by_type["pull_request"]["required_approving_review_count"] == 3
    assert [each["context"] for each in by_type["required_status_checks"]["required_status_checks"]] == [
        "lint",
        "cipipe/approvals",
    ]
    assert "required_signatures" in by_type


def test_a_check_that_cannot_be_bound_is_no_endless_plan() -> None:
    environment = replace(PROD, required_checks=(RequiredCheck(name="lint"),))
    after = carried_out(environment, facts())
    assert bad(after, environment) == {"required-checks": "fail"}
    assert controls.plan("github", environment, after) == ()
