"""Where the shipped rules and the catalogue are: in the wheel, or in a checkout."""

import functools
from pathlib import Path
from typing import Any

import yaml

_CHECKOUT = Path(__file__).resolve().parents[2] / "policies"
_INSTALLED = Path(__file__).resolve().parents[1] / "policies"


@functools.cache
def policies() -> Path:
    """The folder of the shipped rules. Raises `FileNotFoundError` when the installation is broken."""
    for folder in (_INSTALLED, _CHECKOUT):
        if (folder / "data").is_dir():
            return folder
    raise FileNotFoundError(f"the shipped policies are in neither {_INSTALLED} nor {_CHECKOUT}")


def data(name: str) -> dict[str, Any]:
    """The catalogue file `policies/data/NAME.yaml`."""
    text = (policies() / "data" / f"{name}.yaml").read_bytes()
    loaded: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - the safe loader in C
    return loaded
