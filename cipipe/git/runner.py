"""How git is started: an absolute program, an allow-listed environment, no prompt, no configuration but ours.

Everything that git must know travels as `GIT_CONFIG_KEY_n`/`GIT_CONFIG_VALUE_n` in the child's environment,
which only this user can read: git 2.31 and later. An older git ignores it silently; but then it does not know
the remote's address either, which stands nowhere else, so it cannot do half of the work unprotected.
"""

import os
import pwd
import re
import shlex
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cipipe import secrets
from cipipe.errors import ExternalError, MissingToolError
from cipipe.git.credentials import Credentials
from cipipe.git.failures import failure
from cipipe.git.url import Remote
from cipipe.proc import Completed, Conversation, Deadline, run
from cipipe.programs import program, search_path

OLDEST = (2, 31)
REMOTE = "origin"
_HINT = "install git 2.31 or later"
_LOW_SPEED_BYTES, _LOW_SPEED_SECONDS = 1024, 30  # slower than this for so long is a dead connection
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_KEPT = ("TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSH_AUTH_SOCK")
_SSH_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk")

Pairs = tuple[tuple[str, str], ...]

# Nothing of a repository, a server or a user decides what runs; nothing runs in the background.
_ALWAYS: Pairs = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.commitGraph", "false"),
    ("core.multiPackIndex", "false"),
    ("credential.helper", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("push.recurseSubmodules", "no"),
    ("push.followTags", "false"),
    ("push.gpgSign", "false"),
    ("commit.gpgSign", "false"),
    ("log.showSignature", "false"),
    ("log.mailmap", "false"),
    ("fetch.unpackLimit", "1"),
    ("fastimport.unpackLimit", "0"),
    ("pack.writeReverseIndex", "false"),
    ("http.followRedirects", "false"),
    ("http.lowSpeedLimit", str(_LOW_SPEED_BYTES)),
    ("http.lowSpeedTime", str(_LOW_SPEED_SECONDS)),
)


@dataclass
class Git:
    """Starts git for one remote repository.

    `environ` is what cipipe itself was given; `home` an empty private folder, the only HOME that git sees;
    `checkout` the work tree that cipipe was started in, where no program is taken from.
    """

    environ: Mapping[str, str]
    home: Path
    deadline: Deadline
    checkout: Path | None = None

    def __post_init__(self) -> None:
        self._path = search_path(self.environ, self.checkout)
        self.program = program("git", self._path, _HINT)

    def run(
        self,
        *arguments: str,
        repository: Path,
        stdin: bytes = b"",
        variables: Mapping[str, str] | None = None,
        config: Pairs = (),
    ) -> bytes:
        """Run a command that speaks to no network and return its output; raises GitError or DeadlineError."""
        completed = run(
            [self.program, *arguments], env=self.local(repository, variables, config), cwd=repository,
            input=stdin, deadline=self.deadline,
        )  # fmt: skip
        if completed.returncode:
            raise failure(completed)
        return completed.stdout

    def status(self, *arguments: str, repository: Path) -> int:
        """Run a command that answers by its exit code alone, without a network."""
        argv = [self.program, *arguments]
        return run(argv, env=self.local(repository), deadline=self.deadline).returncode

    def converse(
        self, *arguments: str, repository: Path, variables: Mapping[str, str] | None = None
    ) -> Conversation:
        """Start a command that answers question after question, without a network."""
        env = self.local(repository, variables)
        return Conversation([self.program, *arguments], env=env, cwd=repository, deadline=self.deadline)

    def network(  # noqa: PLR0913 - by name only
        self,
        *arguments: str,
        repository: Path,
        remote: Remote,
        credentials: Credentials | None,
        stdin: bytes = b"",
        variables: Mapping[str, str] | None = None,
        config: Pairs = (),
    ) -> Completed:
        """Run a command that speaks to `remote` (called `origin`) and return it, whatever became of it.

        Only here do credentials enter a child's environment. Raises DeadlineError, and MissingToolError for a
        git that is too old to have understood.
        """
        completed = run(
            [self.program, *arguments],
            env=self._base(repository, variables) | self._to(remote, credentials, config),
            cwd=repository, input=stdin, deadline=self.deadline,
        )  # fmt: skip
        if completed.returncode:
            self._check_version()
        return completed

    def local(
        self, repository: Path, variables: Mapping[str, str] | None = None, config: Pairs = ()
    ) -> dict[str, str]:
        """The environment of a command without a network: no lazy fetch may start one."""
        nowhere = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
        return self._base(repository, variables) | nowhere | configuration((*_ALWAYS, *config))

    def tool(self, name: str) -> str:
        """The absolute path of another program that git is to run; raises MissingToolError."""
        return program(name, self._path)

    def _base(self, repository: Path, variables: Mapping[str, str] | None) -> dict[str, str]:
        kept = {name: self.environ[name] for name in _KEPT if self.environ.get(name)}
        if "TMPDIR" in kept:
            kept["TMPDIR"] = str(Path(kept["TMPDIR"]).absolute())  # git runs in another folder
        fixed = {
            "PATH": self._path,
            "HOME": str(self.home),
            "LC_ALL": "C",
            "GIT_DIR": str(repository),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_DEFAULT_REF_FORMAT": "files",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "SSH_ASKPASS_REQUIRE": "never",
        }
        return kept | fixed | dict(variables or {})

    def _to(self, remote: Remote, credentials: Credentials | None, config: Pairs) -> dict[str, str]:
        pairs = [*_ALWAYS, (f"remote.{REMOTE}.url", remote.url), *config]
        if bundle := self.environ.get("GIT_SSL_CAINFO"):
            pairs.append(("http.sslCAInfo", bundle))
        if remote.is_http and remote.is_loopback:
            pairs.append((f"http.{remote.origin}.proxy", ""))  # a proxy is another machine
        if credentials:
            pairs.append(
                (f"http.{remote.origin}.extraHeader", f"Authorization: {credentials.authorization()}")
            )
        # NO_LAZY_FETCH: replacing a branch must not download the one that it replaces.
        variables = {"GIT_ALLOW_PROTOCOL": remote.scheme, "GIT_NO_LAZY_FETCH": "1"}
        if remote.is_http:
            variables |= self._proxies()
        if remote.scheme == "ssh":
            variables |= {"GIT_SSH_COMMAND": self._ssh(), "GIT_SSH_VARIANT": "ssh"}
        return variables | configuration(pairs)

    def _proxies(self) -> dict[str, str]:
        """Proxy variables in both spellings; a password in one is a secret."""
        found = {}
        for name in (*_PROXIES, *(name.upper() for name in _PROXIES)):
            if value := self.environ.get(name):
                found[name] = value
                if password := urllib.parse.urlsplit(value).password:
                    secrets.learn(password)
                    secrets.learn(urllib.parse.unquote(password))
        return found

    def _ssh(self) -> str:
        """ssh without anyone's configuration, for it can name programs to run; keys and known hosts are kept.

        ssh itself looks below the home of the password file; `$HOME/.ssh` comes first here, which is what `~`
        means to the shell that wrote known_hosts in a CI's container.
        """
        options = [
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            "ConnectTimeout=20",
            "ServerAliveInterval=10",
            "ServerAliveCountMax=3",
        ]
        folders = dict.fromkeys(Path(home) / ".ssh" for home in (self.environ.get("HOME"), _home()) if home)
        if folders:
            hosts = " ".join(_quoted(folder / "known_hosts") for folder in folders)
            options.append(f"UserKnownHostsFile={hosts}")
        keys = [folder / key for folder in folders for key in _SSH_KEYS]
        options += [f"IdentityFile={_quoted(key)}" for key in keys if key.is_file()]
        arguments = [part for option in options for part in ("-o", option)]
        return shlex.join([self.tool("ssh"), "-F", "none", *arguments])

    def _check_version(self) -> None:
        found = version(self.program, self._base(self.home, None), self.deadline)
        if found < OLDEST:
            raise MissingToolError(
                f"{self.program} is git {'.'.join(map(str, found))}: cipipe needs git 2.31 or later",
                hint=_HINT,
            )


def version(git: str, env: Mapping[str, str], deadline: Deadline) -> tuple[int, ...]:
    """The version of a git program; raises ExternalError when it does not tell."""
    completed = run([git, "version"], env=env, deadline=deadline)
    found = re.match(rb"git version (\d+)\.(\d+)", completed.stdout)
    if found is None:
        raise ExternalError(f"{git} does not say which version it is", hint=_HINT)
    return int(found[1]), int(found[2])


def configuration(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Git configuration as environment variables (git-config(1), GIT_CONFIG_COUNT)."""
    listed = list(pairs)
    variables = {"GIT_CONFIG_COUNT": str(len(listed))}
    for number, (key, value) in enumerate(listed):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def _home() -> str | None:
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # a container that runs with a user id of its own
        return None


def _quoted(path: Path) -> str:
    """A path in an ssh option, where `%` starts a token (ssh_config(5))."""
    return '"' + str(path).replace("%", "%%").replace('"', '\\"') + '"'
