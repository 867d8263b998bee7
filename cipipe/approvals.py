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
    """The last review of a person that is not a comment; `writes` says whether they have write access."""

    person: str
    approves: bool
    commit: str
    writes: bool
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request; `files` is None where there are more than the forge lists.

    `writers` are all who may write, None where the token may not see them.
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
    folders = (path.partition("{image}")[0].strip("/").removeprefix("./") for path in environment.path)
    return any(folder in {"", ".", file} or file.startswith(f"{folder}/") for folder in folders)


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
    bump = trailers.parse(head.message) if head else None
    actor, notes = bump.origin.actor if bump else None, []
    if actor and bump:
        place = bump.origin.run_url or bump.origin.pipeline or bump.origin.repository or ""
        if identity(place).partition("/")[0] != host.lower():
            notes.append(f"actor: not available: '{actor}' triggered the bump at another service")
            actor = None
    committers = frozenset(person for commit in pull.commits for person in commit.people)
    pushers = head.people if head else frozenset()
    bots = frozenset(bot.lower() for bot in config.gate.bots)
    found = Excluded(pull.author.lower(), committers, pushers, actor.lower() if actor else None, bots)
    return found, tuple(notes)


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
            commits_known=all(_is_known(commit, environment) for commit in pull.commits),
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
        )


def _is_known(commit: Commit, environment: Environment) -> bool:
    """Whether it is known who made a commit: by accounts, or as a bump that is still as cipipe made it."""
    if commit.author and commit.committer:
        return True
    bump = trailers.parse(commit.message)
    return bump is not None and bump.environment == environment.name and bump.tree == commit.tree
