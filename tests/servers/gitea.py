"""A real Gitea on a loopback port, as a user that is not root, with an author, a CI account and a reviewer.

with GiteaServer(program) as gitea:
    repository = gitea.repository("infra", {"app.yaml": b"..."})
    gitea.call("GET", "/repos/acme/infra/pulls", user="rita")
"""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.servers.origin import Content, Origin
from tests.servers.relay import Relay

USERS = ("admin", "ci", "rita", "sam")
_CONFIGURATION = """\
APP_NAME = tests
RUN_MODE = prod
RUN_USER = {user}
WORK_PATH = {folder}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
STATIC_ROOT_PATH = {static}
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db
[repository]
ROOT = {folder}/repositories
DEFAULT_BRANCH = main
[security]
INSTALL_LOCK = true
PASSWORD_HASH_ALGO = pbkdf2_v2
[log]
LEVEL = Warn
MODE = file
ROOT_PATH = {folder}/log
[actions]
ENABLED = false
[indexer]
ISSUE_INDEXER_TYPE = db
[cron]
ENABLED = false
[session]
PROVIDER = memory
"""


class _Repository(Origin):
    """A bare repository that another user owns."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder, url)
        pairs = {"COUNT": "1", "KEY_0": "safe.directory", "VALUE_0": "*"}
        self._environment |= {f"GIT_CONFIG_{name}": value for name, value in pairs.items()}


class GiteaServer:
    """A server with its accounts and their tokens; a context manager. `program` is the built `gitea`."""

    def __init__(self, program: Path) -> None:
        self._built = program
        self.tokens: dict[str, str] = {}

    def __enter__(self) -> Self:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self._folder = Path(tempfile.mkdtemp(prefix="gitea-"))
        self._folder.chmod(0o755)
        self._account = pwd.getpwnam("nobody") if os.getuid() == 0 else None  # Gitea refuses to run as root
        for name in ("home", "repositories", "log"):
            (self._folder / name).mkdir()
        (self._folder / "app.ini").write_text(
            _CONFIGURATION.format(
                user=self._account.pw_name if self._account else pwd.getpwuid(os.getuid()).pw_name,
                folder=self._folder, port=self.port,
                static=self._folder / "program" if self._account else self._built.parent,
            )
        )  # fmt: skip
        if self._account:
            for path in (self._folder, *self._folder.rglob("*")):
                shutil.chown(path, self._account.pw_uid, self._account.pw_gid)
        self._program = self._within_reach()  # links keep their owner
        self._run("migrate")
        for name in USERS:
            admin = ["--admin"] if name == "admin" else []
            email = f"{name}@example.com"
            password = ["--random-password", "--must-change-password=false"]
            self._run("admin", "user", "create", "--username", name, "--email", email, *password, *admin)
            self.tokens[name] = self._run(
                "admin", "user", "generate-access-token", "--username", name, "--raw", "--scopes", "all"
            ).split()[-1]
        self._process = subprocess.Popen(
            [self._program, "web", "--config", self._folder / "app.ini"], env=self._environment(),
            cwd=self._folder, **self._as_user(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._relay: Relay | None = None
        try:
            self._wait()
            self._relay = Relay(self.base).__enter__()
            self.call("POST", "/orgs", {"username": "acme"}, user="admin")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._relay:
            self._relay.__exit__(kind, error, trace)

    def stop(self) -> None:
        """End the process that this object started."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def api_url(self) -> str:
        """What `forge.api_url` is set to; on the way requests are held against the server's description."""
        assert self._relay
        return self._relay.api_url

    def call(self, method: str, path: str, body: object = None, *, user: str = "admin") -> Any:
        """A request in a user's name, beside cipipe; raises urllib.error.HTTPError."""
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.base}/api/v1{path}",
            json.dumps(body).encode() if body is not None else None,
            {"Authorization": f"token {self.tokens[user]}", "Content-Type": "application/json"},
            method=method,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def repository(self, name: str, files: Mapping[str, Content]) -> str:
        """The URL of a new repository acme/NAME with a commit of `files`; all accounts may write."""
        self.call("POST", "/orgs/acme/repos", {"name": name, "default_branch": "main"})
        for user in USERS[1:]:
            self.call("PUT", f"/repos/acme/{name}/collaborators/{user}", {"permission": "write"})
        draft = Origin.create(self._folder / "drafts" / name, files)
        self.push(draft, name, "main")
        shutil.rmtree(draft.folder)
        end = time.monotonic() + 30
        while self.call("GET", f"/repos/acme/{name}")["empty"]:  # it learns of a push in the background
            assert time.monotonic() < end, f"Gitea takes {name} for empty"
            time.sleep(0.05)
        return f"{self.base}/acme/{name}.git"

    def push(self, draft: Origin, name: str, branch: str, *, user: str = "admin") -> None:
        """Push a branch of a bare repository, by force, in a user's name."""
        url = f"http://{user}:{self.tokens[user]}@127.0.0.1:{self.port}/acme/{name}.git"
        draft.git("push", "-q", "--force", url, f"refs/heads/{branch}")

    def origin(self, name: str) -> Origin:
        """The server's own bare repository, to look into it; writing there goes behind the server's back."""
        folder = self._folder / "repositories" / "acme" / f"{name}.git"
        return _Repository(folder, f"{self.base}/acme/{name}.git")

    def _wait(self) -> None:
        end = time.monotonic() + 60
        while True:
            try:
                self.call("GET", "/version")
            except urllib.error.HTTPError:
                raise
            except OSError:
                if time.monotonic() > end or self._process.poll() is not None:
                    log = self._folder / "log" / "gitea.log"
                    raise RuntimeError(log.read_text()[-2000:] if log.exists() else "no log") from None
                time.sleep(0.1)
            else:
                return

    def _run(self, *arguments: str) -> str:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [self._program, *arguments, "--config", self._folder / "app.ini"], env=self._environment(),
            cwd=self._folder, **self._as_user(), capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"gitea {arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder / "home"),
            "GITEA_WORK_DIR": str(self._folder),
            "LC_ALL": "C",
        }

    def _within_reach(self) -> Path:
        """The program where the other user may read it: a home of root is closed to all others."""
        if self._account is None:
            return self._built
        copy = self._folder / "program"
        shutil.copytree(self._built.parent, copy, copy_function=_link)
        return copy / self._built.name

    def _as_user(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}


def _link(source: str, target: str) -> None:
    """A hard link costs nothing; across file systems it takes a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
