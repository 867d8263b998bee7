"""Digests asked of a real registry (docker-registry), open and with htpasswd, and of a token server."""

import base64
import hashlib
import json
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cipipe.errors import CipipeError, ConfigError, CredentialsError, DeadlineError, RegistryError
from cipipe.image import ImageRef
from cipipe.proc import Deadline
from cipipe.registry import digest

_TYPE = "application/vnd.oci.image.index.v1+json"
_MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": _TYPE, "manifests": []}).encode()
_DIGEST = "sha256:" + hashlib.sha256(_MANIFEST).hexdigest()


def _ask(text: str, environ: dict[str, str], seconds: float = 20) -> str:
    return digest(ImageRef.parse(text), Deadline(seconds), environ)


def _docker_config(folder: Path, document: object) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(document))
    return {"DOCKER_CONFIG": str(folder), "PATH": "/usr/bin:/bin"}


def _auth(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def _serve(program: str, folder: Path, extra: str = "") -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: '{host}'}}\n{extra}"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", int(host.partition(":")[2]))) == 0:
                return process, host
        time.sleep(0.05)
    process.kill()
    raise RuntimeError((folder / "log").read_text())


def _put(host: str, header: dict[str, str] | None = None) -> None:
    url = f"http://{host}/v2/acme/app/manifests/v1"
    headers = {"Content-Type": _TYPE} | (header or {})
    request = urllib.request.Request(url, _MANIFEST, headers, method="PUT")
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - http
        pass


@pytest.fixture(scope="module")
def registry(tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    process, host = _serve(tool("docker-registry"), tmp_path_factory.mktemp("registry"))
    try:
        _put(host)
        yield host
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def guarded(tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("guarded")
    made = subprocess.run([tool("htpasswd"), "-Bbn", "robot", "sesame-1"], capture_output=True, check=True)
    (folder / "users").write_bytes(made.stdout)
    extra = f"auth: {{htpasswd: {{realm: here, path: {folder}/users}}}}\n"
    process, host = _serve(tool("docker-registry"), folder, extra)
    try:
        _put(host, {"Authorization": f"Basic {_auth('robot', 'sesame-1')['auth']}"})
        yield host
    finally:
        process.terminate()
        process.wait(10)


def test_open_registry(registry: str) -> None:
    assert _ask(f"{registry}/acme/app:v1", {}) == _DIGEST


@pytest.mark.parametrize("name", ["acme/app:v9", "acme/other:v1"])
def test_what_is_not_there_is_said(registry: str, name: str) -> None:
    with pytest.raises(RegistryError, match="not in its registry"):
        _ask(f"{registry}/{name}", {})


def test_basic_login(guarded: str, tmp_path: Path) -> None:
    environ = _docker_config(
        tmp_path / "docker", {"auths": {f"http://{guarded}/v2/": _auth("robot", "sesame-1")}}
    )
    assert _ask(f"{guarded}/acme/app:v1", environ) == _DIGEST


@pytest.mark.parametrize("login", [None, ("robot", "wrong-word")])
def test_refused(guarded: str, tmp_path: Path, login: tuple[str, str] | None) -> None:
    auths = {guarded: _auth(*login)} if login else {}
    with pytest.raises(CredentialsError) as refused:
        _ask(f"{guarded}/acme/app:v1", _docker_config(tmp_path / "docker", {"auths": auths}))
    assert "docker login" in (refused.value.hint or "")
    assert "wrong-word" not in refused.value.message


def test_credential_helper_is_run_without_a_shell(guarded: str, tmp_path: Path) -> None:
    helper = tmp_path / "bin" / "docker-credential-vault"
    helper.parent.mkdir()
    helper.write_text('#!/bin/sh\ncat >"$0.asked"\necho \'{"Username": "robot", "Secret": "sesame-1"}\'\n')
    helper.chmod(0o755)
    environ = _docker_config(tmp_path / "docker", {"credHelpers": {guarded: "vault"}})
    environ["PATH"] = f"{helper.parent}:/usr/bin:/bin"
    assert _ask(f"{guarded}/acme/app:v1", environ) == _DIGEST
    assert helper.with_name("docker-credential-vault.asked").read_text() == guarded
    environ = _docker_config(tmp_path / "docker", {"credHelpers": {guarded: f"x; touch {tmp_path}/ran"}})
    with pytest.raises(ConfigError):
        _ask(f"{guarded}/acme/app:v1", environ)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"auths": {"127.0.0.1:1": {"auth": "%%%"}}}'])
def test_broken_docker_configuration(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ConfigError, match="Docker configuration"):
        _ask("127.0.0.1:1/acme/app:v1", {"DOCKER_CONFIG": str(tmp_path)})


class _Fake(ThreadingHTTPServer):
    """A registry that asks for a bearer token; `seen` holds (method, path, Authorization)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _FakeHandler)
        self.seen: list[tuple[str, str, str | None]] = []
        self.elsewhere: str | None = None
        self.broken = 0
        self.host = f"127.0.0.1:{self.server_address[1]}"


class _FakeHandler(BaseHTTPRequestHandler):
    server: _Fake

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer()

    def _answer(self) -> None:
        shown = self.headers.get("Authorization")
        self.server.seen.append((self.command, self.path, shown))
        if self.server.broken:
            self.server.broken -= 1
            self._send(503, {})
        elif self.path.startswith("/token"):
            self._send(200, {}, json.dumps({"token": "opaque-token-1"}).encode())
        elif self.server.elsewhere:
            self._send(307, {"Location": f"http://{self.server.elsewhere}{self.path}"})
        elif shown != "Bearer opaque-token-1":
            scope = 'service="fake",scope="repository:acme/app:pull"'
            self._send(401, {"WWW-Authenticate": f'Bearer realm="http://{self.server.host}/token",{scope}'})
        else:
            self._send(200, {"Docker-Content-Digest": _DIGEST})

    def _send(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture
def fakes() -> Iterator[Callable[[], _Fake]]:
    running: list[tuple[_Fake, threading.Thread]] = []

    def start() -> _Fake:
        server = _Fake()
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()


def test_token_flow(fakes: Callable[[], _Fake], tmp_path: Path) -> None:
    fake = fakes()
    environ = _docker_config(tmp_path, {"auths": {fake.host: _auth("robot", "sesame-1")}})
    assert _ask(f"{fake.host}/acme/app:v1", environ) == _DIGEST
    basic = f"Basic {_auth('robot', 'sesame-1')['auth']}"
    assert [(method, shown) for method, _, shown in fake.seen] == [
        ("HEAD", None), ("GET", basic), ("HEAD", "Bearer opaque-token-1"),
    ]  # fmt: skip
    assert "scope=repository%3Aacme%2Fapp%3Apull" in fake.seen[1][1]


def test_identity_token_is_exchanged(fakes: Callable[[], _Fake], tmp_path: Path) -> None:
    fake = fakes()
    entry = {"auth": base64.b64encode(b"00000000:").decode(), "identitytoken": "refresh-me"}
    assert (
        _ask(f"{fake.host}/acme/app:v1", _docker_config(tmp_path, {"auths": {fake.host: entry}})) == _DIGEST
    )
    assert fake.seen[1][0] == "POST"
    assert "refresh-me" not in str(fake.seen)


def test_a_redirect_carries_no_credentials_to_another_host(
    fakes: Callable[[], _Fake], tmp_path: Path
) -> None:
    first, second = fakes(), fakes()
    first.elsewhere = second.host
    environ = _docker_config(tmp_path, {"auths": {first.host: _auth("robot", "sesame-1")}})
    with pytest.raises(CipipeError):
        _ask(f"{first.host}/acme/app:v1", environ)
    basic = f"Basic {_auth('robot', 'sesame-1')['auth']}"
    assert [shown for _, _, shown in second.seen] == [None]
    assert basic not in [shown for _, _, shown in first.seen]


def test_a_server_that_stumbles_is_asked_again(fakes: Callable[[], _Fake]) -> None:
    fake = fakes()
    fake.broken = 2
    assert _ask(f"{fake.host}/acme/app:v1", {}) == _DIGEST


def test_a_silent_registry_ends_at_the_deadline() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.monotonic()
        with pytest.raises(DeadlineError):
            _ask(f"127.0.0.1:{silent.getsockname()[1]}/acme/app:v1", {}, seconds=1)
        assert time.monotonic() - started < 5


def test_unreachable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(RegistryError, match="cannot be reached"):
            _ask(f"127.0.0.1:{port}/acme/app:v1", {})
