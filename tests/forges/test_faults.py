"""What a forge, or the way to it, may do to any request: a typed end in time, and nothing done twice."""

import itertools
import time
from collections.abc import Callable, Iterator

import pytest

from cipipe import controls, forges
from cipipe.config import load
from cipipe.controls.facts import Step
from cipipe.errors import CipipeError, DeadlineError, ForgeError
from cipipe.forges import calls, documents, protection, review
from cipipe.forges.base import Access, ConflictError, Proposals, PullRequest, UncertainError
from cipipe.git.url import Remote
from cipipe.proc import Deadline
from tests.fakes.protection import DocumentsFake
from tests.fakes.server import Answer, ApiServer, Kind, Request, once
from tests.fakes.server import Fault as Lost
from tests.forges.sites import TOKEN, FakeSite, GiteaSite, Site, connected, fake
from tests.forges.wire import FAULTS, Fault, Wire
from tests.review.test_forges import github, gitlab
from tests.servers.gitea import GiteaServer
from tests.servers.origin import Origin

HEAD = "cipipe/staging/app-1a2b3c4d"
Call = Callable[[Proposals, PullRequest], object]
REPEATABLE: dict[str, Call] = {
    "by_head": lambda proposals, _: proposals.by_head(HEAD, "main"),
    "list_open": lambda proposals, _: proposals.list_open(),
    "rewrite": lambda proposals, pull: proposals.rewrite(pull, title="Other", body="words"),
    "mark": lambda proposals, pull: proposals.mark(pull, labels=["deploy"], assignees=["sam"]),
    "ask": lambda proposals, pull: proposals.ask(pull, ["rita"]),
    "answered": lambda proposals, pull: proposals.answered(pull),
    "comments": lambda proposals, pull: proposals.comments(pull),
    "close": lambda proposals, pull: proposals.close(pull, label="cipipe-superseded"),
    "reopen": lambda proposals, pull: proposals.reopen(pull),
    "merge_when_ready": lambda proposals, pull: proposals.merge_when_ready(pull),
}
READING = {"by_head", "list_open", "answered", "comments"}
LIMITED = {"retry after a second", "retry after a date", "secondary", "reset near"}
AT_GITEA = {"closed", "deep", "401"}  # a real server is slow, and the clients share what meets the others
CASES = [
    (kind, name)
    for kind in ("github", "gitlab", "gitea")
    for name in FAULTS
    if kind != "gitea" or name in AT_GITEA
]
everywhere = pytest.mark.parametrize(("standing", "name"), CASES, indirect=["standing"], scope="module")
_numbers = itertools.count(1)


class Elsewhere(ApiServer):
    """Another server, which should hear nothing."""

    def answer(self, _: Request) -> Answer:
        """Anything."""
        return Answer(200, {})


class Still:
    """An origin whose branches do not move, so that no Git is asked."""

    def __init__(self, origin: Origin) -> None:
        self._branches, self._log = origin.branches(), origin.git("rev-list", "main")

    def branches(self) -> dict[str, str]:
        """As `Origin` says."""
        return self._branches

    def tip(self, branch: str) -> str | None:
        """As `Origin` says."""
        return self._branches.get(branch)

    def git(self, *_: str) -> str:
        """The commits of main."""
        return self._log


@pytest.fixture(scope="module")
def standing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, Wire]]:
    """A repository with a bump branch at each forge, and the wire to it."""
    if request.param == "gitea":
        gitea: GiteaServer = request.getfixturevalue("gitea")
        real = GiteaSite(gitea, f"faults{next(_numbers)}", tmp_path_factory.mktemp("site"))
        real.commit(HEAD, b"v2\n")
        with Wire(gitea.base) as wire:
            real.api_url = wire.base + "/api/v1"
            yield real, wire
    else:
        with fake(request.param) as site, Wire(site.api.base) as wire:
            site.commit(HEAD, b"v2\n")
            site.hosted.origin = Still(site.hosted.origin)  # type: ignore[assignment]  # it stands still
            site.api.base, site.api_url = wire.base, wire.base + site.api.prefix
            yield site, wire


@pytest.fixture
def place(standing: tuple[Site, Wire], hurry: None) -> Iterator[tuple[Site, Wire]]:
    """The repository without pull requests (Gitea keeps them), and the wire to it."""
    site, wire = standing
    if isinstance(site, FakeSite):
        site.hosted.pulls.clear()
    with Elsewhere(TOKEN) as elsewhere:
        wire.elsewhere = elsewhere.base
        yield site, wire
        wire.meet(None)
        assert not elsewhere.requests, "a redirect was followed to another server"


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little is waited between tries, and little is much."""
    monkeypatch.setattr(calls, "_PAUSE", 0.01)
    monkeypatch.setattr(calls, "_LEAST", 0.01)
    monkeypatch.setattr(documents, "_LARGEST", 100_000)


def outcome(fault: Fault, call: Callable[[], object]) -> CipipeError | None:
    """How it ended, which is in time and in words that can be shown."""
    begun = time.monotonic()
    problem = None
    try:
        call()
    except CipipeError as error:
        problem = error
    assert time.monotonic() - begun < (2 if fault.stalls else 6)
    if problem:
        said = f"{problem.message} {problem.hint or ''}"
        assert TOKEN not in said
        assert said.isprintable(), "nothing that a terminal or a CI would obey"
        assert problem.exit_code == 4
    return problem


def seconds(fault: Fault) -> float:
    return 0.1 if fault.stalls else 20


def standing_pull(site: Site) -> PullRequest:
    """The one open pull request of the bump branch, opened where there is none."""
    proposals = connected(site).proposals
    opened = [pull for pull in proposals.by_head(HEAD, "main") if pull.state == "open"]
    return opened[0] if opened else proposals.open(HEAD, "main", title="Bump", body="words", draft=False)


@everywhere
def test_requests_that_may_be_sent_twice(place: tuple[Site, Wire], name: str) -> None:
    site, wire = place
    fault = FAULTS[name]
    for (call, act), after in itertools.product(REPEATABLE.items(), (False, True)):
        if (after and call in READING) or (call, site.kind) == ("merge_when_ready", "gitea"):
            continue  # an answer to a question is no effect, and Gitea merges at once
        pull = standing_pull(site)
        wire.meet(fault, after=after)
        proposals = connected(site, seconds=seconds(fault)).proposals
        problem = outcome(fault, lambda: act(proposals, pull))  # noqa: B023 - called at once
        if (call, fault.end) == ("merge_when_ready", ConflictError):
            continue  # there is another way to ask for it
        if fault.end is not None:
            assert isinstance(problem, fault.end), call
        elif not fault.either:
            assert problem is None, call
        wire.meet(None)
        if call == "close" and not fault.either and fault.end is None:
            assert site.seen(pull.number).state == "closed"
            connected(site).proposals.reopen(pull)
    pull = standing_pull(site)
    seen = site.seen(pull.number)
    if fault.end is None and not fault.either:
        assert (seen.title, "deploy" in seen.labels, seen.assignees) == ("Other", True, ["sam"])
        assert (seen.state, seen.reviewers) == ("open", ["rita"])
    assert [each.number for each in open_ones(site)] == [pull.number]


def open_ones(site: Site) -> list[PullRequest]:
    found = connected(site).proposals.by_head(HEAD, "main")
    return [pull for pull in found if pull.state == "open"]


@everywhere
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_requests_that_must_be_sent_once(place: tuple[Site, Wire], name: str, after: bool) -> None:
    site, wire = place
    fault = FAULTS[name]
    if after and name in LIMITED:
        return  # a limit is a refusal: nothing is done
    for pull in open_ones(site):
        site.close(pull.number)
    proposals = connected(site, seconds=seconds(fault)).proposals
    wire.meet(fault, after=after)
    opening = outcome(fault, lambda: proposals.open(HEAD, "main", title="Bump", body="words", draft=False))
    check_once(name, wire, opening)
    number = standing_pull(site).number
    assert len(open_ones(site)) == 1
    wire.meet(fault, after=after)
    proposals = connected(site, seconds=seconds(fault)).proposals
    said = f"words {next(_numbers)}"
    pull = PullRequest(number, "", "open", "", "", HEAD, "main", "", "")
    commenting = outcome(fault, lambda: proposals.comment(pull, said))
    check_once(name, wire, commenting)
    wire.meet(None)
    assert site.seen(number).comments.count(said) <= 1


def check_once(name: str, wire: Wire, problem: CipipeError | None) -> None:
    """A limit is a refusal, and waiting is right; anything else is not sent again."""
    fault = FAULTS[name]
    if name in LIMITED:
        return
    assert len(wire.sent) == 1
    if not fault.either:
        assert isinstance(problem, fault.end or UncertainError)


SETTINGS = """\
version: 1
forge: {{kind: {kind}, api_url: '{api}'}}
environments:
  staging: {{branch: main, path: m/staging, source_branches: [main]}}
  prod: {{branch: prod, path: m/prod, protected: true, promotes: staging}}
"""


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_documents(hurry: None, kind: str, name: str) -> None:
    """Settings and reviews: read, and set once."""
    fault = FAULTS[name]
    prefix, documents = {"github": ("/api/v3", github()), "gitlab": ("/api/v4", gitlab())}[kind]
    with (
        DocumentsFake(TOKEN, prefix, documents) as api,
        Elsewhere(TOKEN) as elsewhere,
        Wire(api.base) as wire,
    ):
        wire.elsewhere = elsewhere.base
        settings = load(SETTINGS.format(kind=kind, api=wire.base + prefix).encode(), "cipipe.yaml")
        prod = settings.environment("prod")

        def way() -> Access:
            remote = Remote.parse("https://git.example.com/acme/infra.git")
            found = forges.access(
                kind, remote, None, api_url=wire.base + prefix, deadline=Deadline(seconds(fault)),
                environ={"CIPIPE_TOKEN": TOKEN},
            )  # fmt: skip
            assert found
            return found

        step = Step("POST", "statuses/x", {"state": "success"}, "the status")
        acts: dict[str, Callable[[], object]] = {
            "facts": lambda: protection.connect(kind, way()).facts(prod),
            "judged": lambda: controls.controls(kind, prod, protection.connect(kind, way()).facts(prod)),
            "read": lambda: review.connect(kind, way()).read(7),
            "publish": lambda: review.connect(kind, way()).publish("a" * 40, success=True, description="x"),
            "apply": lambda: protection.connect(kind, way()).apply(step),
        }
        for what, act in acts.items():
            wire.meet(fault)
            problem = outcome(fault, act)
            assert (problem is None) or isinstance(problem, CipipeError), what
            if what in {"publish", "apply"} and name not in LIMITED:
                assert len(wire.sent) == 1
        assert not elsewhere.requests


@pytest.mark.parametrize("kind", ["502", "drop", "html"])
@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_a_server_that_never_recovers_is_given_up(hurry: None, forge: str, kind: Kind) -> None:
    with fake(forge) as site:
        site.api.faults = [once(Lost(kind), count=100)]
        with pytest.raises(ForgeError):
            connected(site).proposals.by_head(HEAD, "main")
        assert len(site.api.requests) == 4


def test_a_limit_longer_than_the_deadline_says_so() -> None:
    with fake("github") as site:
        site.api.retry_after = "1"
        site.api.faults = [once(Lost("retry-after"), count=100)]
        with pytest.raises(DeadlineError, match="asks to wait 1 s, longer than the deadline"):
            connected(site, seconds=1.9).proposals.by_head(HEAD, "main")
        assert len(site.api.requests) == 2


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_many_comments_and_forks_under_the_same_owner(forge: str) -> None:
    with fake(forge) as site:
        site.commit(HEAD, b"v2\n")
        proposals = connected(site).proposals
        pull = proposals.open(HEAD, "main", title="Bump", body="words", draft=False)
        site.hosted.pulls[0].comments = [f"comment {number}" for number in range(250)]
        assert len(proposals.comments(pull)) == 250
        site.hosted.forks = [type(site.hosted.pulls[0])(9, HEAD, "main", "theirs", "", "eve", "f" * 40)]
        assert [each.number for each in proposals.by_head(HEAD, "main")] == [1]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Tue, 24 Nov 2026 10:00:30 GMT", "date": "Tue, 24 Nov 2026 10:00:00 GMT"}, 30),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795514430",
          "date": "Tue, 24 Nov 2026 10:00:00 GMT"}, 30),
        ({"x-ratelimit-remaining": "7", "x-ratelimit-reset": "1795514430"}, 60),
        ({"retry-after": "soon"}, 60),
    ],
)  # fmt: skip
def test_how_long_a_limit_lasts(headers: dict[str, str], seconds: float) -> None:
    """By the server's clock: this machine's may be wrong by hours."""
    assert calls.Refusal(429, "slow down", headers).wait == seconds
