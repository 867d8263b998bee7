"""Which CI runs us, from the variables that the services document."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipipe.ci import Run, detect
from cipipe.errors import UsageError

SHA = "f" * 40
GITHUB = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/app",
    "GITHUB_SHA": SHA,
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_REF_NAME": "main",
    "GITHUB_REF_TYPE": "branch",
    "GITHUB_RUN_ID": "987",
    "GITHUB_RUN_NUMBER": "12",
    "GITHUB_WORKFLOW": "CI",
    "GITHUB_WORKFLOW_REF": "acme/app/.github/workflows/ci.yml@refs/heads/main",
    "GITHUB_ACTOR": "kim",
    "GITHUB_TRIGGERING_ACTOR": "lee",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PIPELINE_SOURCE": "push",
    "CI_PROJECT_URL": "https://gitlab.com/acme/app",
    "CI_COMMIT_SHA": SHA,
    "CI_COMMIT_BRANCH": "main",
    "CI_COMMIT_REF_NAME": "main",
    "CI_PIPELINE_IID": "12",
    "CI_PIPELINE_URL": "https://gitlab.com/acme/app/-/pipelines/9",
    "GITLAB_USER_LOGIN": "kim",
}
JENKINS = {
    "JENKINS_URL": "https://ci.acme.test/",
    "JOB_NAME": "app/main",
    "JOB_URL": "https://ci.acme.test/job/app/job/main/",
    "BUILD_URL": "https://ci.acme.test/job/app/job/main/12/",
    "BUILD_NUMBER": "12",
    "GIT_URL": "https://bot:hush@git.acme.test/acme/app.git",
    "GIT_COMMIT": SHA,
    "BRANCH_NAME": "main",
}


def changed(environ: dict[str, str], **change: str | None) -> dict[str, str]:
    return {name: value for name, value in {**environ, **change}.items() if value is not None}


def test_github() -> None:
    assert detect(GITHUB) == Run(
        service="github",
        repository="https://github.com/acme/app",
        commit=SHA,
        branch="main",
        run_url="https://github.com/acme/app/actions/runs/987",
        run_number=12,
        pipeline="https://github.com/acme/app/.github/workflows/ci.yml",
        actor="lee",
    )


def test_gitea_actions_link_runs_by_number() -> None:
    run = detect(changed(GITHUB, GITEA_ACTIONS="true", GITHUB_SERVER_URL="https://git.acme.test"))
    assert (run.service, run.run_url) == ("gitea", "https://git.acme.test/acme/app/actions/runs/12")


def test_gitlab() -> None:
    assert detect(GITLAB) == Run(
        service="gitlab",
        repository="https://gitlab.com/acme/app",
        commit=SHA,
        branch="main",
        run_url="https://gitlab.com/acme/app/-/pipelines/9",
        run_number=12,
        pipeline="https://gitlab.com/acme/app",
        actor="kim",
    )


def test_jenkins_without_the_password_of_its_git_url() -> None:
    assert detect(JENKINS) == Run(
        service="jenkins",
        repository="https://git.acme.test/acme/app.git",
        commit=SHA,
        branch="main",
        run_url="https://ci.acme.test/job/app/job/main/12/",
        run_number=12,
        pipeline="https://ci.acme.test/job/app/job/main/",
    )


def test_terminal() -> None:
    assert detect({"BRANCH_NAME": "main", "GITHUB_REF": "refs/heads/main", "CI": "true"}) == Run()


@pytest.mark.parametrize(
    ("environ", "branch", "tag", "pull_request"),
    [
        (changed(GITHUB, GITHUB_REF="refs/heads/feature/x"), "feature/x", None, False),
        (changed(GITHUB, GITHUB_REF="refs/tags/v1", GITHUB_REF_TYPE="tag"), None, "v1", False),
        (changed(GITHUB, GITHUB_REF="refs/tags/main"), None, "main", False),
        (changed(GITHUB, GITHUB_REF=None), "main", None, False),
        (changed(GITHUB, GITHUB_REF=None, GITHUB_REF_TYPE="tag", GITHUB_REF_NAME="v1"), None, "v1", False),
        (changed(GITHUB, GITHUB_REF=None, GITHUB_REF_TYPE=None), None, None, False),
        (changed(GITHUB, GITHUB_REF="refs/heads/refs/heads/main"), "refs/heads/main", None, False),
        (
            changed(
                GITHUB,
                GITHUB_EVENT_NAME="pull_request",
                GITHUB_REF="refs/pull/7/merge",
                GITHUB_HEAD_REF="main",
            ),
            None,
            None,
            True,
        ),
        (changed(GITHUB, GITHUB_EVENT_NAME="pull_request_target", GITHUB_HEAD_REF="x"), None, None, True),
        (changed(GITHUB, GITHUB_EVENT_NAME="pull_request_target"), None, None, True),
        (
            changed(GITHUB, GITHUB_EVENT_NAME="pull_request_review", GITHUB_REF="refs/pull/7/merge"),
            None,
            None,
            True,
        ),
        (
            changed(GITHUB, GITHUB_REF="refs/heads/gh-readonly-queue/main/pr-7"),
            "gh-readonly-queue/main/pr-7",
            None,
            False,
        ),
        (changed(GITHUB, GITHUB_EVENT_NAME="workflow_run"), None, None, False),
        (changed(GITLAB, CI_COMMIT_BRANCH="feature/x"), "feature/x", None, False),
        (changed(GITLAB, CI_COMMIT_BRANCH=None, CI_COMMIT_TAG="v1"), None, "v1", False),
        (
            changed(
                GITLAB,
                CI_COMMIT_BRANCH=None,
                CI_PIPELINE_SOURCE="merge_request_event",
                CI_MERGE_REQUEST_IID="7",
            ),
            None,
            None,
            True,
        ),
        (changed(GITLAB, CI_PIPELINE_SOURCE="parent_pipeline", CI_MERGE_REQUEST_IID="7"), None, None, True),
        (changed(GITLAB, CI_PIPELINE_SOURCE="external_pull_request_event"), None, None, True),
        (changed(GITLAB, CI_COMMIT_BRANCH=None), None, None, False),
        (changed(GITLAB, CI_OPEN_MERGE_REQUESTS="acme/app!7"), "main", None, False),
        (changed(JENKINS, BRANCH_NAME="PR-7", CHANGE_ID="7", CHANGE_BRANCH="main"), None, None, True),
        (changed(JENKINS, BRANCH_NAME="v1", TAG_NAME="v1"), None, "v1", False),
        (changed(JENKINS, BRANCH_NAME="origin/main"), "origin/main", None, False),
        (changed(JENKINS, BRANCH_NAME="refs/heads/main"), "refs/heads/main", None, False),
        (changed(JENKINS, BRANCH_NAME=None, GIT_BRANCH="origin/feature/x"), "feature/x", None, False),
        (
            changed(JENKINS, BRANCH_NAME=None, GIT_BRANCH="origin/main", GIT_LOCAL_BRANCH="main"),
            "main",
            None,
            False,
        ),
        (changed(JENKINS, BRANCH_NAME=None, GIT_BRANCH="main"), "main", None, False),
        (changed(JENKINS, BRANCH_NAME=None, GIT_BRANCH="detached"), None, None, False),
        (changed(JENKINS, BRANCH_NAME=None, GIT_BRANCH="refs/tags/v1"), None, "v1", False),
        (changed(JENKINS, BRANCH_NAME=None), None, None, False),
        (changed(JENKINS, BRANCH_NAME=None, GIT_BRANCH="origin/main", ghprbPullId="7"), None, None, True),
        (
            changed(JENKINS, BRANCH_NAME=None, GIT_BRANCH="origin/main", gitlabMergeRequestIid="7"),
            None,
            None,
            True,
        ),
        (changed(JENKINS, GERRIT_CHANGE_NUMBER="7"), None, None, True),
        (changed(JENKINS, JENKINS_URL=None), "main", None, False),
    ],
)
def test_branch_tag_and_pull_request(
    environ: dict[str, str], branch: str | None, tag: str | None, pull_request: bool
) -> None:
    source = detect(environ).source
    assert (source.branch, source.tag, source.pull_request) == (branch, tag, pull_request)


FOLLOWED: dict[str, Any] = {
    "workflow_run": {
        "event": "push",
        "head_branch": "main",
        "head_sha": "a" * 40,
        "head_repository": {"id": 1},
    },
    "repository": {"id": 1},
}


@pytest.mark.parametrize(
    ("change", "branch", "pull_request"),
    [
        ({}, "main", False),
        ({"event": "pull_request"}, None, True),
        ({"event": "pull_request_target"}, None, True),
        ({"head_repository": {"id": 2}}, None, True),
        ({"head_repository": None}, None, True),
        ({"head_branch": None}, None, False),
    ],
)
def test_a_workflow_run_is_what_it_follows(
    tmp_path: Path, change: dict[str, Any], branch: str | None, pull_request: bool
) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({**FOLLOWED, "workflow_run": {**FOLLOWED["workflow_run"], **change}}))
    run = detect(changed(GITHUB, GITHUB_EVENT_NAME="workflow_run", GITHUB_EVENT_PATH=str(event)))
    assert (run.branch, run.pull_request, run.commit) == (branch, pull_request, "a" * 40)


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, '{"workflow_run": 1, "repository": 2}'])
def test_a_broken_event_is_not_known(tmp_path: Path, content: str) -> None:
    event = tmp_path / "event.json"
    event.write_text(content)
    run = detect(changed(GITHUB, GITHUB_EVENT_NAME="workflow_run", GITHUB_EVENT_PATH=str(event)))
    assert (run.branch, run.tag, run.pull_request, run.commit) == (None, None, False, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_REF", "refs/heads/main\n::warning::x"),
        ("GITHUB_REF", "refs/heads/" + "a" * 1000),
        ("GITHUB_ACTOR", "kim\x1b[31m"),
        ("GITHUB_SHA", "main"),
        ("GITHUB_SHA", "f" * 39),
        ("GITHUB_REPOSITORY", "a\udc80"),
    ],
)
def test_values_that_no_ci_sets_are_refused(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name) as caught:
        detect(changed(GITHUB, GITHUB_TRIGGERING_ACTOR=None, **{name: value}))
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "9" * 30, "٣"])
def test_a_run_number_that_is_none_is_not_known(number: str) -> None:
    assert detect(changed(GITHUB, GITHUB_RUN_NUMBER=number)).run_number is None


@given(
    st.dictionaries(
        st.sampled_from([*GITHUB, *GITLAB, *JENKINS, "CHANGE_ID", "TAG_NAME"]), st.text(max_size=20)
    )
)
def test_any_environment_is_read_or_refused(environ: dict[str, str]) -> None:
    try:
        run = detect(environ)
    except UsageError:
        return
    assert not (run.branch and run.tag)
    assert not (run.pull_request and (run.branch or run.tag))
