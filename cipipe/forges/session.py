"""HTTP for the forges whose clients take a `requests` session: what is not a success never reaches them.

No redirect is followed and no `.netrc` read, so that a token goes to the API and nowhere else.
"""

import json
from typing import Any

import requests
from requests.auth import AuthBase

from cipipe.forges.base import Access
from cipipe.forges.calls import Lost, Refusal

NOT_THE_API = (AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What Python says where an answer is of another shape than the API's."""


class Bearer(AuthBase):
    """The token (RFC 6750); being an `auth`, it keeps requests from looking into `.netrc`."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def make(access: Access) -> requests.Session:
    """A session for one API; every answer that is no success raises Refusal."""
    session = requests.Session()
    session.auth = Bearer(access.credentials.token)
    session.headers["User-Agent"] = "cipipe"
    session.verify = verify(access)
    session.hooks["response"].append(_refuse)
    return session


def verify(access: Access) -> bool | str:
    """Whose certificates are trusted: those that Git trusts, where the user says so."""
    return access.environ.get("SSL_CERT_FILE") or True


def translated(error: Exception) -> Refusal | Lost | None:
    """What a client on such a session may raise, in the words of `calls`."""
    if isinstance(error, (Refusal, Lost)):
        return error
    if isinstance(error, requests.RequestException):
        return Lost(str(error))
    if isinstance(error, NOT_THE_API):
        return Lost("the answer is not that of the API")
    return None


def _refuse(answer: requests.Response, **_: object) -> None:
    if 200 <= answer.status_code < 300:
        return
    headers = {name.lower(): value for name, value in answer.headers.items()}
    with answer:  # a hook that raises leaves the connection to nobody
        words = _words(answer)
    raise Refusal(answer.status_code, words, headers)


def _words(answer: requests.Response) -> str:
    """The forge's own words; GitLab's `message` may be a text, a list or an object."""
    if 300 <= answer.status_code < 400:
        return f"it redirects to {answer.headers.get('Location', '')}"
    try:
        said: Any = answer.json()
    except (ValueError, RecursionError):
        return answer.text[:300]
    parts = [said.get(key) for key in ("message", "error", "errors")] if isinstance(said, dict) else [said]
    return "; ".join(part if isinstance(part, str) else json.dumps(part) for part in parts if part)
