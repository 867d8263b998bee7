"""The source rule: which builds may bump an environment (DESIGN section 8)."""

from dataclasses import dataclass

from cipipe import globs
from cipipe.config import Environment
from cipipe.errors import PolicyError
from cipipe.hints import near_miss


@dataclass(frozen=True, slots=True)
class Source:
    """What a build is built from; `branch` and `tag` are None where there is none, or none is known."""

    branch: str | None = None
    tag: str | None = None
    pull_request: bool = False


def check(environment: Environment, source: Source) -> None:
    """Raise `PolicyError` unless `environment` takes bumps from `source`.

    An environment with `promotes:` alone takes any branch, since only promoted refs enter it.
    """
    name = environment.name
    if source.pull_request:
        raise PolicyError(
            f"'{name}' takes no bump from a pull-request build: its code is not merged yet",
            hint=f"bump after the merge, from {_branches(environment)}",
        )
    if source.tag is not None:
        _check_tag(environment, source.tag)
    elif source.branch is None:
        raise PolicyError(
            f"'{name}' takes bumps from {_branches(environment)}; this build's branch is not known",
            hint="check out a branch, not a commit (detached HEAD); in CI, run it in a branch's pipeline",
        )
    elif environment.source_branches or not environment.promotes:
        _check_branch(environment, source.branch)


def _check_tag(environment: Environment, tag: str) -> None:
    if any(globs.matches(pattern, tag) for pattern in environment.source_tags):
        return
    taken = (
        f"takes the tags {_listed(environment.source_tags)}"
        if environment.source_tags
        else "takes no tag builds"
    )
    raise PolicyError(
        f"'{environment.name}' {taken}, and this is a build of the tag '{tag}'",
        hint=f"bump from {_branches(environment)}, or add the tag to 'source_tags'",
    )


def _check_branch(environment: Environment, branch: str) -> None:
    if any(globs.matches(pattern, branch) for pattern in environment.source_branches):
        return
    near = near_miss(branch, environment.source_branches)
    raise PolicyError(
        f"'{environment.name}' takes bumps from {_branches(environment)}, not from branch '{branch}'",
        hint=near if near.startswith("did") else "merge first, or add the branch to 'source_branches'",
    )


def _branches(environment: Environment) -> str:
    if environment.source_branches:
        return f"branch {_listed(environment.source_branches)}"
    return "any branch" if environment.promotes else "no branch"


def _listed(names: tuple[str, ...]) -> str:
    return " or ".join(f"'{name}'" for name in names)
