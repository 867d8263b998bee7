"""GitHub as an App meets it: its assertion is verified, and all else is open to the token that it gets alone.

Refusals as GitHub words them; https://docs.github.com/en/rest/apps/apps,
https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

import re
import time
from typing import Any

import jwt

from tests.fakes.github import GitHubFake
from tests.fakes.server import Answer, Refused, Request

_LONGEST = 600  # seconds that an assertion may hold


class GitHubAppFake(GitHubFake):
    """The App's tokens are all `token`; `made` holds what each was asked with, and none holds before that."""

    def __init__(self, token: str, public_key: str, *, app: str = "4711") -> None:
        super().__init__(token)
        self.public_key = public_key
        self.app = app
        self.installation = 99
        self.installed = {"acme/infra"}
        self.permissions = {"metadata": "read", "contents": "write", "pull_requests": "write"}
        self.suspended = False
        self.made: list[dict[str, Any]] = []

    def is_authorized(self, request: Request) -> bool:
        """The App's own operations look at the assertion themselves."""
        return _is_own(request) or (bool(self.made) and super().is_authorized(request))

    def answer(self, request: Request) -> Answer:
        """The App's part; the rest as GitHub, within the rights that were asked for."""
        if not _is_own(request):
            if request.method != "GET" and self.made[-1]["permissions"].get("pull_requests") != "write":
                raise Refused(403, {"message": "Resource not accessible by integration"})
            return super().answer(request)
        self._verify(request)
        if found := re.fullmatch(r"/repos/(.+)/installation", request.path):
            if found[1] not in self.installed:
                raise Refused(404, {"message": "Not Found"})
            return Answer(200, self._installation())
        if not request.path.startswith(f"/app/installations/{self.installation}"):
            raise Refused(404, {"message": "Not Found"})
        return self._token(request) if request.method == "POST" else Answer(200, self._installation())

    def _token(self, request: Request) -> Answer:
        if self.suspended:
            raise Refused(403, {"message": "This installation has been suspended"})
        body = request.body
        if any(f"acme/{name}" not in self.installed for name in body["repositories"]):
            raise Refused(
                422,
                {"message": "There is at least one repository that does not exist or is not accessible."},
            )
        levels = ["read", "write"]
        for name, level in body["permissions"].items():
            if levels.index(level) > levels.index(self.permissions.get(name, "read")) or (
                name not in self.permissions
            ):
                message = "The permissions requested are not granted to this installation."
                raise Refused(422, {"message": message})
        self.made.append(body)
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        return Answer(201, {"token": self.token, "expires_at": expires, "permissions": body["permissions"]})

    def _installation(self) -> dict[str, Any]:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return {
            "id": self.installation,
            "permissions": self.permissions,
            "suspended_at": now if self.suspended else None,
        }

    def _verify(self, request: Request) -> None:
        """Whether the assertion is the App's, and holds now, by the server's clock."""
        assertion = request.headers.get("authorization", "").removeprefix("Bearer ")
        now = time.time() + self.clock
        try:
            given = jwt.decode(assertion, options={"verify_signature": False})
            if given["iss"] != self.app:
                raise Refused(404, {"message": "Integration not found"})
            claims = jwt.decode(
                assertion,
                self.public_key,
                algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            raise Refused(401, {"message": "A JSON web token could not be decoded"}) from None
        if claims["exp"] < now:
            message = "'Expiration time' claim ('exp') must be a numeric value representing the future time"
            raise Refused(401, {"message": message})
        if claims["exp"] > now + _LONGEST:
            raise Refused(401, {"message": "'Expiration time' claim ('exp') is too far in the future"})
        if claims["iat"] > now:
            message = "'Issued at' claim ('iat') must be an Integer representing the time it was issued"
            raise Refused(401, {"message": message})


def _is_own(request: Request) -> bool:
    return request.path.startswith("/app/") or request.path.endswith("/installation")
