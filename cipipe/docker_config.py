"""Logins of the Docker configuration: `auths`, `credHelpers`, `credsStore` (docs.docker.com, login)."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cipipe import secrets
from cipipe.errors import ConfigError, CredentialsError
from cipipe.proc import Deadline, run
from cipipe.programs import program, search_path

_DOCKER_HUB = "https://index.docker.io/v1/"
_Config = Mapping[str, Mapping[str, str]]
_HELPER = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_NONE = b"credentials not found"


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and password, or an identity token that is exchanged for others."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    def basic(self) -> str:
        """The value of an `Authorization` header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


def login(host: str, environ: Mapping[str, str], deadline: Deadline) -> Login | None:
    """The login for the registry `host` (`docker.io` for Docker Hub), or None.

    Raises ConfigError for a config.json that cannot be read, CredentialsError for a helper that fails.
    """
    folder = environ.get("DOCKER_CONFIG") or (f"{environ['HOME']}/.docker" if environ.get("HOME") else None)
    file = Path(folder, "config.json") if folder else None
    if file is None or not file.is_file():
        return None
    try:
        config = json.loads(file.read_bytes())
        found = _login(config, host, environ, deadline)
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        raise ConfigError("the Docker configuration cannot be read", file=str(file)) from None
    if found:
        secrets.learn_basic(found.username, found.password)
        secrets.learn(found.identity_token)
    return found


def _login(
    config: dict[str, dict[str, str]], host: str, environ: Mapping[str, str], deadline: Deadline
) -> Login | None:
    names = [_DOCKER_HUB, "index.docker.io", "docker.io"] if host == "docker.io" else [host]
    helpers = config.get("credHelpers") or {}
    for name in names:
        if name in helpers:
            return _ask_helper(helpers[name], name, environ, deadline)
    if store := config.get("credsStore"):
        found = _ask_helper(str(store), names[0], environ, deadline)
        if found:
            return found
    wanted = {_plain(name) for name in names}
    auths: Mapping[str, object] = config.get("auths") or {}
    for name, entry in auths.items():
        if _plain(name) in wanted and isinstance(entry, dict):
            return _of_entry(entry)
    return None


def _of_entry(entry: Mapping[str, str]) -> Login | None:
    user, password = entry.get("username", ""), entry.get("password", "")
    if entry.get("auth"):
        user, _, password = _decoded(entry["auth"]).partition(":")
    token = entry.get("identitytoken", "")
    return Login(user, password, token) if user or token else None


def _ask_helper(helper: str, server: str, environ: Mapping[str, str], deadline: Deadline) -> Login | None:
    if not _HELPER.fullmatch(helper):
        raise ConfigError("the Docker configuration names a credential helper that is no plain word")
    path = search_path(environ)
    own = {name: value for name, value in environ.items() if not name.startswith("CIPIPE_")}
    argv = [program(f"docker-credential-{helper}", path), "get"]
    completed = run(argv, env=own | {"PATH": path}, input=server.encode(), deadline=deadline)
    if completed.returncode:
        if _NONE in completed.stdout + completed.stderr:
            return None
        raise CredentialsError(
            f"docker-credential-{helper} failed for {server} (exit {completed.returncode})",
            hint="run docker login for this registry again",
        )
    answer = json.loads(completed.stdout)
    user, secret = str(answer["Username"]), str(answer["Secret"])
    return Login(identity_token=secret) if user == "<token>" else Login(user, secret)


def _plain(server: str) -> str:
    """A key of `auths` as docker compares it: without scheme and path."""
    return re.sub(r"^https?://", "", server).partition("/")[0]


def _decoded(auth: str) -> str:
    return base64.b64decode(auth, validate=True).decode().rstrip("\0")
