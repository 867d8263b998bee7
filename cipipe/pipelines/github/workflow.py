"""Workflows: triggers, jobs, matrix, containers, and the reusable workflows of the repository that jobs call.

Source: GitHub's workflow syntax.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from cipipe.pipelines import yaml_tree
from cipipe.pipelines.github import branches, matrix, texts
from cipipe.pipelines.github.evaluate import OPEN, Choices, Scope, may_be_true, possibilities
from cipipe.pipelines.github.frame import Frame
from cipipe.pipelines.github.functions import text_of
from cipipe.pipelines.github.partial import Data, Options, Partial, to_value
from cipipe.pipelines.github.steps import read_steps
from cipipe.pipelines.model import HOLE, WORKSPACE, Job, Step, Value
from cipipe.pipelines.yaml_tree import Mapping, Node, Scalar, Sequence
from cipipe.results import Location

FOLDER = ".github/workflows/"
MAX_CALLS = 10  # GitHub's own limit of workflows that call workflows

RUNNER: dict[str, Data] = {"temp": "/runner/temp", OPEN: None}
_SECRET = re.compile(r"secrets\.([\w-]+)")
VARIABLES: dict[str, Value] = {"GITHUB_WORKSPACE": WORKSPACE, "RUNNER_TEMP": "/runner/temp"}


@dataclass(frozen=True, slots=True)
class Workflow:
    """What the jobs of a workflow have in common; `name` is that of the calling job, when there is one."""

    root: Mapping
    frame: Frame
    branches: tuple[str, ...] | None
    name: str = ""
    depth: int = 0


def read_jobs(workflow: Workflow) -> Iterator[Job]:
    """The jobs of a workflow, those that cannot run left out."""
    jobs = workflow.root.get("jobs")
    if not isinstance(jobs, Mapping):
        workflow.frame.problem(workflow.frame.at(jobs or workflow.root), "a workflow without jobs")
        return
    for name, job in jobs.values.items():
        if isinstance(job, Mapping):
            yield from _job(name, job, jobs.keys[name], workflow)
        else:
            workflow.frame.problem(workflow.frame.at(job), f"the job {name} is not a mapping")


def _job(name: str, job: Mapping, key: Scalar, workflow: Workflow) -> Iterator[Job]:
    condition = job.get("if")
    if not workflow.frame.spend(job):
        return
    if isinstance(condition, Scalar) and not may_be_true(condition.value, workflow.frame.conditions):
        return
    full = f"{workflow.name} / {name}" if workflow.name else name
    for combination in matrix.contexts(job, workflow.frame):
        frame = workflow.frame
        frame = replace(
            frame,
            scope=frame.scope.with_(matrix=combination),
            conditions=frame.conditions.with_(matrix=combination),
        )
        if isinstance(condition, Scalar) and not may_be_true(condition.value, frame.conditions):
            continue
        if isinstance(uses := job.get("uses"), Scalar):
            for given in possibilities(lambda choices: _given(job, frame, choices)):  # noqa: B023 - used at once
                yield from _call(full, job, uses, replace(workflow, frame=frame), given)
            continue
        envs = possibilities(lambda choices: _env(job, workflow, frame, choices), 4)  # noqa: B023 - used at once
        for env in envs:
            yield _plain_job(full, job, key, replace(workflow, frame=frame), env)


def _env(job: Mapping, workflow: Workflow, frame: Frame, choices: Choices) -> dict[str, Data]:
    env: dict[str, Data] = {OPEN: None}
    container = job.get("container")
    inside = container.get("env") if isinstance(container, Mapping) else None
    for node in (workflow.root.get("env"), job.get("env"), inside):
        if node is not None:
            inner = replace(frame, scope=frame.scope.with_(env=env))
            env = {**env, **texts.environment(node, inner, choices)}
    return env


def _plain_job(name: str, job: Mapping, key: Scalar, workflow: Workflow, env: dict[str, Data]) -> Job:
    frame = workflow.frame
    frame.reading.secrets.clear()
    for node in (workflow.root.get("env"), job.get("env")):
        _note_secrets(node, frame)
    inner = replace(frame, scope=frame.scope.with_(env=env))
    inner = _with_defaults(job, workflow.root, inner)
    steps = [*_containers(job, inner), *read_steps(job.get("steps"), inner)]
    if job.get("steps") is None:
        frame.problem(frame.at(key), f"the job {name} has neither `steps` nor `uses`")
    return Job(
        name,
        frame.via[0] if frame.via else frame.at(key),
        tuple(steps),
        _environments(job.get("environment"), inner),
        _branches(job, workflow),
        {**VARIABLES, **texts.values(env)},
        tuple(frame.reading.secrets),
        needs=_needs(job, workflow.name),
        outputs=texts.outputs(job.get("outputs"), inner),
    )


def _needs(job: Mapping, caller: str) -> tuple[str, ...]:
    """The names of the jobs that run before this one."""
    prefix = f"{caller} / " if caller else ""
    return tuple(prefix + scalar.value for scalar in yaml_tree.scalars(job.get("needs")))


def _note_secrets(env: Node | None, frame: Frame) -> None:
    for node in env.values.values() if isinstance(env, Mapping) else ():
        if isinstance(node, Scalar):
            frame.note_secrets(
                tuple(f"secrets.{name}" for name in _SECRET.findall(node.value)), frame.at(node)
            )


def _with_defaults(job: Mapping, root: Mapping, frame: Frame) -> Frame:
    """The frame with the shell and folder of `defaults.run`, and what the job's runner defaults to."""
    if job.get("container") is not None:
        shell: str = "sh"
    else:
        shell = "pwsh" if _on_windows(job.get("runs-on"), frame) else "bash"
    directory: Value | None = None
    for node in (root.get("defaults"), job.get("defaults")):
        run = node.get("run") if isinstance(node, Mapping) else None
        if not isinstance(run, Mapping):
            continue
        if run.get("shell") is not None:
            shell = texts.partial(run.get("shell"), frame, Choices()).text
        if run.get("working-directory") is not None:
            directory = texts.value(run.get("working-directory"), frame, Choices())
    return replace(frame, directory=directory, shell=shell)


def _on_windows(node: Node | None, frame: Frame) -> bool:
    """Whether every runner that the job may have is Windows."""
    labels = yaml_tree.scalars(node.get("labels") if isinstance(node, Mapping) else node)
    return any(
        all(
            "windows" in text.lower()
            for text in possibilities(lambda choices: texts.partial(label, frame, choices).text)  # noqa: B023 - used at once
        )
        for label in labels
    )


def _containers(job: Mapping, frame: Frame) -> Iterator[Step]:
    container = job.get("container")
    if container is not None:
        yield from _container(container, "container", frame)
    services = job.get("services")
    for service in services.values.values() if isinstance(services, Mapping) else ():
        yield from _container(service, "service", frame)


def _container(node: Node, role: str, frame: Frame) -> Iterator[Step]:
    image = node.get("image") if isinstance(node, Mapping) else node
    if not isinstance(image, Scalar):
        return
    for text in possibilities(lambda choices: texts.partial(image, frame, choices)):
        inputs: dict[str, Value] = {"as": role}
        env: dict[str, Data] = {}
        for key in ("options", "entrypoint", "command") if isinstance(node, Mapping) else ():
            if (given := node.get(key)) is not None:  # type: ignore[union-attr] # a Mapping here
                inputs[key] = _joined(given, frame)
        if isinstance(node, Mapping) and role == "service":
            env = texts.environment(node.get("env"), frame, Choices())
        yield Step(frame.at(image), "image", text.text, inputs=inputs, env=texts.values(env), via=frame.via)


def _joined(node: Node, frame: Frame) -> Value:
    if isinstance(node, Sequence):
        return " ".join(texts.partial(item, frame, Choices()).text for item in yaml_tree.scalars(node))
    return texts.value(node, frame, Choices())


def _environments(node: Node | None, frame: Frame) -> tuple[str, ...]:
    """The names of the environments that the job may be for; a name that is not known is `HOLE`."""
    name = node.get("name") if isinstance(node, Mapping) else node
    if name is None:
        return ()
    found = possibilities(lambda choices: texts.partial(name, frame, choices).text)
    return tuple(dict.fromkeys(text for text in found if text))


def _branches(job: Mapping, workflow: Workflow) -> tuple[str, ...] | None:
    """The branches of the job's `if:`, else of the triggers, else of the `if:` of its steps."""
    own = branches.of_condition(job.get("if"))
    if own is not None:
        return own
    if workflow.branches is not None:
        return workflow.branches
    steps = job.get("steps")
    found: list[str] = []
    for step in steps.items if isinstance(steps, Sequence) else ():
        if isinstance(step, Mapping):
            found += branches.of_condition(step.get("if")) or ()
    return tuple(dict.fromkeys(found)) or None


def _given(job: Mapping, frame: Frame, choices: Choices) -> dict[str, Data]:
    given = job.get("with")
    data: dict[str, Data] = {}
    for name, node in given.values.items() if isinstance(given, Mapping) else ():
        data[name] = texts.plain(node, frame.scope, choices)
    return data


def _call(name: str, job: Mapping, uses: Scalar, workflow: Workflow, given: dict[str, Data]) -> Iterator[Job]:
    """The jobs of a reusable workflow; one step that names it, when it is of another repository."""
    frame, place = workflow.frame, workflow.frame.at(uses)
    target = frame.own(uses.value.strip(), "")
    if not target.startswith("./"):
        inputs = {key: to_value(text_of(data)) for key, data in given.items()}
        step = Step(place, "uses", target, inputs=inputs, via=frame.via)
        at = frame.via[0] if frame.via else place
        secrets = _passed_secrets(job, frame)
        yield Job(name, at, (step,), (), _branches(job, workflow), VARIABLES, secrets)
        return
    path = posixpath.normpath(target)
    if workflow.depth >= MAX_CALLS or path == frame.file or path in {step.file for step in frame.via}:
        frame.problem(place, f"workflows that call workflows, more than {MAX_CALLS} deep or in a circle")
        return
    root = frame.follow(path, place, "the workflow")
    if root is None:
        return
    inputs_of = declared_inputs(root, "workflow_call")
    inputs_here = {key: call_default(node, frame) for key, node in inputs_of.items()} | given
    inner = Frame(
        frame.reading,
        path,
        base_scope(inputs_here),
        Scope({"inputs": inputs_here}),
        (*frame.via, place),
    )
    passed = _passed_secrets(job, frame)
    needs = _needs(job, workflow.name)
    names = []
    for called in read_jobs(Workflow(root, inner, _branches(job, workflow), name, workflow.depth + 1)):
        names.append(called.name)
        yield replace(called, secrets=(*called.secrets, *passed), needs=(*called.needs, *needs))
    on = root.get("on")
    trigger = on.get("workflow_call") if isinstance(on, Mapping) else None
    outputs = texts.outputs(trigger.get("outputs") if isinstance(trigger, Mapping) else None, inner)
    if outputs:
        yield Job(name, place, needs=tuple(dict.fromkeys(names)), outputs=outputs)


def _passed_secrets(job: Mapping, frame: Frame) -> tuple[tuple[str, Location], ...]:
    passed = job.get("secrets")
    found: list[tuple[str, Location]] = []
    for name, node in passed.values.items() if isinstance(passed, Mapping) else ():
        named = _SECRET.findall(node.value) if isinstance(node, Scalar) else []
        found += [(secret, frame.at(node)) for secret in dict.fromkeys([name, *named])]
    return tuple(found)


def base_scope(inputs: dict[str, Data]) -> Scope:
    """What every workflow sees."""
    github: dict[str, Data] = {"workspace": WORKSPACE, "event": {"inputs": inputs, OPEN: None}, OPEN: None}
    return Scope({"inputs": inputs, "github": github, "runner": RUNNER, "env": {OPEN: None}, "matrix": {}})


def declared_inputs(root: Mapping, trigger: str) -> dict[str, Node]:
    """The inputs that a trigger of the workflow declares."""
    on = root.get("on")
    event = on.get(trigger) if isinstance(on, Mapping) else None
    inputs = event.get("inputs") if isinstance(event, Mapping) else None
    return inputs.values if isinstance(inputs, Mapping) else {}


def call_default(node: Node, frame: Frame) -> Data:
    """The value of an input that a caller does not give."""
    default = node.get("default") if isinstance(node, Mapping) else None
    if default is not None:
        return texts.plain(default, frame.scope, Choices())
    kind = node.get("type") if isinstance(node, Mapping) else None
    return {"boolean": False, "number": 0}.get(kind.value, "") if isinstance(kind, Scalar) else ""


def open_input(name: str, node: Node, frame: Frame) -> Data:
    """What an input may be when a person or an unknown caller gives it: its options, else its default."""
    declared = node if isinstance(node, Mapping) else None
    kind = declared.get("type") if declared else None
    options = declared.get("options") if declared else None
    default = declared.get("default") if declared else None
    if isinstance(options, Sequence) and options.items:
        return Options(tuple(texts.plain(option, frame.scope, Choices()) for option in options.items))
    if isinstance(kind, Scalar) and kind.value == "boolean":
        return Options((True, False))
    if default is not None and not yaml_tree.is_null(default):
        return texts.plain(default, frame.scope, Choices())
    return Partial(HOLE, (f"inputs.{name}",))
