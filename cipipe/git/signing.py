"""Signed commits (`--sign`): the ssh or gpg key that the runner's own Git configuration names.

Only the key and its kind are read from there (`user.signingKey`, `gpg.format`). The programs are this
machine's `gpg` and `ssh-keygen`, whatever the configuration says: it could name any program.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cipipe.errors import ConfigError, ExternalError
from cipipe.git.runner import Git
from cipipe.git.trees import Commit
from cipipe.proc import run

_PROGRAMS = {"openpgp": ("gpg.program", "gpg"), "ssh": ("gpg.ssh.program", "ssh-keygen")}
_KEYS = "^(user[.]signingkey|gpg[.]format)$"
_HINT = "git config --global gpg.format ssh && git config --global user.signingKey ~/.ssh/id_ed25519.pub"


@dataclass(frozen=True, slots=True)
class Signing:
    """A key: `form` is `ssh` or `openpgp`, `key` what `user.signingKey` means."""

    form: str
    key: str

    @classmethod
    def of_runner(cls, git: Git) -> "Signing":
        """What the user's global Git configuration says; raises ConfigError where it says nothing."""
        completed = run(
            [git.program, "config", "--global", "--includes", "--null", "--get-regexp", _KEYS],
            env=_with_home(git, git.local(git.home)), cwd=git.home, deadline=git.deadline,
        )  # fmt: skip
        pairs = (
            entry.split("\n", 1)
            for entry in completed.stdout.decode(errors="replace").split("\0")
            if "\n" in entry
        )
        known = dict(pairs)
        form, key = known.get("gpg.format", "openpgp"), known.get("user.signingkey", "")
        if form not in _PROGRAMS or not key or key.startswith("-"):
            raise ConfigError(
                "--sign: the global Git configuration names no ssh or gpg key to sign with", hint=_HINT
            )
        home = git.environ.get("HOME")
        if form == "ssh" and key.startswith("~/") and home:
            key = str(Path(home) / key[2:])
        return cls(form, key)

    def commit(self, git: Git, repository: Path, commit: Commit, variables: Mapping[str, str]) -> str:
        """Commit the same once more with a signature, and return the new id; raises ExternalError."""
        setting, name = _PROGRAMS[self.form]
        dates = {
            "GIT_AUTHOR_NAME": commit.author,
            "GIT_AUTHOR_EMAIL": commit.author_email,
            "GIT_AUTHOR_DATE": f"{commit.authored} +0000",
            "GIT_COMMITTER_NAME": commit.committer,
            "GIT_COMMITTER_EMAIL": commit.committer_email,
            "GIT_COMMITTER_DATE": f"{commit.committed} +0000",
        }
        parents = [part for parent in commit.parents for part in ("-p", parent)]
        try:
            made = git.run(
                "commit-tree", commit.tree, *parents, f"-S{self.key}", "-F", "-",
                repository=repository, stdin=commit.message.encode(),
                variables=_with_home(git, {**variables, **dates}),
                config=(("gpg.format", self.form), (setting, git.tool(name))),
            )  # fmt: skip
        except ExternalError as error:
            hint = "the key must be usable without a question: no passphrase, or an agent that knows it"
            raise type(error)(f"--sign: {error.message}", hint=error.hint or hint) from None
        return made.decode().strip()


def _with_home(git: Git, variables: Mapping[str, str]) -> dict[str, str]:
    """The user's own home: gpg keeps its keys there, and `--global` means the file there."""
    names = ("HOME", "XDG_CONFIG_HOME", "GNUPGHOME")
    own = {name: git.environ[name] for name in names if git.environ.get(name)}
    return {name: value for name, value in variables.items() if name != "GIT_CONFIG_GLOBAL"} | own
