"""A delivery's part at the forge: connected when it is needed, and mended with each attempt."""

from dataclasses import replace
from types import TracebackType
from typing import Self

from cipipe import forges
from cipipe.errors import CipipeError
from cipipe.forges.base import ConflictError, Forge
from cipipe.git import bare
from cipipe.proc import Deadline
from cipipe.proposal import Proposer, Setting
from cipipe.pull_request import Proposal
from cipipe.results import Delivery
from cipipe.tasks import Task

_UNPROPOSED = 2  # times that the forge takes no pull request of a branch, before that is an error


class Proposing:
    """The pull request of `task`; nothing of it where the delivery is a push. A context manager."""

    def __init__(self, task: Task, repository: bare.Repository, deadline: Deadline) -> None:
        self._task = task
        self._repository = repository
        self._deadline = deadline
        self._forge: Forge | None = None
        self._proposer: Proposer | None = None
        self._unproposed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._forge:
            self._forge.close()

    def look(self, proposal: Proposal) -> None:
        """Find what there is, before anything is pushed; raises PolicyError for what a person closed."""
        task, branch = self._task, self._task.bump_branch
        if branch is None:
            return
        if self._forge is None:
            self._forge = forges.connect(task.forge, task.access(self._deadline))
        if self._forge is None:
            return
        pattern = f"cipipe/{task.environment.name}/*"
        setting = Setting(
            self._forge.proposals,
            task.environment,
            branch,
            self._deadline,
            task.options.reopen,
            task.trigger.is_ancestor,
            lambda: self._repository.remote_branches([pattern]),
        )
        self._proposer = Proposer(setting)
        self._proposer.look(proposal.trailers.edit)

    def propose(self, result: Delivery, proposal: Proposal) -> Delivery | None:
        """`result` with its pull request, after `look`; None where the branch went meanwhile."""
        if self._task.bump_branch is None:
            return result
        proposer = self._proposer
        if self._forge is None or proposer is None:
            branches = self._task.bump_branch, self._task.environment.branch
            asked = forges.how_to_propose(self._task.forge, self._task.remote, *branches)
            return replace(result, notes=(*result.notes, asked))
        try:
            if proposer.propose(proposal, result.commit):
                result = replace(result, status="changed")
        except CipipeError as error:
            if isinstance(error, ConflictError) and not proposer.reported and self._unproposed < _UNPROPOSED:
                self._unproposed += 1
                return None
            result = replace(result, status="failed", error=error)
        notes = [*result.notes, *proposer.notes]
        if proposer.reported and proposer.reported.created and self._forge.caution:
            notes.append(self._forge.caution)
        return replace(result, pull_request=proposer.reported, notes=tuple(notes))
