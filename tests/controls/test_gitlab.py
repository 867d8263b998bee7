"""The controls of a branch at GitLab, from the documents of its API."""

from dataclasses import replace
from typing import Any

import pytest

from cipipe import controls
from cipipe.config import Environment, RequiredCheck
from cipipe.controls.facts import Answer, Facts, Step

PROD = Environment(
    name="prod", branch="prod", path=("m",), protected=True, approvals=1,
    required_checks=(RequiredCheck(name="pipeline"),),
)  # fmt: skip
NO = Answer(403, {"message": "403 Forbidden"})
NO_ONE = {"id": 1, "access_level": 0, "access_level_description": "No one", "user_id": None, "group_id": None}
MAINTAINERS = {"id": 2, "access_level": 40, "access_level_description": "Maintainers", "user_id": None}
REVIEW = ("approvals", "stale-approvals-dismissed", "last-push-approved-by-another", "no-self-approval")
EVERYTHING = dict.fromkeys(
    ("pull-request-required", *REVIEW, "no-bypass", "no-force-push", "no-deletion", "required-checks",
     "conversations-resolved"), "fail",
)  # fmt: skip
PROJECT = {
    "only_allow_merge_if_pipeline_succeeds": True,
    "allow_merge_on_skipped_pipeline": False,
    "only_allow_merge_if_all_discussions_are_resolved": True,
    "permissions": {"project_access": {"access_level": 40}, "group_access": None},
}
SETTINGS = {
    "reset_approvals_on_push": True,
    "merge_requests_author_approval": False,
    "merge_requests_disable_committers_approval": True,
    "disable_overriding_approvers_per_merge_request": True,
}


def rule(name: str = "prod", *push: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A protected branch."""
    levels = list(push or (NO_ONE,))
    merge = [{"access_level": 40}]
    return {
        "name": name,
        "push_access_levels": levels,
        "merge_access_levels": merge,
        "allow_force_push": False,
        **changes,
    }


def premium(*rules: dict[str, Any], count: int = 1, **changes: Any) -> dict[str, Answer]:
    """A project on Premium."""
    asked = [{"id": 3, "rule_type": "any_approver", "approvals_required": count, "protected_branches": []}]
    return {
        "project": Answer(200, {**PROJECT, **changes.pop("project", {})}),
        "protected_branches": Answer(200, list(rules)),
        "approvals": Answer(200, {**SETTINGS, **changes.pop("settings", {})}),
        "approval_rules": Answer(200, changes.pop("approval_rules", asked)),
        "ci": Answer(200, {"merged_yaml": ""}),
    }


def free(*rules: dict[str, Any], ci: str = "script: cipipe gate", **project: Any) -> dict[str, Answer]:
    """A project without a licence."""
    return {
        **premium(*rules, project=project),
        "approvals": Answer(404, {}),
        "approval_rules": NO,
        "ci": Answer(200, {"merged_yaml": ci}),
    }


def bad(said: Facts, environment: Environment = PROD) -> dict[str, str]:
    """The controls that fail or are unknown."""
    found = controls.controls("gitlab", environment, said)
    return {each.name: each.state for each in found if each.state in {"fail", "unknown"}}


def fail(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "fail")


PUSH, FORCE = "pull-request-required", "no-force-push"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(premium(rule()), {}, id="all right"),
        pytest.param(premium(), EVERYTHING, id="nothing"),
        pytest.param(premium(rule("main")), EVERYTHING, id="another branch"),
        pytest.param(premium(rule("p*")), {}, id="a wildcard"),
        pytest.param(premium(rule("prod", MAINTAINERS)), fail(PUSH), id="maintainers push"),
        pytest.param(premium(rule(), rule("p*", MAINTAINERS)), fail(PUSH), id="the wildcard is more open"),
        pytest.param(premium(rule(), rule("release/*", MAINTAINERS)), {}, id="the open wildcard is for others"),
        pytest.param(premium(rule(), rule("*", allow_force_push=True)), fail(FORCE), id="force by the wildcard"),
        pytest.param(premium(rule("prod", NO_ONE, {"id": 4, "deploy_key_id": 9, "access_level": 40})), fail(PUSH),
                     id="a deploy key"),
        pytest.param(premium(rule("prod", {"id": 4, "user_id": 9, "access_level": None})), fail(PUSH), id="a person"),
        pytest.param(premium(rule("prod", {"id": 4, "group_id": 9, "access_level": 0})), fail(PUSH), id="a group"),
        pytest.param(premium(rule(), count=0), fail("approvals"), id="no approvals"),
        pytest.param(premium(rule(), approval_rules=[
            {"approvals_required": 1, "protected_branches": [{"name": "main"}]}]), fail("approvals"), id="for main"),
        pytest.param(premium(rule(), approval_rules=[
            {"approvals_required": 1, "protected_branches": [{"name": "prod"}]}]), {}, id="for prod"),
        pytest.param(premium(rule(), settings={"reset_approvals_on_push": False}),
                     fail("stale-approvals-dismissed"), id="stale"),
        pytest.param(premium(rule(), settings={"merge_requests_author_approval": True}),
                     fail("no-self-approval"), id="authors approve"),
        pytest.param(premium(rule(), settings={"merge_requests_disable_committers_approval": False}),
                     fail("last-push-approved-by-another"), id="committers approve"),
        pytest.param(premium(rule(), settings={"disable_overriding_approvers_per_merge_request": False}),
                     fail("no-bypass"), id="the rules can be changed"),
        pytest.param(premium(rule(), project={"only_allow_merge_if_pipeline_succeeds": False}),
                     fail("required-checks"), id="no pipeline"),
        pytest.param(premium(rule(), project={"allow_merge_on_skipped_pipeline": True}),
                     fail("required-checks"), id="skipped pipelines"),
        pytest.param(premium(rule(), project={"only_allow_merge_if_all_discussions_are_resolved": False}),
                     fail("conversations-resolved"), id="conversations"),
        pytest.param(free(rule()), {}, id="free, with the gate in a pipeline that must succeed"),
        pytest.param(free(rule(), ci="script: make"), fail(*REVIEW), id="free, without the gate"),
        pytest.param(free(rule("prod", MAINTAINERS)), fail(PUSH, *REVIEW), id="free, maintainers push"),
        pytest.param(free(rule(), only_allow_merge_if_pipeline_succeeds=False), fail("required-checks", *REVIEW),
                     id="free, no pipeline"),
        pytest.param(free(rule(), permissions={"project_access": {"access_level": 30}}),
                     dict.fromkeys(REVIEW, "unknown"), id="a developer's token"),
        pytest.param(free(rule(), permissions={"project_access": None, "group_access": None}), {},
                     id="free, a token of the server's administrator"),
        pytest.param({**premium(rule()), "protected_branches": NO}, dict.fromkeys(EVERYTHING, "unknown"), id="hidden"),
    ],
)  # fmt: skip
def test_controls(said: Facts, expected: dict[str, str]) -> None:
    assert bad(said) == expected


def test_free_is_reported_as_what_it_is() -> None:
    found = {each.name: each for each in controls.controls("gitlab", PROD, free(rule()))}
    assert {found[name].state for name in REVIEW} == {"not-available"}
    assert "Premium" in found["approvals"].evidence


def carry_out(said: dict[str, Answer], step: Step) -> dict[str, Answer]:
    """The facts after a step, as GitLab would have them."""
    after, body = dict(said), dict(step.body or {})
    rules = [dict(each) for each in said["protected_branches"].document]
    if step.path == "protected_branches":
        assert all(each["name"] != body["name"] for each in rules), "409: it is there"
        rules.append(rule(str(body["name"]), {**NO_ONE, "access_level": body["push_access_level"]}))
    elif step.method == "DELETE":
        rules = [each for each in rules if f"protected_branches/{each['name']}" != step.path]
    elif step.path.startswith("protected_branches/"):
        (own,) = (each for each in rules if f"protected_branches/{each['name']}" == step.path)
        own["allow_force_push"] = body["allow_force_push"]
        levels: Any = body.get("allowed_to_push", [])
        gone = {level["id"] for level in levels if level.get("_destroy")}
        kept = [level for level in own["push_access_levels"] if level["id"] not in gone]
        own["push_access_levels"] = kept + [level for level in levels if "id" not in level]
    elif step.path == "approvals":
        after["approvals"] = Answer(200, {**said["approvals"].document, **body})
    elif step.path.startswith("approval_rules"):
        after["approval_rules"] = Answer(
            200, [{"rule_type": "any_approver", "protected_branches": [], **body}]
        )
    else:
        assert (step.method, step.path) == ("PUT", "")
        after["project"] = Answer(200, {**said["project"].document, **body})
    return {**after, "protected_branches": Answer(200, rules)}


OFF = dict.fromkeys(SETTINGS, False) | {"merge_requests_author_approval": True}


@pytest.mark.parametrize(
    "said",
    [
        premium(settings=OFF, count=0),
        premium(rule("prod", MAINTAINERS, allow_force_push=True), settings=OFF, approval_rules=[]),
        premium(rule(), project={"only_allow_merge_if_pipeline_succeeds": False}),
        free(rule("prod", MAINTAINERS), only_allow_merge_if_pipeline_succeeds=False),
        free(),
    ],
)
def test_a_plan_makes_everything_hold_and_is_empty_then(said: dict[str, Answer]) -> None:
    for step in controls.plan("gitlab", PROD, said):
        said = carry_out(said, step)
    assert bad(said) == {}
    assert controls.plan("gitlab", PROD, said) == ()


def test_a_wildcard_that_is_too_open_is_left_to_people() -> None:
    said = premium(rule(), rule("p*", MAINTAINERS))
    assert controls.plan("gitlab", PROD, said) == ()
    (control,) = (each for each in controls.controls("gitlab", PROD, said) if each.name == PUSH)
    assert "Maintainers ('p*')" in control.evidence


def test_code_owners_need_premium() -> None:
    owned = replace(PROD, code_owners=True)
    assert bad(premium(rule()), owned) == fail("code-owners")
    assert bad(premium(rule(), rule("*", code_owner_approval_required=True)), owned) == {}
    assert bad(free(rule()), owned) == {}
