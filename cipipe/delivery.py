"""How a change reaches an environment's branch: what bump, promote and run share (DESIGN section 7).

Every attempt reads the remote anew and decides by its state, never by a message: the tag is there (done), the
base moved (derive the edit again from the new base), or it did not (try again, for a while). Text is never
merged.
"""

import contextlib
import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from cipipe import failpoints, forges, manifests, message, trailers
from cipipe.config import Environment
from cipipe.diff import unified
from cipipe.errors import CipipeError, ImageError, NothingMatched, PolicyError, RejectedError
from cipipe.git import bare
from cipipe.git.failures import UnreachableError
from cipipe.git.folder import private_folder
from cipipe.git.paths import Entry
from cipipe.git.push import Push
from cipipe.git.runner import Git
from cipipe.git.signing import Signing
from cipipe.git.trees import Commit
from cipipe.image import ImageRef
from cipipe.order import is_older, setters
from cipipe.proc import Deadline
from cipipe.proposing import Proposing
from cipipe.pull_request import Proposal
from cipipe.results import Change, Delivery, Status
from cipipe.tasks import Task
from cipipe.trailers import Origin, Trailers

_log = logging.getLogger("cipipe")
_UNMOVED = 5  # refusals of a base that did not move, before cipipe gives up
_UNREACHABLE = 4  # in a row, each of which stands for several tries
_LONGEST_PAUSE = 8.0  # seconds
_Result = TypeVar("_Result")


def deliver(task: Task) -> Delivery:
    """Deliver `task`; a `CipipeError` becomes a delivery with status `failed`, so that others go on."""
    try:
        return _deliver(task)
    except CipipeError as error:
        _log.info("%s: failed", task.environment.name)
        return Delivery(task.environment.name, "failed", error=error)


def _deliver(task: Task) -> Delivery:
    deadline = Deadline(task.options.timeout)
    if task.bump_branch and not task.options.dry_run:
        forges.preload(task.forge)
    with opened(task, deadline) as (git, repository):
        signing = Signing.of_runner(git) if task.options.sign else None
        with Proposing(task, repository, deadline) as proposing:
            attempt = _Attempt(task, repository, deadline, signing, proposing)
            return until_it_stands(attempt.run, deadline)


@contextlib.contextmanager
def opened(task: Task, deadline: Deadline) -> Iterator[tuple[Git, bare.Repository]]:
    """A private repository for the one that `task` works on, with the credentials of its environment."""
    environ = task.trigger.environ
    with private_folder(environ) as folder:
        git = Git(environ, folder / "home", deadline, task.trigger.root)
        own = task.credentials(deadline)
        with bare.Repository(git, task.remote, folder, own, cache_dir=task.options.cache_dir) as repository:
            yield git, repository


def until_it_stands(attempt: Callable[[], _Result | None], deadline: Deadline) -> _Result:
    """Repeat `attempt` until it returns something, with full jitter that grows with losses and load."""
    losses = unreachable = 0
    while True:
        started = time.monotonic()
        try:
            if result := attempt():
                return result
            losses, unreachable = losses + 1, 0
        except bare.StartOver:
            continue
        except UnreachableError as error:
            unreachable += 1
            if unreachable == _UNREACHABLE:
                raise
            deadline.note(error.message)
            _log.info("the server did not answer, trying again: %s", error.message)
        if deadline.expired:
            raise deadline.error("the delivery")
        longest = min(_LONGEST_PAUSE, max(0.2, time.monotonic() - started) * 2 ** min(losses, 6))
        deadline.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, no secret


@dataclass(frozen=True, slots=True)
class _Found:
    """What one look at the remote found; `tip` is the bump branch's, `merged` says that the base has it."""

    base: Commit
    history: tuple[Commit, ...]
    tip: Commit | None
    entries: tuple[Entry, ...]
    before: Mapping[str, bytes]
    edit: manifests.Edit

    @property
    def merged(self) -> bool:
        """Whether the bump branch's tip is in the branch already."""
        return self.tip is not None and self.tip.id in {commit.id for commit in self.history}


class _Attempt:
    """One look at the remote, one edit, one push; run again, it starts from what the remote holds then."""

    def __init__(
        self,
        task: Task,
        repository: bare.Repository,
        deadline: Deadline,
        signing: Signing | None,
        proposing: Proposing,
    ) -> None:
        self._task = task
        self._repository = repository
        self._deadline = deadline
        self._signing = signing
        self._pushed: dict[str, tuple[Delivery, Proposal]] = {}  # commits that may have reached the remote
        self._refusals = 0  # while the remote did not move
        self._seen: tuple[str, str | None] | None = None  # base and tip at the last look
        self._declined: Push | None = None  # by a rule, it says: once more only where the remote moved
        self._deeper: list[Trailers] | None = None  # bumps further back than the fetched history
        self._proposing = proposing

    def run(self) -> Delivery | None:
        """The delivery, or None where a push did not stand and the remote must be read again."""
        found = self._look()
        if landed := self._landed(found):
            return self._kept(*landed) if found.tip and not found.merged else landed[0]
        result = Delivery(
            self._task.environment.name, "unchanged", base=found.base.id, notes=found.edit.notes
        )
        if not found.edit.contents:
            return result
        late, notes, before = self._is_late(found)
        result = replace(result, notes=(*result.notes, *notes))
        if late:
            return replace(result, status="superseded")
        result = replace(result, changes=found.edit.changes, diff=unified(found.before, found.edit.contents))
        return self._stand(found, result, before)

    def _stand(self, found: _Found, result: Delivery, before: Origin | None) -> Delivery | None:
        """Keep the bump branch that carries the edit already, or push the edit."""
        edit = self._repository.prepare(found.base, found.entries, found.edit.contents)
        bump = self._trailers(edit)
        failpoints.reach("edited")
        if found.tip and not found.merged and (status := self._of_tip(found.tip, bump)):
            result = replace(result, status=status, commit=found.tip.id, branch=self._task.bump_branch)
            if status == "superseded":
                note = f"'{result.branch}' was set by a newer run; --allow-downgrade overwrites it"
                return replace(result, notes=(*found.edit.notes, note))
            kept = trailers.parse(found.tip.message)
            if kept is None or self._task.options.dry_run:
                return result
            return self._kept(result, self._proposal(kept, found.edit.changes, before))
        result = replace(result, status="changed")
        if self._task.options.dry_run:
            return result
        return self._push(found, result, self._proposal(bump, found.edit.changes, before), edit)

    def _look(self) -> _Found:
        environment, repository, branch = self._task.environment, self._repository, self._task.bump_branch
        _log.info("%s: reading branch %s of %s", environment.name, environment.branch, self._task.remote)
        fetched = repository.fetch(environment.branch, [branch] if branch else [])
        failpoints.reach("fetched")
        paths = scope(environment, self._task.refs, self._task.names)
        entries = repository.candidates(fetched.base, paths, manifests.is_manifest)
        if not entries:
            raise NothingMatched(
                f"no manifest at {' or '.join(paths)} on '{environment.branch}' of {self._task.remote}",
                hint=f"check 'path' of environment '{environment.name}'",
            )
        before = repository.read(entries)
        history, tip = repository.history(fetched.base), fetched.others.get(branch or "")
        seen = (fetched.base.id, tip.id if tip else None)
        self._refusals = self._refusals + 1 if seen == self._seen else 0
        self._seen = seen
        if self._declined and self._refusals:
            raise _rejected(self._declined, branch or environment.branch)
        self._declined = None
        return _Found(fetched.base, history, tip, entries, before, self._edit(before))

    def _edit(self, before: Mapping[str, bytes]) -> manifests.Edit:
        """The edit; a digest that a pinned field needs is asked of the registry."""
        options, refs = self._task.options, self._task.refs
        names = {name: ImageRef.parse(repository) for repository, name in self._task.names.items()}
        unpinned = manifests.needs_digest(
            before, refs, container=options.container, key=options.key, names=names
        )
        if unpinned and self._task.as_held:
            raise PolicyError(
                f"'{self._task.environment.name}' pins digests, and {unpinned[0]} is promoted without one",
                hint="pin it in the environment that is promoted from",
            )
        digests = {}
        if unpinned:
            from cipipe import registry  # noqa: PLC0415 - 25 ms that few bumps need

            environ = self._task.trigger.environ
            digests = {ref: registry.digest(ref, self._deadline, environ) for ref in unpinned}
        return manifests.edit(
            before, refs, container=options.container, key=options.key, names=names, digests=digests
        )

    def _landed(self, found: _Found) -> tuple[Delivery, Proposal] | None:
        """A push whose answer was lost, or that another commit covered since, did stand."""
        known = {commit.id for commit in found.history} | ({found.tip.id} if found.tip else set())
        return next((pushed for commit, pushed in self._pushed.items() if commit in known), None)

    def _is_late(self, found: _Found) -> tuple[bool, tuple[str, ...], Origin | None]:
        """Whether what stands is newer than this run, a note where that cannot be known, and its origin."""
        if self._task.options.allow_downgrade:
            return False, (), None
        environment, origin = self._task.environment.name, self._task.trigger.origin
        held = _refs(change.old for change in found.edit.changes)
        standing = setters(bumps_in(found.history), environment, held)
        comparable = origin.commit or origin.pipeline
        if comparable and len(standing) < len(held) and len(found.history) >= bare.DEPTH:
            if self._deeper is None:
                self._deeper = bumps_in(self._repository.deepen(self._task.environment.branch))
            standing = setters([*bumps_in(found.history), *self._deeper], environment, held)
        is_ancestor = self._task.trigger.is_ancestor
        verdicts = {ref: is_older(origin, bump.origin, is_ancestor) for ref, bump in standing.items()}
        if newer := [str(ref) for ref, verdict in verdicts.items() if verdict]:
            return True, (f"{newer[0]} was set by a newer run; --allow-downgrade overwrites it",), None
        known = len(standing) == len(held) and None not in verdicts.values()
        before = next(iter(standing.values())).origin if len(standing) == 1 else None
        return False, () if known else ("order: not compared",), before

    def _of_tip(self, tip: Commit, ours: Trailers) -> Status | None:
        """What the bump branch that is there means; None when it is an older bump, to be replaced.

        Raises `PolicyError` when its tip is not cipipe's own commit: a person's work is never overwritten.
        """
        theirs = trailers.parse(tip.message)
        if theirs is None or tip.committer_email != bare.EMAIL or theirs.tree != tip.tree:
            raise PolicyError(
                f"the tip of branch '{self._task.bump_branch}' is not cipipe's own commit ({tip.id[:12]})",
                hint="merge or close what stands there, delete the branch, and run again",
            )
        if theirs.edit == ours.edit:
            return "unchanged"
        if self._task.options.allow_downgrade:
            return None
        late = is_older(ours.origin, theirs.origin, self._task.trigger.is_ancestor)
        return "superseded" if late else None

    def _trailers(self, edit: bare.Edit) -> Trailers:
        files = ((file.path, file.mode, file.before, file.after) for file in edit.files)
        name, origin = self._task.environment.name, self._task.trigger.origin
        return Trailers(name, self._task.refs, origin, trailers.edit_hash(files), edit.tree)

    def _proposal(self, bump: Trailers, changes: tuple[Change, ...], before: Origin | None) -> Proposal:
        environment = self._task.environment
        title = message.title(environment.name, self._task.refs, self._task.names, changes)
        checks = tuple(check.name for check in environment.required_checks)
        return Proposal(environment.name, title, changes, bump, before, checks, environment.approvals)

    def _commit(self, edit: bare.Edit, proposal: Proposal) -> Commit:
        """The commit; its date is the later of base and source, so that the same bump has the same id."""
        text = message.commit_message(proposal.title, proposal.changes, proposal.trailers)
        date = max(edit.base.committed, proposal.trailers.origin.commit_time or 0)
        commit = self._repository.commit(edit, text, date=date, signing=self._signing)
        failpoints.reach("committed")
        return commit

    def _push(self, found: _Found, result: Delivery, proposal: Proposal, edit: bare.Edit) -> Delivery | None:
        commit = self._commit(edit, proposal)
        branch = self._task.bump_branch or self._task.environment.branch
        expected = found.base if self._task.bump_branch is None else found.tip
        self._proposing.look(proposal)
        _log.info("%s: pushing %s to %s", proposal.environment, commit.id[:12], branch)
        push = self._repository.push(commit.id, branch, expected=expected.id if expected else None)
        failpoints.reach("pushed")
        result = replace(result, commit=commit.id, branch=branch)
        if push.ok:
            return self._proposing.propose(result, proposal)
        self._pushed[commit.id] = result, proposal
        _log.info("%s: the push did not stand (%s)", proposal.environment, push.reason)
        if self._refusals >= _UNMOVED:
            raise _rejected(push, branch)
        if push.declined:
            self._declined = push
            return None
        if push.outcome == "rejected" and (other := self._conflicting(branch)):
            raise RejectedError(
                f"branch '{branch}' cannot exist beside branch '{other}'",
                hint=f"delete or rename '{other}': Git keeps branches as files in folders",
            )
        return None

    def _kept(self, result: Delivery, proposal: Proposal) -> Delivery | None:
        """A branch that stands already; its pull request may be missing still."""
        self._proposing.look(proposal)
        return self._proposing.propose(result, proposal)

    def _conflicting(self, branch: str) -> str | None:
        """A branch that is a folder of `branch`, or below it, which Git cannot hold at the same time."""
        parts = branch.split("/")
        above = ["/".join(parts[:end]) for end in range(1, len(parts))]
        return next(iter(self._repository.remote_branches([*above, f"{branch}/*"])), None)


def _rejected(push: Push, branch: str) -> RejectedError:
    said = f": {push.said}" if push.said else ""
    hint = "see the server's rules for this branch"
    return RejectedError(f"the server refuses the push to '{branch}' ({push.reason}){said}", hint=hint)


def scope(environment: Environment, refs: Iterable[ImageRef], names: Mapping[str, str]) -> tuple[str, ...]:
    """The environment's paths with each image's name for `{image}`; without refs, all configured ones."""
    images = [names.get(ref.normalized, ref.repository.rpartition("/")[2]) for ref in refs]
    images = images or list(names.values()) or [""]
    return tuple(
        dict.fromkeys(path.replace("{image}", image) for path in environment.path for image in images)
    )


def bumps_in(history: Iterable[Commit]) -> list[Trailers]:
    """What the bumps among the commits of `history` say of themselves, in its order."""
    return [bump for commit in history if (bump := trailers.parse(commit.message))]


def _refs(texts: Iterable[str]) -> list[ImageRef]:
    refs = []
    for text in texts:
        with contextlib.suppress(ImageError):
            refs.append(ImageRef.parse(text))
    return list(dict.fromkeys(refs))
