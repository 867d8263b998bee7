"""Forges: what holds pull requests. Which one an environment's repository is on."""

import urllib.parse

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


def how_to_propose(name: str, remote: Remote, branch: str, base: str) -> str:
    """What a person does to open the pull request of a branch that was pushed."""
    paths = {
        "github": f"compare/{base}...{branch}?expand=1",
        "gitea": f"compare/{base}...{branch}",
        "gitlab": "-/merge_requests/new?"
        + urllib.parse.urlencode(
            {"merge_request[source_branch]": branch, "merge_request[target_branch]": base}
        ),
    }
    if name not in paths or remote.scheme == "file":
        return f"open a pull request from '{branch}' into '{base}'"
    scheme = "http" if remote.scheme == "http" else "https"
    port = f":{remote.port}" if remote.port and remote.is_http else ""
    path = remote.path.strip("/").removesuffix(".git")
    return f"open the pull request: {scheme}://{remote.host}{port}/{path}/{paths[name]}"
