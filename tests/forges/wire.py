"""The way to a forge: a server before its API that does anything to one request, as bytes on the wire.

A fault comes before the request reaches the forge, or after it, so that the answer alone is lost.
"""

import email.utils
import gzip
import http.client
import json
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from cipipe.errors import CipipeError, CredentialsError, DeadlineError, ForgeError
from cipipe.forges.base import ConflictError, NotFoundError
from tests.servers.loopback import Listener, Loopback

_LARGE = b'{"padding": "' + b"x" * 200_000 + b'"}'
_HOSTILE = b'{"message": "no @everyone \\u001b[31m ::error::x \\ud800"}'


@dataclass(frozen=True)
class Answer:
    """What the forge said."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def document(self) -> Any:
        """The JSON in it."""
        return json.loads(self.content or b"{}")


Raw = Callable[[Answer], bytes]


def said(status: int, content: bytes, **headers: str) -> bytes:
    """An answer as bytes; underscores in the names of headers are hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named = {"Content-Type": "application/json", "Content-Length": str(len(content)), **named}
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in named.items() if value)]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + content


def fixed(status: int, content: bytes, **headers: str) -> Raw:
    """One answer, whatever the forge says."""
    return lambda _: said(status, content, **headers)


def same(answer: Answer, content: bytes, **headers: str) -> bytes:
    """The forge's status with another content."""
    return said(answer.status, content, **headers)


def soon(seconds: float) -> str:
    """An HTTP date."""
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


def _mapped(answer: Answer, change: Callable[[Any], Any]) -> bytes:
    """The answer, with every member of its objects changed."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: change(each) for key, each in value.items()}
        return [walk(each) for each in value] if isinstance(value, list) else change(value)

    return said(answer.status, json.dumps(walk(answer.document)).encode())


def _twice(answer: Answer) -> bytes:
    """The answer, each object of which says everything twice, and otherwise at first."""
    text = answer.content.replace(b"{", b'{"number": 0, "iid": 0, "state": "x", "head": null, ')
    return said(answer.status, text.replace(b", }", b"}"))


def _counted(answer: Answer, length: int) -> bytes:
    return same(answer, answer.content, Content_Length=str(length))


def _limited(status: int, message: str, **headers: str) -> Raw:
    return fixed(status, json.dumps({"message": message}).encode(), **headers)


def _redirect(status: int, where: str) -> Raw:
    return fixed(status, b"", Location=where)


@dataclass(frozen=True)
class Fault:
    """What is written, and how it must end: None where another try, or a wait, makes it good.

    `either` marks answers that may be taken for what they say.
    """

    raw: Raw
    end: type[CipipeError] | None = None
    either: bool = False
    stalls: bool = False
    resets: bool = False


_LIMIT = "You have exceeded a secondary rate limit."
_USED_UP = {"X_RateLimit_Remaining": "0"}
_CHUNKED = {"Transfer_Encoding": "chunked", "Content_Length": ""}
FAULTS: dict[str, Fault] = {
    # the server, or something before it, fails
    **{str(status): Fault(fixed(status, b"<html>bad gateway</html>")) for status in (500, 502, 503, 504)},
    "599": Fault(fixed(599, b"")),
    # the connection
    "closed": Fault(lambda _: b""),
    "reset": Fault(lambda _: b"", resets=True),
    "reset within the body": Fault(lambda answer: same(answer, answer.content + b" " * 9)[:-9], resets=True),
    "no http": Fault(lambda _: b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "half a head": Fault(lambda _: b"HTTP/1.1 200 O"),
    "200 headers": Fault(lambda _: said(200, b"{}", **{f"X-{number}": "x" for number in range(200)})),
    "a long header": Fault(fixed(200, b"{}", X_Long="x" * 70_000)),
    "too long a length": Fault(lambda answer: _counted(answer, len(answer.content) + 9)),
    "too short a length": Fault(lambda answer: _counted(answer, len(answer.content) // 2 or 1)),
    "a damaged chunk": Fault(lambda answer: same(answer, b"zz\r\n" + answer.content, **_CHUNKED)),
    "a missing chunk": Fault(
        lambda answer: same(answer, b"2\r\n" + answer.content[:2] + b"\r\n", **_CHUNKED)
    ),
    "damaged gzip": Fault(
        lambda answer: same(answer, gzip.compress(answer.content)[:-9] + b"x" * 9, Content_Encoding="gzip")
    ),
    "no gzip": Fault(lambda answer: same(answer, answer.content, Content_Encoding="gzip")),
    # the body
    "html": Fault(fixed(200, b"<html>Sign in</html>", Content_Type="text/html")),
    "empty": Fault(fixed(200, b"")),
    "truncated": Fault(lambda answer: same(answer, answer.content[: len(answer.content) // 2 or 1])),
    "latin-1": Fault(lambda answer: same(answer, b'{"message": "\xe9\xff"}')),
    "deep": Fault(lambda answer: same(answer, b"[" * 100_000)),
    "a list": Fault(lambda answer: same(answer, b"[1]")),
    "a number": Fault(lambda answer: same(answer, b"7")),
    "null": Fault(lambda answer: same(answer, b"null")),
    "another object": Fault(lambda answer: same(answer, b'{"message": "fine"}')),
    "only nulls": Fault(lambda answer: _mapped(answer, lambda _: None), either=True),
    "only numbers": Fault(lambda answer: _mapped(answer, lambda _: 7), either=True),
    "only objects": Fault(lambda answer: _mapped(answer, lambda _: {}), either=True),
    "said twice": Fault(_twice, either=True),
    "another type": Fault(lambda answer: same(answer, answer.content, Content_Type="image/png"), either=True),
    "huge": Fault(lambda answer: same(answer, _LARGE), either=True),
    # it refuses
    "400": Fault(fixed(400, _HOSTILE), ConflictError),
    "401": Fault(fixed(401, _HOSTILE), CredentialsError),
    "403": Fault(fixed(403, _HOSTILE), CredentialsError),
    "404": Fault(fixed(404, _HOSTILE), NotFoundError),
    "409": Fault(fixed(409, _HOSTILE), ConflictError),
    "410": Fault(fixed(410, _HOSTILE), ForgeError),
    "418, html": Fault(fixed(418, b"<html>" + b"x" * 9000), ForgeError),
    "422": Fault(
        fixed(422, b'{"message": "Failed", "errors": [null, 7, "x", {"code": "y"}]}'), ConflictError
    ),
    "422, exists": Fault(fixed(422, b'{"message": "already exists", "errors": {"a": []}}'), ConflictError),
    # it limits
    "retry after a second": Fault(_limited(429, "slow down", Retry_After="0")),
    "retry after a date": Fault(lambda _: said(429, b"{}", Retry_After=soon(-9), Date=soon(-9))),
    "secondary": Fault(_limited(403, _LIMIT, Retry_After="0")),
    "reset near": Fault(_limited(403, "rate limit", X_RateLimit_Reset="1600000000", **_USED_UP)),
    "reset far": Fault(
        _limited(403, "rate limit", X_RateLimit_Reset="4102444800", **_USED_UP), DeadlineError
    ),
    "retry after years": Fault(_limited(429, "no", Retry_After="9" * 400), DeadlineError),
    "retry after nonsense": Fault(_limited(429, "no", Retry_After="-1e9"), DeadlineError),
    # it redirects
    **{
        f"{status} elsewhere": Fault(_redirect(status, "{elsewhere}/x"), ForgeError)
        for status in (301, 302, 303, 307, 308)
    },
    "301 here": Fault(_redirect(301, "{here}/other"), ForgeError),
    "307 in circles": Fault(_redirect(307, "{here}{path}"), ForgeError),
    "300, no place": Fault(fixed(300, b""), ForgeError),
    # it takes its time
    "silence": Fault(lambda _: b"", DeadlineError, stalls=True),
    "half, then silence": Fault(
        lambda answer: same(answer, answer.content + b" ")[:-1], DeadlineError, stalls=True
    ),
    "100 for ever": Fault(lambda _: b"HTTP/1.1 100 Continue\r\n\r\n" * 50, DeadlineError, stalls=True),
}


class Wire(Loopback):
    """A server before the API at `upstream` (host and port); a context manager.

    The next request that `only` chooses meets `fault`, `after` it was answered or before.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream.removeprefix("http://")
        self.fault: Fault | None = None
        self.after = False
        self.elsewhere = ""
        self.sent: list[str] = []

    def meet(self, fault: Fault | None, *, after: bool = False) -> None:
        """Let the next request meet `fault`."""
        self.fault, self.after = fault, after
        self.sent.clear()

    def take(self) -> tuple[Fault | None, bool]:
        """The fault for the request that came, which meets it alone."""
        found, self.fault = self.fault, None
        return found, self.after


class _Handler(BaseHTTPRequestHandler):
    server: Listener
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """`Wire.sent` is the log."""

    def _serve(self) -> None:
        wire = self.server.owner
        wire.sent.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault, after = wire.take()
        answer = Answer(200, {}, b'{"number": 1, "iid": 1, "state": "open"}')
        if fault is None or after:
            answer = self._ask(body)
        if fault is None:
            kept = {
                name: value
                for name, value in answer.headers.items()
                if name.lower() in {"link", "content-type"}
            }
            self.wfile.write(said(answer.status, answer.content, **kept))
            self.close_connection = True
            return
        raw = fault.raw(answer)
        for name, text in (("elsewhere", wire.elsewhere), ("here", wire.base), ("path", self.path)):
            raw = raw.replace(f"{{{name}}}".encode(), text.encode())
        if fault.resets:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.wfile.write(raw)
        if fault.stalls:
            wire.stopping.wait(20)
        self.close_connection = True

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - the base class names them

    def _ask(self, body: bytes) -> Answer:
        link = http.client.HTTPConnection(self.server.owner.upstream, timeout=30)
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}
        }
        link.request(self.command, self.path, body or None, headers)
        answer = link.getresponse()
        found = Answer(answer.status, dict(answer.getheaders()), answer.read())
        link.close()
        return found


Wire.handler = _Handler
