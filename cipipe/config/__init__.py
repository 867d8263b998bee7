"""`cipipe.yaml`: text -> `Config` (layer 1; DESIGN section 4).

`load` reads the structure (`document`, `reader`, guided by `model`), then holds the rules (`rules`).
"""

from cipipe.config.document import parse
from cipipe.config.model import (
    Config,
    Delivery,
    Environment,
    Forge,
    Gate,
    Image,
    PullRequestSettings,
    RequiredCheck,
    Waiver,
)
from cipipe.config.reader import read
from cipipe.config.rules import located, protecting, settle
from cipipe.config.schema import schema

__all__ = [
    "Config",
    "Delivery",
    "Environment",
    "Forge",
    "Gate",
    "Image",
    "PullRequestSettings",
    "RequiredCheck",
    "Waiver",
    "load",
    "located",
    "protecting",
    "schema",
]


def load(text: bytes, file: str) -> Config:
    """The configuration in `text`; raise `ConfigError` with `file` and line for all that is wrong."""
    return settle(read(parse(text, file), Config, file))
