"""The scripts of a step: its own, those in an action's inputs, and what an image that is a tool runs."""

import shlex
from collections.abc import Iterator

from cipipe.pipelines.model import HOLE, Script, Step, Unknown, Value
from cipipe.policy import actions


def scripts(step: Step, action: actions.Action | None) -> Iterator[Script]:
    """What the step runs: its own script, or the inputs of an action that carries one."""
    if step.script is not None:
        yield step.script
    if step.kind == "image":
        yield from _image(step)
    if step.kind == "uses" and step.name.startswith("docker://"):
        yield from _image(step)
        return
    if action is None or action.kind != "carriers":
        return
    given = {name.lower(): name for name in step.inputs}
    for name, shell in action.scripts.items():
        if name in given:
            yield _script(step, given[name], shell)
    if action.tool:
        texts = [_text(step.inputs[given[name]]) for name in action.inputs if name in given]
        line = " ".join(filter(None, [action.tool, action.fixed, *texts])).replace("\n", " ")
        if action.folder in given:
            line = f"cd {shlex.quote(_text(step.inputs[given[action.folder]]))} && {line}"
        if texts or action.fixed:
            yield Script(line, "sh", (step.location,), step.via)


def _image(step: Step) -> Iterator[Script]:
    """What a container image that is a tool runs: its arguments are the tool's."""
    if step.inputs.get("as") not in {None, "action", "service"}:
        return
    tool = actions.image_tool(step.name)
    entry, arguments = _text(step.inputs.get("entrypoint", "")), ""
    for name in ("args", "command"):
        arguments = arguments or _text(step.inputs.get(name, ""))
    first = entry or tool
    if first and (arguments or entry):
        yield Script(f"{first} {arguments}".replace("\n", " "), "sh", (step.location,), step.via)


def _script(step: Step, name: str, shell: str) -> Script:
    text = _text(step.inputs[name])
    count = text.count("\n") + 1
    lines = step.input_lines.get(name) or (step.location,)
    return Script(text, shell, tuple(lines[:count]) + (lines[-1],) * (count - len(lines)), step.via)


def _text(value: Value) -> str:
    return HOLE if isinstance(value, Unknown) else value
