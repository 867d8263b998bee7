"""Forges: what holds pull requests. Which one an environment's repository is on."""

from cipipe.config import Config, Environment
from cipipe.errors import ConfigError
from cipipe.git.url import Remote

_KNOWN_HOSTS = {"github.com": "github", "gitlab.com": "gitlab", "codeberg.org": "gitea", "gitea.com": "gitea"}


def kind(environment: Environment, config: Config, remote: Remote) -> str:
    """The kind of forge that `environment` is on; raises `ConfigError` where a pull request needs to know.

    A repository that is a path on this machine has none.
    """
    configured = environment.forge.kind or config.forge.kind
    found = configured or _KNOWN_HOSTS.get(remote.host) or ("none" if remote.scheme == "file" else None)
    if found is None and environment.delivery == "pull-request":
        raise ConfigError(
            f"the forge at {remote.host} is not known, and '{environment.name}' is delivered by pull request",
            file=config.file,
            line=environment.line("repo"),
            hint="set forge.kind to github, gitlab, gitea or none",
        )
    return found or "none"
