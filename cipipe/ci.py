"""Which CI runs us, and what it builds; the one module that knows the CIs' own variables.

Every value is foreign text: bounded, of one line, and refused where it is not what it should be. Sources:
GitHub's "Default environment variables", GitLab's "Predefined CI/CD variables", the documentation of the
Jenkins plug-ins Git, Multibranch, GitHub pull request builder, GitLab and Gerrit.
"""

import json
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cipipe.errors import UsageError
from cipipe.source import Source

_LONGEST = 1000
_LARGEST_EVENT = 30_000_000  # bytes; GitHub caps a payload at 25 MB
_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Run:
    """A pipeline's run, as far as its CI says; on a terminal nothing is known and the checkout is asked.

    `repository` is a URL without credentials. `pipeline` names the pipeline across its runs, which
    `run_number` counts upwards. `actor` is the account that triggered the run.
    """

    service: str = "terminal"  # github, gitea, gitlab, jenkins or terminal
    repository: str | None = None
    commit: str | None = None
    branch: str | None = None
    tag: str | None = None
    pull_request: bool = False
    run_url: str | None = None
    run_number: int | None = None
    pipeline: str | None = None
    actor: str | None = None

    @property
    def source(self) -> Source:
        """What the source rule judges."""
        return Source(self.branch, self.tag, self.pull_request)


def detect(environ: Mapping[str, str]) -> Run:
    """The run that `environ` describes; raise `UsageError` for a value that no CI sets."""
    variables = _Variables(environ)
    if variables.text("GITHUB_ACTIONS") == "true":
        return _github(variables)
    if variables.text("GITLAB_CI") == "true":
        return _gitlab(variables)
    if variables.text("JENKINS_URL") or (variables.text("BUILD_NUMBER") and variables.text("JOB_NAME")):
        return _jenkins(variables)
    return Run()


def target_branch(environ: Mapping[str, str]) -> str | None:
    """The branch that the pull request under test would enter; None outside of a pull request."""
    return _Variables(environ).text("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CHANGE_TARGET")


def target_repository(environ: Mapping[str, str]) -> str | None:
    """The repository that the pull request under test would enter; a fork's pipeline runs in the fork."""
    return _Variables(environ).url("CI_MERGE_REQUEST_PROJECT_URL") or detect(environ).repository


def pull_request_number(environ: Mapping[str, str]) -> int | None:
    """The number of the pull request under test; None outside of one."""
    variables = _Variables(environ)
    of_github = re.fullmatch(r"refs/pull/([0-9]{1,9})/\w+", variables.text("GITHUB_REF") or "")
    number = variables.number("CI_MERGE_REQUEST_IID") or variables.number("CHANGE_ID")
    return int(of_github[1]) if of_github else number


class _Variables:
    """Checked access to the environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, *names: str) -> str | None:
        """The first of `names` that is set to something."""
        for name in names:
            if value := self._environ.get(name):
                if len(value) > _LONGEST or not value.isprintable():
                    raise UsageError(
                        f"{name} is longer than {_LONGEST} characters or holds a control character",
                        hint="no CI sets such a value: look who does",
                    )
                return value
        return None

    def commit(self, name: str) -> str | None:
        """A commit id."""
        value = self.text(name)
        if value and not _COMMIT.fullmatch(value.lower()):
            raise UsageError(
                f"{name} is no commit id: {value[:80]}", hint="it has 40 or 64 hexadecimal digits"
            )
        return value.lower() if value else None

    def number(self, name: str) -> int | None:
        """A count from 1; anything else is not comparable, hence not known."""
        value = self.text(name) or ""
        return int(value) if re.fullmatch("[1-9][0-9]{0,17}", value) else None

    def url(self, *names: str) -> str | None:
        """A URL, without the credentials that a CI may have put into it."""
        return _without_credentials(self.text(*names))


def _github(variables: _Variables) -> Run:
    """Also Gitea's and Forgejo's Actions, which set the same variables."""
    server, slug = variables.url("GITHUB_SERVER_URL"), variables.text("GITHUB_REPOSITORY")
    repository = f"{server}/{slug}" if server and slug else None
    gitea = variables.text("GITEA_ACTIONS", "FORGEJO_ACTIONS") == "true"
    run = variables.text("GITHUB_RUN_NUMBER" if gitea else "GITHUB_RUN_ID")
    workflow = variables.text("GITHUB_WORKFLOW_REF")  # OWNER/NAME/.github/workflows/FILE@REF
    file = (
        workflow.partition("@")[0].removeprefix(f"{slug}/") if workflow else variables.text("GITHUB_WORKFLOW")
    )
    commit = variables.commit("GITHUB_SHA")
    branch, tag, pull_request = _github_source(variables)
    if variables.text("GITHUB_EVENT_NAME") == "workflow_run":
        commit, branch, pull_request = _followed_run(variables)
        tag = None
    return Run(
        service="gitea" if gitea else "github",
        repository=repository,
        commit=commit,
        branch=branch,
        tag=tag,
        pull_request=pull_request,
        run_url=f"{repository}/actions/runs/{run}" if repository and run else None,
        run_number=variables.number("GITHUB_RUN_NUMBER"),
        pipeline=f"{repository}/{file}" if repository and file else None,
        actor=variables.text("GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"),
    )


def _github_source(variables: _Variables) -> tuple[str | None, str | None, bool]:
    """Branch, tag, pull request; `pull_request_target` has the base branch as its ref, and builds another."""
    event, ref = variables.text("GITHUB_EVENT_NAME") or "", variables.text("GITHUB_REF") or ""
    kind, name = variables.text("GITHUB_REF_TYPE"), variables.text("GITHUB_REF_NAME")
    if not ref and name and kind in {"branch", "tag"}:
        ref = f"refs/{'heads' if kind == 'branch' else 'tags'}/{name}"
    if event.startswith("pull_request") or variables.text("GITHUB_HEAD_REF") or ref.startswith("refs/pull/"):
        return None, None, True
    return _of_ref(ref)


def _followed_run(variables: _Variables) -> tuple[str | None, str | None, bool]:
    """Commit, branch and pull request of the run that a `workflow_run` follows.

    GITHUB_REF and GITHUB_SHA are the default branch's there, even where a fork's pull request was built.
    """
    event = _event(variables.text("GITHUB_EVENT_PATH"))
    followed, own = event.get("workflow_run"), event.get("repository")
    if not isinstance(followed, dict) or not isinstance(own, dict):
        return None, None, False
    head = followed.get("head_repository")
    foreign = not isinstance(head, dict) or head.get("id") is None or head.get("id") != own.get("id")
    pull_request = foreign or str(followed.get("event")).startswith("pull_request")
    told = _Variables({key: str(followed.get(key) or "") for key in ("head_sha", "head_branch")})
    return told.commit("head_sha"), None if pull_request else told.text("head_branch"), pull_request


def _event(path: str | None) -> dict[str, Any]:
    try:
        with Path(path or "").open("rb") as file:
            event = json.loads(file.read(_LARGEST_EVENT))
    except (OSError, ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _gitlab(variables: _Variables) -> Run:
    """CI_COMMIT_BRANCH is set in branch pipelines alone; a merge request's child pipelines keep its IID."""
    source = variables.text("CI_PIPELINE_SOURCE")
    pull_request = bool(
        source in {"merge_request_event", "external_pull_request_event"}
        or variables.text("CI_MERGE_REQUEST_IID", "CI_EXTERNAL_PULL_REQUEST_IID")
    )
    tag = None if pull_request else variables.text("CI_COMMIT_TAG")
    project = variables.url("CI_PROJECT_URL")
    return Run(
        service="gitlab",
        repository=project,
        commit=variables.commit("CI_COMMIT_SHA"),
        branch=None if pull_request or tag else variables.text("CI_COMMIT_BRANCH"),
        tag=tag,
        pull_request=pull_request,
        run_url=variables.url("CI_PIPELINE_URL", "CI_JOB_URL"),
        run_number=variables.number("CI_PIPELINE_IID"),
        pipeline=project,  # the IID counts all pipelines of a project
        actor=variables.text("GITLAB_USER_LOGIN"),
    )


def _jenkins(variables: _Variables) -> Run:
    """A multibranch job sets BRANCH_NAME, for pull requests and tags too; others have the Git plug-in's."""
    branch, tag = None, variables.text("TAG_NAME")
    pull_request = bool(
        variables.text("CHANGE_ID", "ghprbPullId", "gitlabMergeRequestIid", "GERRIT_CHANGE_NUMBER")
    )
    if pull_request:
        tag = None
    elif tag is None:
        branch = variables.text("BRANCH_NAME", "GIT_LOCAL_BRANCH")
        if branch is None:  # GIT_BRANCH alone has the remote's name before the branch's
            branch, tag, pull_request = _of_ref((variables.text("GIT_BRANCH") or "").removeprefix("origin/"))
    server, job = variables.url("JENKINS_URL"), variables.text("JOB_NAME")
    return Run(
        service="jenkins",
        repository=variables.url("GIT_URL", "GIT_URL_1"),
        commit=variables.commit("GIT_COMMIT"),
        branch=branch,
        tag=tag,
        pull_request=pull_request,
        run_url=variables.url("BUILD_URL"),
        run_number=variables.number("BUILD_NUMBER"),
        pipeline=variables.url("JOB_URL")
        or (f"{(server or 'jenkins').rstrip('/')}/job/{job}" if job else None),
        actor=variables.text("BUILD_USER_ID"),
    )


def _of_ref(ref: str) -> tuple[str | None, str | None, bool]:
    """Branch, tag, pull request of a full ref, or of a branch's short name."""
    if ref in {"", "HEAD", "detached"}:
        return None, None, False
    if ref.startswith("refs/tags/"):
        return None, ref.removeprefix("refs/tags/"), False
    if ref.startswith(("refs/pull/", "refs/merge-requests/", "refs/changes/")):
        return None, None, True
    if ref.startswith("refs/heads/") or not ref.startswith("refs/"):
        return ref.removeprefix("refs/heads/") or None, None, False
    return None, None, False


def _without_credentials(url: str | None) -> str | None:
    if url is None or "://" not in url:
        return url
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return None
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
