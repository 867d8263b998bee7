"""GitHub actions, Jenkins steps and GitLab templates by the catalogue."""

import fnmatch
import functools
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cipipe.pipelines.model import Step, Unknown, Value
from cipipe.policy import shipped

ActionKind = Literal["deploys", "credentials", "cluster", "carriers", "harmless"]
_KINDS: tuple[ActionKind, ...] = ("harmless", "carriers", "cluster", "credentials", "deploys")
_OPTIONS = frozenset({"tool", "inputs", "fixed", "folder", "remote", "unless", "makes"})


@dataclass(frozen=True, slots=True)
class Action:
    """What an action does. `scripts`: input -> the shell that runs it; `tool` gets `inputs` as arguments."""

    kind: ActionKind
    name: str
    listed: bool = True
    scripts: Mapping[str, str] = field(default_factory=dict)
    tool: str | None = None
    inputs: tuple[str, ...] = ()
    fixed: str = ""
    folder: str = ""
    remote: bool = False
    makes: bool = True


@functools.cache
def _catalogue() -> tuple[
    Mapping[str, tuple[ActionKind, Mapping[str, Any]]], tuple[tuple[str, ActionKind], ...]
]:
    data = shipped.data("actions")
    names = {name.lower(): (kind, entry or {}) for kind in _KINDS for name, entry in data[kind].items()}
    return names, tuple((pattern, kind) for pattern, kind in data["patterns"])


def slug(uses: str) -> str:
    """`owner/repository/path` of what `uses:` says: lower case, without ref, empty or `.` parts."""
    name = uses.strip().removeprefix("docker://").split("@", maxsplit=1)[0].lower()
    return "/".join(part for part in name.split("/") if part not in {"", "."})


def action(step: Step) -> Action | None:
    """What the action of a "uses" step does; None when neither its name nor a pattern is catalogued."""
    names, patterns = _catalogue()
    if step.name.startswith("docker://") and image_tool(step.name):
        return None  # its arguments tell
    parts = slug(step.name).split("/")
    for length in range(len(parts), 1, -1):
        name = "/".join(parts[:length])
        if name in names:
            kind, entry = names[name]
            return _listed(kind, name, entry, step.inputs)
    own = "/".join(parts)
    for pattern, kind in patterns:
        if fnmatch.fnmatchcase(own, pattern):
            return Action(kind, own, listed=False)
    return None


def is_harmless_workflow(name: str) -> bool:
    """Whether a reusable workflow of another repository is known to change no cluster."""
    return "/".join(name.lower().split("/")[:2]) in shipped.data("actions")["workflows"]


def _listed(kind: ActionKind, name: str, entry: Mapping[str, Any], inputs: Mapping[str, Value]) -> Action:
    given = {key.lower(): value for key, value in inputs.items()}
    if any(given.get(key) == value for key, value in entry.get("unless", {}).items()):
        kind = "harmless"
    if kind == "deploys" and entry.get("tool"):
        kind = "carriers"
    return Action(
        kind,
        name,
        scripts={key.lower(): shell for key, shell in entry.items() if key not in _OPTIONS},
        tool=entry.get("tool"),
        inputs=tuple(key.lower() for key in entry.get("inputs", ())),
        fixed=entry.get("fixed", ""),
        folder=entry.get("folder", ""),
        remote=entry.get("remote", False),
        makes=entry.get("makes", True),
    )


@functools.cache
def _steps() -> Mapping[str, tuple[ActionKind, Mapping[str, Any]]]:
    data = shipped.data("steps")
    kinds: tuple[ActionKind, ...] = ("deploys", "credentials", "harmless")
    return {name: (kind, entry or {}) for kind in kinds for name, entry in data[kind].items()}


def jenkins_step(step: Step) -> ActionKind | None:
    """What a Jenkins step does; None when it is not catalogued."""
    found = _steps().get(step.name) or _steps().get(
        step.name.rsplit(".", 1)[-1] if step.name[:1].isupper() else ""
    )
    if found is None:
        return None
    kind, entry = found
    for argument, values in entry.get("only", {}).items():
        value = step.inputs.get(argument, "")
        if not isinstance(value, Unknown) and value not in values:
            return "harmless"
    return kind


@functools.cache
def _templates() -> Mapping[str, tuple[str, ...]]:
    return {kind: tuple(globs) for kind, globs in shipped.data("templates").items()}


def template(step: Step) -> ActionKind | None:
    """What a GitLab template or component does; None when it is not catalogued."""
    name = re.sub(r"\.gitlab-ci\.yml\Z|@[^/@]*\Z", "", step.name.removeprefix("template:"))
    if step.inputs.get("include") == "component":
        name = name.partition("/")[2]  # without the server
    for kind in ("harmless", "deploys"):
        for pattern in _templates()[kind]:
            if fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name.lower(), pattern):
                return "harmless" if kind == "harmless" else "deploys"
    return None


@functools.cache
def images() -> Mapping[str, str]:
    """Images by repository without registry, each with the program that is its entrypoint ("" for none)."""
    return {name: program or "" for name, program in shipped.data("images").items()}


def image_tool(image: str) -> str | None:
    """The program that the container image runs, when it is a catalogued one."""
    name = re.sub(r"@.*|:[^/:]*\Z", "", image.removeprefix("docker://")).lower()
    parts = name.split("/")
    if "." in parts[0] or ":" in parts[0]:
        parts = parts[1:]
    known = images()
    return known.get("/".join(parts)) or known.get(posixpath.basename(name)) or None
