"""The facts of a pull request that decide who may approve it (layer 1; DESIGN section 8).

What a forge says is turned into facts here; whether the approvals are enough is said by `policies/approvals`.
Logins are compared without case, as the forges do.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cipipe import trailers
from cipipe.config.model import Config, Environment
from cipipe.policy.facts import Facts
from cipipe.repository import identity

STATUS = "cipipe/approvals"
"""The commit status that carries the verdict."""

SETTINGS = ("cipipe.yaml", "CODEOWNERS", ".github/CODEOWNERS", ".gitlab/CODEOWNERS", "docs/CODEOWNERS")
"""What says who must approve: who may change it without an approval needs none for anything."""

_NOREPLY = re.compile(r"co-authored-by:.*<(?:\d+\+)?([\w-]+)@users\.noreply\.[\w.-]+>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of a pull request; the accounts are logins, None where the forge knows none."""

    id: str
    author: str | None
    committer: str | None
    message: str
    tree: str

    @property
    def people(self) -> frozenset[str]:
        """Who made it, with the co-authors whose address names an account."""
        named = {login.lower() for login in (self.author, self.committer) if login}
        return frozenset(named | {login.lower() for login in _NOREPLY.findall(self.message)})


@dataclass(frozen=True, slots=True)
class Review:
    """The last review of a person that is not a comment; `writes` says whether they have write access.

    `same_target` is false where the pull request got another target branch after it, and so another content.
    """

    person: str
    approves: bool
    commit: str
    writes: bool
    bot: bool = False
    same_target: bool = True


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request; `files` is None where there are more than the forge lists.

    `writers` are all who may write, None where the token may not see them. `pushers` are who pushed to its
    branch, the last one first, as the forge has it: what commits say of their authors anybody can write. None
    where the forge does not tell. `doubts` says what else it did not tell, and what follows from that.
    """

    number: int
    head: str
    head_repository: str
    base: str
    repository: str
    commit: str
    author: str
    files: tuple[str, ...] | None
    commits: tuple[Commit, ...]
    reviews: tuple[Review, ...]
    writers: tuple[str, ...] | None = None
    pushers: tuple[str, ...] | None = ()
    doubts: tuple[str, ...] = ()

    @property
    def is_fork(self) -> bool:
        """Whether its branch is in another repository."""
        return self.head_repository.lower() != self.repository.lower()


def concerned(pull: Pull, config: Config, own: str) -> list[Environment]:
    """The environments that a pull request changes; `own` is the address of its repository."""
    return [
        environment
        for environment in config.environments.values()
        if (environment.repo is None or identity(environment.repo) == identity(own))
        and environment.branch == pull.base
        and (pull.files is None or any(_holds(environment, file) for file in pull.files))
    ]


def _holds(environment: Environment, file: str) -> bool:
    """Whether a file is in the environment's path, or decides who must approve what is."""
    return file in SETTINGS or any(_is_below(path, file) for path in environment.path)


def _is_below(path: str, file: str) -> bool:
    start, image, _ = path.removeprefix("./").partition("{image}")
    if image:  # `app-{image}` begins within a name
        return file.startswith(start)
    folder = start.strip("/")
    return folder in {"", ".", file} or file.startswith(f"{folder}/")


@dataclass(frozen=True, slots=True)
class Excluded:
    """Who may not approve, in lower case."""

    author: str
    committers: frozenset[str]
    pushers: frozenset[str]
    actor: str | None
    bots: frozenset[str]

    def may(self, person: str, *, merges: bool) -> bool:
        """Whether a person with write access could still approve; `merges` as in `add`."""
        name = person.lower()
        others = self.pushers if merges else self.committers
        return name not in others | self.bots | {self.author, self.actor} and not name.endswith("[bot]")


def excluded(pull: Pull, config: Config, host: str) -> tuple[Excluded, tuple[str, ...]]:
    """Who may not approve, and what there is to say; `host` is the forge's, whose accounts count."""
    head = next((commit for commit in pull.commits if commit.id == pull.commit), None)
    triggered = {commit.id: _actor(commit) for commit in pull.commits}
    actor = triggered[head.id] if head else None
    notes = list(pull.doubts)
    if head and actor and _is_elsewhere(head, host):
        notes.append(
            f"actor: not available: '{actor}' triggered the bump at another service;"
            " nobody of that name may approve it"
        )
    if pull.pushers is None:
        notes.append("who pushed: not available, the commits are taken for those of the people they name")
    pushed = tuple(person.lower() for person in pull.pushers or ())
    committers = frozenset(person for commit in pull.commits for person in commit.people)
    committers |= {person for person in triggered.values() if person}
    pushers = (head.people if head else frozenset()) | frozenset(pushed[:1])
    bots = frozenset(bot.lower() for bot in config.gate.bots)
    found = Excluded(pull.author.lower(), committers | set(pushed), pushers, actor, bots)
    return found, tuple(notes)


def _actor(commit: Commit) -> str | None:
    """Who triggered the bump that made a commit, in lower case.

    The name may be one of another service: who has the same name here is most likely the same person.
    """
    bump = trailers.parse(commit.message)
    return bump.origin.actor.lower() if bump and bump.origin.actor else None


def _is_elsewhere(commit: Commit, host: str) -> bool:
    """Whether the bump that made a commit was triggered at another service than `host`."""
    bump = trailers.parse(commit.message)
    origin = bump.origin if bump else trailers.Origin()
    place = origin.run_url or origin.pipeline or origin.repository
    return place is not None and identity(place).partition("/")[0] != host.lower()


def promotes_by_merge(environment: Environment, config: Config) -> bool:
    """Whether an environment is promoted by merging another one's branch into its own."""
    source = config.environments.get(environment.promotes or "")
    if source is None or source.branch == environment.branch:
        return False
    repositories = {identity(each.repo) if each.repo else None for each in (source, environment)}
    return len(repositories) == 1


def head_kind(pull: Pull, environment: Environment, config: Config) -> str:
    """What a pull request comes from: bump, promotion (the branch of what it promotes) or other."""
    if pull.is_fork:
        return "fork"
    if pull.head.startswith(f"cipipe/{environment.name}/"):
        return "bump"
    source = config.environments.get(environment.promotes or "")
    if source and promotes_by_merge(environment, config) and pull.head == source.branch:
        return "promotion"
    return "other"


def add(facts: Facts, pull: Pull, environments: Sequence[Environment], config: Config, who: Excluded) -> None:
    """Add a fact for each environment, and one for each review.

    In a promotion by merge everybody who ever changed the source branch is a committer: there only the
    author, who pushed last and the actor may not approve.
    """
    for environment in environments:
        facts.add(
            "pull",
            None,
            number=f"#{pull.number}",
            environment=environment.name,
            protected=environment.protected,
            approvals=environment.approvals,
            head=head_kind(pull, environment, config),
            merges=promotes_by_merge(environment, config),
            commits_known=_are_known(pull, environment),
        )
    for review in pull.reviews:
        person = review.person.lower()
        facts.add(
            "review",
            None,
            person=review.person,
            approves=review.approves,
            current=review.commit == pull.commit,
            writes=review.writes,
            author=person == who.author,
            committer=person in who.committers,
            pusher=person in who.pushers,
            actor=person == who.actor,
            bot=review.bot or person in who.bots or person.endswith("[bot]"),
            same_target=review.same_target,
        )


def _are_known(pull: Pull, environment: Environment) -> bool:
    """Whether it is known who opened the pull request and made its commits, up to the last one.

    A list without the last one was read while somebody pushed.
    """
    listed = any(commit.id == pull.commit for commit in pull.commits)
    return bool(pull.author) and listed and all(_is_known(commit, environment) for commit in pull.commits)


def _is_known(commit: Commit, environment: Environment) -> bool:
    """Whether it is known who made a commit: by accounts, or as a bump that is still as cipipe made it."""
    if commit.author and commit.committer:
        return True
    bump = trailers.parse(commit.message)
    return bump is not None and bump.environment == environment.name and bump.tree == commit.tree
