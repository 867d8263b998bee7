"""A threaded HTTP server on a loopback port, as the servers and fakes of tests are."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Listener(ThreadingHTTPServer):
    """`owner` is what the handler answers for."""

    daemon_threads = True
    request_queue_size = 256
    owner: Any

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away in the middle is part of the tests."""


class Loopback:
    """Serves `handler` while its context lasts; `base` is its address without a path.

    A handler that waits does so on `stopping`.
    """

    handler: type[BaseHTTPRequestHandler]

    def __enter__(self) -> Self:
        self.stopping = threading.Event()
        self._server = Listener(("127.0.0.1", 0), self.handler)
        self._server.owner = self
        self.port: int = self._server.server_address[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
