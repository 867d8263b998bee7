"""What must never happen: a token where it can be read, a foreign program that runs, a prompt that waits."""

import os
import pty
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cipipe.errors import CredentialsError, GitError, MissingToolError
from cipipe.git.folder import private_folder
from cipipe.git.runner import Git
from cipipe.proc import Deadline
from tests.git.bump import FILES, bump
from tests.git.conftest import TOKEN, Opener
from tests.git.poison import poison
from tests.servers.git_http import GitServer, Redirect, times
from tests.servers.origin import Origin

ROOT = Path(__file__).parents[2]


@contextmanager
def _watched_arguments() -> Iterator[list[bytes]]:
    """Every command line on this machine, polled while the body runs."""
    seen: set[bytes] = set()
    result: list[bytes] = []
    stop = threading.Event()

    def poll() -> None:
        while not stop.is_set():
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(process.read_bytes())
                except OSError:
                    continue

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield result
    finally:
        stop.set()
        thread.join()
        result += seen


def _holding(folder: Path, needle: bytes) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and needle in file.read_bytes()]


def test_a_token_is_nowhere_to_be_read(
    server: GitServer, opened: Opener, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    traces = {
        "GIT_TRACE": "1", "GIT_TRACE_CURL": "1", "GIT_TRACE_REDACT": "0", "GIT_CURL_VERBOSE": "1",
        "GIT_TRACE2": str(tmp_path / "trace2"), "GIT_TRACE2_CONFIG_PARAMS": "*",
        "GIT_TRACE2_ENV_VARS": "GIT_CONFIG_VALUE_0,GIT_CONFIG_VALUE_22", "GIT_TRACE_SETUP": "1",
    }  # fmt: skip
    server.latency = 0.03
    origin = server.repository("a/b.git", FILES)
    cache = tmp_path / "cache"
    secret = re.compile(b"canary-7f3a9c|Y2FuYXJ5|" + re.escape(TOKEN[::-1].encode()))
    with _watched_arguments() as arguments, opened(origin.url, extra=traces, cache_dir=cache) as repository:
        assert bump(repository, b"v2")[1].ok
        assert not _holding(tmp_path, TOKEN.encode())
        server.credentials = ("x-access-token", "another")
        with pytest.raises(CredentialsError) as refused:
            bump(repository, b"v3")
    assert any(b"fetch" in line and b"git" in line for line in arguments), "the watcher saw git at work"
    assert not [line for line in arguments if secret.search(line)]
    assert "canary" not in f"{refused.value!r} {refused.value.hint}"
    said = capfd.readouterr()
    assert "canary" not in said.out + said.err
    assert not _holding(tmp_path, TOKEN.encode())
    assert not (tmp_path / "trace2").exists()


def test_a_redirect_gets_no_header(server: GitServer, opened: Opener) -> None:
    with GitServer() as second:
        origin = server.repository("a/b.git", FILES)
        second.repository("a/b.git", FILES)
        server.faults.append(lambda _: Redirect(second.base))
        with opened(origin.url) as repository, pytest.raises(GitError, match="another address") as told:
            repository.fetch("main")
        assert "renamed" in (told.value.hint or "")
        assert second.requests == []
        server.faults[:] = [
            times(Redirect(second.base), 9, only=lambda request: "receive-pack" in request.query)
        ]
        with opened(origin.url) as repository, pytest.raises(GitError, match="another address"):
            bump(repository, b"v2")
        assert second.requests == []


def test_nothing_of_a_poisoned_home_environment_or_path_runs(
    server: GitServer, opened: Opener, tmp_path: Path
) -> None:
    origin = server.repository("a/b.git", FILES)
    mark, checkout = tmp_path / "ran", tmp_path / "checkout"
    subprocess.run(["git", "init", "-q", str(checkout)], check=True, capture_output=True)
    evil = poison(checkout / ".git", tmp_path / "evil", mark, path=tmp_path / "bin")
    subprocess.run([tmp_path / "bin/git"], check=True)
    assert mark.exists(), "the payload works"
    mark.unlink()
    with opened(origin.url, extra=evil, cache_dir=tmp_path / "cache") as repository:
        assert bump(repository, b"v2")[1].ok
    (store,) = (tmp_path / "cache").iterdir()
    (store / "config").write_text((checkout / ".git/config").read_text())
    (store / "hooks").symlink_to(tmp_path / "evil/hooks")
    with opened(origin.url, extra=evil, cache_dir=tmp_path / "cache") as repository:
        assert bump(repository, b"v3")[1].ok
    assert not mark.exists(), mark.read_text()


def test_git_is_not_taken_from_the_checkout(environ: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "checkout/node_modules/.bin"
    folder.mkdir(parents=True)
    (folder / "git").write_text("#!/bin/sh\n")
    (folder / "git").chmod(0o755)
    path = f"{folder}:{environ['PATH']}"
    found = Git(environ | {"PATH": path}, tmp_path, Deadline(9), checkout=tmp_path / "checkout")
    assert not found.program.startswith(str(tmp_path))
    assert Git(environ | {"PATH": path}, tmp_path, Deadline(9)).program == str(folder / "git")
    with pytest.raises(MissingToolError, match="git is not installed"):
        Git(environ | {"PATH": str(folder)}, tmp_path, Deadline(9), checkout=tmp_path / "checkout")


def test_an_old_git_does_nothing(
    server: GitServer, opened: Opener, environ: dict[str, str], tmp_path: Path
) -> None:
    """A git that ignores GIT_CONFIG_COUNT, as those before 2.31 do, does not reach the server."""
    origin = server.repository("a/b.git", FILES)
    real = Git(environ, tmp_path, Deadline(9)).program
    old = tmp_path / "old/git"
    old.parent.mkdir()
    old.write_text(
        "#!/bin/sh\nunset GIT_CONFIG_COUNT\n"
        f'[ "$1" = version ] && echo git version 2.30.2 && exit\nexec {real} "$@"\n'
    )
    old.chmod(0o755)
    extra = {"PATH": f"{old.parent}:{environ['PATH']}"}
    with (
        opened(origin.url, extra=extra) as repository,
        pytest.raises(MissingToolError, match=r"git 2[.]31 or later"),
    ):
        repository.fetch("main")
    assert server.requests == []


def test_a_prompt_never_waits(server: GitServer, environ: dict[str, str]) -> None:
    """On a real terminal, with a server that asks for credentials that are not there."""
    origin = server.repository("a/b.git", FILES)
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from cipipe.errors import CredentialsError\n"
        "from cipipe.git.bare import Repository\n"
        "from cipipe.git.folder import private_folder\n"
        "from cipipe.git.runner import Git\n"
        "from cipipe.git.url import Remote\n"
        "from cipipe.proc import Deadline\n"
        "environ = dict(os.environ)\n"
        "with private_folder(environ) as folder:\n"
        "    git = Git(environ, folder / 'home', Deadline(20))\n"
        "    with Repository(git, Remote.parse(sys.argv[1]), folder) as repository:\n"
        "        try:\n"
        "            repository.fetch('main')\n"
        "        except CredentialsError:\n"
        "            sys.exit(42)\n"
    )
    master, slave = pty.openpty()
    started = time.monotonic()
    variables = environ | {"PYTHONPATH": str(ROOT), "CIPIPE_TOKEN": ""}
    with subprocess.Popen(
        [sys.executable, "-c", program, origin.url],
        stdin=slave, stdout=slave, stderr=slave, env=variables, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.wait(30) == 42
    os.close(slave)
    os.close(master)
    assert time.monotonic() - started < 10


def test_leftovers_of_killed_runs_are_swept(environ: dict[str, str]) -> None:
    root = Path(environ["TMPDIR"])
    program = (
        "import os, signal\n"
        "from cipipe.git.folder import private_folder\n"
        "with private_folder(os.environ) as folder:\n"
        "    (folder / 'x').write_text('x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", program], env=environ | {"PYTHONPATH": str(ROOT)}, check=False)
        assert len(list(root.iterdir())) == 1
    (root / "cipipe-git-link").symlink_to("/etc")
    with private_folder(environ) as one, private_folder(environ) as other:
        assert {path.name for path in root.iterdir()} == {one.name, other.name, "cipipe-git-link"}
        assert one.stat().st_mode & 0o777 == 0o700
        assert (one / "lock").exists()
    assert [path.name for path in root.iterdir()] == ["cipipe-git-link"]


def test_ssh(tool: Callable[[str], str], opened: Opener, environ: dict[str, str], tmp_path: Path) -> None:
    """A real sshd on loopback: the runner's key, and host keys that must be known."""
    origin = Origin.create(tmp_path / "origin.git", FILES)
    with _sshd(tool, environ, tmp_path) as port:
        url = f"ssh://{_user()}@127.0.0.1:{port}{tmp_path}/origin.git"
        with opened(url) as repository, pytest.raises(CredentialsError, match="host key") as told:
            repository.fetch("main")
        assert "known_hosts" in (told.value.hint or "")
        known = Path(environ["HOME"]) / ".ssh/known_hosts"
        known.write_text(f"[127.0.0.1]:{port} {(tmp_path / 'host.pub').read_text()}")
        with opened(url) as repository:
            commit, push = bump(repository, b"v2")
        assert push.ok
        assert origin.tip("main") == commit.id
        (tmp_path / "authorized").write_text("")
        with opened(url) as repository, pytest.raises(CredentialsError, match="refused the ssh key"):
            repository.fetch("main")


def _user() -> str:
    return subprocess.run(["id", "-un"], capture_output=True, check=True, text=True).stdout.strip()


@contextmanager
def _sshd(tool: Callable[[str], str], environ: dict[str, str], folder: Path) -> Iterator[int]:
    keygen, sshd = tool("ssh-keygen"), tool("sshd")
    home = Path(environ["HOME"]) / ".ssh"
    home.mkdir(mode=0o700)
    for file in (folder / "host", home / "id_ed25519"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    (folder / "authorized").write_text((home / "id_ed25519.pub").read_text())
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with GitServer() as free:
        port = free.port  # free again in a moment
    config = folder / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nPasswordAuthentication no\n"
    )
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen([sshd, "-D", "-e", "-f", str(config)], stderr=log)
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, "sshd did not start"
        time.sleep(0.05)
