"""A real Git server for tests and benchmarks: `git http-backend` on a loopback port, with faults on demand.

Needs only the standard library and git:

    with GitServer() as server:
        origin = server.repository("acme/infra.git", {"app.yaml": b"image: app:v1\\n"})
        subprocess.run(["git", "clone", origin.url])
        server.requests                                    # what arrived
        server.faults.append(sometimes("unavailable", 0.15, seed=1))
"""

import base64
import random
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from tests.servers.loopback import Listener, Loopback
from tests.servers.origin import Content, Origin, environment

Kind = Literal["unavailable", "drop-answer", "hang", "trickle", "html", "forbidden"]


@dataclass(frozen=True)
class Redirect:
    """Answer 302 with this base in the place of the server's own."""

    base: str


Fault = Kind | Redirect


@dataclass
class Request:
    """One request as it arrived; `received` and `sent` count body bytes."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    received: int = 0
    sent: int = 0
    status: int = 0

    @property
    def is_push(self) -> bool:
        """The request that carries objects to the server."""
        return self.method == "POST" and self.path.endswith("/git-receive-pack")


FaultRule = Callable[[Request], Fault | None]


def sometimes(
    fault: Fault, probability: float, *, seed: int, only: Callable[[Request], bool] = lambda _: True
) -> FaultRule:
    """`fault` for a part of the requests that `only` chooses; the same seed makes the same series."""
    chance = random.Random(seed)  # noqa: S311 - reproducible faults, not secrets
    lock = threading.Lock()

    def rule(request: Request) -> Fault | None:
        if not only(request):
            return None
        with lock:
            return fault if chance.random() < probability else None

    return rule


def times(fault: Fault, count: int, *, only: Callable[[Request], bool] = lambda _: True) -> FaultRule:
    """`fault` for the first `count` requests that `only` chooses."""
    left = [count]
    lock = threading.Lock()

    def rule(request: Request) -> Fault | None:
        with lock:
            if left[0] <= 0 or not only(request):
                return None
            left[0] -= 1
            return fault

    return rule


@dataclass
class GitServer(Loopback):
    """A threaded server on a loopback port; a context manager.

    `credentials` is the (username, token) that Basic authentication must show, None for an open server.
    Every rule in `faults` is asked for each request, the first that names a fault wins. `protocol` 0 hides
    protocol versions 1 and 2.
    """

    credentials: tuple[str, str] | None = None
    protocol: int = 2
    latency: float = 0.0  # seconds added to every answer
    faults: list[FaultRule] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="git-server-"))
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        shutil.rmtree(self.folder, ignore_errors=True)

    def repository(self, name: str, files: Mapping[str, Content] | None = None, **options: Any) -> Origin:
        """A new repository at `name` below the server's address; options as in `Origin.create`."""
        return Origin.create(self.folder / name, files, url=f"{self.base}/{name}", **options)

    def adopt(self, name: str, repository: Path) -> Origin:
        """Serve a bare repository that is there already (benchmarks make a big one once)."""
        link = self.folder / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(repository)
        return Origin(link, f"{self.base}/{name}")

    def fault(self, request: Request) -> Fault | None:
        """The fault for a request, if any rule has one."""
        return next((fault for rule in list(self.faults) if (fault := rule(request))), None)

    def bytes_sent(self) -> int:
        """Bytes of all answers' bodies."""
        return sum(request.sent for request in self.requests)


class _Handler(BaseHTTPRequestHandler):
    server: Listener
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """`GitServer.requests` is the log."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        owner = self.server.owner
        path, _, query = self.path.partition("?")
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, path, query, headers, received=len(body))
        owner.requests.append(request)
        if owner.latency:
            time.sleep(owner.latency)
        fault = owner.fault(request)
        if fault == "hang":
            owner.stopping.wait(120)
            self.close_connection = True
        elif fault == "unavailable":
            self._answer(request, 503, [("Content-Type", "text/plain")], b"try again later\n")
        elif fault == "forbidden":
            self._answer(request, 403, [("Content-Type", "text/plain")], b"no\n")
        elif fault == "html":
            self._answer(request, 200, [("Content-Type", "text/html")], b"<html><h1>Sign in</h1></html>\n")
        elif isinstance(fault, Redirect):
            self._answer(request, 302, [("Location", fault.base + self.path)], b"")
        elif not self._allowed(headers):
            self._answer(request, 401, [("WWW-Authenticate", 'Basic realm="git"')], b"who are you?\n")
        else:
            status, answer, content = self._backend(request, body)
            if fault == "drop-answer":
                self.close_connection = True
            else:
                self._answer(request, status, answer, content, trickle=fault == "trickle")

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _allowed(self, headers: Mapping[str, str]) -> bool:
        expected = self.server.owner.credentials
        if expected is None:
            return True
        basic = base64.b64encode(":".join(expected).encode()).decode()
        return headers.get("authorization") == f"Basic {basic}"

    def _backend(self, request: Request, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        owner = self.server.owner
        variables = environment(owner.folder) | {
            "GIT_PROJECT_ROOT": str(owner.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GATEWAY_INTERFACE": "CGI/1.1",
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
            "REMOTE_USER": "tester",
            "REMOTE_ADDR": "127.0.0.1",
        }
        if owner.protocol and "git-protocol" in request.headers:
            variables["GIT_PROTOCOL"] = request.headers["git-protocol"]
        done = subprocess.run(
            ["git", "http-backend"], env=variables, input=body, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        status, answer = 200, []
        for line in head.decode().splitlines():
            name, _, value = line.partition(": ")
            if name.lower() == "status":
                status = int(value.split()[0])
            elif name:
                answer.append((name, value))
        return status, answer, content

    def _answer(
        self,
        request: Request,
        status: int,
        headers: Sequence[tuple[str, str]],
        content: bytes,
        *,
        trickle: bool = False,
    ) -> None:
        request.status = status
        request.sent = len(content)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not trickle:
            self.wfile.write(content)
            return
        for at in range(len(content)):
            self.wfile.write(content[at : at + 1])
            if self.server.owner.stopping.wait(0.5):
                return


GitServer.handler = _Handler
