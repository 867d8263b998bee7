"""The token of a GitHub App: for one repository, with no more rights than its purpose needs, for an hour.

https://docs.github.com/en/rest/apps/apps
https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

import email.utils
import threading
import time
from collections.abc import Mapping
from typing import Any

import jwt

from cipipe import secrets
from cipipe.errors import CredentialsError, ForgeError, UsageError
from cipipe.forges import app, session
from cipipe.forges.app import App, Purpose
from cipipe.forges.base import Access
from cipipe.forges.calls import TIMEOUT, Calls, Refusal
from cipipe.git.credentials import Credentials
from cipipe.git.url import Remote
from cipipe.proc import Deadline, escaped

_EARLIER, _LIFE = 60, 540  # seconds; GitHub advises the one against clocks that differ, and takes 600 at most
_LEVELS = ("read", "write", "admin")
# What a purpose cannot do without, and what is asked for where the installation has it: only who may change
# rulesets, for one, sees who passes them by.
_NEEDS: dict[Purpose, Mapping[str, str]] = {
    "deliver": {"contents": "write", "pull_requests": "write"},
    "read": {"contents": "read", "pull_requests": "read"},
    "review": {"contents": "read", "pull_requests": "read"},
    "publish": {"contents": "read", "pull_requests": "read", "statuses": "write"},
    "inspect": {"administration": "read"},
    "protect": {"administration": "write"},
}
_WISHES: dict[Purpose, Mapping[str, str]] = {
    "deliver": {"members": "read"},  # of the organisation, whose teams are asked for reviews
    "inspect": {"administration": "write", "actions": "read", "contents": "read"},
    "protect": {"actions": "read", "contents": "read"},
}
_made: dict[tuple[str, str, str, Purpose], Credentials] = {}
_making = threading.Lock()


def credentials(  # noqa: PLR0913 - the last two by name only
    of: App, remote: Remote, api_url: str, purpose: Purpose, *, deadline: Deadline, environ: Mapping[str, str]
) -> Credentials:
    """The token for the repository at `remote`, made once in a run.

    Raises UsageError for a key that is none, CredentialsError where the App is refused, not installed,
    suspended or not granted what `purpose` needs, and what `Calls` raises.
    """
    own = Credentials("app", _assertion(of), app.KEY)
    access = Access(remote, api_url, own, deadline, environ)
    key = (of.id, api_url, access.repository.lower(), purpose)
    with _making:
        if key not in _made:
            _made[key] = _Apps(of, access).token(purpose)
        return _made[key]


def _assertion(of: App) -> str:
    """A signed claim to be the App (RFC 7519)."""
    now = int(time.time())
    claims = {"iat": now - _EARLIER, "exp": now + _LIFE, "iss": of.id}
    try:
        made = jwt.encode(claims, of.key, algorithm="RS256")
    except (jwt.exceptions.PyJWTError, ValueError, TypeError) as problem:
        raise UsageError(
            f"{app.KEY} holds no RSA private key that can be used: {escaped(str(problem), 100)}",
            hint="generate a private key in the App's settings; one with a passphrase cannot be used",
        ) from None
    secrets.learn(made)
    return made


class _Apps:
    """The App's part of one GitHub's API."""

    def __init__(self, of: App, access: Access) -> None:
        self._app = of
        self._access = access
        self._calls = Calls(access, session.translated)

    def token(self, purpose: Purpose) -> Credentials:
        """A new token, by two requests."""
        found = self._installation()
        name = self._access.repository
        if found.get("suspended_at"):
            raise CredentialsError(
                f"the App's installation on {name} is suspended", hint="its owner can unsuspend it at GitHub"
            )
        body = {"repositories": [name.rpartition("/")[2]], "permissions": self._permissions(found, purpose)}
        made = self._send("POST", f"app/installations/{found['id']}/access_tokens", body)
        token = made.get("token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise ForgeError(f"{self._access.api_url} gives the App no token")
        secrets.learn_basic("x-access-token", token)
        return Credentials("x-access-token", token, app.KEY)

    def _installation(self) -> dict[str, Any]:
        path = f"repos/{self._access.repository}/installation"
        if self._app.installation:
            path = f"app/installations/{self._app.installation}"
        found = self._send("GET", path)
        if not isinstance(found.get("id"), int):
            raise ForgeError(f"{self._access.api_url} names no installation of the App")
        return found

    def _permissions(self, installation: Mapping[str, Any], purpose: Purpose) -> dict[str, str]:
        """What to ask for, of what the installation was granted."""
        granted = installation.get("permissions") or {}
        needs = _NEEDS[purpose]
        if missing := [f"{name}: {level}" for name, level in needs.items() if not _has(granted, name, level)]:
            raise CredentialsError(
                f"the App's installation on {self._access.repository} lacks {', '.join(missing)}",
                hint="add the permission in the App's settings, and let the owner accept it",
            )
        wishes = _WISHES.get(purpose, {})
        return {**needs, **{name: level for name, level in wishes.items() if _has(granted, name, level)}}

    def _send(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Two tokens harm no more than one, so that every request may be sent twice."""

        def call() -> dict[str, Any]:
            with session.make(self._access) as opened:
                opened.headers["Accept"] = "application/vnd.github+json"
                url = f"{self._access.api_url}/{path}"
                try:
                    said = opened.request(method, url, json=body, timeout=TIMEOUT, allow_redirects=False)
                except Refusal as refusal:
                    if refusal.status in {401, 403, 404, 422} and refusal.wait is None:
                        raise self._refused(refusal) from None
                    raise
                found: dict[str, Any] = said.json()
                return {**found}

        return self._calls.repeatable(f"{method} {path}", call)

    def _refused(self, refusal: Refusal) -> CredentialsError:
        name, words = self._access.repository, escaped(refusal.message, 200)
        said = f"{self._access.api_url} answered {refusal.status}: {words}"
        if refusal.status == 404 and "integration" not in refusal.message.lower():
            if self._app.installation:
                return CredentialsError(
                    f"the App has no installation {self._app.installation}: {said}",
                    hint=f"correct {app.INSTALLATION}, or leave it out",
                )
            return CredentialsError(
                f"the App is not installed on {name}: {said}",
                hint="install it there, or add the repository to its installation",
            )
        if refusal.status == 422 or "suspended" in words:
            return CredentialsError(
                f"the App gets no token for {name}: {said}", hint="look at its installation"
            )
        if any(word in refusal.message for word in ("'exp'", "'iat'", "Expiration", "Issued at")):
            return CredentialsError(f"the App is refused: {said}", hint=_clock(refusal))
        return CredentialsError(
            f"the App is refused: {said}",
            hint=f"{app.ID} and the private key must be those of one App of this server",
        )


def _has(granted: Mapping[str, str], name: str, level: str) -> bool:
    held = granted.get(name)
    return held in _LEVELS and _LEVELS.index(held) >= _LEVELS.index(level)


def _clock(refusal: Refusal) -> str:
    """What the answer's `Date` says of this machine's clock."""
    try:
        server = email.utils.parsedate_to_datetime(refusal.headers.get("date", "")).timestamp()
    except ValueError:
        return "set this machine's clock right"
    off = time.time() - server
    way = "ahead of" if off > 0 else "behind"
    return f"set this machine's clock right: it is {abs(off):.0f} s {way} the server's"
