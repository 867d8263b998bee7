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
    folders = sorted(folder for folder in shipped.policies().iterdir() if (folder /
    f"{folder.name}.rego").is_file()) return tuple(_rule(folder / f"{folder.name}.rego") for folder in
    folders if folder.name != "lib")


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
