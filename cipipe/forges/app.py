"""A GitHub App as credentials: what the variables say of it, and what its tokens are made for.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cipipe import secrets
from cipipe.errors import UsageError

ID, KEY, KEY_FILE, INSTALLATION = (
    f"CIPIPE_GITHUB_APP_{name}" for name in ("ID", "KEY", "KEY_FILE", "INSTALLATION_ID")
)
VARIABLES = (ID, KEY, KEY_FILE, INSTALLATION)
Purpose = Literal["deliver", "read", "review", "publish", "inspect", "protect"]
_LARGEST = 65_536  # bytes; a key of 16,384 bits has 13,000


@dataclass(frozen=True, slots=True)
class App:
    """An App: its id (or client id) and private key (PEM); `installation` is looked up where it is None."""

    id: str
    key: str = field(repr=False)
    installation: str | None = None


def configured(environ: Mapping[str, str]) -> App | None:
    """The App that the variables describe, or None; raises `UsageError` for half of one."""
    given = {name: value for name in VARIABLES if (value := environ.get(name, "").strip())}
    if not given:
        return None
    if KEY in given and KEY_FILE in given:
        raise UsageError(f"{KEY} and {KEY_FILE} are both set", hint="set one of them")
    if ID not in given:
        raise UsageError(
            f"{min(given)} is set, and {ID} is not", hint=f"set {ID} to the App's id or client id"
        )
    if KEY not in given and KEY_FILE not in given:
        raise UsageError(
            f"{ID} is set, and neither {KEY} nor {KEY_FILE}", hint="set one to the App's private key"
        )
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", given[ID], re.ASCII):
        raise UsageError(f"{ID} is neither an id (a number) nor a client id (as Iv23li…)")
    if not re.fullmatch(r"\d{1,20}", given.get(INSTALLATION, "1"), re.ASCII):
        raise UsageError(f"{INSTALLATION} is no number")
    return App(given[ID], _key(given), given.get(INSTALLATION))


def _key(given: Mapping[str, str]) -> str:
    """The key in PEM; CIs that hold no lines keep it with `\\n` for each line's end."""
    key = given[KEY] if KEY in given else _read(Path(given[KEY_FILE]))
    secrets.learn(key)
    key = key.replace("\\n", "\n").strip()
    secrets.learn(key)
    for line in key.splitlines():
        if not line.startswith("-----"):
            secrets.learn(line.strip())
    if not re.match(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n", key):
        name = KEY if KEY in given else KEY_FILE
        raise UsageError(
            f"{name} holds no private key in PEM form", hint="it starts with -----BEGIN RSA PRIVATE KEY-----"
        )
    return key


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as problem:
        raise UsageError(f"{KEY_FILE}: cannot read {path}: {problem.strerror}") from None
    if len(content) > _LARGEST:
        raise UsageError(f"{KEY_FILE}: {path} is too long for a key")
    return content.decode("utf-8", "replace")
