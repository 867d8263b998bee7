"""The engines by name: one module each that meets `base.Engine` (layer 2)."""

import importlib

from cipipe.engines.base import Engine, Evaluation, Judgement

ENGINES: dict[str, str] = {
    "conftest": "cipipe.engines.conftest_program",
    "embedded": "cipipe.engines.embedded",
}

__all__ = ["ENGINES", "Engine", "Evaluation", "Judgement", "load"]


def load(name: str) -> Engine:
    """The engine `name`."""
    engine: Engine = importlib.import_module(ENGINES[name]).engine
    return engine
