"""The review of one pull request, as the gate judges it (layer 3)."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cipipe import approvals, ci, forges
from cipipe.approvals import Pull
from cipipe.config import Config
from cipipe.errors import UsageError
from cipipe.forges import review
from cipipe.forges.review import Reviews
from cipipe.git.local import Checkout
from cipipe.git.url import Remote
from cipipe.policy.facts import Facts
from cipipe.proc import Deadline
from cipipe.results import GateOutcome

_SECONDS = 120.0
RULES = ("approvals", "branch-route")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A pull request at its forge; `remote` is the repository's address."""

    pull: Pull
    reviews: Reviews
    remote: Remote

    def collect(self, facts: Facts, config: Config) -> tuple[str, ...]:
        """Add the facts of the pull request; what there is to say besides, such as who may still approve."""
        pull = self.pull
        found = approvals.concerned(pull, config, self.remote.url)
        if not found:
            return (f"#{pull.number} into '{pull.base}' changes no environment: nothing to approve",)
        who, notes = approvals.excluded(pull, config, self.remote.host)
        approvals.add(facts, pull, found, config, who)
        if pull.writers is None:
            return (*notes, "who may still approve: not available, the token may not list who may write")
        merges = all(approvals.head_kind(pull, each, config) == "promotion" for each in found)
        given = {each.person for each in pull.reviews if each.approves and each.commit == pull.commit}
        left = [person for person in pull.writers if who.may(person, merges=merges) and person not in given]
        return (*notes, f"may still approve #{pull.number}: {', '.join(sorted(left)) or 'nobody'}")

    def publish(self, outcome: GateOutcome) -> None:
        """Post the verdict of the rules on pull requests as a commit status."""
        bad = [
            finding.message
            for finding in outcome.findings
            if finding.rule in RULES and finding.severity == "error" and finding.waived is None
        ]
        said = bad[0] if bad else "approved as its environments ask"
        self.reviews.publish(self.pull.commit, success=not bad, description=said)


def concerns(root: Path, config: Config | None, branch: str | None, environ: Mapping[str, str]) -> bool:
    """Whether an environment on `branch` of the checkout's own repository asks for approvals.

    Where there is no token for its forge, nothing can be asked: that is left to a run with --pr.
    """
    on_branch = [
        each
        for each in (config.environments.values() if config else ())
        if each.branch == branch and each.approvals
    ]
    if not on_branch:
        return False
    remote = _remote(root, environ)
    here = any(each.repo is None or Remote.parse(each.repo).identity == remote.identity for each in on_branch)
    return here and forges.has_token(_forge(config, remote)[0], remote, environ)


def check_checkout(root: Path, environ: Mapping[str, str]) -> None:
    """Refuse a checkout of another repository, a fork's for one: its branches are not the base."""
    remote = _remote(root, environ)
    with contextlib.ExitStack() as stack:
        found = Checkout.find(root, environ)
        address = stack.enter_context(found).remote_url if found else None
    if address is not None and Remote.parse(address).identity != remote.identity:
        raise UsageError(
            f"this is a checkout of {Remote.parse(address)}, and the pull request is one of {remote}",
            hint="check out the repository that the pull request would be merged into",
        )


def read(
    root: Path, number: int, config: Config | None, environ: Mapping[str, str], *, publish: bool = False
) -> Reviewed:
    """Pull request `number` of the checkout's own repository; `config` says which forge that is."""
    remote = _remote(root, environ)
    kind, api_url = _forge(config, remote)
    way = forges.access(
        kind, remote, None,
        api_url=api_url, deadline=Deadline(_SECONDS), environ=environ,
        purpose="publish" if publish else "review",
    )  # fmt: skip
    if way is None:
        raise UsageError(f"{remote} is on no forge that cipipe knows", hint="set forge.kind in cipipe.yaml")
    reviews = review.connect(kind, way)
    return Reviewed(reviews.read(number), reviews, remote)


def _remote(root: Path, environ: Mapping[str, str]) -> Remote:
    """The repository's address: as the CI says it, since a CI's `origin` may hold its token."""
    address = ci.target_repository(environ)
    if address is None and (found := Checkout.find(root, environ)):
        with found as checkout:
            address = checkout.remote_url
    if address is None:
        raise UsageError("--pr needs a checkout with a remote 'origin', whose forge has the pull request")
    return Remote.parse(address)


def _forge(config: Config | None, remote: Remote) -> tuple[str, str | None]:
    """The forge of the repository that holds `config`."""
    here = [
        each
        for each in (config.environments.values() if config else ())
        if each.repo is None or Remote.parse(each.repo).identity == remote.identity
    ]
    own = next((each.forge for each in here if each.forge.kind or each.forge.api_url), None)
    top = config.forge if config else None
    kind = (own.kind if own else None) or (top.kind if top else None)
    api_url = (own.api_url if own else None) or (top.api_url if top else None)
    return kind or forges.known(remote) or "none", api_url
