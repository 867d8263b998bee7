"""`run`: the steps of GitLab's step language, with the steps that the repository defines (`step.yml`).

Source: GitLab's "CI/CD steps". `${{ job.NAME }}` is a variable of the job; other expressions are not known.
"""

import posixpath
import re
import shlex
from bisect import bisect_right
from collections.abc import Iterator
from operator import itemgetter

from cipipe.pipelines.gitlab.reading import Reading
from cipipe.pipelines.holes import fill, mapped_script
from cipipe.pipelines.model import HOLE, Script, Step, Value
from cipipe.pipelines.yaml_places import pieces
from cipipe.pipelines.yaml_tree import Mapping, Node, Scalar, Sequence, place, scalars
from cipipe.results import Location

_DEEPEST = 5  # steps of the repository inside each other
_EXPRESSION = re.compile(r"\$\{\{\s*([^{}]*?)\s*\}\}")
_SCRIPT_STEP = re.compile(r"(?:https://)?gitlab\.com/components/script(?:[@/]|$)")

Values = dict[str, Value]


def run_steps(node: Node | None, values: Values, reading: Reading, depth: int = 0) -> Iterator[Step]:
    """The steps of `run`, each with the values that its expressions may name."""
    for item in node.items if isinstance(node, Sequence) else ():
        if not isinstance(item, Mapping):
            continue
        given = item.get("inputs")
        inputs = given.values if isinstance(given, Mapping) else {}
        script, step = item.get("script"), item.get("step") or item.get("action")
        if isinstance(step, Scalar) and _SCRIPT_STEP.match(step.value):
            script = inputs.get("script", script)
        if isinstance(script, Scalar):
            yield _script(script, values, reading)
        elif isinstance(step, Scalar) and step.value.startswith("."):
            handed = {f"inputs.{k}": v.value for k, v in inputs.items() if isinstance(v, Scalar)}
            yield from _own(step, {**values, **handed}, reading, depth)
        elif isinstance(step, Scalar):
            named: Values = {k: v.value for k, v in inputs.items() if isinstance(v, Scalar)}
            yield Step(place(step), "uses", step.value, inputs=named, via=reading.way(step.source.file))


def _own(step: Scalar, values: Values, reading: Reading, depth: int) -> Iterator[Step]:
    """A step that a file of the repository defines: a command, or steps."""
    path = posixpath.normpath(step.value)
    if not path.endswith((".yml", ".yaml")):
        path = posixpath.join(path, "step.yml")
    if path.startswith("..") or depth >= _DEEPEST:
        reading.problem(place(step), f"the step {step.value} is not followed")
        return
    documents = reading.documents(path, place(step), "the step")
    root = documents[-1].root if documents else None
    if not isinstance(root, Mapping):
        return
    execute = root.get("exec")
    command = execute.get("command") if isinstance(execute, Mapping) else None
    if command is not None:
        words = list(scalars(command))
        text = shlex.join(word.value for word in words)
        if words:
            script = mapped_script(text, "bash", [(0, place(words[0]))], via=reading.way(path))
            yield Step(place(words[0]), "run", "", _known(script, values), via=script.via)
    yield from run_steps(root.get("run") or root.get("steps"), values, reading, depth + 1)


def _script(script: Scalar, values: Values, reading: Reading) -> Step:
    via = reading.way(script.source.file)
    places = [(at, Location(script.source.file, row, column)) for at, row, column in pieces(script)]
    text = mapped_script(script.value, "bash", places, via=via)
    return Step(place(script), "run", "", _known(text, values), via=via)


def _known(script: Script, values: Values) -> Script:
    """The script with its expressions replaced by what is known of them."""
    known = {name if "." in name else f"job.{name}": v for name, v in values.items() if isinstance(v, str)}
    return fill(_with_holes(script), known)


def _with_holes(script: Script) -> Script:
    texts: list[str] = []
    names: list[str] = []
    placed: list[tuple[int, Location]] = []
    length = offset = 0
    for found in (*_EXPRESSION.finditer(script.text), None):
        end = found.start() if found is not None else len(script.text)
        placed.append((length, script.locate(offset)))
        first, last = (bisect_right(script.pieces, at, key=itemgetter(0)) for at in (offset, end))
        placed += [(at + length - offset, where) for at, where in script.pieces[first:last]]
        texts.append(script.text[offset:end])
        names += ["?"] * texts[-1].count(HOLE)
        length += end - offset
        if found is not None:
            placed.append((length, script.locate(end)))
            texts.append(HOLE)
            names.append(found[1])
            length += 1
            offset = found.end()
    if not offset:
        return script
    return mapped_script("".join(texts), script.shell, placed, via=script.via, holes=names)
