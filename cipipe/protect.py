"""`cipipe protect`: the forge's real branch protection against the policy (DESIGN section 8)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cipipe import controls, tasks
from cipipe.config import Config
from cipipe.controls.facts import Step
from cipipe.errors import CipipeError, ConfigError, NothingMatched
from cipipe.forges import protection
from cipipe.forges.protection import Protection
from cipipe.proc import Deadline
from cipipe.results import ProtectedEnvironment, ProtectOutcome
from cipipe.tasks import Options, Task

_log = logging.getLogger("cipipe")


def protect(  # noqa: PLR0913 - the last two by name only
    config: Config,
    names: Sequence[str],
    options: Options,
    *,
    apply: bool,
    environ: Mapping[str, str],
    folder: Path,
) -> ProtectOutcome:
    """Judge the environments of `names`, or every protected one; with `apply` set what is missing.

    A dry run sets nothing. Raises CipipeError where the forge cannot be asked.
    """
    asked = names or [each.name for each in config.environments.values() if each.protected]
    if not asked:
        raise NothingMatched(
            f"{config.file} has no protected environment", hint="name one by --env, or set 'protected: true'"
        )
    found = []
    for task in tasks.make(config, asked, (), options, environ=environ, folder=folder):
        apply = apply and not options.dry_run
        branch = _connect(replace(task, purpose="protect" if apply else "inspect"), config)
        found.append(_environment(task, branch, apply=apply))
    return ProtectOutcome(tuple(found), config.file)


def _connect(task: Task, config: Config) -> Protection:
    environment = task.environment
    way = task.access(Deadline(task.options.timeout))
    if way is None:
        raise ConfigError(
            f"'{environment.name}' is on no forge, so nothing protects its branch",
            file=config.file,
            line=environment.line("repo"),
            hint="protect it on a forge (github, gitlab, gitea), or with a hook of the server",
        )
    return protection.connect(task.forge, way)


def _environment(task: Task, branch: Protection, *, apply: bool) -> ProtectedEnvironment:
    environment, kind = task.environment, task.forge
    facts = branch.facts(environment)
    steps = controls.plan(kind, environment, facts)
    if apply and steps:
        for step in steps:
            _log.info("%s: plan: %s", environment.name, step.says)
        _apply(branch, steps, environment.name)
        facts = branch.facts(environment)
    return ProtectedEnvironment(
        environment.name,
        environment.protected,
        controls.controls(kind, environment, facts),
        tuple(step.says for step in steps),
        applied=apply,
    )


def _apply(branch: Protection, steps: Sequence[Step], environment: str) -> None:
    """Take the steps; an error in the middle says what was set, which stays."""
    done: list[str] = []
    for step in steps:
        try:
            branch.apply(step)
        except CipipeError as problem:
            left = f"; set before that in '{environment}': {'; '.join(done)}" if done else ""
            again = "run it again: what is set already is left as it is"
            hint = f"{problem.hint}; then {again}" if problem.hint else again
            raise type(problem)(f"{step.says}: {problem.message}{left}", hint=hint) from None
        done.append(step.says)
        _log.info("%s: done: %s", environment, step.says)
