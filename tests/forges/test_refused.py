"""What GitHub and GitLab pass over without a word, or refuse for reasons of the plan; the fakes' manners."""

from collections.abc import Callable

import pytest
import requests

from cipipe.errors import CipipeError
from cipipe.forges.base import ConflictError, Proposals, PullRequest
from tests.fakes.github import GitHubFake
from tests.fakes.gitlab import GitLabFake
from tests.fakes.state import Pull
from tests.forges.sites import TOKEN, FakeSite, connected, fake

HEAD = "cipipe/staging/app-1a2b3c4d"


def opened(site: FakeSite) -> tuple[Proposals, PullRequest]:
    site.commit(HEAD, b"v2\n")
    proposals = connected(site).proposals
    return proposals, proposals.open(HEAD, "main", title="Bump app", body="why", draft=False)


def no_push(api: GitHubFake | GitLabFake) -> None:
    assert isinstance(api, GitHubFake)
    api.pushes = False


def free(api: GitHubFake | GitLabFake) -> None:
    assert isinstance(api, GitLabFake)
    api.premium = False


@pytest.mark.parametrize(
    ("kind", "limit", "act", "words", "hint"),
    [
        pytest.param(
            "github", no_push, lambda made, pull: made.mark(pull, labels=["deploy"], assignees=[]),
            "labels of #1: the forge does not set 'deploy'", "push", id="labels",
        ),
        pytest.param(
            "github", no_push, lambda made, pull: made.mark(pull, labels=[], assignees=["sam"]),
            "assignees of #1: the forge does not set 'sam'", "push", id="assignees",
        ),
        pytest.param(
            "gitlab", None, lambda made, pull: made.ask(pull, ["rita", "stella"]),
            "reviewers of !1: the forge does not set 'stella'", "members", id="a reviewer who sees nothing",
        ),
        pytest.param(
            "gitlab", None, lambda made, pull: made.mark(pull, labels=["x"], assignees=["stella"]),
            "assignees of !1: the forge does not set 'stella'", "members", id="an assignee who sees nothing",
        ),
        pytest.param(
            "gitlab", free, lambda made, pull: made.ask(pull, ["rita", "sam"]),
            "reviewers of !1: the forge does not set 'sam'", "Premium", id="a second reviewer",
        ),
    ],
)  # fmt: skip
def test_what_a_forge_passes_over_is_said(
    kind: str,
    limit: Callable[[GitHubFake | GitLabFake], None] | None,
    act: Callable[[Proposals, PullRequest], None],
    words: str,
    hint: str,
) -> None:
    with fake(kind) as site:
        proposals, pull = opened(site)
        if limit:
            limit(site.api)
        with pytest.raises(ConflictError) as caught:
            act(proposals, pull)
    assert words in caught.value.message
    assert hint in (caught.value.hint or "")


def test_names_that_differ_in_case_alone_are_the_same() -> None:
    with fake("github") as site:
        proposals, pull = opened(site)
        site.hosted.pulls.insert(
            0, Pull(7, "x", "main", "t", "", "eve", "f" * 40, state="closed", labels=["Deploy"])
        )
        proposals.mark(pull, labels=["deploy"], assignees=[])
        assert site.seen(pull.number).labels == ["Deploy"]


def test_a_plan_without_drafts() -> None:
    with fake("github") as site:
        assert isinstance(site.api, GitHubFake)
        site.api.drafts = False
        site.commit(HEAD, b"v2\n")
        with pytest.raises(ConflictError, match="Draft pull requests are not supported") as caught:
            connected(site).proposals.open(HEAD, "main", title="t", body="", draft=True)
        assert "leave 'draft' out" in (caught.value.hint or "")
        assert site.hosted.pulls == []


@pytest.mark.parametrize(("kind", "most"), [("github", 256), ("gitlab", 255)])
def test_a_title_that_is_too_long(kind: str, most: int) -> None:
    with fake(kind) as site:
        proposals, pull = opened(site)
        proposals.rewrite(pull, title="t" * most, body="")
        with pytest.raises(CipipeError, match=f"too long \\(maximum is {most} characters\\)"):
            proposals.rewrite(pull, title="t" * (most + 1), body="")
        assert site.seen(pull.number).title == "t" * most


def test_the_fakes_speak_http_as_the_forges_do() -> None:
    with fake("github") as site:
        url = f"{site.api_url}/repos/acme/infra/issues/1/comments"
        site.commit(HEAD, b"v2\n")
        site.hosted.open(HEAD, "main", "t", "", draft=False).comments += [
            str(number) for number in range(250)
        ]
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {TOKEN}"
            first = session.get(url, params={"per_page": 500}, timeout=10)
            assert (len(first.json()), sorted(first.links)) == (100, ["last", "next"])
            second = session.get(first.links["next"]["url"], timeout=10)
            assert (second.json()[0]["body"], sorted(second.links)) == (
                "100",
                ["first", "last", "next", "prev"],
            )
            assert "next" not in session.get(second.links["last"]["url"], timeout=10).links
            known = {"If-None-Match": first.headers["ETag"]}
            again = session.get(first.url, headers=known, timeout=10)
            assert (again.status_code, again.content) == (304, b"")
            site.hosted.pulls[0].comments[0] = "other"
            assert session.get(first.url, headers=known, timeout=10).status_code == 200
            unknown = {"X-GitHub-Api-Version": "2021-01-01"}
            assert session.get(url, headers=unknown, timeout=10).status_code == 400
            assert session.get(url, headers={"User-Agent": ""}, timeout=10).status_code == 403
