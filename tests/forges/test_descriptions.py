"""The fakes notice what GitHub or GitLab would not take, and do not say what those never say."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.fakes import github_api
from tests.fakes.contract import Contract
from tests.fakes.github import GitHubFake
from tests.fakes.gitlab import GitLabFake
from tests.fakes.openapi import cut
from tests.fakes.server import Answer, ApiServer, Fault, Request, once
from tests.fakes.state import Pull
from tests.forges.sites import TOKEN, connected, fake
from tests.servers.gitea import GiteaServer
from tests.servers.relay import Relay

PULLS, PULL = "/repos/acme/infra/pulls", "/repos/acme/infra/pulls/1"
MERGES = "/projects/acme%2Finfra/merge_requests"
HEAD = "cipipe/staging/app-1a2b3c4d"


def send(server: ApiServer, method: str, path: str, body: object) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    requests.request(method, server.api_url + path, json=body, headers=headers, timeout=10).close()


@pytest.mark.parametrize(
    ("make", "method", "path", "body", "words"),
    [
        (GitHubFake, "GET", "/repos/acme/infra/merge_requests", None, "no such operation"),
        (GitHubFake, "DELETE", PULLS, None, "no such operation"),
        (GitHubFake, "GET", PULL + "x", None, "'1x' is not of type 'integer'"),
        (GitHubFake, "GET", PULLS + "?source=x", None, "query parameter 'source' is not described"),
        (GitHubFake, "GET", PULLS + "?state=opened", None, "'opened' is not one of"),
        (GitHubFake, "GET", PULLS + "?per_page=many", None, "'many' is not of type 'integer'"),
        (GitHubFake, "GET", "/repos/acme/infra/branches/main/protection?page=1", None, "'page' is not desc"),
        (GitHubFake, "POST", PULLS, None, "the body is missing"),
        (GitHubFake, "POST", PULLS, {"head": "x"}, "'base' is a required property"),
        (GitHubFake, "POST", PULLS, {"head": "x", "base": 1}, "1 is not of type 'string'"),
        (GitHubFake, "POST", PULLS, {"head": "x", "base": "y", "darft": True}, "'darft' was unexpected"),
        (GitHubFake, "PATCH", PULL, {"state": "merged"}, "'merged' is not one of"),
        (GitHubFake, "GET", PULL, {"state": "open"}, "it takes no body"),
        (
            GitHubFake,
            "POST",
            "/repos/acme/infra/rulesets",
            {"name": "x", "enforcement": "on"},
            "'on' is not one",
        ),
        (GitHubFake, "PATCH", "/repos/acme/infra/issues/1", {"labels": [["x"]]}, "$.labels[0]"),
        (GitLabFake, "GET", "/repos/acme/infra/pulls", None, "no such operation"),
        (GitLabFake, "GET", MERGES + "?head=x", None, "query parameter 'head' is not described"),
        (GitLabFake, "GET", MERGES + "?state=open", None, "'open' is not one of"),
        (GitLabFake, "POST", MERGES, {"source_branch": "x", "title": "t"}, "'target_branch' is a required"),
        (GitLabFake, "PUT", MERGES + "/1", {"reviewer_ids": ["rita"]}, "'rita' is not of type 'integer'"),
        (GitLabFake, "PUT", MERGES + "/1", {"body": "x"}, "'body' was unexpected"),
    ],
)
def test_a_request_that_the_forge_does_not_know(
    make: Callable[[str], ApiServer], method: str, path: str, body: object, words: str
) -> None:
    with pytest.raises(AssertionError) as caught, make(TOKEN) as server:
        send(server, method, path, body)
    assert words in str(caught.value)


def test_a_request_that_a_real_gitea_does_not_describe(gitea: GiteaServer) -> None:
    def ask() -> None:
        with Relay(gitea.base) as relay:
            send(relay, "GET", PULLS + "?per_page=5", None)
            send(relay, "PATCH", PULL, {"description": "x"})
            send(relay, "GET", PULLS + "/main/cipipe/staging/app", None)

    with pytest.raises(AssertionError) as caught:
        ask()
    words = str(caught.value).splitlines()
    assert len(words) == 2
    assert "query parameter 'per_page' is not described" in words[0]
    assert "'description' was unexpected" in words[1]


def test_a_request_whose_answer_is_lost_is_held_against_it_too() -> None:
    server = GitHubFake(TOKEN)
    server.faults = [once(Fault("502"))]
    with pytest.raises(AssertionError, match="'base' is a required property"), server:
        send(server, "POST", PULLS, {"head": "x"})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(200, {"number": 1, "draft": "no"}), "'no' is not of type 'boolean'"),
        (Answer(200, {"number": 1, "is_draft": True}), "'is_draft' was unexpected"),
        (Answer(200, {"user": {"login": "ci", "username": "ci"}}), "'username' was unexpected"),
        (Answer(200, [1]), "is not of type 'object'"),
        (Answer(202, {"number": 1}), "never answers 202"),
    ],
)
def test_an_answer_that_the_forge_never_gives(answer: Answer, words: str) -> None:
    class Liar(GitHubFake):
        def answer(self, _: Request) -> Answer:
            return answer

    with pytest.raises(AssertionError) as caught, Liar(TOKEN) as server:
        send(server, "GET", PULL, None)
    assert words in str(caught.value)


def test_what_is_excused_needs_it() -> None:
    whole = json.loads((github_api.FOLDER / "github.json").read_bytes())
    pull = {"number": 1, "head": {"ref": "x", "repo": None}}
    for excused, lies in ((github_api.CONTRACTS[0], 0), (Contract(whole), 1)):
        assert len(list(excused.lies("GET", PULLS, 200, [pull]))) == lies
        assert len(list(excused.lies("GET", PULL, 200, pull))) == lies


@pytest.mark.parametrize("name", sorted(cut.SOURCES))
def test_the_descriptions_are_as_they_were_cut(name: str) -> None:
    """No hand has been at them: cutting again changes nothing, and nothing is missing."""
    part: dict[str, Any] = json.loads((github_api.FOLDER / name).read_bytes())
    assert cut.cut(part, answers=name == "github.json") == part
    assert part["info"]["version"] == cut.PACKAGE.rpartition("@")[2]
    listed = {(path, method) for path, methods in cut.OPERATIONS.items() for method in methods}
    assert {(path, method) for path, methods in part["paths"].items() for method in methods} == listed


def test_pull_requests_of_forks_are_not_ours_whatever_became_of_the_fork() -> None:
    with fake("github") as site:
        site.hosted.forks = [
            Pull(number, HEAD, "main", "theirs", "", "eve", "f" * 40, deleted=number == 9)
            for number in (8, 9)
        ]
        proposals = connected(site).proposals
        assert list(proposals.by_head(HEAD, "main")) == []
        site.commit(HEAD, b"v2\n")
        ours = proposals.open(HEAD, "main", title="Bump", body="", draft=False)
        site.close(ours.number)
        site.remove(HEAD)
        assert [pull.number for pull in proposals.by_head(HEAD, "main")] == [ours.number]
