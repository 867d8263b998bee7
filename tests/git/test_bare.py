"""The private repository against a real server: what moves, what does not, what it costs, what it refuses."""

import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipipe import proc
from cipipe.errors import CipipeError, ConfigError, CredentialsError, DeadlineError, GitError, ManifestError
from cipipe.git import paths
from cipipe.git.bare import StartOver, check_branch
from cipipe.git.failures import MissingBranchError
from cipipe.git.trees import Commit
from tests.git.bump import FILES, bump, edited, is_yaml
from tests.git.conftest import Opener
from tests.servers.git_http import Fault, GitServer, Redirect, sometimes, times
from tests.servers.origin import Content, Origin


def test_only_the_tag_moves(server: GitServer, opened: Opener) -> None:
    origin = server.repository("a/b.git", FILES)
    with opened(origin.url) as repository:
        commit, push = bump(repository, b"v2")
    assert push.ok
    assert origin.tip("main") == commit.id
    changed = origin.git("diff", "--raw", "--no-abbrev", "main~1", "main").splitlines()
    assert [line.split("\t")[1] for line in changed] == ["m/staging/app.yaml", "m/staging/sub/run.yaml"]
    assert all(line[1:7] == line[8:14] for line in changed), "modes stay"
    assert origin.read("m/staging/sub/run.yaml") == b"image: app:v2\r\n"
    assert (
        origin.git("log", "-1", "--format=%an %cn %at %P") == f"cipipe cipipe 1700000001 {commit.parents[0]}"
    )
    assert "error" not in origin.git("fsck", "--strict")


def test_the_same_bump_is_the_same_commit(server: GitServer, opened: Opener) -> None:
    origin = server.repository("a/b.git", FILES)
    made = []
    for _ in range(2):
        with opened(origin.url) as repository:
            made.append(edited(repository, b"v2")[1].id)
    assert made[0] == made[1]


@pytest.mark.parametrize("form", ["file", "sha256", "unfiltered", "v0", "v0 unfiltered"])
def test_every_kind_of_server(form: str, server: GitServer, opened: Opener, tmp_path: Path) -> None:
    server.protocol = 0 if "v0" in form else 2
    allow = "unfiltered" not in form
    if form == "file":
        origin = Origin.create(tmp_path / "origin.git", FILES)
    else:
        origin = server.repository("a/b.git", FILES, allow_filter=allow)
    with opened(origin.url) as repository:
        commit, push = bump(repository, b"v2")
    assert push.ok
    assert origin.tip("main") == commit.id
    assert origin.read("m/staging/app.yaml") == b"image: app:v2\n"


def test_push_holds_the_expected_value(server: GitServer, opened: Opener) -> None:
    origin = server.repository("a/b.git", FILES)
    with opened(origin.url) as repository:
        base, commit = edited(repository, b"v2")
        moved = origin.commit({"m/prod/app.yaml": b"image: app:v9\n"})
        refused = repository.push(commit.id, "main", expected=base.id)
        assert (refused.outcome, refused.declined) == ("rejected", False)
        assert origin.tip("main") == moved
        assert repository.remote_branches(["main"]) == {"main": moved}
        _, again = bump(repository, b"v2")
        assert again.ok
    assert origin.read("m/prod/app.yaml") == b"image: app:v9\n"
    assert len(origin.log()) == 3


def test_a_new_branch_must_be_new(server: GitServer, opened: Opener) -> None:
    origin = server.repository("a/b.git", FILES)
    name = "cipipe/staging/app-1a2b3c4d"
    with opened(origin.url) as repository:
        _, first = edited(repository, b"v2")
        assert repository.push(first.id, name, expected=None).outcome == "pushed"
        assert repository.push(first.id, name, expected=None).outcome == "up-to-date"
        _, second = edited(repository, b"v3")
        assert repository.push(second.id, name, expected=None).outcome == "rejected"
        assert origin.tip(name) == first.id
    with opened(origin.url) as repository:
        others = repository.fetch("main", also=[name, "cipipe/staging/none-00000000"]).others
        assert {branch: commit.id for branch, commit in others.items()} == {name: first.id}
        assert repository.push(edited(repository, b"v3")[1].id, name, expected=first.id).ok
    assert origin.tip(name) == second.id


def test_rejected_by_a_rule(server: GitServer, opened: Opener) -> None:
    origin = server.repository("a/b.git", FILES)
    origin.hook("pre-receive", "printf 'no \\033[31m::error::way\\n' >&2; exit 1")
    with opened(origin.url) as repository:
        _, push = bump(repository, b"v2")
    assert (push.outcome, push.declined) == ("rejected", True)
    assert "pre-receive hook declined" in push.reason
    assert "way" in push.said
    assert push.said.isprintable()
    assert len(origin.log()) == 1


def test_a_lost_answer_is_unknown(server: GitServer, opened: Opener) -> None:
    origin = server.repository("a/b.git", FILES)
    # curl sends once more by itself on a connection that the server closed
    server.faults.append(times("drop-answer", 5, only=lambda request: request.is_push))
    with opened(origin.url) as repository:
        commit, push = bump(repository, b"v2")
        assert push.outcome == "unknown"
        assert repository.remote_branches(["main"]) == {"main": commit.id}


def test_reading_is_tried_again(server: GitServer, opened: Opener) -> None:
    origin = server.repository("a/b.git", FILES)
    server.faults.append(
        sometimes("unavailable", 0.3, seed=3, only=lambda r: "receive-pack" not in r.path + r.query)
    )
    with opened(origin.url) as repository:
        assert bump(repository, b"v2")[1].ok
    assert any(request.status == 503 for request in server.requests)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("forbidden", CredentialsError, "CIPIPE_TOKEN"),
        ("html", GitError, "not Git's"),
        (Redirect("http://127.0.0.1:1"), GitError, "another address"),
    ],
)
def test_failures_are_told(
    fault: Fault, error: type[Exception], words: str, server: GitServer, opened: Opener
) -> None:
    origin = server.repository("a/b.git", FILES)
    server.faults.append(lambda _: fault)
    with opened(origin.url) as repository, pytest.raises(error, match=words) as told:
        repository.fetch("main")
    assert isinstance(told.value, CipipeError)
    assert told.value.hint


def test_missing_credentials_and_what_is_not_there(server: GitServer, opened: Opener) -> None:
    origin = server.repository("a/b.git", FILES)
    with (
        opened(origin.url, extra={"CIPIPE_TOKEN": ""}) as repository,
        pytest.raises(CredentialsError, match="there are none") as told,
    ):
        repository.fetch("main")
    assert "CIPIPE_TOKEN" in (told.value.hint or "")
    with opened(origin.url) as repository, pytest.raises(MissingBranchError, match="'nope'"):
        repository.fetch("nope")
    with (
        opened(f"{server.base}/a/none.git") as repository,
        pytest.raises(GitError, match="no such repository"),
    ):
        repository.fetch("main")


@pytest.mark.parametrize("fault", ["hang", "trickle"])
def test_a_silent_server_ends_at_the_deadline(fault: Fault, server: GitServer, opened: Opener) -> None:
    origin = server.repository("a/b.git", FILES)
    server.faults.append(lambda _: fault)
    started = time.monotonic()
    with opened(origin.url, seconds=2) as repository, pytest.raises(DeadlineError):
        repository.fetch("main")
    assert time.monotonic() - started < 9


def test_a_socket_that_never_answers(opened: Opener) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.git"
        with opened(url, seconds=1) as repository, pytest.raises(DeadlineError):
            repository.fetch("main")


def test_history_goes_as_deep_as_asked(server: GitServer, opened: Opener) -> None:
    origin = server.repository("a/b.git", FILES)
    for number in range(60):
        origin.commit({"n": b"%d" % number}, message=f"number {number}", date=1_700_000_100 + number)
    with opened(origin.url) as repository:
        fetched = repository.fetch("main")
        near = repository.history(fetched.base)
        assert [commit.id for commit in near] == origin.log()[:50]
        assert near[0].message.strip() == "number 59"
        assert [commit.id for commit in repository.deepen("main")] == origin.log()
        entries = repository.candidates(fetched.base, ["m"], is_yaml)
        assert len(repository.read(entries)) == 3


def test_the_cost_of_a_cold_bump(
    server: GitServer, opened: Opener, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN section 12: at most 10 git commands, 25 files, 0.4 MB and 8 requests among 10,000 manifests."""
    files: dict[str, Content] = {
        f"m/team{n % 500}/app{n}.yaml": b"# manifest\nimage: app:v1 # %d\n" % n for n in range(10_000)
    }
    origin = server.repository("a/b.git", files)
    started: list[Sequence[str]] = []
    start = proc._start

    def counted(argv: Sequence[str], *rest: Any, **more: Any) -> subprocess.Popen[bytes]:
        started.append(argv)
        return start(argv, *rest, **more)

    monkeypatch.setattr(proc, "_start", counted)
    with opened(origin.url) as repository:
        base, commit = edited(repository, b"v2", below="m/team7/app7.yaml")
        repository.history(base)
        assert repository.push(commit.id, "cipipe/x-1", expected=None).ok
        folder = Path(environ["TMPDIR"])
        assert sum(1 for path in folder.rglob("*") if path.is_file()) <= 25
    assert len(started) <= 10, started
    assert len(server.requests) <= 8
    assert server.bytes_sent() <= 400_000
    assert not any(folder.iterdir())


def test_replacing_a_branch_costs_no_more(server: GitServer, opened: Opener) -> None:
    origin = server.repository("a/b.git", FILES)
    with opened(origin.url) as repository:
        first = edited(repository, b"v2")[1]
        repository.push(first.id, "cipipe/x-1", expected=None)
    origin.commit({"other": b"x"})
    server.requests.clear()
    with opened(origin.url) as repository:
        repository.fetch("main", also=["cipipe/x-1"])
        server.requests.clear()
        base, second = edited(repository, b"v3")
        assert base.id == origin.tip("main")
        assert repository.push(second.id, "cipipe/x-1", expected=first.id).ok
    assert len(server.requests) <= 8


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"m/a.yaml": ("120000", b"/etc/passwd")}, "symbolic link"),
        ({"m/sub": ("160000", b"1" * 40)}, "submodule"),
        ({"m/../a.yaml": b"x"}, "no tree may"),
        ({"m/.GIT/a.yaml": b"x"}, "no tree may"),
        ({"m/git~1/a.yaml": b"x"}, "no tree may"),
        ({"m/.g\u200cit/a.yaml": b"x"}, "no tree may"),
        ({"m/App.yaml": b"x", "m/app.yaml": b"x"}, "one file on some systems"),
        ({"m/caf\u00e9.yaml": b"x", "m/cafe\u0301.yaml": b"x"}, "one file on some systems"),
        ({"m/a\n.yaml": b"x"}, "cannot be shown"),
        ({"m/a.yaml": b"version https://git-lfs.github.com/spec/v1\n"}, "Git LFS"),
    ],
)
def test_hostile_trees(files: dict[str, Content], words: str, tmp_path: Path, opened: Opener) -> None:
    origin = Origin.create(tmp_path / "o.git", files)
    with opened(origin.url) as repository, pytest.raises(ManifestError, match=words):
        repository.read(repository.candidates(repository.fetch("main").base, ["m"], is_yaml))


def test_what_is_not_wanted_is_left_alone(tmp_path: Path, opened: Opener) -> None:
    origin = Origin.create(
        tmp_path / "o.git",
        {"m/a.yaml": b"x", "m/link": ("120000", b"a.yaml"), "up/.git/x.yaml": b"x", "mm/b.yaml": b"x"},
    )
    with opened(origin.url) as repository:
        base = repository.fetch("main").base
        assert [entry.path for entry in repository.candidates(base, ["m"], is_yaml)] == ["m/a.yaml"]
        assert repository.candidates(base, [":(glob)**"], is_yaml) == ()


def test_an_edit_is_only_of_listed_files(tmp_path: Path, opened: Opener) -> None:
    origin = Origin.create(tmp_path / "o.git", FILES)
    with opened(origin.url) as repository:
        base = repository.fetch("main").base
        stray = paths.Entry("m/none.yaml", "100644", base.id)
        with pytest.raises(GitError, match="no file"):
            repository.prepare(base, [stray], {"m/none.yaml": b"x"})


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("ab-/.@{}~^:?*[\\ \x00\x7f\u00e9+'$;|&"), max_size=12))
def test_accepted_branches_are_gits(name: str) -> None:
    try:
        check_branch(name)
    except ConfigError:
        return
    done = subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False)
    assert done.returncode == 0


class TestCache:
    """`--cache-dir`: kept objects make the next run cheap, and can never make it wrong."""

    def _run(self, origin: Origin, opened: Opener, cache: Path, new: bytes) -> Commit:
        with opened(origin.url, cache_dir=cache) as repository:
            commit, push = bump(repository, new)
        assert push.ok
        assert origin.tip("main") == commit.id
        return commit

    def test_the_second_run_fetches_next_to_nothing(
        self, server: GitServer, opened: Opener, tmp_path: Path
    ) -> None:
        files = {f"m/staging/a{n}.yaml": b"# %d\nimage: app:v1\n" % n * 20 for n in range(300)}
        origin = server.repository("a/b.git", FILES | files)
        self._run(origin, opened, tmp_path / "cache", b"v2")
        origin.commit({"m/staging/a7.yaml": b"image: app:v7\n"})
        server.requests.clear()
        self._run(origin, opened, tmp_path / "cache", b"v3")
        assert server.bytes_sent() < 20_000
        assert origin.git("diff", "--name-only", "main~1", "main").count("\n") == 301

    @pytest.mark.parametrize(
        "harm", ["packs", "truncated", "state", "no objects", "foreign state", "alternates"]
    )
    def test_a_broken_cache_is_thrown_away(
        self, harm: str, server: GitServer, opened: Opener, tmp_path: Path
    ) -> None:
        origin = server.repository("a/b.git", FILES)
        cache = tmp_path / "cache"
        self._run(origin, opened, cache, b"v2")
        (store,) = cache.iterdir()
        packs = list(store.rglob("*.pack"))
        assert packs
        for pack in packs:
            pack.chmod(0o600)
            if harm == "packs":
                pack.write_bytes(b"x" * pack.stat().st_size)
            elif harm == "truncated":
                pack.write_bytes(pack.read_bytes()[:-30])
            elif harm == "no objects":
                pack.unlink()
        if harm == "state":
            (store / "state.json").write_text("{")
        if harm == "foreign state":
            (store / "state.json").write_text(
                '{"tips": ["' + "1" * 40 + '"], "shallow": ["' + "2" * 40 + '"]}'
            )
        if harm == "alternates":
            (store / "objects/info").mkdir(exist_ok=True)
            (store / "objects/info/alternates").write_text("/etc\n")
        self._run(origin, opened, cache, b"v3")
        self._run(origin, opened, cache, b"v4")

    def test_runs_at_the_same_time(self, server: GitServer, opened: Opener, tmp_path: Path) -> None:
        origin = server.repository("a/b.git", FILES)
        cache = tmp_path / "cache"
        self._run(origin, opened, cache, b"v2")
        with opened(origin.url, cache_dir=cache) as one, opened(origin.url, cache_dir=cache) as other:
            for number in range(3):
                assert bump(one, b"a%d" % number)[1].ok
                assert bump(other, b"b%d" % number)[1].ok
        assert len(origin.log()) == 8

    def test_thrown_away_by_another_run(self, server: GitServer, opened: Opener, tmp_path: Path) -> None:
        origin = server.repository("a/b.git", FILES)
        cache = tmp_path / "cache"
        with opened(origin.url, cache_dir=cache) as repository:
            base = repository.fetch("main").base
            for store in cache.iterdir():
                store.rename(tmp_path / "gone")
            with pytest.raises(StartOver):
                repository.candidates(base, ["m"], is_yaml)
            assert bump(repository, b"v2")[1].ok
