"""A state machine over the life of a pull request, against a model: people, kills, and cipipe again."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.bump.conftest import FILES, TOKEN, deployment
from tests.fakes.github import GitHubFake
from tests.fakes.state import Hosted, Pull
from tests.forges.conftest import CONFIGURATION, ForgeBench
from tests.servers.git_http import GitServer

POINTS = ("edited", "committed", "pushed", "proposed", "labelled")


class Story(RuleBasedStateMachine):
    """The model: which tag stands in the branch, which is proposed, and whose word is the last."""

    @initialize()
    def start(self) -> None:
        """A repository at a forge, and no bump yet."""
        self.folder = Path(tempfile.mkdtemp())
        for name in ("home", "tmp"):
            (self.folder / name).mkdir()
        self.server = GitServer(credentials=("x-access-token", TOKEN)).__enter__()
        self.forge = GitHubFake(TOKEN).__enter__()
        origin = self.server.repository("acme/infra.git", FILES)
        hosted = self.forge.host(Hosted("acme/infra", origin))
        self.bench = ForgeBench(self.server, origin, self.folder, forge=self.forge, hosted=hosted)
        self.bench.configure(CONFIGURATION)
        self.run = 0
        self.merged = "v1"
        self.rejected: set[tuple[str, str]] = set()  # (from, to) that a person closed
        self.touched = False  # a person committed to the bump branch

    def teardown(self) -> None:
        """The servers end."""
        if hasattr(self, "forge"):
            self.forge.__exit__(None, None, None)
            self.server.__exit__(None, None, None)
            shutil.rmtree(self.folder)

    @property
    def open(self) -> Pull | None:
        """The open pull request."""
        return next(iter(self.bench.repository.opened()), None)

    @rule(tag=st.sampled_from(["v2", "v3"]), kill=st.sampled_from([None, None, *POINTS]))
    def bump(self, tag: str, kill: str | None) -> None:
        """A newer run; it may be killed at some point, and is then started again."""
        self.run += 1
        arguments = ("--env", "staging", "--image", f"ghcr.io/acme/app:{tag}")
        if kill:
            self.bench.bump(*arguments, code=None, CIPIPE_FAILPOINT=kill, GITHUB_RUN_NUMBER=str(self.run))
        run = self.bench.bump(*arguments, code=None, GITHUB_RUN_NUMBER=str(self.run))
        delivery = run.delivery
        if tag == self.merged:
            assert (run.code, delivery["status"], delivery["changes"]) == (0, "unchanged", [])
        elif self.touched or ((self.merged, tag) in self.rejected and self.open is None):
            assert (run.code, delivery["error"]["kind"]) == (1, "policy")
        else:
            assert run.code == 0, run.said
            pull = self.open
            assert pull
            assert pull.number == delivery["pull_request"]["number"]
            assert pull.title == f"Bump app to {tag} in staging"
            assert pull.commit == delivery["commit"]
            assert (pull.labels, pull.reviewers) == (["deploy", "staging"], ["rita"])
            self.rejected.discard((self.merged, tag))

    @precondition(lambda self: self.open is not None)
    @rule()
    def close(self) -> None:
        """A person closes it."""
        pull = self.open
        assert pull
        pull.state = "closed"
        self.rejected = {(self.merged, pull.title.split()[3])}

    @precondition(lambda self: self.open is not None and not self.touched)
    @rule()
    def merge(self) -> None:
        """A person merges it."""
        pull = self.open
        assert pull
        self.bench.repository.merge(pull)
        self.merged = pull.title.split()[3]
        self.rejected = set()

    @precondition(lambda self: self.open is not None and not self.touched)
    @rule()
    def edit(self) -> None:
        """A person commits to the bump branch."""
        pull = self.open
        assert pull
        self.bench.origin.commit({"README.md": b"mine\n"}, branch=pull.head)
        self.touched = True

    @precondition(lambda self: self.touched)
    @rule()
    def delete(self) -> None:
        """A person deletes the bump branch, which closes the pull request."""
        pull = self.bench.repository.pulls[-1]
        self.bench.origin.git("update-ref", "-d", f"refs/heads/{pull.head}")
        if pull.state == "open":
            self.rejected = {(self.merged, pull.title.split()[3])}
        self.touched = False

    @invariant()
    def nothing_is_doubled_or_lost(self) -> None:
        """One bump branch, one open pull request, and the environment's branch as people merged it."""
        if not hasattr(self, "bench"):
            return
        assert len(self.bench.repository.opened()) <= 1
        assert len(self.bench.origin.branches()) <= 2
        held = self.bench.origin.read("m/staging/app.yaml")
        assert held == deployment(f"ghcr.io/acme/app:{self.merged}")
        assert not list((self.folder / "tmp").iterdir()) or self.run


TestStory = Story.TestCase
TestStory.settings = settings(
    max_examples=4, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
)
