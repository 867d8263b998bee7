"""The documents of a forge's API, for what the SDKs have no words for: settings, rulesets, reviews.

No redirect is followed and no `.netrc` is read, so that the token goes to the API alone.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests
import urllib3
from requests.auth import AuthBase

from cipipe.controls.facts import Answer, Step
from cipipe.errors import ForgeError
from cipipe.forges.base import Access, ConflictError
from cipipe.forges.calls import TIMEOUT, Calls, Lost, Refusal

_MOST_PAGES = 100
_LARGEST = 20_000_000  # bytes of one answer
_SAID = (200, 201, 202, 204, 403, 404)


class _Headers(AuthBase):
    """The token as a header; being an `auth`, it keeps requests from looking into `.netrc`."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


class Documents:
    """The API below one repository's own path (`base`, from the API's address)."""

    def __init__(
        self, access: Access, base: str, headers: Mapping[str, str], *, page_size: str = "per_page"
    ) -> None:
        self._api = access.api_url
        self._base = f"{self._api}/{base}"
        self._page_size = page_size
        self._calls = Calls(access, _translated)
        self._auth = _Headers(headers)
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "cipipe"
        self._session.verify = access.environ.get("SSL_CERT_FILE") or True

    def get(self, path: str) -> Answer:
        """One document of the repository; 403 and 404 are answers too."""
        return self._get(self._url(path))[0]

    def get_global(self, path: str) -> Answer:
        """One document that belongs to no repository."""
        return self._get(f"{self._api}/{path}")[0]

    def list(self, path: str) -> Answer:
        """All pages of a list as one."""
        found: list[object] = []
        mark = "&" if "?" in path else "?"
        for page in range(1, _MOST_PAGES + 1):
            answer, more = self._get(f"{self._url(path)}{mark}{self._page_size}=100&page={page}")
            if answer.status != 200 or not isinstance(answer.document, list):
                return answer
            found += answer.document
            if not more:
                return Answer(200, found)
        raise ForgeError(f"{self._url(path)} has more than {_MOST_PAGES} pages")

    def send(self, step: Step) -> None:
        """Change a setting. Raises CredentialsError, ConflictError, NotFoundError, ForgeError."""

        def call() -> None:
            answer, _ = self._once(step.method, self._url(step.path), step.body)
            if answer.status >= 400:
                raise Refusal(answer.status, _words(answer), {})

        once = step.method == "POST"
        try:
            (self._calls.once if once else self._calls.repeatable)(step.says, call)
        except ConflictError as problem:
            raise ForgeError(problem.message, hint="look at the branch's settings at the forge") from None

    def _url(self, path: str) -> str:
        return f"{self._base}/{path}" if path else self._base

    def _get(self, url: str) -> tuple[Answer, bool]:
        return self._calls.repeatable(
            f"GET {url.removeprefix(self._api)}", lambda: self._once("GET", url, None)
        )

    def _once(self, method: str, url: str, body: Mapping[str, object] | None) -> tuple[Answer, bool]:
        """The answer, and whether there is another page."""
        with self._session.request(
            method, url, json=body, auth=self._auth, timeout=TIMEOUT, allow_redirects=False, stream=True
        ) as said:
            content = said.raw.read(_LARGEST + 1, decode_content=True)
            if len(content) > _LARGEST:
                raise Refusal(200, "the answer is too long", {})
            headers = {name.lower(): value for name, value in said.headers.items()}
            answer = Answer(said.status_code, _json(content, said.status_code))
            refusal = Refusal(said.status_code, _words(answer), headers)
            if said.status_code not in _SAID or refusal.wait is not None:
                raise refusal
            return answer, 'rel="next"' in headers.get("link", "")


def quoted(text: str) -> str:
    """`text` as one part of a path."""
    return quote(text, safe="")


def document(said: Answer, what: str) -> Any:
    """What was said, where nothing else will do. Raises ForgeError."""
    if said.status != 200 or not isinstance(said.document, dict | list):
        hint = "the token must be one that may read the repository and its pull requests"
        raise ForgeError(f"{what} cannot be read ({said.status})", hint=hint)
    return said.document


def _json(content: bytes, status: int) -> object:
    try:
        return json.loads(content) if content else None
    except (ValueError, RecursionError):
        if status < 400:
            raise Lost("the answer is no JSON") from None
        return None


def _words(answer: Answer) -> str:
    """The forge's own words; GitLab's `message` may be anything."""
    said = answer.document if isinstance(answer.document, dict) else {}
    parts = [said.get("message"), said.get("error"), said.get("errors")]
    return "; ".join(str(part) for part in parts if part) or "no reason given"


def _translated(error: Exception) -> Refusal | Lost | None:
    if isinstance(error, (Refusal, Lost)):
        return error
    if isinstance(error, requests.RequestException):
        return Lost(str(error))
    return Lost(str(error)) if isinstance(error, urllib3.exceptions.HTTPError) else None
