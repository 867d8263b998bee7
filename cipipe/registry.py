"""What a container registry says about a tag (distribution-spec, "Pulling manifests"; distribution's tokens).

Built on urllib: it trusts the same certificates and proxies as git and curl, and no `.netrc`. Redirects are
followed by hand, so that no credentials go to another host.
"""

import hashlib
import ipaddress
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException

from cipipe import secrets
from cipipe.docker_config import Login, login
from cipipe.errors import CredentialsError, ImageError, RegistryError
from cipipe.image import ImageRef, check_digest
from cipipe.proc import Deadline, escaped

_ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_LARGEST = 4 * 1024 * 1024  # bytes of a manifest (distribution-spec, "Pushing Manifests")
_TIMEOUT = 30.0  # seconds for one answer
_TRIES = 4
_PAUSE = 0.2  # seconds before the second try, three times as long before each one after it
_CHALLENGE = re.compile(r'([a-z_]+)="([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Answer:
    place: str  # the host and port that gave it, after redirects
    status: int
    headers: Message
    body: bytes


def digest(ref: ImageRef, deadline: Deadline, environ: Mapping[str, str]) -> str:
    """The digest that the registry holds under the tag of `ref`.

    `environ` says where the Docker configuration is. Raises CredentialsError, RegistryError, DeadlineError.
    """
    host, _, repository = ref.normalized.partition("/")
    server = "registry-1.docker.io" if host == "docker.io" else host
    plain = _is_loopback(server)
    url = f"{'http' if plain else 'https'}://{server}/v2/{repository}/manifests/{ref.tag or 'latest'}"
    client = _Client(ref, deadline, login(host, environ, deadline))
    answer = client.authorized("HEAD", url)
    found = answer.headers.get("Docker-Content-Digest")
    if answer.status == 405 or (answer.status == 200 and not found):
        answer = client.authorized("GET", url)
        found = "sha256:" + hashlib.sha256(answer.body).hexdigest()
    if answer.status == 404:
        raise RegistryError(f"{ref} is not in its registry", hint="push the image first, or correct its name")
    if answer.status != 200:
        raise RegistryError(f"the registry answered {answer.status} for {ref}: {escaped(answer.body, 300)}")
    try:
        check_digest(found or "")
    except ImageError as error:
        raise RegistryError(f"the registry answered no digest for {ref}: {error.message}") from None
    return found or ""


class _Client:
    """Requests for one image, with what it takes to be let in."""

    def __init__(self, ref: ImageRef, deadline: Deadline, known: Login | None) -> None:
        self._ref = ref
        self._deadline = deadline
        self._login = known
        self._authorization: str | None = None

    def authorized(self, method: str, url: str) -> _Answer:
        """An answer after the registry's challenge, if it has one."""
        answer = self._retried(method, url, self._authorization)
        own = answer.place == urllib.parse.urlsplit(url).netloc
        if answer.status == 401 and own and self._authorization is None:
            self._authorization = self._answer_to(answer.headers.get_all("WWW-Authenticate") or [], url)
            answer = self._retried(method, url, self._authorization)
        if answer.status in {401, 403}:
            raise self._refused(answer)
        return answer

    def _answer_to(self, challenges: list[str], url: str) -> str:
        kinds = {challenge.partition(" ")[0].lower(): challenge for challenge in challenges}
        if "bearer" in kinds:
            return self._token(dict(_CHALLENGE.findall(kinds["bearer"])))
        if "basic" in kinds and self._login and self._login.username:
            return self._login.basic()
        raise CredentialsError(
            f"{urllib.parse.urlsplit(url).netloc} asks for credentials, and there are none for {self._ref}",
            hint="run docker login, or set DOCKER_CONFIG to the folder of a config.json",
        )

    def _token(self, challenge: Mapping[str, str]) -> str:
        """A bearer token (distribution: docs/spec/auth/token and /oauth)."""
        realm = urllib.parse.urlsplit(challenge.get("realm", ""))
        if realm.scheme != "https" and not (realm.scheme == "http" and _is_loopback(realm.netloc)):
            raise RegistryError(f"the registry of {self._ref} names no safe place to get a token from")
        scope = f"repository:{self._ref.normalized.partition('/')[2]}:pull"
        fields = {"service": challenge.get("service", ""), "scope": challenge.get("scope") or scope}
        if self._login and self._login.identity_token:
            grant = {"grant_type": "refresh_token", "refresh_token": self._login.identity_token}
            form = fields | grant | {"client_id": "cipipe"}
            answer = self._retried("POST", realm.geturl(), None, urllib.parse.urlencode(form).encode())
        else:
            query = "&".join(filter(None, (realm.query, urllib.parse.urlencode(fields))))
            basic = self._login.basic() if self._login else None
            answer = self._retried("GET", realm._replace(query=query).geturl(), basic)
        if answer.status != 200:
            raise self._refused(answer)
        try:
            document = json.loads(answer.body)
            token = str(document.get("token") or document["access_token"])
        except (ValueError, KeyError, AttributeError):
            raise RegistryError(f"the token server of {self._ref} gave no token") from None
        secrets.learn(token)
        return f"Bearer {token}"

    def _refused(self, answer: _Answer) -> CredentialsError:
        who = f"as {self._login.username or 'the logged-in user'}" if self._login else "without a login"
        return CredentialsError(
            f"the registry refused {self._ref} {who} ({answer.status}): {escaped(answer.body, 300)}",
            hint="run docker login for this registry; the account must be allowed to pull the image",
        )

    def _retried(
        self, method: str, url: str, authorization: str | None, form: bytes | None = None
    ) -> _Answer:
        pause = _PAUSE
        problem = ""
        for attempt in range(_TRIES):
            if attempt:
                self._deadline.sleep(pause)
                pause *= 3
            if self._deadline.expired:
                raise self._deadline.error(f"asking the registry for {self._ref}")
            try:
                answer = self._followed(method, url, authorization, form)
            except (OSError, HTTPException) as error:
                problem = escaped(str(getattr(error, "reason", error)))
                continue
            if answer.status not in {429, 500, 502, 503, 504}:
                return answer
            problem = f"it answered {answer.status}"
        place = urllib.parse.urlsplit(url).netloc
        raise RegistryError(f"the registry at {place} cannot be reached for {self._ref}: {problem}")

    def _followed(self, method: str, url: str, authorization: str | None, form: bytes | None) -> _Answer:
        for _ in range(5):
            answer = self._once(method, url, authorization, form)
            target = answer.headers.get("Location")
            if answer.status not in {301, 302, 303, 307, 308} or not target or form:
                return answer
            here, there = urllib.parse.urlsplit(url), urllib.parse.urlsplit(urllib.parse.urljoin(url, target))
            if there.scheme not in {"https", here.scheme}:
                raise RegistryError(f"the registry of {self._ref} redirects to {there.scheme}://")
            if (here.scheme, here.netloc) != (there.scheme, there.netloc):
                authorization = None
            url = there.geturl()
        raise RegistryError(f"the registry of {self._ref} redirects without end")

    def _once(self, method: str, url: str, authorization: str | None, form: bytes | None) -> _Answer:
        headers = {"Accept": _ACCEPT}
        request = urllib.request.Request(url, form, headers, method=method)  # noqa: S310 - http(s)
        if authorization:
            request.add_unredirected_header("Authorization", authorization)
        place = urllib.parse.urlsplit(url).netloc
        proxies: dict[str, str] | None = {} if _is_loopback(place) else None
        opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies), _NoRedirect)
        timeout = max(0.1, min(_TIMEOUT, self._deadline.remaining()))
        try:
            with opener.open(request, timeout=timeout) as response:
                return _Answer(place, response.status, response.headers, response.read(_LARGEST))
        except urllib.error.HTTPError as error:
            with error:
                return _Answer(place, error.code, error.headers, error.read(_LARGEST))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Redirects are followed by hand."""


def _is_loopback(netloc: str) -> bool:
    host = urllib.parse.urlsplit(f"//{netloc}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
