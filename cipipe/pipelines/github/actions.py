"""Actions of the repository itself: composite, docker and node ones, followed from the step that uses them.

Source: GitHub's metadata syntax for actions.
"""

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

from cipipe.pipelines.github import docker_actions, texts
from cipipe.pipelines.github.evaluate import OPEN, Choices
from cipipe.pipelines.github.frame import Frame
from cipipe.pipelines.github.partial import Data
from cipipe.pipelines.model import HOLE, WORKSPACE, FileRefused, Script, Step, Unknown, Value
from cipipe.pipelines.yaml_tree import Mapping, Node, Scalar

StepsReader = Callable[[Node | None, Frame, int], Iterator[Step]]

MAX_DEPTH = 10  # GitHub's own limit for composite actions
_ACTION = 20  # steps that following an action takes the time of
NAMES = ("action.yml", "action.yaml")


@dataclass(frozen=True, slots=True)
class Call:
    """A step that uses an action; `given` are its inputs and `env` its variables as expressions see them.

    `known` says that the inputs are those of every run, so that an `if:` can rely on them.
    """

    step: Step
    given: dict[str, Data]
    env: dict[str, Data]
    known: bool = True


@dataclass(slots=True)
class Checkouts:
    """Where the steps so far have checked out this repository, and others."""

    own: list[str] = field(default_factory=list)
    other: dict[str, str] = field(default_factory=dict)

    def note(self, step: Step) -> None:
        """Note an `actions/checkout` into a folder."""
        path, repository = step.inputs.get("path"), step.inputs.get("repository")
        if not step.name.lower().startswith("actions/checkout@") or not isinstance(path, str) or HOLE in path:
            return
        folder = posixpath.normpath(path.strip("/"))
        if repository is None or repository == Unknown("github.repository"):
            self.own.append(folder)
        else:
            self.other[folder] = repository if isinstance(repository, str) else "?"

    def inside(self, folder: str) -> str:
        """A folder of the workspace as a path of the repository. Raises `LookupError` in another one."""
        for own in self.own:
            if own != "." and (folder + "/").startswith(own + "/"):
                return posixpath.relpath(folder, own)
        for path, repository in self.other.items():
            if path != "." and (folder + "/").startswith(path + "/"):
                raise LookupError(repository)
        return folder


def read_local(
    call: Call, frame: Frame, checkouts: Checkouts, depth: int, read_steps: StepsReader
) -> Iterator[Step]:
    """The steps of `uses: ./path`."""
    place = call.step.location
    written = call.step.name.replace("\\", "/")
    folder = posixpath.normpath(written)
    if folder.startswith(".."):
        frame.problem(place, f"{written} is outside of the repository")
        return
    try:
        folder = checkouts.inside(folder)
    except LookupError as error:
        frame.problem(place, f"{written} is an action of another repository, {error}")
        return
    if depth >= MAX_DEPTH:
        frame.problem(place, f"actions that use actions more than {MAX_DEPTH} deep")
        return
    path = _find(folder, frame)
    if path is None:
        yield from docker_actions.without_metadata(folder, place, frame, texts.values(call.env))
        return
    root = frame.follow(path, place, "the action")
    if root is not None and frame.spend(root, _ACTION):
        inner = replace(frame, via=(*frame.via, place))
        yield from read_action(root, path, call, inner, depth + 1, read_steps)


def _find(folder: str, frame: Frame) -> str | None:
    for name in NAMES:
        path = posixpath.normpath(posixpath.join(folder, name))
        try:
            if path in frame.reading.roots or frame.reading.files.read(path) is not None:
                return path
        except FileRefused:
            return path
    return None


def read_action(  # noqa: PLR0913, PLR0917 - one call, from two places
    root: Mapping, path: str, call: Call, frame: Frame, depth: int, read_steps: StepsReader
) -> Iterator[Step]:
    """The steps of an action whose metadata is `root`; `frame.via` leads to `path`."""
    folder = posixpath.dirname(path)
    inputs = _inputs(root, call, frame)
    github: dict[str, Data] = {
        **_known(frame.scope.contexts.get("github")),
        "action_path": posixpath.normpath(posixpath.join(WORKSPACE, folder)),
    }
    env = {**_known(frame.scope.contexts.get("env")), **call.env}
    scope = frame.scope.with_(inputs=inputs, github=github, env=env)
    conditions = frame.conditions.with_(inputs=inputs if call.known else {OPEN: None})
    inner = replace(frame, file=path, scope=scope, conditions=conditions, directory=None)
    inner = replace(inner, shell="bash")  # noqa: S604 - the default of a composite step, not subprocess
    runs = root.get("runs")
    using = runs.get("using") if isinstance(runs, Mapping) else None
    if not isinstance(runs, Mapping) or not isinstance(using, Scalar):
        inner.problem(inner.at(root), f"{path} does not say what it runs")
        return
    shared = {**texts.values(call.env), "GITHUB_ACTION_PATH": str(github["action_path"])}
    if using.value == "composite":
        outputs = texts.outputs(root.get("outputs"), inner)
        last = Step(call.step.location, "run", id=call.step.id, outputs=outputs, via=call.step.via)
        found: Iterator[Step] = chain(read_steps(runs.get("steps"), inner, depth), [last] * bool(outputs))
    elif using.value == "docker":
        found = docker_actions.read(runs, folder, _input_variables(inputs), inner)
    elif using.value.startswith("node"):
        shared |= _input_variables(inputs)
        found = _node(runs, folder, inner)
    else:
        inner.problem(inner.at(using), f"an action that runs with {using.value}")
        return
    for step in found:
        yield replace(step, env={**shared, **step.env})


def _known(context: Data) -> dict[str, Data]:
    return context if isinstance(context, dict) else {OPEN: None}


def _inputs(root: Mapping, call: Call, frame: Frame) -> dict[str, Data]:
    given = {name.casefold(): value for name, value in call.given.items()}
    inputs: dict[str, Data] = {}
    declared = root.get("inputs")
    for name, node in declared.values.items() if isinstance(declared, Mapping) else ():
        default = node.get("default") if isinstance(node, Mapping) else None
        if name.casefold() in given:
            inputs[name] = given.pop(name.casefold())
        else:
            text = texts.partial(default, frame, Choices())
            inputs[name] = text if text.holes else text.text
    return {**given, **inputs}


def _input_variables(inputs: dict[str, Data]) -> dict[str, Value]:
    named = {f"INPUT_{name.replace(' ', '_').upper()}": value for name, value in inputs.items()}
    return texts.values(named)


def _node(runs: Mapping, folder: str, frame: Frame) -> Iterator[Step]:
    for key in ("pre", "main", "post"):
        node = runs.get(key)
        if isinstance(node, Scalar):
            path = posixpath.normpath(posixpath.join(WORKSPACE, folder, node.value))
            script = Script(f"node {path}", "sh", (frame.at(node),), frame.via)
            yield Step(frame.at(node), "run", "", script, via=frame.via)
