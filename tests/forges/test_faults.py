"""What a forge, or the way to it, may do to any request: a typed end in time, and nothing done twice."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import get_args

import pytest

from cipipe.errors import CipipeError, CredentialsError, DeadlineError, ForgeError
from cipipe.forges import calls
from cipipe.forges.base import NotFoundError, Proposals, PullRequest, UncertainError
from tests.fakes.server import Answer, ApiServer, Fault, Kind, Request, once
from tests.forges.sites import TOKEN, FakeSite, connected, fake

HEAD = "cipipe/staging/app-1a2b3c4d"
Call = Callable[[Proposals, PullRequest], object]
REPEATABLE: dict[str, Call] = {
    "by_head": lambda proposals, _: proposals.by_head(HEAD, "main"),
    "rewrite": lambda proposals, pull: proposals.rewrite(pull, title="Other", body="words"),
    "mark": lambda proposals, pull: proposals.mark(pull, labels=["deploy"], assignees=["sam"]),
    "ask": lambda proposals, pull: proposals.ask(pull, ["rita"]),
    "answered": lambda proposals, pull: proposals.answered(pull),
    "comments": lambda proposals, pull: proposals.comments(pull),
    "close": lambda proposals, pull: proposals.close(pull, label="cipipe-superseded"),
    "reopen": lambda proposals, pull: proposals.reopen(pull),
    "merge_when_ready": lambda proposals, pull: proposals.merge_when_ready(pull),
}
TRANSIENT = {"500", "502", "503", "504", "drop", "html", "empty", "truncated", "list", "null"}
LIMITS = {"retry-after", "secondary"}
ENDS: dict[str, type[CipipeError]] = {
    "401": CredentialsError,
    "403": CredentialsError,
    "404": NotFoundError,
    "redirect": ForgeError,
    "redirect-307": ForgeError,
    "primary": DeadlineError,
    "hang": DeadlineError,
    "trickle": DeadlineError,
}
KINDS: tuple[Kind, ...] = get_args(Kind)


@pytest.fixture(params=["github", "gitlab"])
def site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSite]:
    """A fake with an open pull request, on a machine that waits little between tries."""
    monkeypatch.setattr(calls, "_PAUSE", 0.01)
    with fake(request.param) as site, Elsewhere(TOKEN) as elsewhere:
        site.api.elsewhere, site.api.retry_after = elsewhere.base, "0"
        yield site
        assert not elsewhere.requests, "a redirect was followed to another server"


class Elsewhere(ApiServer):
    """Another server, which should hear nothing."""

    def answer(self, _: Request) -> Answer:
        """Anything."""
        return Answer(200, {})


def started(site: FakeSite) -> PullRequest:
    site.commit(HEAD, b"v2\n")
    return connected(site).proposals.open(HEAD, "main", title="Bump", body="words", draft=False)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", KINDS)
def test_requests_that_may_be_sent_twice(site: FakeSite, kind: Kind, after: bool) -> None:
    pull = started(site)
    for name, call in REPEATABLE.items():
        site.api.faults = []
        (pull,) = connected(site).proposals.by_head(HEAD, "main")
        proposals = connected(site, seconds=0.3 if kind in {"hang", "trickle"} else 20).proposals
        site.api.faults = [once(Fault(kind, after))]
        begun = time.monotonic()
        end = ENDS.get(kind)
        if end is ForgeError and site.kind == "github":
            with contextlib.suppress(ForgeError):  # PyGithub goes on at its own host; a GET is tried again
                call(proposals, pull)
        elif end:
            with pytest.raises(end) as caught:
                call(proposals, pull)
            check_words(caught.value)
        else:
            call(proposals, pull)
        assert time.monotonic() - begun < 6, name
    site.api.faults = []
    seen = site.seen(pull.number)
    if not ENDS.get(kind):
        assert (seen.title, seen.labels[:1], seen.assignees) == ("Other", ["deploy"], ["sam"])
        assert (seen.state, seen.reviewers) == ("open", ["rita"])


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", KINDS)
def test_requests_that_must_be_sent_once(site: FakeSite, kind: Kind, after: bool) -> None:
    site.commit(HEAD, b"v2\n")
    seconds = 0.3 if kind in {"hang", "trickle"} else 20
    for what in ("open", "comment"):
        site.api.faults = [once(Fault(kind, after))]
        sent = len(site.api.requests)
        proposals = connected(site, seconds=seconds).proposals
        problem: CipipeError | None = None
        try:
            if what == "open":
                proposals.open(HEAD, "main", title="Bump", body="words", draft=False)
            else:
                proposals.comment(PullRequest(1, "", "open", "", "", HEAD, "main", "", ""), "once")
        except CipipeError as error:
            problem = error
            check_words(error)
        posts = len(site.api.requests) - sent
        if kind in LIMITS:
            assert posts == 2, "a limit is a refusal, and waiting is right"
        else:
            assert posts == 1
            assert isinstance(problem, ENDS.get(kind, UncertainError))
        if not site.hosted.pulls:
            site.hosted.open(HEAD, "main", "Bump", "words", draft=False)
    if kind not in LIMITS:
        assert site.hosted.pulls[0].comments == (["once"] if after else [])
    assert len(site.hosted.pulls) == 1


def check_words(problem: CipipeError) -> None:
    """One line, without the token, and nothing in it that a terminal or a CI would obey."""
    said = f"{problem.message} {problem.hint or ''}"
    assert TOKEN not in said
    assert said.isprintable()
    assert problem.exit_code == 4


@pytest.mark.parametrize("kind", ["502", "drop", "html"])
def test_a_server_that_never_recovers_is_given_up(site: FakeSite, kind: Kind) -> None:
    site.api.faults = [once(Fault(kind), count=100)]
    with pytest.raises(ForgeError) as caught:
        connected(site).proposals.by_head(HEAD, "main")
    check_words(caught.value)
    assert len(site.api.requests) == 4


def test_a_limit_longer_than_the_deadline_says_so(site: FakeSite) -> None:
    site.api.retry_after = "1"
    site.api.faults = [once(Fault("retry-after"), count=100)]
    with pytest.raises(DeadlineError, match="asks to wait 1 s, longer than the deadline"):
        connected(site, seconds=2.5).proposals.by_head(HEAD, "main")
    assert len(site.api.requests) == 3


def test_many_comments_and_forks_under_the_same_owner(site: FakeSite) -> None:
    pull = started(site)
    site.hosted.pulls[0].comments = [f"comment {number}" for number in range(250)]
    proposals = connected(site).proposals
    assert len(proposals.comments(pull)) == 250
    site.hosted.forks = [type(site.hosted.pulls[0])(9, HEAD, "main", "theirs", "", "eve", "f" * 40)]
    assert [each.number for each in proposals.by_head(HEAD, "main")] == [1]
