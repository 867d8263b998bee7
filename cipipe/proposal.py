"""The pull request of a bump: exactly one, whatever happened before (DESIGN section 7).

What is there is looked up and mended, so that a run after a lost answer, a race or a kill ends the same.
Labels and assignees are set last: where they are right, all before them is.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cipipe import failpoints, message, results, trailers
from cipipe.config import Environment
from cipipe.errors import CredentialsError, PolicyError
from cipipe.forges.base import ConflictError, NotFoundError, Proposals, PullRequest, UncertainError
from cipipe.order import IsAncestor, is_older
from cipipe.proc import Deadline
from cipipe.pull_request import Proposal
from cipipe.trailers import Trailers

SUPERSEDED = "cipipe-superseded"
"""The label of pull requests that cipipe closed itself; all others were closed by a person."""

_TRIES = 3
_log = logging.getLogger("cipipe")


@dataclass(frozen=True, slots=True)
class Setting:
    """What a proposer works with.

    `bump_branches` asks Git which branches of the environment's bumps there are, with their commits.
    """

    proposals: Proposals
    environment: Environment
    branch: str
    deadline: Deadline
    reopen: bool
    is_ancestor: IsAncestor
    bump_branches: Callable[[], Mapping[str, str]]


class Proposer:
    """Brings one bump branch's pull request to what it should be.

    `reported` is the pull request as far as it got, and `notes` are for the reader.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._proposals = setting.proposals
        self._asked_for = setting.environment.pull_request
        self._open: PullRequest | None = None
        self._closed: PullRequest | None = None
        self.reported: results.PullRequest | None = None
        self.notes: list[str] = []

    def look(self, edit: str) -> None:
        """Find what there is, before anything is pushed.

        Raises PolicyError where a person has closed a pull request with this very `Cipipe-Edit`.
        """
        setting = self._setting
        found = self._proposals.by_head(setting.branch, setting.environment.branch)
        self._open = next((pull for pull in found if pull.state == "open"), None)
        last = found[0] if found else None
        rejected = last if last and last.state == "closed" and SUPERSEDED not in last.labels else None
        self._closed = rejected if rejected and _edit(rejected) == edit else None
        if self._open is None and self._closed and not setting.reopen:
            raise PolicyError(
                f"pull request #{self._closed.number} with this change was closed: {self._closed.url}",
                hint="it stays closed; --reopen proposes the change again",
            )

    def propose(self, proposal: Proposal, commit: str | None) -> bool:
        """Make sure of the pull request of `commit`, after `look`; whether it had to be opened or rewritten.

        Raises ConflictError where the forge takes none, because the branch went meanwhile for one reason.
        """
        wanted = proposal.trailers
        pull, created = self._open, False
        if pull is None:
            pull, created = self._opened(proposal)
        self._report(pull, created=created)
        branches = self._setting.bump_branches()
        # a replica of the forge may still show what stood before the push
        if branches.get(self._setting.branch, commit) not in {
            commit,
            self._open.commit if self._open else None,
        }:
            self.notes.append("another run has taken the branch over, and its pull request")
            return self._open is None
        rewritten = _edit(pull) != wanted.edit
        if rewritten:
            self._proposals.rewrite(pull, title=proposal.title, body=proposal.body())
        failpoints.reach("proposed")
        self._others(pull, wanted, branches)
        self._ask(pull, created=created)
        self._mark(pull)
        failpoints.reach("labelled")
        # what `look` found shows the commit that stood before the push
        self._merge_when_ready(replace(pull, commit=commit or pull.commit))
        return self._open is None or rewritten

    def _opened(self, proposal: Proposal) -> tuple[PullRequest, bool]:
        """A pull request, and whether this run opened it; a request whose answer was lost is looked for."""
        setting = self._setting
        if reopened := self._reopened():
            return reopened, False
        for attempt in range(_TRIES):
            try:
                _log.info("%s: opening a pull request", setting.environment.name)
                pull = self._proposals.open(
                    setting.branch, setting.environment.branch,
                    title=proposal.title, body=proposal.body(), draft=self._asked_for.draft,
                )  # fmt: skip
            except (ConflictError, UncertainError) as error:
                found = self._proposals.by_head(setting.branch, setting.environment.branch)
                if standing := next((pull for pull in found if pull.state == "open"), None):
                    return standing, isinstance(error, UncertainError)
                if isinstance(error, ConflictError) or attempt == _TRIES - 1:
                    raise
                setting.deadline.sleep(attempt + 0.5)
            else:
                return pull, True
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    def _reopened(self) -> PullRequest | None:
        """The closed pull request, open again; None where the forge wants a new one."""
        if self._closed is None:
            return None
        try:
            self._proposals.reopen(self._closed)
        except ConflictError as error:
            _log.info("#%s cannot be opened again: %s", self._closed.number, error.message)
            return None
        return self._closed

    def _report(self, pull: PullRequest, *, created: bool) -> None:
        self.reported = results.PullRequest(pull.number, pull.url, "open", created)

    def _others(self, ours: PullRequest, wanted: Trailers, branches: Iterable[str]) -> None:
        """Close the bumps that this one contains, and link those that overlap it otherwise."""
        for pull in self._standing(message.related(branches, self._setting.branch, wanted.images)):
            theirs = trailers.parse(pull.body)
            if theirs and theirs.environment == wanted.environment:
                self._settle(pull, theirs, ours, wanted)

    def _standing(self, branches: Sequence[str]) -> list[PullRequest]:
        """The open pull requests of `branches`; one list of all is fewer requests than one for each."""
        base = self._setting.environment.branch
        if len(branches) < 2:
            found = [pull for branch in branches for pull in self._proposals.by_head(branch, base)]
        else:
            listed = self._proposals.list_open()
            found = [pull for pull in listed if pull.head in branches and pull.base == base]
        return [pull for pull in found if pull.state == "open"]

    def _settle(self, pull: PullRequest, theirs: Trailers, ours: PullRequest, wanted: Trailers) -> None:
        own, other = ({image.normalized for image in each.images} for each in (wanted, theirs))
        older = is_older(wanted.origin, theirs.origin, self._setting.is_ancestor)
        if not own & other:
            return
        if other <= own and not older:
            note = f"Superseded by {ours.url}, which contains this change."
            self._proposals.close(pull, label=SUPERSEDED, note=note)
            self.notes.append(f"closed #{pull.number}, which this one supersedes")
        else:
            self._comment_once(pull, ours, f"{ours.url} changes some of these images, too.")

    def _comment_once(self, pull: PullRequest, ours: PullRequest, text: str) -> None:
        for attempt in range(_TRIES):
            if any(ours.url in comment for comment in self._proposals.comments(pull)):
                return
            try:
                self._proposals.comment(pull, text)
            except UncertainError:
                if attempt == _TRIES - 1:
                    raise
                self._setting.deadline.sleep(attempt + 0.5)
            else:
                return

    def _ask(self, pull: PullRequest, *, created: bool) -> None:
        """Ask those who are not asked, have not answered, and did not open it (no forge asks an author)."""
        known = {name.casefold() for name in (*pull.reviewers, pull.author)}
        missing = [name for name in self._asked_for.reviewers if name.casefold() not in known]
        if missing and not created:
            answered = {name.casefold() for name in self._proposals.answered(pull)}
            # a team that was asked is no longer listed once one of its members has answered
            missing = [
                name for name in missing if name.casefold() not in answered and not (answered and "/" in name)
            ]
        if missing:
            self._proposals.ask(pull, missing)

    def _mark(self, pull: PullRequest) -> None:
        labels = _missing(self._asked_for.labels, pull.labels)
        assignees = _missing(self._asked_for.assignees, pull.assignees)
        if labels or assignees:
            self._proposals.mark(pull, labels=labels, assignees=assignees)

    def _merge_when_ready(self, pull: PullRequest) -> None:
        environment = self._setting.environment
        if not self._asked_for.auto_merge or environment.protected or pull.auto_merge:
            return
        try:
            self._proposals.merge_when_ready(pull)
        except (ConflictError, CredentialsError, NotFoundError) as error:
            hint = f" ({error.hint})" if error.hint else ""
            self.notes.append(f"auto-merge is not set: {error.message}{hint}")


def _edit(pull: PullRequest) -> str | None:
    """The `Cipipe-Edit` in its body."""
    bump = trailers.parse(pull.body)
    return bump.edit if bump else None


def _missing(wanted: tuple[str, ...], there: tuple[str, ...]) -> list[str]:
    known = {name.casefold() for name in there}
    return [name for name in wanted if name.casefold() not in known]
