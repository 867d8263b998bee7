"""Forges: what holds pull requests. Which one an environment's repository is on, and how it is reached."""

import functools
import importlib
import ipaddress
import threading
import urllib.parse
from collections.abc import Iterable, Mapping

from cipipe.backends import FORGES
from cipipe.config import Config, Environment
from cipipe.errors import ConfigError, CredentialsError, UsageError
from cipipe.forges import app
from cipipe.forges.app import App, Purpose
from cipipe.forges.base import Access, Forge
from cipipe.git.credentials import Credentials, credentials
from cipipe.git.url import Remote
from cipipe.proc import Deadline


def kind(environment: Environment, config: Config, remote: Remote, *, needed: bool = True) -> str:
    """The kind of forge that `environment` is on; raises `ConfigError` where a pull request needs to know.

    A repository that is a path on this machine has none.
    """
    configured = environment.forge.kind or config.forge.kind
    found = configured or known(remote) or ("none" if remote.scheme == "file" else None)
    if found is None and needed and environment.delivery == "pull-request":
        raise ConfigError(
            f"the forge at {remote.host} is not known, and '{environment.name}' is delivered by pull request",
            file=config.file,
            line=environment.line("repo"),
            hint="set forge.kind to github, gitlab, gitea or none",
        )
    return found or "none"


def known(remote: Remote) -> str | None:
    """The kind of forge at a host that everybody knows."""
    return next((name for name, forge in FORGES.items() if remote.host in forge.hosts), None)


def preload(name: str) -> None:
    """Import a forge's SDK in a thread, while Git waits for the network."""
    threading.Thread(target=importlib.import_module, args=(FORGES[name].module,), daemon=True).start()


def check_app(environ: Mapping[str, str], remotes: Iterable[tuple[str, Remote]]) -> None:
    """Raise UsageError for half an App, and where one would go to two of the (forge, remote) pairs' hosts."""
    hosts = {remote.host for name, remote in remotes if name == "github" and remote.scheme != "file"}
    if app.configured(environ) and len(hosts) > 1:
        raise UsageError(
            f"the GitHub App of {app.ID} would go to {len(hosts)} hosts: {', '.join(sorted(hosts))}",
            hint="an App is known at one: bump the others by another run, with a token",
        )


def authorize(  # noqa: PLR0913 - by name only
    name: str,
    remote: Remote,
    environment: str | None,
    *,
    api_url: str | None,
    deadline: Deadline,
    environ: Mapping[str, str],
    purpose: Purpose,
) -> Credentials | None:
    """The credentials for `remote` at forge `name`, for Git and for the API alike; None without any.

    The token of a GitHub App is asked for at its API, once in a run, with the rights that `purpose` needs.
    """
    of = app.configured(environ) if name == "github" else None

    def made(of: App) -> Credentials:
        from cipipe.forges import github_app  # noqa: PLC0415 - 100 ms that a run without an App does not need

        web, url = _api(name, remote, api_url)
        return github_app.credentials(of, web, url, purpose, deadline=deadline, environ=environ)

    get = functools.partial(made, of) if of else None
    return credentials(environ, remote, environment=environment, forge=name, app=get)


def access(  # noqa: PLR0913 - by name only
    name: str,
    remote: Remote,
    environment: str | None,
    *,
    api_url: str | None,
    deadline: Deadline,
    environ: Mapping[str, str],
    purpose: Purpose = "deliver",
) -> Access | None:
    """How `remote` is reached at forge `name`; None without one. `api_url` is the configured one.

    Raises CredentialsError without a token for it, and ConfigError for an API that no token may go to.
    """
    if name == "none" or remote.scheme == "file":
        return None
    web, url = _api(name, remote, api_url)
    found = authorize(
        name, web, environment, api_url=api_url, deadline=deadline, environ=environ, purpose=purpose
    )
    if found is None:
        raise _no_token(name, web, environ)
    _check_host(found, url, web, environ)
    if found.variable == "CI_JOB_TOKEN":
        raise CredentialsError(
            "a job token opens no merge requests at GitLab, and reads no settings",
            hint="set GITLAB_TOKEN (or CIPIPE_TOKEN) to a project access token with scope 'api'",
        )
    return Access(web, url, found, deadline, environ)


def _no_token(name: str, web: Remote, environ: Mapping[str, str]) -> CredentialsError:
    said = f"the API of {web.host} needs a token, and there is none"
    variables = FORGES[name].variables
    for variable in variables:
        if environ.get(variable):
            said = f"{variable} is for {_place(name, environ)}, and not sent to {web.origin.rstrip('/')}"
            return CredentialsError(said, hint="set CIPIPE_TOKEN to a token of that host")
    hint = f"set {' or '.join(variables)}, or CIPIPE_TOKEN{f', or {app.ID}' if name == 'github' else ''}"
    return CredentialsError(said, hint=hint)


def _place(name: str, environ: Mapping[str, str]) -> str:
    """Where the usual variables of a forge belong."""
    if name == "gitlab":
        return environ.get("CI_SERVER_HOST") or "gitlab.com"
    return environ.get("GITHUB_SERVER_URL") or "https://github.com"


def has_token(name: str, remote: Remote, environ: Mapping[str, str], environment: str | None = None) -> bool:
    """Whether there is a token that the forge of `remote` may be asked with, or an App that gets one."""
    if name == "none" or remote.scheme == "file":
        return False
    if name == "github" and app.configured(environ):
        return True
    found = credentials(environ, _web(remote), environment=environment, forge=name)
    return found is not None and found.variable != "CI_JOB_TOKEN"


def connect(name: str, way: Access | None) -> Forge | None:
    """The repository at its forge; None without one. Raises ConfigError for a path that is none there."""
    if way is None:
        return None
    forge: Forge = importlib.import_module(FORGES[name].module).connect(way)
    return forge


def _web(remote: Remote) -> Remote:
    """The address of the repository over http(s), where its API is: ssh has a port of its own."""
    return remote if remote.is_http else Remote.parse(f"https://{remote.host}/{remote.path.strip('/')}")


def _api(name: str, remote: Remote, configured: str | None) -> tuple[Remote, str]:
    """The repository's address over http(s), and its API's, to which a token may go."""
    web = _web(remote)
    url = (configured or _default_api(name, web)).rstrip("/")
    _check_encrypted(url)
    return web, url


def _default_api(name: str, web: Remote) -> str:
    """Where each forge has its API, unless configured."""
    if name == "github" and web.host == "github.com":
        return "https://api.github.com"
    if name == "github" and web.host.endswith(".ghe.com"):
        return f"https://api.{web.host}"
    return web.origin + FORGES[name].api


def _check_encrypted(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https" or _is_loopback(parts.hostname or ""):
        return
    raise ConfigError(
        f"no token is sent to {url}: plain http shows it to everyone on the way",
        hint="use https:// in forge.api_url",
    )


def _check_host(found: Credentials, url: str, web: Remote, environ: Mapping[str, str]) -> None:
    """A CI's or a forge's own token goes to the forge that it was made for, whatever is configured."""
    host = urllib.parse.urlsplit(url).hostname or ""
    known = {web.host, f"api.{web.host}"}
    known |= {
        urllib.parse.urlsplit(environ.get(name, "")).hostname or ""
        for name in ("GITHUB_API_URL", "CI_API_V4_URL")
    }
    if not found.variable.startswith("CIPIPE_") and host not in known:
        raise CredentialsError(
            f"{found.variable} is not sent to {host}, which is not {web.host}",
            hint="correct forge.api_url, or set CIPIPE_TOKEN",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
