"""The steps of a job or of a composite action, in the order of running.

Source: GitHub's workflow syntax, `jobs.<job_id>.steps`.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from cipipe.pipelines.github import actions, texts
from cipipe.pipelines.github.evaluate import Choices, may_be_true, possibilities
from cipipe.pipelines.github.frame import Frame
from cipipe.pipelines.github.partial import Data, Options, Partial, to_value
from cipipe.pipelines.github.shells import shell_of
from cipipe.pipelines.model import HOLE, Script, Step, Value
from cipipe.pipelines.yaml_tree import Mapping, Node, Scalar, Sequence

_WRITES = re.compile(r"([A-Za-z_]\w*)(?:=|<<)")


def read_steps(node: Node | None, frame: Frame, depth: int = 0) -> Iterator[Step]:
    """The steps of a list, those that cannot run left out."""
    if not isinstance(node, Sequence):
        if node is not None:
            frame.problem(frame.at(node), "`steps` is not a list")
        return
    frame = with_written(node, frame)
    checkouts = actions.Checkouts()
    for item in node.items:
        if not isinstance(item, Mapping):
            frame.problem(frame.at(item), "a step is not a mapping")
            continue
        group = item.get("parallel")
        if group is not None:
            if _runs(item, frame):
                yield from read_steps(group, frame, depth)
            continue
        for step in _step(item, frame, checkouts, depth):
            checkouts.note(step)
            yield step


def with_written(steps: Sequence, frame: Frame) -> Frame:
    """The frame in which `env` may also have what steps write to `GITHUB_ENV`."""
    env = frame.scope.contexts.get("env")
    written: set[str] = set()
    for item in steps.items:
        run = item.get("run") if isinstance(item, Mapping) else None
        if isinstance(run, Scalar) and "GITHUB_ENV" in run.value:
            written.update(_WRITES.findall(run.value))
    if not isinstance(env, dict) or not written & env.keys():
        return frame
    both: dict[str, Data] = {
        name: Options((value, Partial(HOLE, (f"env.{name}",)))) if name in written else value
        for name, value in env.items()
    }
    return replace(frame, scope=frame.scope.with_(env=both))


def _runs(item: Mapping, frame: Frame) -> bool:
    condition = item.get("if")
    return not isinstance(condition, Scalar) or may_be_true(condition.value, frame.conditions)


def _step(item: Mapping, frame: Frame, checkouts: actions.Checkouts, depth: int) -> Iterator[Step]:
    if not _runs(item, frame) or not frame.spend(item):
        return
    uses = item.get("uses")
    if isinstance(uses, Scalar):
        for call in possibilities(lambda choices: _call(item, uses, frame, choices)):
            name = frame.own(call.step.name, *actions.NAMES)
            if name.startswith(("./", "../", ".\\")):
                call = replace(call, step=replace(call.step, name=name))  # noqa: PLW2901 - the same one
                yield from actions.read_local(call, frame, checkouts, depth, read_steps)
            else:
                yield call.step
    elif isinstance(item.get("run"), Scalar):
        for steps in possibilities(lambda choices: list(_run(item, frame, choices))):
            yield from steps
    elif not item.values.keys() & {"wait", "wait-all", "cancel"}:
        frame.problem(frame.at(item), "a step has neither `run` nor `uses`")


def _call(item: Mapping, uses: Scalar, frame: Frame, choices: Choices) -> actions.Call:
    """A step that uses an action, with what it gives to it."""
    inner, own = _own_env(item, frame, choices)
    given = item.get("with")
    inputs: dict[str, Value] = {}
    data: dict[str, Data] = {}
    places = {}
    for name, node in given.values.items() if isinstance(given, Mapping) else ():
        text = texts.partial(node, inner, choices)
        inputs[name] = to_value(text)
        data[name] = text if text.holes else text.text
        places[name] = texts.lines(node, inputs[name], inner)
    step = Step(
        frame.at(uses),
        "uses",
        uses.value.strip(),
        inputs=inputs,
        input_lines=places,
        env=texts.values(own),
        via=frame.via,
        id=_id(item),
    )
    return actions.Call(step, data, own)


def _own_env(item: Mapping, frame: Frame, choices: Choices) -> tuple[Frame, dict[str, Data]]:
    node = item.get("env")
    if node is None:
        return frame, {}
    own = texts.environment(node, frame, choices)
    env = frame.scope.contexts.get("env")
    merged = {**(env if isinstance(env, dict) else {}), **own}
    return replace(frame, scope=frame.scope.with_(env=merged)), own


def _run(item: Mapping, frame: Frame, choices: Choices) -> Iterator[Step]:
    inner, own = _own_env(item, frame, choices)
    run = item.values["run"]
    assert isinstance(run, Scalar)  # noqa: S101 - for the type checker: _step has looked
    written = item.get("shell")
    template = texts.partial(written, inner, choices).text if written is not None else frame.shell
    language, command = shell_of(template)
    folder = item.get("working-directory")
    directory: Value | None = frame.directory
    if folder is not None:
        directory = texts.value(folder, inner, choices)
    env = texts.values(own)
    if language is not None:
        script = texts.script(run, language, inner, choices)
        yield Step(
            frame.at(item.keys["run"]),
            "run",
            "",
            script,
            env=env,
            working_directory=directory,
            via=frame.via,
            id=_id(item),
        )
    if command is not None:
        place = frame.at(written) if isinstance(written, Scalar) else frame.at(item.keys["run"])
        script = Script(command, "sh", (place,), frame.via)
        yield Step(place, "run", "", script, env=env, working_directory=directory, via=frame.via)


def _id(item: Mapping) -> str:
    node = item.get("id")
    return node.value if isinstance(node, Scalar) else ""
