"""A repository, home, environment and PATH in which everything that git could run marks a file."""

import subprocess
from pathlib import Path

KEYS = (
    "core.fsmonitor",
    "core.sshCommand",
    "core.askPass",
    "core.gitProxy",
    "core.editor",
    "core.pager",
    "core.alternateRefsCommand",
    "sequence.editor",
    "credential.helper",
    "diff.external",
    "gpg.program",
    "gpg.ssh.program",
    "gpg.ssh.defaultKeyCommand",
    "interactive.diffFilter",
    "uploadpack.packObjectsHook",
    "filter.evil.clean",
    "filter.evil.smudge",
    "filter.evil.process",
    "diff.evil.textconv",
    "diff.evil.command",
    "merge.evil.driver",
    "remote.origin.uploadpack",
    "remote.origin.receivepack",
    "remote.origin.vcs",
    "trailer.evil.command",
    "http.proxy",
)
HOOKS = (
    "pre-push", "post-index-change", "reference-transaction", "pre-commit", "commit-msg", "post-commit",
    "post-checkout", "pre-auto-gc", "fsmonitor-watchman",
)  # fmt: skip
PROGRAMS = ("git", "ssh", "ssh-keygen", "gpg", "true", "sh", "git-remote-http", "docker-credential-x")


def poison(repository: Path, folder: Path, mark: Path, *, path: Path) -> dict[str, str]:
    """Poison the git folder `repository`; return variables that poison an environment (PATH in front).

    `path` gets programs that mark too, and is made writable for everyone.
    """
    folder.mkdir()
    script = folder / "payload"
    script.write_text(f'#!/bin/sh\necho "$0 $*" >>"{mark}"\n')
    script.chmod(0o755)
    home = folder / "home"
    (home / ".config/git").mkdir(parents=True)
    lines = "".join(_setting(key, script) for key in KEYS)
    lines += f"[core]\n\thooksPath = {folder}/hooks\n[alias]\n\tfetch = !{script}\n\tls-tree = !{script}\n"
    lines += f'[url "ext::{script} "]\n\tinsteadOf = http\n\tinsteadOf = file\n[protocol]\n\tallow = always\n'
    for file in (home / ".gitconfig", home / ".config/git/config", folder / "included"):
        file.write_text(lines)
    with (repository / "config").open("a") as config:
        origin = subprocess.run(
            ["git", "config", "-f", str(repository / "config"), "remote.origin.url"],
            check=False, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip
        config.write(f"[include]\n\tpath = {folder}/included\n{lines}")
        config.write(f'[remote "origin"]\n\turl = {origin}\n' if not origin else "")
    for place in (repository / "hooks", folder / "hooks"):
        place.mkdir(exist_ok=True)
        for hook in HOOKS:
            _link(place / hook, script)
    path.mkdir()
    for program in PROGRAMS:
        _link(path / program, script)
    path.chmod(0o777)
    return {
        "PATH": f"{path}:.:/usr/bin:/bin",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_SYSTEM": str(home / ".gitconfig"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": str(script),
        "GIT_SSH": str(script),
        "GIT_SSH_COMMAND": str(script),
        "GIT_ASKPASS": str(script),
        "SSH_ASKPASS": str(script),
        "GIT_EDITOR": str(script),
        "GIT_PAGER": str(script),
        "GIT_EXTERNAL_DIFF": str(script),
        "GIT_PROXY_COMMAND": str(script),
        "GIT_EXEC_PATH": str(path),
        "GIT_TEMPLATE_DIR": str(folder),
        "GIT_DIR": str(folder / "elsewhere"),
        "GIT_PYTHON_GIT_EXECUTABLE": str(script),
    }


def _setting(key: str, script: Path) -> str:
    section, _, name = key.rpartition(".")
    head, dot, middle = section.partition(".")
    title = f'{head} "{middle}"' if dot else head
    return f"[{title}]\n\t{name} = {script}\n"


def _link(file: Path, script: Path) -> None:
    file.unlink(missing_ok=True)
    file.symlink_to(script)
