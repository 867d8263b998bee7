"""Finding and reading `cipipe.yaml`."""

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from cipipe.cli import environ
from cipipe.errors import ConfigError

if TYPE_CHECKING:
    from cipipe.config import Config

_NAME = "cipipe.yaml"
_READ = 2_000_000  # bytes; more than any configuration may have


def read(config_file: str | None) -> "Config":
    """The configuration in `config_file`, else in the `cipipe.yaml` found upwards; raise `ConfigError`.

    `Config.file` is the path from the current folder, so that its parent is the folder that it stands in.
    """
    from cipipe.config import load  # noqa: PLC0415 - commands import this module, and `--help` needs no YAML

    path = Path(config_file) if config_file else find(Path.cwd())
    config = load(_content(path), _shown(path))
    environ.refuse_unknown_tokens(
        [environment.token_variable for environment in config.environments.values()]
    )
    return config


def find(start: Path) -> Path:
    """The `cipipe.yaml` in `start` or above it, up to the repository's root (the folder that holds `.git`).

    Outside a repository only `start` itself counts: what stands further up is somebody else's.
    """
    folders = [start, *start.parents]
    root = next((index for index, folder in enumerate(folders) if (folder / ".git").exists()), 0)
    for folder in folders[: root + 1]:
        if (folder / _NAME).exists():
            return folder / _NAME
    where = f"from {start} up to {folders[root]}" if root else f"in {start}"
    raise ConfigError(
        f"no {_NAME} {where}", hint="`cipipe init` writes a first one; --config FILE names another"
    )


def _content(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError("this is no file", file=str(path), hint="--config names a file")
        with path.open("rb") as file:
            return file.read(_READ)
    except OSError as problem:
        hint = "--config names the file; `cipipe init` writes a first one"
        raise ConfigError(f"cannot read it: {problem.strerror}", file=str(path), hint=hint) from None


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_absolute() else str(path)
