"""The pull request of a bump, from the command line to what stands at the forge."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from cipipe import trailers
from tests.bump.conftest import deployment
from tests.fakes.server import Fault, Request, once
from tests.fakes.state import Review
from tests.forges.conftest import CONFIGURATION, ForgeBench
from tests.servers.git_http import Request as GitRequest
from tests.servers.origin import Content

APP = ("--env", "staging", "--image", "ghcr.io/acme/app:v2")
BOTH = (*APP, "--image", "ghcr.io/acme/web:v2")
PLAIN = CONFIGURATION.split("    pull_request:", maxsplit=1)[0]


def newer(tag: str) -> tuple[str, ...]:
    return ("--env", "staging", "--image", f"ghcr.io/acme/app:{tag}")


def test_a_bump_opens_the_pull_request_that_a_reviewer_wants_to_see(bench: ForgeBench) -> None:
    delivery = bench.bump(*APP, GITHUB_RUN_NUMBER="7", GITHUB_SHA="a" * 40).delivery
    pull = bench.only()
    assert delivery["status"] == "changed"
    url = f"{bench.api.base}/acme/infra/pull/1"
    assert delivery["pull_request"] == {"number": 1, "url": url, "state": "open", "created": True}
    assert (pull.head, pull.base, pull.commit) == (delivery["branch"], "main", delivery["commit"])
    assert pull.title == "Bump app to v2 in staging"
    assert "| `m/staging/app.yaml:9` | `ghcr.io/acme/app:v1` | `ghcr.io/acme/app:v2` |" in pull.body
    assert (pull.labels, pull.assignees) == (["deploy", "staging"], ["sam"])
    assert (pull.reviewers, pull.teams, pull.draft) == (["rita"], ["release"], False)
    bump = trailers.parse(pull.body)
    assert bump == trailers.parse(bench.origin.git("log", "-1", "--format=%B", pull.commit))
    again = bench.bump(*APP, GITHUB_RUN_NUMBER="8").delivery
    assert again["status"] == "unchanged"
    assert again["pull_request"] == {"number": 1, "url": url, "state": "open", "created": False}
    assert len(bench.repository.pulls) == 1


def test_the_budget_of_requests(bench: ForgeBench) -> None:
    bench.configure(PLAIN)
    bench.bump(*APP)
    assert bench.api.log() == ["GET /repos/acme/infra/pulls", "POST /repos/acme/infra/pulls"]
    assert len(bench.server.requests) <= 8
    bench.api.requests.clear()
    bench.bump(*APP)
    assert bench.api.log() == ["GET /repos/acme/infra/pulls"]
    bench.configure(CONFIGURATION)
    bench.api.requests.clear()
    bench.server.requests.clear()
    bench.bump(*newer("v3"))
    assert len(bench.server.requests) <= 8
    assert [line.partition(" ")[0] for line in bench.api.log()] == ["GET", "PATCH", "GET", "POST", "PATCH"]
    bench.api.requests.clear()
    bench.bump(*newer("v3"))
    assert bench.api.log() == ["GET /repos/acme/infra/pulls"]


def test_a_dry_run_asks_the_forge_nothing(bench: ForgeBench) -> None:
    assert bench.bump(*APP, "--dry-run").delivery["pull_request"] is None
    assert not bench.api.requests


def test_a_newer_bump_takes_the_pull_request_over(bench: ForgeBench) -> None:
    bench.bump(*APP, GITHUB_RUN_NUMBER="1")
    delivery = bench.bump(*newer("v3"), GITHUB_RUN_NUMBER="2").delivery
    pull = bench.only()
    assert (delivery["status"], delivery["pull_request"]["number"]) == ("changed", 1)
    assert delivery["pull_request"]["created"] is False
    assert pull.title == "Bump app to v3 in staging"
    assert "`ghcr.io/acme/app:v3`" in pull.body
    assert "v2" not in pull.body
    run = bench.bump(*APP, GITHUB_RUN_NUMBER="1")
    assert (run.delivery["status"], bench.only().title) == ("superseded", "Bump app to v3 in staging")
    assert "note: staging: 'cipipe/staging/" in run.said
    said = subprocess.check_output(
        bench.command(*APP), cwd=bench.folder, env=bench.environment({"GITHUB_RUN_NUMBER": "1"}), text=True
    )
    assert "was set by a newer run" in said
    assert "not compared" not in said


def test_what_a_person_closed_stays_closed_until_told_otherwise(bench: ForgeBench) -> None:
    branch = bench.bump(*APP).delivery["branch"]
    bench.only().state = "closed"
    run = bench.bump(*APP, code=1)
    assert run.delivery["error"]["kind"] == "policy"
    assert "#1" in run.delivery["error"]["message"]
    assert not bench.repository.opened()
    bench.origin.git("update-ref", "-d", f"refs/heads/{branch}")
    bench.bump(*APP, code=1)
    assert bench.origin.tip(branch) is None, "nothing is pushed for it"
    reopened = bench.bump(*APP, "--reopen").delivery
    assert (reopened["status"], reopened["pull_request"]["number"]) == ("changed", 1), "the same commit again"
    assert bench.only().state == "open"
    bench.only().state = "closed"
    bench.origin.commit({"m/staging/app.yaml": deployment("ghcr.io/acme/app:v1") + b"# grown"})
    bench.bump(*APP)
    assert bench.only().number == 2, "on other bytes it is another edit"
    bench.only().state = "closed"
    assert bench.bump(*newer("v3")).delivery["pull_request"]["created"] is True, (
        "another change is a new question"
    )


def test_a_merged_one_is_no_obstacle(bench: ForgeBench) -> None:
    bench.bump(*APP)
    bench.repository.merge(bench.only())
    assert bench.bump(*APP).delivery["status"] == "unchanged"
    bench.origin.commit({"m/staging/app.yaml": deployment("ghcr.io/acme/app:v1")})
    assert bench.bump(*APP).delivery["pull_request"]["created"] is True
    assert bench.only().number == 2


def test_bumps_that_a_newer_one_contains_are_closed_and_others_linked(bench: ForgeBench) -> None:
    bench.bump(*APP)
    bench.bump("--env", "staging", "--image", "ghcr.io/acme/web:v1.1")
    bench.origin.commit({"m/staging/job.yaml": deployment("ghcr.io/acme/job:v1")})
    bench.bump("--env", "staging", "--image", "ghcr.io/acme/job:v2")
    bench.bump("--env", "staging", "--image", "ghcr.io/acme/job:v2", "--image", "ghcr.io/acme/web:v1.1")
    first, second, job, overlapping = bench.repository.pulls
    assert [pull.state for pull in bench.repository.pulls] == ["open", "closed", "closed", "open"]
    ours = bench.bump(*BOTH).delivery["pull_request"]
    assert (first.state, first.labels[-1]) == ("closed", "cipipe-superseded")
    assert first.body.startswith(f"Superseded by {ours['url']}, which contains this change.\n\n| file |")
    assert trailers.parse(first.body), "a bump that was closed is told from others by its trailers"
    assert overlapping.state == "open"
    assert overlapping.comments == [f"{ours['url']} changes some of these images, too."]
    bench.bump(*BOTH)
    assert (first.body.count("Superseded"), first.comments, len(overlapping.comments)) == (1, [], 1)
    assert (second.state, job.state) == ("closed", "closed")
    bench.origin.git("update-ref", "-d", f"refs/heads/{first.head}")
    assert bench.bump(*APP).delivery["pull_request"]["created"] is True, "cipipe closed it, no person did"


def test_reviewers_are_not_asked_twice(bench: ForgeBench) -> None:
    bench.bump(*APP)
    pull = bench.only()
    pull.reviews.append(Review("rita", "APPROVED", pull.commit))
    pull.reviewers, pull.teams = [], []
    bench.bump(*APP)
    assert (pull.reviewers, pull.teams) == ([], [])
    assert not [line for line in bench.api.log()[4:] if line.startswith("POST")]


@pytest.mark.parametrize("point", ["committed", "pushed", "proposed", "labelled"])
def test_a_run_after_a_kill_ends_with_one_complete_pull_request(bench: ForgeBench, point: str) -> None:
    assert bench.bump(*APP, code=None, CIPIPE_FAILPOINT=point).code == -9
    delivery = bench.bump(*APP).delivery
    pull = bench.only()
    assert len(bench.repository.pulls) == 1
    assert pull.commit == delivery["commit"]
    assert (pull.labels, pull.reviewers, pull.assignees) == (["deploy", "staging"], ["rita"], ["sam"])


def test_a_kill_between_push_and_rewrite_leaves_no_wrong_words(bench: ForgeBench) -> None:
    bench.bump(*APP)
    assert bench.bump(*newer("v3"), code=None, CIPIPE_FAILPOINT="pushed").code == -9
    assert bench.only().title == "Bump app to v2 in staging"
    assert bench.bump(*newer("v3")).delivery["status"] == "changed"
    assert bench.only().title == "Bump app to v3 in staging"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", ["502", "drop", "html", "truncated", "empty", "retry-after", "secondary"])
def test_an_answer_that_fails_once_ends_with_one_pull_request(
    bench: ForgeBench, kind: str, after: bool
) -> None:
    for method in ("GET", "POST", "PATCH"):
        rule = once(Fault(kind, after), lambda request, method=method: request.method == method)  # type: ignore[arg-type, misc]  # a literal
        bench.api.faults.append(rule)
    delivery = bench.bump(*APP).delivery
    assert delivery["status"] == "changed"
    assert delivery["pull_request"]["number"] == 1
    assert len(bench.repository.pulls) == 1
    assert bench.only().labels == ["deploy", "staging"]


def own_token(bench: ForgeBench) -> None:
    bench.variables = {
        "CIPIPE_TOKEN": "",
        "GITHUB_TOKEN": bench.api.token,
        "GITHUB_SERVER_URL": bench.server.base,
    }
    bench.configure(PLAIN)


def test_what_github_token_may_not_do_is_said(bench: ForgeBench) -> None:
    own_token(bench)
    bench.api.forbids_pull_requests = True
    run = bench.bump(*APP, code=4)
    assert run.delivery["error"]["kind"] == "credentials"
    assert "allow GitHub Actions to create pull requests" in run.delivery["error"]["hint"]


def test_checks_that_will_not_run_are_said(bench: ForgeBench) -> None:
    own_token(bench)
    done = subprocess.run(
        bench.command(*APP),
        cwd=bench.folder,
        env=bench.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "pull request http" in done.stdout
    assert "no checks run on a pull request that GITHUB_TOKEN opened" in done.stdout


def test_no_token_is_an_error_before_anything_is_pushed(bench: ForgeBench) -> None:
    bench.server.credentials = None
    bench.variables = {"CIPIPE_TOKEN": ""}
    run = bench.bump(*APP, code=4)
    assert run.delivery["error"]["kind"] == "credentials"
    assert bench.origin.branches().keys() == {"main"}
    bench.variables |= {"GITHUB_TOKEN": "x", "GITHUB_SERVER_URL": "https://github.com"}
    error = bench.bump(*APP, code=4).delivery["error"]
    assert error["message"].startswith("GITHUB_TOKEN is for https://github.com, and not sent to http://127.")


def test_a_branch_that_goes_between_push_and_proposal_is_pushed_again(bench: ForgeBench) -> None:
    gone: list[str] = []

    def meanwhile(request: Request) -> None:
        if request.method == "POST" and not gone:
            gone.append(next(name for name in bench.origin.branches() if name != "main"))
            bench.origin.git("update-ref", "-d", f"refs/heads/{gone[0]}")

    bench.api.faults.append(meanwhile)
    delivery = bench.bump(*APP).delivery
    assert gone == [delivery["branch"]]
    assert bench.only().commit == delivery["commit"] == bench.origin.tip(delivery["branch"])


@pytest.mark.parametrize("more", [(), ("--allow-downgrade",)], ids=["in order", "a step back"])
@pytest.mark.parametrize("there", [False, True], ids=["while it opens", "while it rewrites"])
def test_a_run_that_another_one_overtakes_leaves_its_words_alone(
    bench: ForgeBench, more: tuple[str, ...], there: bool
) -> None:
    """By the branch, not by their order: a step back that was asked for is overtaken just as well."""
    bench.configure(PLAIN)
    if there:
        bench.bump(*newer("v1.5"), GITHUB_RUN_NUMBER="1")
    state = {"pushed": False, "overtaken": False}

    def overtake() -> None:
        state["overtaken"] = True
        bench.bump(*newer("v3"), GITHUB_RUN_NUMBER="3")

    def at_git(request: GitRequest) -> None:
        if not state["overtaken"]:
            if there and state["pushed"] and request.path.endswith("info/refs"):
                overtake()
            state["pushed"] |= request.path.endswith("git-receive-pack")

    def at_forge(request: Request) -> None:
        if request.method == "POST" and not there and not state["overtaken"]:
            overtake()

    bench.server.faults.append(at_git)
    bench.api.faults.append(at_forge)
    bench.bump(*APP, *more, GITHUB_RUN_NUMBER="2")
    assert state["overtaken"]
    assert bench.only().title == "Bump app to v3 in staging"
    assert "v2" not in bench.only().body
    assert bench.only().commit == bench.origin.tip(bench.only().head)


def test_what_superseding_costs(bench: ForgeBench) -> None:
    bench.configure(PLAIN)
    bench.bump(*APP)
    bench.bump("--env", "staging", "--image", "ghcr.io/acme/web:v1.1")
    bench.api.requests.clear()
    bench.bump(*BOTH)
    pulls = "/repos/acme/infra/pulls"
    assert bench.api.log()[:3] == [f"GET {pulls}", f"POST {pulls}", f"GET {pulls}"]
    assert sorted(bench.api.log()[3:]) == [f"PATCH /repos/acme/infra/issues/{number}" for number in (1, 2)]


def test_many_bumps_at_once_each_have_one(bench: ForgeBench) -> None:
    services: dict[str, Content | None] = {
        f"m/staging/s{n}.yaml": deployment(f"ghcr.io/acme/s{n}:v1") for n in range(16)
    }
    bench.origin.commit(services)
    with ThreadPoolExecutor(8) as pool:
        runs = list(
            pool.map(lambda n: bench.bump("--env", "staging", "--image", f"ghcr.io/acme/s{n}:v2"), range(16))
        )
    numbers = {run.delivery["pull_request"]["number"] for run in runs}
    assert len(numbers) == len(bench.repository.opened()) == 16
    assert len([line for line in bench.api.log() if line.endswith("/pulls")]) == 32


def test_one_that_the_forge_merges_by_itself(bench: ForgeBench) -> None:
    bench.configure(PLAIN + "    pull_request: {auto_merge: true}\n")
    bench.bump(*APP)
    assert bench.only().auto_merge
    bench.api.requests.clear()
    bench.bump(*APP)
    assert len(bench.api.requests) == 1


def test_a_way_of_merging_that_the_repository_allows(bench: ForgeBench) -> None:
    bench.configure(PLAIN + "    pull_request: {auto_merge: true}\n")
    bench.api.merge_methods = {"REBASE"}
    bench.bump(*APP)
    assert bench.only().auto_merge
    given = [
        request.body["variables"]["input"] for request in bench.api.requests if "graphql" in request.path
    ]
    assert [each["mergeMethod"] for each in given] == ["MERGE", "SQUASH", "REBASE"]
    assert {each["expectedHeadOid"] for each in given} == {bench.only().commit}


def test_a_pull_request_that_was_there_is_merged_as_it_is_now(bench: ForgeBench) -> None:
    bench.configure(PLAIN)
    bench.bump(*APP)
    bench.configure(PLAIN + "    pull_request: {auto_merge: true}\n")
    bench.bump(*newer("v3"))
    assert bench.only().auto_merge


@pytest.mark.parametrize(
    ("methods", "settings", "words"),
    [
        (set(), "auto_merge: true", "switch 'Allow auto-merge' on"),
        ({"MERGE"}, "auto_merge: true, draft: true", "mark it as ready first"),
    ],
)
def test_what_the_forge_does_not_merge_is_said(
    bench: ForgeBench, methods: set[str], settings: str, words: str
) -> None:
    bench.configure(PLAIN + f"    pull_request: {{{settings}}}\n")
    bench.api.merge_methods = methods
    done = subprocess.run(
        bench.command(*APP),
        cwd=bench.folder,
        env=bench.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert words in done.stdout
    assert "auto-merge is not set: " in done.stdout
    assert not bench.only().auto_merge


def test_options_add_to_what_is_configured(bench: ForgeBench) -> None:
    more = ("--label", "urgent", "--label", "deploy", "--reviewer", "sam", "--assignee", "rita", "--draft")
    bench.bump(*APP, *more)
    pull = bench.only()
    assert (pull.labels, pull.assignees) == (["deploy", "staging", "urgent"], ["sam", "rita"])
    assert (pull.reviewers, pull.teams, pull.draft) == (["rita", "sam"], ["release"], True)


def test_options_stand_alone_or_come_by_variables(bench: ForgeBench) -> None:
    bench.configure(PLAIN + "    pull_request: {draft: true}\n")
    bench.bump(*APP, "--no-draft", CIPIPE_BUMP_LABEL="one two", CIPIPE_BUMP_REVIEWER="rita acme/release")
    pull = bench.only()
    assert (pull.labels, pull.reviewers, pull.teams, pull.draft) == (
        ["one", "two"],
        ["rita"],
        ["release"],
        False,
    )


def test_options_without_a_pull_request_are_wrong_use(bench: ForgeBench) -> None:
    bench.configure(PLAIN + "    delivery: push\n")
    run = bench.bump(*APP, "--label", "x", code=2)
    assert "delivered by a push" in run.document["error"]["message"]
    assert bench.bump(*APP, "--label", " ", code=2).document["error"]["kind"] == "usage"
    assert bench.bump(*APP, "--no-draft").delivery["status"] == "changed"


def test_what_cannot_be_marked_is_an_error_that_names_the_pull_request(bench: ForgeBench) -> None:
    bench.configure(CONFIGURATION.replace("rita", "nobody"))
    run = bench.bump(*APP, code=4)
    assert run.delivery["pull_request"]["number"] == 1
    assert "collaborators" in run.delivery["error"]["message"]
