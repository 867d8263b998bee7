"""What must hold on an environment's branch, judged from what its forge says (layer 1; DESIGN section 8).

A forge's module turns documents into `Source`s, the things that can protect a branch. A control holds when
some source grants it; who may pass by a source is a control of its own, because several sources add up and
each has its own exceptions.
"""

import importlib
from dataclasses import replace

from cipipe.config.model import Environment
from cipipe.controls.facts import Facts, Step, understood
from cipipe.results import Control

CONTROLS: dict[str, str] = {
    "github": "cipipe.controls.github",
    "gitlab": "cipipe.controls.gitlab",
    "gitea": "cipipe.controls.gitea",
}


def controls(kind: str, environment: Environment, facts: Facts) -> tuple[Control, ...]:
    """Every control that `environment` asks for, on a forge of `kind`; its names are made printable.

    Raises ForgeError for documents that are not the forge's; so does `plan`.
    """
    with understood(f"the protection of '{environment.branch}'"):
        found: tuple[Control, ...] = importlib.import_module(CONTROLS[kind]).controls(environment, facts)
    return tuple(replace(control, evidence=_printable(control.evidence)) for control in found)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def plan(kind: str, environment: Environment, facts: Facts) -> tuple[Step, ...]:
    """What to set so that the controls hold; empty when they do."""
    with understood(f"the protection of '{environment.branch}'"):
        steps: tuple[Step, ...] = importlib.import_module(CONTROLS[kind]).plan(environment, facts)
    return steps
