"""A repository's address: parsed once, and refused before any program starts when it is hostile.

Forms as in git-clone(1), "Git URLs": http(s)://, ssh://, the scp-like `user@host:path`, file:// and an
absolute path. Never `ext::` and the other remote helpers, `git://` (nobody is authenticated), or credentials.
"""

import ipaddress
import re
import urllib.parse
from dataclasses import dataclass

from cipipe import repository, secrets
from cipipe.errors import ConfigError

_DEFAULT_PORTS = {"http": 80, "https": 443, "ssh": 22}
_FLAGS = re.ASCII | re.IGNORECASE
_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/]*)(?P<path>/.*)?", _FLAGS)
_AUTHORITY = re.compile(
    r"(?:(?P<user>[^@]*)@)?(?P<host>\[[^\]]*\]|[^:@\[\]]*)(?::(?P<port>[0-9]{1,5}))?", _FLAGS
)
_SCP = re.compile(r"(?:(?P<user>[^@:/]+)@)?(?P<host>\[[^\]]*\]|[^:/@\[\]]+):(?P<path>[^:].*)", _FLAGS)
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?\.?", _FLAGS)
_USER = re.compile(r"[a-z0-9_][a-z0-9._+-]*", _FLAGS)
_HINT = "write https://HOST/PATH.git, ssh://git@HOST/PATH.git, git@HOST:PATH.git or file:///PATH.git"
_TOKEN_HINT = "leave the user and the password out, and set CIPIPE_TOKEN (and CIPIPE_USERNAME) instead"  # noqa: S105 - a hint


@dataclass(frozen=True, slots=True)
class Remote:
    """The address of a repository.

    `scheme` is http, https, ssh or file; `port` is None for the scheme's own; `path` starts with a slash, but
    for a path relative to the home on an ssh host. `url` is what git gets.
    """

    scheme: str
    user: str | None
    host: str
    port: int | None
    path: str
    url: str

    @classmethod
    def parse(cls, text: str) -> "Remote":
        """Parse an address; raises ConfigError for all that is not plainly one. Starts and reads nothing."""
        if not text.isprintable() or any(char.isspace() or char == "\\" for char in text):
            raise ConfigError(
                f"repository {text!r} holds blanks, control characters or backslashes", hint=_HINT
            )
        if url := _URL.fullmatch(text):
            return _from_url(text, url)
        if text.startswith("/"):
            return _local(urllib.parse.quote(text), text)
        scp = _SCP.fullmatch(text)
        slips = {"file", *_DEFAULT_PORTS}  # `https:host/path`, with its slashes forgotten
        if scp is None or scp["host"].lower() in slips or "@" in scp["path"].partition("/")[0]:
            _hide(text.rpartition("@")[0])
            raise ConfigError("the repository's address is none that cipipe knows", hint=_HINT)
        host, path = _host(scp["host"], text), _path(scp["path"], text)
        return cls("ssh", _user(scp["user"], text), host, None, path, text)

    @property
    def identity(self) -> str:
        """What is equal for two addresses of one repository."""
        return repository.identity(self.url)

    @property
    def is_http(self) -> bool:
        """Whether tokens are what the server asks for."""
        return self.scheme in {"http", "https"}

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine, so that nothing travels over a network."""
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def origin(self) -> str:
        """Scheme, host and port, ending in a slash: the scope of a credential."""
        return f"{self.scheme}://{self.host}{f':{self.port}' if self.port else ''}/"

    @property
    def effective_port(self) -> int | None:
        """The port in use; None for a path on this machine."""
        return self.port or _DEFAULT_PORTS.get(self.scheme)

    def __str__(self) -> str:
        """The address for people; it never holds credentials."""
        return self.url


def _from_url(text: str, url: re.Match[str]) -> Remote:
    scheme, path = url["scheme"].lower(), url["path"] or ""
    userinfo, _, place = url["authority"].rpartition("@")
    if userinfo and (scheme != "ssh" or ":" in userinfo):
        _hide(userinfo)
        raise ConfigError(f"the address of {place} holds credentials", hint=_TOKEN_HINT)
    if scheme == "file" and url["authority"] in {"", "localhost"}:
        return _local(path, text)
    authority = _AUTHORITY.fullmatch(url["authority"])
    if scheme not in _DEFAULT_PORTS or authority is None:
        raise ConfigError(f"'{text}' is not a repository's address that cipipe knows", hint=_HINT)
    port = int(authority["port"] or _DEFAULT_PORTS[scheme])
    if not 1 <= port <= 65535:
        raise ConfigError(f"'{text}': {port} is not a port", hint=_HINT)
    own_port = None if port == _DEFAULT_PORTS[scheme] else port
    user, host = _user(authority["user"], text), _host(authority["host"], text)
    path = _path(path, text)
    shown = f"{scheme}://{f'{user}@' if user else ''}{host}{f':{own_port}' if own_port else ''}{path}"
    return Remote(scheme, user, host, own_port, path, shown)


def without_credentials(text: str) -> str:
    """An http(s) address without the user and password that a CI's checkout writes into its own."""
    url = _URL.fullmatch(text)
    if url is None or url["scheme"].lower() not in {"http", "https"}:
        return text
    userinfo, _, place = url["authority"].rpartition("@")
    user, _, password = userinfo.partition(":")
    for form in (
        str,
        urllib.parse.unquote,
    ):  # a user beside a password is no secret: it may be the owner's name
        secrets.learn(form(password or user))
    return f"{url['scheme']}://{place}{url['path'] or ''}"


def _hide(userinfo: str) -> None:
    for part in (userinfo, *userinfo.split(":", 1)):
        secrets.learn(part)
        secrets.learn(urllib.parse.unquote(part))


def _local(path: str, text: str) -> Remote:
    clean = _path(path, text)
    return Remote("file", None, "", None, clean, f"file://{clean}")


def _user(user: str | None, text: str) -> str | None:
    if user is not None and not _USER.fullmatch(user):
        raise ConfigError(f"'{text}' has no plain user name", hint=_HINT)
    return user


def _host(host: str, text: str) -> str:
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError:
            raise ConfigError(f"'{text}' has no valid IPv6 host", hint=_HINT) from None
    if not _HOST.fullmatch(host) or ".." in host or len(host) > 253:
        raise ConfigError(f"'{text}' has no valid host", hint=_HINT)
    return host.lower()


def _path(path: str, text: str) -> str:
    plain = urllib.parse.unquote(path)
    parts = plain.strip("/").split("/")
    if not plain.isprintable() or parts == [""] or {".", ".."} & set(parts):
        raise ConfigError(f"'{text}': the path is empty, or holds '.', '..' or hidden characters", hint=_HINT)
    if plain.lstrip("/").startswith("-") or set("?#") & set(path):
        raise ConfigError(f"'{text}': the path starts with '-', or has a query", hint=_HINT)
    return path
