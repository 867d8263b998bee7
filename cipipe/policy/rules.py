"""The shipped rules, as the metadata in their Rego files says (OPA's annotations)."""

import functools
import re
from pathlib import Path

import yaml

from cipipe.policy import shipped
from cipipe.results import Rule

_BLOCK = re.compile(r"\A# METADATA\n((?:#[^\n]*\n)+)package ([\w.]+)\n", re.ASCII)


@functools.cache
def rules() -> tuple[Rule, ...]:
    """Every shipped rule, by id. Raises `ValueError` for a file that does not describe itself."""
    folders = sorted(folder for folder in shipped.policies().iterdir() if folder.is_dir())
    files = (folder / f"{folder.name}.rego" for folder in folders)
    return tuple(_rule(file) for file in files if file.is_file())


def _rule(file: Path) -> Rule:
    block = _BLOCK.match(file.read_text(encoding="utf-8"))
    if block is None:
        raise ValueError(f"{file.name} does not begin with its metadata")
    metadata = yaml.safe_load("".join(line[2:] + "\n" for line in block[1].split("\n")))
    if block[2] != f"cipipe.{file.stem.replace('-', '_')}":
        raise ValueError(f"{file.name} is the package {block[2]}")
    custom = metadata["custom"]
    return Rule(
        id=file.stem,
        title=metadata["title"],
        severity=custom["severity"],
        description=" ".join(metadata["description"].split()),
        remedy=" ".join(custom["remedy"].split()),
        docs=custom["docs"],
    )
