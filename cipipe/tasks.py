"""From names to tasks: what bump, promote and status ask for, checked before anything starts (layer 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cipipe import forges, message, trigger
from cipipe.config import Config, Environment, located
from cipipe.errors import ConfigError, UsageError
from cipipe.forges.app import Purpose
from cipipe.forges.base import Access
from cipipe.git.credentials import Credentials, check_one_host
from cipipe.git.url import Remote
from cipipe.image import ImageRef
from cipipe.proc import Deadline
from cipipe.trigger import Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of an edit and of its delivery; `timeout` is in seconds, for one environment.

    Labels, reviewers and assignees are added to the configured ones; `draft` takes the place of that.
    """

    container: str | None = None
    key: str | None = None
    cache_dir: Path | None = None
    sign: bool = False
    allow_downgrade: bool = False
    reopen: bool = False
    dry_run: bool = False
    verify_image: bool = False
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    draft: bool | None = None
    timeout: float = 120.0


@dataclass(frozen=True, slots=True)
class Task:
    """`refs` into `environment` at `remote`; `names` maps a repository to its configured name.

    `as_held` says that another environment holds exactly `refs`: no registry is asked for anything more.
    `api_url` is the forge's API as configured, `purpose` what a token of an App is made for.
    """

    environment: Environment
    remote: Remote
    forge: str
    refs: tuple[ImageRef, ...]
    names: Mapping[str, str]
    trigger: Trigger
    options: Options
    as_held: bool = False
    api_url: str | None = None
    purpose: Purpose = "deliver"

    @property
    def bump_branch(self) -> str | None:
        """The branch that a pull request comes from; None where the delivery is a push."""
        if self.environment.delivery == "push":
            return None
        return message.branch_name(self.environment.name, self.refs, self.names)

    def credentials(self, deadline: Deadline) -> Credentials | None:
        """What Git is given for `remote`; raises what `forges.authorize` does."""
        return forges.authorize(
            self.forge, self.remote, self.environment.name,
            api_url=self.api_url, deadline=deadline, environ=self.trigger.environ, purpose=self.purpose,
        )  # fmt: skip

    def access(self, deadline: Deadline) -> Access | None:
        """How the forge is reached, None without one; raises what `forges.access` does."""
        return forges.access(
            self.forge, self.remote, self.environment.name,
            api_url=self.api_url, deadline=deadline, environ=self.trigger.environ, purpose=self.purpose,
        )  # fmt: skip


def make(  # noqa: PLR0913 - the last two by name only
    config: Config,
    names: Sequence[str],
    refs: tuple[ImageRef, ...],
    options: Options,
    *,
    environ: Mapping[str, str],
    folder: Path,
    purpose: Purpose = "deliver",
) -> list[Task]:
    """A task for each environment in `names`, once each; raises `CipipeError` for what is wrong with one."""
    environments = [config.environment(name) for name in dict.fromkeys(names)]
    started = trigger.detect(environ, folder)
    if any(each.repo is None for each in environments):
        config = located(config, started.own_repository(config.file))
        environments = [config.environment(each.name) for each in environments]
    environments = [_with_options(each, options) for each in environments]
    remotes = [_remote(each, config.file) for each in environments]
    check_one_host(environ, zip((each.name for each in environments), remotes, strict=True))
    kinds = [
        forges.kind(each, config, remote, needed=purpose != "read")
        for each, remote in zip(environments, remotes, strict=True)
    ]
    forges.check_app(environ, zip(kinds, remotes, strict=True))
    configured = {ImageRef.parse(each.repository).normalized: name for name, each in config.images.items()}
    return [
        Task(
            each, remote, kind, refs, configured, started, options,
            api_url=each.forge.api_url or config.forge.api_url, purpose=purpose,
        )
        for each, remote, kind in zip(environments, remotes, kinds, strict=True)
    ]  # fmt: skip


def _with_options(environment: Environment, options: Options) -> Environment:
    """The environment with what the options ask for its pull requests."""
    own = environment.pull_request
    settings = replace(
        own,
        labels=tuple(dict.fromkeys((*own.labels, *options.labels))),
        reviewers=tuple(dict.fromkeys((*own.reviewers, *options.reviewers))),
        assignees=tuple(dict.fromkeys((*own.assignees, *options.assignees))),
        draft=own.draft if options.draft is None else options.draft,
    )
    return replace(environment, pull_request=settings)


def check_options(task: Task) -> None:
    """Raise `UsageError` for options of a pull request where the delivery of `task` has none."""
    given = task.options.labels + task.options.reviewers + task.options.assignees
    if task.environment.delivery == "push" and (given or task.options.draft):
        raise UsageError(
            f"'{task.environment.name}' is delivered by a push, and has no pull request",
            hint="leave --label, --reviewer, --assignee and --draft out, or bump it in a run of its own",
        )


def _remote(environment: Environment, file: str) -> Remote:
    try:
        return Remote.parse(environment.repo or "")
    except ConfigError as error:
        message = f"environments.{environment.name}.repo: {error.message}"
        raise ConfigError(message, file=file, hint=error.hint) from None
