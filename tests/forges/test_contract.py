"""What holds at every forge: fakes of GitHub and GitLab, and a real Gitea."""

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cipipe.errors import CredentialsError, ForgeError
from cipipe.forges.base import ConflictError, NotFoundError, Proposals, PullRequest
from tests.forges.sites import GiteaSite, Site, connected, fake
from tests.servers.gitea import GiteaServer

HEAD = "cipipe/staging/app-1a2b3c4d"
_numbers = itertools.count(1)


@pytest.fixture(params=["github", "gitlab", "gitea"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A repository at each forge."""
    if request.param == "gitea":
        gitea: GiteaServer = request.getfixturevalue("gitea")
        yield GiteaSite(gitea, f"infra{next(_numbers)}", tmp_path)
    else:
        with fake(request.param) as site:
            yield site


@pytest.fixture
def proposals(site: Site) -> Proposals:
    """Its pull requests, as cipipe sees them."""
    return connected(site).proposals


def opened(site: Site, proposals: Proposals, *, draft: bool = False, content: bytes = b"v2\n") -> PullRequest:
    site.commit(HEAD, content)
    return proposals.open(HEAD, "main", title="Bump app", body="why\n\nand how", draft=draft)


def test_a_pull_request_from_its_opening_to_its_merge(site: Site, proposals: Proposals) -> None:
    assert list(proposals.by_head(HEAD, "main")) == []
    commit = site.commit(HEAD, b"v2\n")
    pull = proposals.open(HEAD, "main", title="Bump app", body="why\n\nand how", draft=False)
    assert (pull.head, pull.base, pull.commit, pull.state) == (HEAD, "main", commit, "open")
    assert (pull.title, pull.body, pull.author, pull.draft) == ("Bump app", "why\n\nand how", "ci", False)
    assert str(pull.number) in pull.url
    assert pull.url.startswith("http://127.0.0.1")
    assert list(proposals.by_head(HEAD, "main")) == [pull]
    assert list(proposals.by_head(HEAD[:-1], "main")) == []
    assert list(proposals.by_head(HEAD, "other")) == []
    site.merge(pull.number)
    assert [each.state for each in proposals.by_head(HEAD, "main")] == ["merged"]


def test_one_branch_has_one_open_pull_request(site: Site, proposals: Proposals) -> None:
    pull = opened(site, proposals)
    with pytest.raises(ConflictError):
        proposals.open(HEAD, "main", title="Again", body="", draft=False)
    assert [each.number for each in proposals.by_head(HEAD, "main")] == [pull.number]


def test_a_branch_that_is_gone_is_a_conflict(site: Site, proposals: Proposals) -> None:
    with pytest.raises(ConflictError):
        proposals.open(HEAD, "main", title="Bump", body="", draft=False)


def test_the_newest_comes_first_whatever_became_of_the_others(site: Site, proposals: Proposals) -> None:
    first = opened(site, proposals)
    proposals.close(first, label="cipipe-superseded")
    second = opened(site, proposals, content=b"v3\n")
    proposals.close(second, label="cipipe-superseded")
    third = opened(site, proposals, content=b"v4\n")
    found = proposals.by_head(HEAD, "main")
    assert found[0].number == third.number
    assert found[0].state == "open"
    proposals.close(third, label="cipipe-superseded")
    found = proposals.by_head(HEAD, "main")
    assert (found[0].number, found[0].state) == (third.number, "closed")
    assert "cipipe-superseded" in found[0].labels


def test_all_that_are_open(site: Site, proposals: Proposals) -> None:
    first = opened(site, proposals)
    site.commit("feature", b"v9\n")
    second = proposals.open("feature", "main", title="Other", body="", draft=True)
    assert [pull.number for pull in proposals.list_open()] == [second.number, first.number]
    created = proposals.list_open()[0].created
    assert created is not None
    assert abs(time.time() - created) < 60
    proposals.close(first, label="cipipe-superseded")
    (only,) = proposals.list_open()
    assert (only.number, only.head, only.title, only.draft) == (second.number, "feature", "Other", True)
    proposals.close(only, label="cipipe-superseded")
    assert list(proposals.list_open()) == []


def test_words_labels_people(site: Site, proposals: Proposals) -> None:
    pull = opened(site, proposals)
    proposals.mark(pull, labels=["deploy", "with blank"], assignees=["sam"])
    proposals.ask(pull, ["rita"])
    proposals.rewrite(pull, title="Bump app to v3", body="`@x` | #1\r\n")
    seen = site.seen(pull.number)
    assert (seen.title, seen.body.strip()) == ("Bump app to v3", "`@x` | #1")
    assert (sorted(seen.labels), seen.assignees, seen.reviewers) == (
        ["deploy", "with blank"],
        ["sam"],
        ["rita"],
    )
    (again,) = proposals.by_head(HEAD, "main")
    assert (sorted(again.labels), again.assignees, again.reviewers) == (
        ["deploy", "with blank"],
        ("sam",),
        ("rita",),
    )
    proposals.mark(again, labels=["more"], assignees=[])
    proposals.ask(again, ["sam"])
    seen = site.seen(pull.number)
    assert sorted(seen.labels) == ["deploy", "more", "with blank"]
    assert (seen.assignees, sorted(seen.reviewers)) == (["sam"], ["rita", "sam"])


def test_who_has_answered(site: Site, proposals: Proposals) -> None:
    pull = opened(site, proposals)
    proposals.ask(pull, ["rita", "sam"])
    assert proposals.answered(pull) == frozenset()
    site.review(pull.number)
    assert proposals.answered(pull) == {"rita"}


def test_comments_and_closing(site: Site, proposals: Proposals) -> None:
    pull = opened(site, proposals)
    proposals.mark(pull, labels=["deploy"], assignees=[])
    for number in range(3):
        proposals.comment(pull, f"comment {number}")
    (pull,) = proposals.by_head(HEAD, "main")
    assert proposals.comments(pull) == ("comment 0", "comment 1", "comment 2")
    proposals.close(pull, label="cipipe-superseded")
    seen = site.seen(pull.number)
    assert (seen.state, sorted(seen.labels)) == ("closed", ["cipipe-superseded", "deploy"])
    proposals.reopen(pull)
    assert site.seen(pull.number).state == "open"


def test_a_draft_stays_one(site: Site, proposals: Proposals) -> None:
    pull = opened(site, proposals, draft=True)
    assert (pull.draft, pull.title) == (True, "Bump app")
    proposals.rewrite(pull, title="Bump more", body="x")
    (again,) = proposals.by_head(HEAD, "main")
    assert (again.draft, again.title) == (True, "Bump more")
    with pytest.raises(ConflictError):
        proposals.merge_when_ready(again)


def test_it_merges_when_it_is_ready(site: Site, proposals: Proposals) -> None:
    pull = opened(site, proposals)
    proposals.merge_when_ready(pull)
    end = time.monotonic() + 10  # a server may do it in its own time
    while time.monotonic() < end:
        (again,) = proposals.by_head(HEAD, "main")
        if again.auto_merge or again.state == "merged":
            return
        time.sleep(0.1)
    pytest.fail("neither merged nor waiting")


@pytest.mark.parametrize(
    "act",
    [
        lambda proposals, pull: proposals.ask(pull, ["nobody-knows"]),
        lambda proposals, pull: proposals.mark(pull, labels=[], assignees=["nobody-knows"]),
    ],
    ids=["reviewer", "assignee"],
)
def test_unknown_people_are_an_error(
    site: Site, proposals: Proposals, act: Callable[[Proposals, PullRequest], None]
) -> None:
    pull = opened(site, proposals)
    with pytest.raises((ConflictError, NotFoundError)):
        act(proposals, pull)


def test_a_token_that_is_refused(site: Site) -> None:
    with pytest.raises(CredentialsError, match="answered 401") as caught:
        connected(site, token="wrong-canary-77").proposals.by_head(HEAD, "main")
    assert "CIPIPE_TOKEN" in (caught.value.hint or "")
    assert "wrong-canary-77" not in str(caught.value)


def test_a_repository_that_is_not_there(site: Site) -> None:
    site.url = site.url.replace("/acme/", "/nobody/")
    elsewhere = connected(site).proposals
    with pytest.raises(ForgeError, match="answered 404"):
        elsewhere.open(HEAD, "main", title="x", body="", draft=False)
