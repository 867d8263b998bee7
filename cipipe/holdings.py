"""What an environment's branch holds now: what promotion takes from, and the status board shows (layer 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cipipe import manifests
from cipipe.delivery import bumps_in, opened, scope, until_it_stands
from cipipe.errors import NothingMatched, PolicyError
from cipipe.git.trees import Commit
from cipipe.image import ImageRef
from cipipe.manifests import Field
from cipipe.order import setters
from cipipe.proc import Deadline
from cipipe.tasks import Task
from cipipe.trailers import Origin


@dataclass(frozen=True, slots=True)
class Holdings:
    """The fields on a branch, and its commits, newest first."""

    environment: str
    fields: tuple[Field, ...]
    history: tuple[Commit, ...]
    bumps: Mapping[str, Commit] = field(default_factory=dict)  # branch -> tip, of those that are not merged

    def refs(self, repository: ImageRef) -> tuple[ImageRef, ...]:
        """The different refs of one repository, as they are written."""
        found = {f.ref for f in self.fields if f.ref.tag or f.ref.digest if repository.normalized in f.names}
        return tuple(sorted({repository.with_tag(ref.tag, ref.digest) for ref in found}, key=str))

    def only(self, repository: ImageRef) -> ImageRef | None:
        """The one ref of a repository, or None where there is none; raises `PolicyError` for two."""
        refs = self.refs(repository)
        if len(refs) > 1:
            places = sorted(
                f"{field.ref} at {field.file}:{field.line}"
                for field in self.fields
                if repository.normalized in field.names
            )
            raise PolicyError(
                f"'{self.environment}' runs {len(refs)} refs of {repository.name}: {', '.join(places)}",
                hint=f"bring '{self.environment}' to one tag first",
            )
        return refs[0] if refs else None

    def origin(self, ref: ImageRef) -> Origin | None:
        """Where the bump that set `ref` came from, as far as the history shows it."""
        found = setters(bumps_in(self.history), self.environment, [ref])
        return found[ref].origin if ref in found else None


def holdings(task: Task, names: Sequence[ImageRef] = (), *, bumps: bool = False) -> Holdings:
    """Read the branch of `task.environment`; with `names`, only the fields of those repositories.

    With `bumps`, the branches of its bumps are read too.

    Raises `NothingMatched` where its path holds no manifest, and what Git and the manifests raise.
    """
    deadline = Deadline(task.options.timeout)

    def attempt() -> Holdings:
        branches = list(repository.remote_branches([f"cipipe/{environment.name}/*"])) if bumps else []
        fetched = repository.fetch(environment.branch, branches)
        paths = scope(environment, names or task.refs, task.names)
        entries = repository.candidates(fetched.base, paths, manifests.is_manifest)
        if not entries:
            raise NothingMatched(
                f"no manifest at {' or '.join(paths)} on '{environment.branch}' of {task.remote}",
                hint=f"check 'path' of environment '{environment.name}'",
            )
        configured = {name: ImageRef.parse(repository) for repository, name in task.names.items()}
        fields = manifests.running(repository.read(entries), names, configured)
        history = repository.history(fetched.base)
        merged = {commit.id for commit in history}
        waiting = {name: tip for name, tip in fetched.others.items() if tip.id not in merged}
        return Holdings(environment.name, fields, history, waiting)

    environment = task.environment
    with opened(task, deadline) as (_, repository):
        return until_it_stands(attempt, deadline)
