"""What GitHub's and GitLab's documents mean for who may approve, and the whole gate on them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cipipe import approvals, config, trailers
from cipipe.approvals import Commit, Pull, Review
from cipipe.image import ImageRef
from cipipe.policy.facts import Facts
from cipipe.trailers import Origin, Trailers
from tests.fakes.protection import DocumentsFake
from tests.protect.conftest import ROOT, Ran

TOKEN = "a-token-of-the-tests"
HEAD, OLD = "a" * 40, "b" * 40
BLOB = "c" * 40
EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
TREE = "88ff192b7bc3f0423c66119a039a2846e95d3812"  # what `git mktree` says of the entries below
CONFIGURATION = """\
version: 1
forge: {{kind: {kind}, api_url: '{api}'}}
environments:
  staging: {{branch: main, path: m/staging, source_branches: [main]}}
  prod: {{branch: prod, path: m/prod, protected: true, promotes: staging}}
gate: {{bots: [release-robot]}}
"""


def bump_message(tree: str = TREE, *, actor: str = "octo", environment: str = "prod") -> str:
    origin = Origin(repository="https://git.example.com/acme/app", actor=actor)
    made = Trailers(environment, (ImageRef.parse("ghcr.io/acme/app:v2"),), origin, "e" * 64, tree)
    return "Bump\n\n" + trailers.render(made)


def github_commit(
    sha: str = HEAD, author: str | None = "ci", message: str = "m", tree: str = ""
) -> dict[str, Any]:
    account = {"login": author} if author else None
    body = {"message": message, "tree": {"sha": tree}}
    return {"sha": sha, "author": account, "committer": account, "commit": body}


def github(
    *reviews: tuple[str, str, str], commits: list[dict[str, Any]] | None = None, **pull: Any
) -> dict[str, Any]:
    """GitHub's documents of pull request 7; reviews are (login, state, commit)."""
    base = "/repos/acme/infra"
    said = {
        "head": {"ref": "cipipe/prod/1", "sha": HEAD, "repo": {"full_name": "acme/infra"}},
        "base": {"ref": "prod"},
        "user": {"login": "ci"},
        **pull,
    }
    people = {
        "rita": "write",
        "sam": "admin",
        "octo": "write",
        "guest": "read",
        "ci": "write",
        "release-robot": "write",
    }
    return {
        f"{base}/pulls/7": said,
        f"{base}/pulls/7/files": [{"filename": "m/prod/app.yaml"}],
        f"{base}/pulls/7/commits": commits if commits is not None else [github_commit()],
        f"{base}/pulls/7/reviews": [
            {
                "user": {"login": login, "type": "Bot" if "[bot]" in login else "User"},
                "state": state,
                "commit_id": commit,
            }
            for login, state, commit in reviews
        ],
        f"{base}/issues/7/events": [],
        f"{base}/activity": [],
        f"{base}/collaborators": [{"login": name} for name in people],
        **{f"{base}/collaborators/{name}/permission": {"permission": role} for name, role in people.items()},
    }


def gitlab(
    *approved: tuple[str, str],
    messages: tuple[str, ...] = ("m",),
    email: str = "1-ci@users.noreply.gitlab.com",
) -> dict[str, Any]:
    """GitLab's documents of merge request 7; approvals are (username, time)."""
    base = "/projects/acme/infra"
    at = f"{base}/merge_requests/7"
    commits = [
        {"id": HEAD, "author_email": email, "committer_email": email, "message": message}
        for message in messages
    ]
    people = {"rita": 30, "sam": 40, "octo": 30, "guest": 20, "ci": 30, "project_5_bot_ab": 40}
    return {
        at: {
            "source_branch": "cipipe/prod/1", "target_branch": "prod", "source_project_id": 5, "target_project_id": 5,
            "sha": HEAD, "author": {"username": "ci"}, "changes_count": "1",
        },
        f"{at}/diffs": [{"new_path": "m/prod/app.yaml", "old_path": "m/prod/app.yaml"}],
        f"{at}/commits": commits,
        f"{at}/approvals": {"approved_by": [{"user": {"username": name}} for name, _ in approved]},
        f"{at}/versions": [{"created_at": "2026-05-05T10:00:00.000Z", "head_commit_sha": HEAD}],
        f"{at}/notes": [
            {"system": True, "body": "approved this merge request", "author": {"username": name}, "created_at": time}
            for name, time in approved
        ],
        f"{base}/members/all": [{"username": name, "access_level": level} for name, level in people.items()],
        f"{base}/repository/tree": [
            {"mode": "040000", "name": "app", "type": "tree", "id": EMPTY},
            {"mode": "100644", "name": "app-b", "type": "blob", "id": BLOB},
            {"mode": "100644", "name": "app.yaml", "type": "blob", "id": BLOB},
        ],
    }  # fmt: skip


def gate(
    folder: Path, kind: str, documents: dict[str, Any], *more: str, **variables: str
) -> tuple[Ran, DocumentsFake]:
    """`gate --pr 7` in a clone whose origin/prod holds the configuration."""
    prefix = {"github": "/api/v3", "gitlab": "/api/v4"}[kind]
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-C", str(folder)]
    with DocumentsFake(TOKEN, prefix, documents) as forge:
        (folder / "cipipe.yaml").write_text(CONFIGURATION.format(kind=kind, api=forge.api_url))
        for command in (
            ["init", "-q", "-b", "main"],
            ["remote", "add", "origin", "https://git.example.com/acme/infra.git"],
            ["add", "cipipe.yaml"],
            ["commit", "-q", "-m", "m"],
            ["update-ref", "refs/remotes/origin/prod", "HEAD"],
            ["update-ref", "refs/remotes/origin/HEAD", "HEAD"],
        ):
            subprocess.run([*git, *command], check=True)
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "CIPIPE_TOKEN": TOKEN,
        }
        environ |= variables
        named = [] if variables else ["--pr", "7"]
        argv = [sys.executable, "-W", "error", "-m", "cipipe", "gate", *named, *more]
        done = subprocess.run(argv, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return Ran(done.returncode, done.stdout, done.stderr), forge


BY_BUMP = [github_commit(author=None, message=bump_message(), tree=TREE)]


@pytest.mark.parametrize(
    ("documents", "code", "words"),
    [
        pytest.param(github(), 1, "#7 has 0 of the 1 approvals that prod asks for", id="none"),
        pytest.param(github(("rita", "APPROVED", HEAD)), 0, "may still approve #7: octo, sam", id="one"),
        pytest.param(github(("rita", "APPROVED", OLD)), 1, "it is for an older commit", id="stale"),
        pytest.param(github(("guest", "APPROVED", HEAD)), 1, "no write access", id="a guest"),
        pytest.param(github(("ci", "APPROVED", HEAD)), 1, "it is the author's", id="the author"),
        pytest.param(github(("Release-Robot", "APPROVED", HEAD)), 1, "it is a bot's", id="a configured bot"),
        pytest.param(github(("helper[bot]", "APPROVED", HEAD)), 1, "it is a bot's", id="a bot"),
        pytest.param(github(("rita", "APPROVED", HEAD), ("rita", "CHANGES_REQUESTED", HEAD)), 1, "has 0", id="taken back"),
        pytest.param(github(("rita", "APPROVED", HEAD), ("rita", "COMMENTED", HEAD)), 0, "", id="a comment after it"),
        pytest.param(github(("rita", "DISMISSED", HEAD)), 1, "has 0", id="dismissed"),
        pytest.param(github(("rita", "APPROVED", HEAD), commits=BY_BUMP), 0, "", id="a bump without an account"),
        pytest.param(github(("octo", "APPROVED", HEAD), commits=BY_BUMP), 1, "triggered the bump", id="the actor"),
        pytest.param(github(("rita", "APPROVED", HEAD), commits=[github_commit(author=None)]), 1,
                     "nobody knows who made every commit", id="an unknown committer"),
        pytest.param(github(("rita", "APPROVED", HEAD),
                            commits=[github_commit(author=None, message=bump_message(), tree="d" * 40)]), 1,
                     "nobody knows", id="an amended bump"),
        pytest.param(github(("rita", "APPROVED", HEAD), commits=[
            github_commit(message="m\n\nCo-authored-by: R <5+Rita@users.noreply.github.com>")]), 1,
            "made a commit of it", id="a co-author"),
        pytest.param(github(("rita", "APPROVED", HEAD), head={"ref": "cipipe/prod/1", "sha": HEAD, "repo": {
            "full_name": "evil/infra"}}), 1, "comes from a fork", id="a fork"),
        pytest.param(github(("rita", "APPROVED", HEAD), head={"ref": "x", "sha": HEAD, "repo": None}), 1,
                     "comes from a fork", id="a fork that is gone"),
        pytest.param(github(base={"ref": "prod"}) | {"/repos/acme/infra/pulls/7/files": [{"filename": "README"}]}, 0,
                     "changes no environment", id="nothing of prod"),
        pytest.param(github(("rita", "APPROVED", HEAD), commits=[github_commit(sha=f"{n:040x}") for n in range(249)]
                            + [github_commit()]), 1, "nobody knows who", id="more commits than GitHub lists"),
        pytest.param(github() | {"/repos/acme/infra/pulls/7/files": [{"filename": f"x{n}"} for n in range(3000)]}, 1,
                     "has 0", id="more files than GitHub lists"),
        pytest.param(github(("rita", "APPROVED", HEAD), commits=[github_commit(sha=OLD)]), 1, "nobody knows who",
                     id="a push while it was read"),
        pytest.param(github() | {"/repos/acme/infra/pulls/7/files": [
            {"filename": "x", "previous_filename": "m/prod/app.yaml"}]}, 1, "has 0", id="moved away"),
    ],
)  # fmt: skip
def test_github(tmp_path: Path, documents: dict[str, Any], code: int, words: str) -> None:
    ran, _ = gate(tmp_path, "github", documents)
    assert ran.code == code, ran.out + ran.err
    assert words in ran.out


@pytest.mark.parametrize(
    ("documents", "code", "words"),
    [
        pytest.param(gitlab(), 1, "has 0 of the 1", id="none"),
        pytest.param(gitlab(("rita", "2026-05-05T10:00:01.000Z")), 0, "may still approve #7: octo, sam", id="one"),
        pytest.param(gitlab(("rita", "2026-05-05T09:59:59.000Z")), 1, "for an older commit", id="before the push"),
        pytest.param(gitlab(("guest", "2026-05-05T10:00:01.000Z")), 1, "no write access", id="a guest"),
        pytest.param(gitlab(("project_5_bot_ab", "2026-05-05T10:00:01.000Z")), 1, "a bot's", id="a project's bot"),
        pytest.param(gitlab(("rita", "2026-05-05T10:00:01.000Z"), email="x@example.com"), 1, "nobody knows",
                     id="an address without an account"),
        pytest.param(gitlab(("rita", "2026-05-05T10:00:01.000Z"), email="x@example.com")
                     | {"/users?search=x@example.com": [{"username": "rita"}]}, 1, "made a commit", id="her address"),
        pytest.param(gitlab(("rita", "2026-05-05T10:00:01.000Z"), email="x@example.com", messages=(bump_message(),)), 0,
                     "", id="a bump, by its tree"),
        pytest.param(gitlab(("octo", "2026-05-05T10:00:01.000Z"), messages=(bump_message(),)), 1,
                     "triggered the bump", id="the actor"),
    ],
)  # fmt: skip
def test_gitlab(tmp_path: Path, documents: dict[str, Any], code: int, words: str) -> None:
    ran, _ = gate(tmp_path, "gitlab", documents)
    assert ran.code == code, ran.out + ran.err
    assert words in ran.out


HUB, LAB = "/repos/acme/infra", "/projects/acme/infra"
APPROVED = gitlab(("rita", "2026-05-05T10:00:01.000Z"), messages=(bump_message(),))
TIMED = [{"user": {"username": "rita", "id": 2}, "approved_at": "2026-05-05T10:00:01.000Z"}]
RITA = {"username": "rita", "access_level": 30}


@pytest.mark.parametrize(
    ("documents", "without", "code", "words"),
    [
        pytest.param(github(("rita", "APPROVED", HEAD)), f"{HUB}/issues/7/events", 0,
                     "when it got its target branch: not available", id="github's events"),
        pytest.param(github(("rita", "APPROVED", HEAD)), f"{HUB}/activity", 0,
                     "who pushed: not available", id="github's activity"),
        pytest.param(github(("rita", "APPROVED", HEAD)), f"{HUB}/collaborators", 0,
                     "who may still approve: not available", id="github's people"),
        pytest.param(github(head={"ref": "cipipe/prod/1", "sha": HEAD}), "", 1, "has 0 of the 1",
                     id="github's name of its own repository"),
        pytest.param(APPROVED | {f"{LAB}/merge_requests/7/approvals": {"approved_by": TIMED}},
                     f"{LAB}/merge_requests/7/notes", 0, "when it got its target branch: not available",
                     id="gitlab's notes"),
        pytest.param(APPROVED, f"{LAB}/merge_requests/7/versions", 1, "when it was pushed: not available",
                     id="gitlab's pushes"),
        pytest.param(APPROVED | {f"{LAB}/merge_requests/7/approvals": {"approved_by": TIMED},
                                           f"{LAB}/members/all/2": RITA}, f"{LAB}/members/all", 0,
                     "who may still approve: not available", id="gitlab's people"),
        pytest.param(APPROVED, f"{LAB}/merge_requests/7/diffs", 0, "", id="gitlab's files"),
    ],
)  # fmt: skip
def test_what_a_forge_does_not_tell(
    tmp_path: Path, documents: dict[str, Any], without: str, code: int, words: str
) -> None:
    told = {path: document for path, document in documents.items() if path != without}
    ran, _ = gate(tmp_path, "github" if f"{HUB}/pulls/7" in documents else "gitlab", told)
    assert ran.code == code, ran.out + ran.err
    assert words in ran.out
    assert "comes from a fork" not in ran.out


def test_who_may_still_approve_is_said_in_every_format(tmp_path: Path) -> None:
    words = "may still approve #7: octo, rita, sam"
    for output in ("json", "sarif"):
        (tmp_path / output).mkdir()
        ran, _ = gate(tmp_path / output, "github", github(), "--output", output)
        assert words in ran.err
        assert output == "sarif" or words in json.loads(ran.out)["notes"]


def test_publish(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    (tmp_path / "lab").mkdir()
    _, hub = gate(tmp_path / "hub", "github", github(), "--publish")
    _, lab = gate(tmp_path / "lab", "gitlab", gitlab(("rita", "2026-05-05T10:00:01.000Z")), "--publish")
    status = hub.posted[f"/repos/acme/infra/statuses/{HEAD}"]
    assert (status["state"], status["context"]) == ("failure", "cipipe/approvals")
    status = lab.posted[f"/projects/acme/infra/statuses/{HEAD}"]
    assert (status["state"], status["name"]) == ("success", "cipipe/approvals")


def test_an_actor_of_another_service_is_said_and_nobody_of_the_name_approves() -> None:
    settings = config.load(
        CONFIGURATION.format(kind="github", api="https://git.example.com/api").encode(), "c"
    )
    commit = Commit(HEAD, "ci", "ci", bump_message(), TREE)
    review = Review("octo", approves=True, commit=HEAD, writes=True)
    pull = Pull(7, "cipipe/prod/1", "a/b", "prod", "a/b", HEAD, "ci", ("m/prod/x",), (commit,), (review,))
    who, notes = approvals.excluded(pull, settings, "github.com")
    assert who.actor == "octo"
    assert notes == (
        "actor: not available: 'octo' triggered the bump at another service; nobody of that name may approve it",
    )
    facts = Facts()
    approvals.add(
        facts, pull, approvals.concerned(pull, settings, "https://git.example.com/acme/infra"), settings, who
    )
    assert (facts.count("pull"), len(facts.places)) == (0, 2), "one environment and one review, in no file"


IN_CI = {
    "github": {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://git.example.com",
        "GITHUB_REPOSITORY": "acme/infra",
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_BASE_REF": "prod",
        "GITHUB_EVENT_NAME": "pull_request",
    },
    "gitlab": {
        "GITLAB_CI": "true",
        "CI_PROJECT_URL": "https://git.example.com/acme/infra",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "prod",
        "CI_PIPELINE_SOURCE": "merge_request_event",
    },
}


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_ci_says_which_pull_request_it_tests(tmp_path: Path, kind: str) -> None:
    ran, _ = gate(tmp_path, kind, github() if kind == "github" else gitlab(), **IN_CI[kind])
    assert ran.code == 1
    assert "#7 has 0 of the 1 approvals" in ran.out


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"GITHUB_REPOSITORY": "acme/app"}, id="another repository"),
        pytest.param({"GITHUB_BASE_REF": "main"}, id="a branch that asks for no approval"),
        pytest.param({"CIPIPE_TOKEN": ""}, id="no token"),
    ],
)
def test_a_ci_where_nothing_is_to_be_approved(tmp_path: Path, variables: dict[str, str]) -> None:
    named = CONFIGURATION.replace(
        "branch: prod,", "branch: prod, repo: 'https://git.example.com/acme/infra.git',"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.CONFIGURATION", named)
        ran, forge = gate(tmp_path, "github", github(), **{**IN_CI["github"], **variables})
    assert forge.requests == []
    assert "skipped: approvals: no pull request is named by --pr" in ran.out
