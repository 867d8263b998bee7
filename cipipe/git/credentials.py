"""Which token goes to which host, and to no other (DESIGN section 7).

`CIPIPE_TOKEN_<ENV>` comes before `CIPIPE_TOKEN`, both before a GitHub App, and that before the tokens that a
CI or a forge's own tools leave in the environment. Those go only to the host that they were made for.
"""

import base64
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cipipe import secrets
from cipipe.errors import UsageError
from cipipe.git.url import Remote

_DEFAULT_USER = "x-access-token"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A token and the name that goes with it; `variable` says where it was found, for messages."""

    username: str
    token: str = field(repr=False)
    variable: str

    def authorization(self) -> str:
        """The value of an `Authorization` header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.token}".encode()).decode()


def variable_name(environment: str) -> str:
    """The variable of an environment's own token: CIPIPE_TOKEN_PROD_EU for prod-eu."""
    return "CIPIPE_TOKEN_" + environment.upper().replace("-", "_")


def check_one_host(environ: Mapping[str, str], remotes: Iterable[tuple[str, Remote]]) -> None:
    """`CIPIPE_TOKEN` serves one host: raises UsageError when a run's (environment, remote) pairs name two.

    An environment with a token of its own does not count, nor do ssh and file.
    """
    if not environ.get("CIPIPE_TOKEN"):
        return
    hosts = {
        remote.origin: name
        for name, remote in remotes
        if remote.is_http and not environ.get(variable_name(name))
    }
    if len(hosts) > 1:
        variables = " and ".join(variable_name(name) for name in hosts.values())
        raise UsageError(
            f"CIPIPE_TOKEN would go to {len(hosts)} hosts: {', '.join(sorted(hosts))}",
            hint=f"set {variables} instead",
        )


def credentials(
    environ: Mapping[str, str],
    remote: Remote,
    *,
    environment: str | None = None,
    forge: str | None = None,
    app: Callable[[], Credentials] | None = None,
) -> Credentials | None:
    """The credentials for `remote`, or None: ssh and file need none, and there may be none.

    `environment` chooses `CIPIPE_TOKEN_<ENV>`, `forge` is the configured kind, `app` gets the token of a
    configured App. Raises UsageError when cipipe's own variables would travel unencrypted to another machine;
    a forge's then just do not count.
    """
    if not remote.is_http:
        return None
    found = _own(environ, environment)
    safe = remote.scheme == "https" or remote.is_loopback
    if (found or app) and not safe:
        raise UsageError(
            f"{found.variable if found else 'the token of a GitHub App'} is not sent to {remote.origin}:"
            " plain http shows it to everyone on the way",
            hint="use https:// in the repository's address",
        )
    if found is None and safe:
        found = app() if app else _of_forge(environ, remote, forge)
    if found:
        secrets.learn_basic(found.username, found.token)
    return found


def _own(environ: Mapping[str, str], environment: str | None) -> Credentials | None:
    user = environ.get("CIPIPE_USERNAME") or _DEFAULT_USER
    if ":" in user or not user.isprintable():
        raise UsageError("CIPIPE_USERNAME holds a ':' or a control character (RFC 7617 forbids both)")
    own = [variable_name(environment)] if environment else []
    return _first(environ, [*own, "CIPIPE_TOKEN"], user)


def _of_forge(environ: Mapping[str, str], remote: Remote, forge: str | None) -> Credentials | None:
    found = None
    if _is_at(remote, environ.get("GITHUB_SERVER_URL") or "https://github.com"):
        found = _first(environ, ["GITHUB_TOKEN", "GH_TOKEN"], _DEFAULT_USER)
    if found is None and _is_gitlab(environ, remote):
        found = _first(environ, ["GITLAB_TOKEN"], "oauth2") or _first(
            environ, ["CI_JOB_TOKEN"], "gitlab-ci-token"
        )
    if found is None and forge == "gitea":
        found = _first(environ, ["GITEA_TOKEN"], _DEFAULT_USER)
    return found


def _first(environ: Mapping[str, str], names: Iterable[str], user: str) -> Credentials | None:
    for name in names:
        if token := environ.get(name, "").strip():
            return Credentials(user, token, name)
    return None


def _is_at(remote: Remote, server: str) -> bool:
    try:
        url = urllib.parse.urlsplit(server)
        port = url.port
    except ValueError:
        return False
    own = {"http": 80, "https": 443}.get(url.scheme)
    return url.hostname == remote.host.strip("[]") and (port or own) == remote.effective_port


def _is_gitlab(environ: Mapping[str, str], remote: Remote) -> bool:
    host, port = environ.get("CI_SERVER_HOST") or "gitlab.com", environ.get("CI_SERVER_PORT")
    return remote.host == host.lower() and (not port or port == str(remote.effective_port))
