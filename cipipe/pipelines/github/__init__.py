"""Reader of GitHub workflows and of the metadata of actions."""

import posixpath

from cipipe.pipelines import yaml_tree
from cipipe.pipelines.github import branches
from cipipe.pipelines.github.actions import NAMES, Call, read_action
from cipipe.pipelines.github.evaluate import Scope
from cipipe.pipelines.github.frame import Frame, Reading
from cipipe.pipelines.github.steps import read_steps
from cipipe.pipelines.github.workflow import (
    FOLDER,
    VARIABLES,
    Workflow,
    base_scope,
    declared_inputs,
    open_input,
    read_jobs,
)
from cipipe.pipelines.model import Files, Job, Pipeline, Problem, Step
from cipipe.pipelines.yaml_tree import Document, Mapping, Scalar, YamlRefused
from cipipe.results import Location

_TRIGGERS = ("workflow_dispatch", "workflow_call")


def claims(path: str) -> bool:
    """Whether GitHub runs the file: a workflow, or the metadata of an action."""
    folder, name = posixpath.split(path)
    if folder + "/" == FOLDER:
        return name.endswith((".yml", ".yaml"))
    return name in NAMES


def sniffs(path: str, content: bytes) -> bool:  # noqa: ARG001 - the protocol of readers
    """Whether a YAML file of another name is a workflow or an action."""
    try:
        documents = yaml_tree.read(content)
    except YamlRefused:
        return False
    root = documents[0].root if documents else None
    if not isinstance(root, Mapping):
        return False
    return isinstance(root.get("jobs"), Mapping) or (
        isinstance(root.get("runs"), Mapping) and "name" in root.values
    )


def read(path: str, content: bytes, files: Files) -> Pipeline:
    """The pipeline that a workflow or an action's metadata describes."""
    reading = Reading(files)
    try:
        documents = yaml_tree.read(content)
    except YamlRefused as error:
        place = Location(path, error.line, error.column)
        return Pipeline(path, "github", (), (Problem(place, f"the file cannot be read: {error.why}"),))
    root = documents[0].root if documents else None
    start = Frame(reading, path, base_scope({}), Scope({}))
    if not isinstance(root, Mapping):
        place = start.at(root) if root else Location(path, 1, 1)
        return Pipeline(path, "github", (), (Problem(place, "the file holds no mapping"),))
    _refuse_doubles(documents, start)
    reading.roots[path] = root
    is_action = root.get("jobs") is None and root.get("runs") is not None
    jobs = _action(path, root, start) if is_action else _workflow(root, start)
    return Pipeline(
        path,
        "github",
        tuple(jobs),
        tuple(dict.fromkeys(reading.problems)),
        tuple(reading.followed),
        called=is_action or _only_called(root),
    )


def _only_called(root: Mapping) -> bool:
    on = root.get("on")
    events = set(on.values) if isinstance(on, Mapping) else {scalar.value for scalar in yaml_tree.scalars(on)}
    return events == {"workflow_call"}


def _refuse_doubles(documents: list[Document], frame: Frame) -> None:
    """GitHub does not run a file with two values for a key, or with two documents."""
    for key in documents[0].repeated:
        frame.problem(frame.at(key), f"the key {key.value} stands here a second time, which GitHub refuses")
    for document in documents[1:]:
        frame.problem(frame.at(document.root), "a second YAML document, which GitHub does not read")


def _workflow(root: Mapping, start: Frame) -> list[Job]:
    inputs = {
        name: open_input(name, node, start)
        for trigger in _TRIGGERS
        for name, node in declared_inputs(root, trigger).items()
    }
    frame = Frame(start.reading, start.file, base_scope(inputs), Scope({}))
    return list(read_jobs(Workflow(root, frame, branches.of_triggers(root.get("on")))))


def _action(path: str, root: Mapping, start: Frame) -> list[Job]:
    """An action by itself: one job, whose inputs are their defaults or not known."""
    declared = root.get("inputs")
    nodes = declared.values if isinstance(declared, Mapping) else {}
    given = {name: open_input(name, node, start) for name, node in nodes.items()}
    frame = Frame(start.reading, path, base_scope({}), Scope({}))
    call = Call(Step(start.at(root), "uses", f"./{posixpath.dirname(path)}"), given, {}, known=False)
    steps = tuple(read_action(root, path, call, frame, 0, read_steps))
    name = root.get("name")
    return [Job(name.value if isinstance(name, Scalar) else path, start.at(root), steps, env=VARIABLES)]
