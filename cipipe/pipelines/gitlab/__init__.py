"""Reader of GitLab CI configurations, with what they include and the child pipelines that they start."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from cipipe.pipelines import yaml_tree
from cipipe.pipelines.gitlab import includes
from cipipe.pipelines.gitlab.inputs import Inputs
from cipipe.pipelines.gitlab.jobs import GLOBALS, Context, read_jobs
from cipipe.pipelines.gitlab.merge import dereference
from cipipe.pipelines.gitlab.reading import Reading
from cipipe.pipelines.gitlab.variables import Written
from cipipe.pipelines.model import Files, Job, Pipeline, Step
from cipipe.pipelines.yaml_tree import Document, Mapping, Node, Scalar, Sequence, YamlRefused, place
from cipipe.results import Location

ENTRY = ".gitlab-ci.yml"
MAX_CHILDREN = 3  # GitLab allows two levels of child pipelines

_HINTS = frozenset({"script", "extends", "trigger", "before_script", "run"})


def claims(path: str) -> bool:
    """Whether the file is named as a GitLab configuration or template."""
    return posixpath.basename(path).endswith((".gitlab-ci.yml", ".gitlab-ci.yaml"))


def sniffs(path: str, content: bytes) -> bool:  # noqa: ARG001 - the protocol of readers
    """Whether a YAML file of another name holds jobs of GitLab."""
    try:
        documents = yaml_tree.read(content)
    except YamlRefused:
        return False
    roots = [document.root for document in documents if isinstance(document.root, Mapping)]
    return any(
        isinstance(node, Mapping) and node.values.keys() & _HINTS
        for root in roots
        for name, node in root.values.items()
        if name not in GLOBALS - {"default"}
    )


def read(path: str, content: bytes, files: Files) -> Pipeline:
    """The pipeline that a configuration describes."""
    reading = Reading(files, path)
    documents = reading.parse(path, content)
    jobs = list(_jobs(documents, reading, _Start((path,)))) if documents else []
    if documents == []:
        reading.problem(Location(path, 1, 1), "the file is empty")
    return Pipeline(
        path,
        "gitlab",
        tuple(jobs),
        tuple(dict.fromkeys(reading.problems)),
        tuple(reading.followed),
        called=path != ENTRY,
    )


@dataclass(frozen=True, slots=True)
class _Start:
    """The files that lead to a configuration, and what a parent pipeline's job hands to it."""

    path: tuple[str, ...]
    inputs: Inputs = field(default_factory=dict)
    variables: Written = field(default_factory=dict)
    name: str = ""


def _jobs(documents: list[Document], reading: Reading, start: _Start) -> Iterator[Job]:
    config = includes.load(documents, reading, start.inputs, start.path)
    if reading.templates:
        shown = f"{start.name} / include" if start.name else "include"
        call = reading.templates[0].via[0] if reading.templates[0].via else reading.templates[0].location
        yield Job(shown, call, tuple(reading.templates))
        reading.templates = []
    if config is None:
        return
    root = dereference(config, config, reading)
    if not isinstance(root, Mapping):
        return
    for job, merged in read_jobs(Context(root, reading, start.variables, start.name)):
        yield job
        trigger = merged.get("trigger")
        if trigger is not None:
            yield from _trigger(trigger, job, reading, start.path)


def _trigger(trigger: Node, job: Job, reading: Reading, path: tuple[str, ...]) -> Iterator[Job]:
    """The jobs of a child pipeline; a step that names the project, for a pipeline elsewhere."""
    if isinstance(trigger, Scalar) or (isinstance(trigger, Mapping) and trigger.get("project") is not None):
        project = trigger if isinstance(trigger, Scalar) else trigger.get("project")
        if isinstance(project, Scalar):
            via = reading.way(project.source.file)
            step = Step(place(project), "template", project.value, inputs={"include": "trigger"}, via=via)
            yield Job(job.name, job.location, (step,), job.environment, job.branches, job.env)
        return
    include = trigger.get("include") if isinstance(trigger, Mapping) else None
    if include is None:
        reading.problem(place(trigger), "a trigger that names neither a project nor a file")
        return
    if job.name.count(" / ") >= MAX_CHILDREN:
        reading.problem(place(include), f"child pipelines more than {MAX_CHILDREN} deep")
        return
    entries = include.items if isinstance(include, Sequence) and include.tag is None else [include]
    variables = {key: value for key, value in job.env.items() if isinstance(value, str)}
    inner = Reading(reading.files, reading.entry, chains=reading.chains, followed=reading.followed)
    inner.problems = reading.problems
    inner.copies, inner.includes = reading.copies, reading.includes
    for entry in entries:
        for target, call, inputs in includes.targets(entry, inner):
            if target in path:
                reading.problem(call, f"the child pipeline {target} starts itself")
                continue
            documents = inner.documents(target, call, "the child pipeline")
            if documents is not None:
                inner.extended = {}
                yield from _jobs(documents, inner, _Start((*path, target), inputs, variables, job.name))
    reading.copies, reading.includes = inner.copies, inner.includes
    if inner.templates:
        yield Job(job.name, job.location, tuple(inner.templates), job.environment, job.branches, job.env)
