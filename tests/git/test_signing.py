"""Signed commits, with real keys, verified by git."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cipipe.errors import ConfigError, ExternalError
from cipipe.git.runner import Git
from cipipe.git.signing import Signing
from cipipe.proc import Deadline
from tests.git.bump import FILES, edited
from tests.git.conftest import Opener
from tests.servers.origin import Origin


def _signing(environ: dict[str, str], tmp_path: Path) -> Signing:
    home = tmp_path / "private"
    home.mkdir(exist_ok=True)
    return Signing.of_runner(Git(environ, home, Deadline(20)))


def _pushed(origin: Origin, opened: Opener, signing: Signing) -> str:
    with opened(origin.url) as repository:
        base, commit = edited(repository, b"v2", signing=signing)
        assert repository.push(commit.id, "main", expected=base.id).ok
        return commit.id


def test_ssh_key(tool: Callable[[str], str], environ: dict[str, str], opened: Opener, tmp_path: Path) -> None:
    home = Path(environ["HOME"])
    (home / ".ssh").mkdir()
    subprocess.run(
        [tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(home / ".ssh/id_ed25519")], check=True
    )
    (home / ".gitconfig").write_text(
        "[user]\n\tsigningKey = ~/.ssh/id_ed25519.pub\n[gpg]\n\tformat = ssh\n"
        f'[gpg "ssh"]\n\tprogram = touch {tmp_path}/ran\n'
    )
    origin = Origin.create(tmp_path / "origin.git", FILES)
    made = _pushed(origin, opened, _signing(environ, tmp_path))
    allowed = tmp_path / "allowed"
    allowed.write_text(f"* {(home / '.ssh/id_ed25519.pub').read_text()}")
    shown = origin.git(
        "-c", f"gpg.ssh.allowedSignersFile={allowed}", "log", "-1", "--format=%G? %H %cn", "main"
    )
    assert shown == f"G {made} cipipe"
    again = Origin.create(tmp_path / "again.git", FILES)
    assert _pushed(again, opened, _signing(environ, tmp_path)) == made, "ed25519 signatures are deterministic"
    assert not (tmp_path / "ran").exists()


def test_gpg_key(tool: Callable[[str], str], environ: dict[str, str], opened: Opener) -> None:
    gpg, agents = tool("gpg"), tool("gpgconf")
    home = Path("/tmp") / f"cipipe-gpg-{os.getpid()}"
    home.mkdir(mode=0o700)
    variables = environ | {"GNUPGHOME": str(home)}
    try:
        subprocess.run(
            [gpg, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key",
             "Robot <robot@example.com>", "ed25519", "sign"],
            env=variables, check=True, capture_output=True,
        )  # fmt: skip
        (Path(environ["HOME"]) / ".gitconfig").write_text("[user]\n\tsigningKey = robot@example.com\n")
        environ["GNUPGHOME"] = str(home)
        origin = Origin.create(Path(environ["TMPDIR"]) / "origin.git", FILES)
        made = _pushed(origin, opened, _signing(variables, Path(environ["TMPDIR"])))
        verified = subprocess.run(
            ["git", "verify-commit", "--raw", made],
            cwd=origin.folder,
            env=variables,
            capture_output=True,
            check=True,
        )
        assert b"GOODSIG" in verified.stderr
    finally:
        subprocess.run([agents, "--kill", "all"], env=variables, check=False, capture_output=True)
        subprocess.run(["rm", "-rf", str(home)], check=True)


@pytest.mark.parametrize(
    "text", ["", "[user]\n\tname = x\n", "[user]\n\tsigningKey = -x\n", "[gpg]\n\tformat = x509\n"]
)
def test_no_key_is_said(text: str, environ: dict[str, str], tmp_path: Path) -> None:
    (Path(environ["HOME"]) / ".gitconfig").write_text(text)
    with pytest.raises(ConfigError, match="--sign") as refused:
        _signing(environ, tmp_path)
    assert "user.signingKey" in (refused.value.hint or "")


def test_a_key_that_is_not_there(environ: dict[str, str], opened: Opener, tmp_path: Path) -> None:
    origin = Origin.create(tmp_path / "origin.git", FILES)
    with opened(origin.url) as repository, pytest.raises(ExternalError, match="--sign"):
        edited(repository, b"v2", signing=Signing("ssh", str(tmp_path / "none.pub")))
