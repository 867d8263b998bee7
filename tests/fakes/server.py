"""What the fakes of forges share: an HTTP server on a loopback port, its log, and faults on demand.

A fault comes before the effect of a request, or after it, so that only the answer is lost.
"""

import hashlib
import json
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Literal

from tests.fakes.contract import Contract
from tests.servers.loopback import Listener, Loopback

Kind = Literal[
    "500", "502", "503", "504", "drop", "html", "empty", "truncated", "list", "null", "trickle", "hang",
    "retry-after", "secondary", "primary", "401", "403", "404", "redirect", "redirect-307",
]  # fmt: skip


_JSON = {"Content-Type": "application/json"}
_HTML = {"Content-Type": "text/html"}
_USED_UP = {"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "60", "X-RateLimit-Reset": "4102444800"}
_HOSTILE = b'{"message": "no @everyone \\u001b[31m ::error::x"}'
_FAILURES: dict[str, tuple[int, bytes, dict[str, str]]] = {
    **{status: (int(status), b"<html>bad gateway</html>", _HTML) for status in ("500", "502", "503", "504")},
    **{status: (int(status), _HOSTILE, {}) for status in ("401", "403", "404")},
    "html": (200, b"<html>Sign in</html>", _HTML),
    "empty": (200, b"", {}),
    "list": (200, b"[1]", {}),
    "null": (200, b"null", {}),
    "retry-after": (429, b'{"message": "slow down"}', {}),
    "secondary": (403, b'{"message": "You have exceeded a secondary rate limit."}', {}),
    "primary": (403, b'{"message": "API rate limit exceeded"}', _USED_UP),
}


@dataclass(frozen=True)
class Fault:
    """`kind` of failure; `after` the effect or before it."""

    kind: Kind
    after: bool = False


@dataclass
class Request:
    """One request as it arrived; `path` is without the API's prefix."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any = None
    status: int = 0

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


FaultRule = Callable[[Request], Fault | None]


@dataclass
class Answer:
    """A JSON answer."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818 - an answer
    """An answer that is not the wanted one."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.answer = Answer(status, body)


def once(fault: Fault, only: Callable[[Request], bool] = lambda _: True, *, count: int = 1) -> FaultRule:
    """`fault` for the first `count` requests that `only` chooses."""
    left, lock = [count], threading.Lock()

    def rule(request: Request) -> Fault | None:
        with lock:
            if not left[0] or not only(request):
                return None
            left[0] -= 1
            return fault

    return rule


class ApiServer(Loopback):
    """A fake forge's API; a subclass answers requests. A context manager.

    Where `contracts` describe the API, what breaks them is kept in `violations`, and leaving the context
    raises AssertionError: a refusal alone could be met by another try. The first one binds the answers, too.
    """

    prefix = ""
    contracts: tuple[Contract, ...] = ()

    def __init__(self, token: str) -> None:
        self.token = token
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.faults: list[FaultRule] = []
        self.retry_after = "1"  # seconds
        self.clock = 0.0  # seconds that its clock is ahead of ours
        self.elsewhere = ""  # where a redirect leads
        self._lock = threading.RLock()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if kind is None and self.violations:
            raise AssertionError("\n".join(self.violations))

    @property
    def api_url(self) -> str:
        """What `forge.api_url` is set to."""
        return self.base + self.prefix

    def log(self) -> list[str]:
        """The requests, as `METHOD path`."""
        return [str(request) for request in self.requests]

    def is_authorized(self, request: Request) -> bool:
        """Whether the request shows the token as a bearer's."""
        return request.headers.get("authorization", "").split() in (
            ["Bearer", self.token],
            ["token", self.token],
        )

    def answer(self, request: Request) -> Answer:
        """The answer to an authorized request; raises Refused."""
        raise NotImplementedError

    def check(self, request: Request) -> None:
        """Hold a request against the contracts."""
        for contract in self.contracts:
            self.violations += contract.violations(request.method, request.path, request.query, request.body)

    def check_answer(self, request: Request, answer: Answer) -> None:
        """Hold one of the fake's own answers against the contract."""
        for contract in self.contracts[:1]:
            self.violations += contract.lies(request.method, request.path, answer.status, answer.body)

    def headers(self) -> dict[str, str]:
        """What every answer has besides."""
        return {}

    def answered(self, request: Request) -> Answer:
        """The answer, one request at a time."""
        if not self.is_authorized(request):
            return Answer(401, {"message": "Bad credentials"})
        with self._lock:
            try:
                return self.answer(request)
            except Refused as refused:
                return refused.answer
            except Exception as error:  # noqa: BLE001 - a fake that fails must not pass for a lost answer
                self.violations.append(f"{request}: the fake failed: {error!r}")
                return Answer(500, {"message": "Server Error"})

    def page(self, request: Request, items: list[Any], *, size: int) -> Answer:
        """One page of a list, `size` long unless asked otherwise, with links to its neighbours (RFC 8288)."""
        size, page = min(100, int(request.query.get("per_page", size))), int(request.query.get("page", 1))
        last = max(1, -(-len(items) // size))
        others = {"first": 1, "prev": page - 1, "next": page + 1, "last": last}
        links = [
            f"<{self.api_url}{request.path}?{urllib.parse.urlencode({**request.query, 'page': number})}>;"
            f' rel="{name}"'
            for name, number in others.items()
            if 1 <= number <= last and number != page
        ]
        headers = {"Link": ", ".join(links)} if links else {}
        return Answer(200, items[(page - 1) * size : page * size], headers)


class _Handler(BaseHTTPRequestHandler):
    server: Listener
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True  # else a body waits 40 ms for the head's acknowledgement

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """`ApiServer.requests` is the log."""

    def _serve(self) -> None:
        owner = self.server.owner
        parts = urllib.parse.urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(
            self.command,
            parts.path.removeprefix(owner.prefix),
            dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            json.loads(raw) if raw else None,
        )
        owner.requests.append(request)
        owner.check(request)
        fault = next((fault for rule in list(owner.faults) if (fault := rule(request))), None)
        if fault and not fault.after:
            return self._fail(fault.kind, b"{}" * 20)
        answer = owner.answered(request)
        owner.check_answer(request, answer)
        content = json.dumps(answer.body).encode() if answer.body is not None else b""
        request.status = answer.status
        if fault:
            return self._fail(fault.kind, content)
        headers = {**_JSON, **owner.headers(), **answer.headers}
        if self.command == "GET" and answer.status == 200:
            headers["ETag"] = f'W/"{hashlib.sha256(content).hexdigest()}"'
            if headers["ETag"] == request.headers.get("if-none-match"):
                return self._send(304, b"", headers)
        return self._send(answer.status, content, headers)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - the base class names them

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The time of an answer."""
        return super().date_time_string((timestamp or time.time()) + self.server.owner.clock)

    def _fail(self, kind: Kind, content: bytes) -> None:
        if kind in {"drop", "hang"}:
            self.close_connection = True
            self.server.owner.stopping.wait(60 if kind == "hang" else 0)
        elif kind in {"redirect", "redirect-307"}:
            there = f"{self.server.owner.elsewhere}{self.path}"
            self._send(301 if kind == "redirect" else 307, b"", {"Location": there})
        elif kind == "truncated":
            self._send(200, content[: max(1, len(content) // 2)], _JSON)
        elif kind == "trickle":
            self._send(200, b" " * 20 + content, _JSON, trickle=True)
        else:
            status, body, headers = _FAILURES[kind]
            self._send(status, body, {**_JSON, **headers, **self._limits(kind)})

    def _limits(self, kind: Kind) -> dict[str, str]:
        limited = kind in {"retry-after", "secondary"}
        return {"Retry-After": self.server.owner.retry_after} if limited else {}

    def _send(
        self, status: int, content: bytes, headers: Mapping[str, str], *, trickle: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in {204, 304}:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not trickle:
            self.wfile.write(content)
            return
        for at in range(len(content)):
            self.wfile.write(content[at : at + 1])
            if self.server.owner.stopping.wait(0.5):
                return


ApiServer.handler = _Handler
