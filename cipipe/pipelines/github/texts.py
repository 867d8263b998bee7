"""Scalars of a GitHub file -> values and scripts, each character with its place."""

from collections.abc import Iterator, Mapping

from cipipe.pipelines import yaml_tree
from cipipe.pipelines.github.evaluate import Choices, Scope, evaluate, expand, possibilities
from cipipe.pipelines.github.expressions import EXPRESSION
from cipipe.pipelines.github.frame import Frame
from cipipe.pipelines.github.functions import text_of
from cipipe.pipelines.github.partial import MAX_TEXT, Data, Partial, to_value
from cipipe.pipelines.holes import mapped_script
from cipipe.pipelines.model import HOLE, Script, Unknown, Value
from cipipe.pipelines.yaml_places import pieces
from cipipe.pipelines.yaml_tree import Node, Scalar, Sequence
from cipipe.results import Location

_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})


def partial(node: Node | None, frame: Frame, choices: Choices) -> Partial:
    """The text of a scalar with its expressions replaced; a list or mapping is one hole."""
    if not isinstance(node, Scalar):
        return Partial("", ()) if node is None else text_of(plain(node, frame.scope, choices))
    if "${{" not in node.value:
        return Partial(node.value, ())
    result = text_of(expand(node.value, frame.scope, choices))
    if result.holes:
        frame.note_secrets(result.holes, frame.at(node))
    return result


def value(node: Node | None, frame: Frame, choices: Choices) -> Value:
    """The value of a scalar."""
    return to_value(partial(node, frame, choices))


def environment(node: Node | None, frame: Frame, choices: Choices) -> dict[str, Data]:
    """The variables of an `env:` mapping."""
    if isinstance(node, Scalar):
        whole = evaluate(node.value.strip().removeprefix("${{").removesuffix("}}"), frame.scope, choices)
        return whole if isinstance(whole, dict) else {}
    if not isinstance(node, yaml_tree.Mapping):
        return {}
    env: dict[str, Data] = {}
    for name, inner in node.values.items():
        text = partial(inner, frame, choices)
        env[name] = text if text.holes else text.text
    return env


def values(env: Mapping[str, Data]) -> dict[str, Value]:
    """The variables of an `env` context as values of the model."""
    return {
        name: inner if isinstance(inner, str) else to_value(text_of(inner))
        for name, inner in env.items()
        if name != "*"
    }


def plain(node: Node | None, scope: Scope, choices: Choices) -> Data:
    """A node as data of the expression language, as YAML 1.2 types it."""
    if isinstance(node, Scalar):
        if node.style is not None or "${{" in node.value:
            return expand(node.value, scope, choices)
        return _typed(node.value)
    if isinstance(node, Sequence):
        return [plain(item, scope, choices) for item in node.items]
    if isinstance(node, yaml_tree.Mapping):
        return {name: plain(inner, scope, choices) for name, inner in node.values.items()}
    return None


def _typed(text: str) -> Data:
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text in {"", "~", "null", "Null", "NULL"}:
        return None
    if text[0] in "0123456789.-+" and text.isascii() and "_" not in text:
        try:
            number = float(text)
        except ValueError:
            return text
        return int(number) if number.is_integer() and abs(number) < 1e15 else number
    return text


def script(node: Scalar, shell: str, frame: Frame, choices: Choices) -> Script:
    """The script that a scalar holds."""
    file = frame.file
    if "${{" not in node.value:
        places = [(offset, Location(file, line, column)) for offset, line, column in pieces(node)]
        if node.style == "|" or (len(places) == 1 and "\n" not in node.value):
            return Script(node.value, shell, tuple(place for _, place in places), frame.via)
        return mapped_script(node.value, shell, places, via=frame.via)
    texts: list[str] = []
    mapped: list[tuple[int, Location]] = []
    holes: list[str] = []
    length = 0
    for place, run in _runs(node, frame, choices):
        inner = run
        mapped.append((length, place))
        if isinstance(inner, Partial) and length + len(inner.text) > MAX_TEXT:
            inner = Partial(HOLE, ("a text that is too long",))
        text = inner if isinstance(inner, str) else inner.text
        texts.append(text)
        length += len(text)
        if isinstance(inner, Partial):
            holes += inner.holes
            frame.note_secrets(inner.holes, place)
    return mapped_script("".join(texts), shell, mapped, via=frame.via, holes=holes)


def outputs(node: Node | None, frame: Frame) -> dict[str, tuple[Script, ...]]:
    """The texts that each output of an `outputs:` mapping may be: a text, or a mapping with its `value`."""
    found: dict[str, tuple[Script, ...]] = {}
    for name, inner in node.values.items() if isinstance(node, yaml_tree.Mapping) else ():
        text = inner.get("value") if isinstance(inner, yaml_tree.Mapping) else inner
        if isinstance(text, Scalar):
            found[name] = tuple(
                possibilities(lambda choices: script(text, "", frame, choices))  # noqa: B023 - used at once
            )
    return found


def _runs(node: Scalar, frame: Frame, choices: Choices) -> Iterator[tuple[Location, str | Partial]]:
    """The text in runs that are written in one piece: literal ones, and what expressions give."""
    text = node.value
    starts = pieces(node)
    ends = [offset for offset, _, _ in starts[1:]] + [len(text)]
    matches = list(EXPRESSION.finditer(text))
    at = 0
    for (offset, line, column), end in zip(starts, ends, strict=True):
        while at < end:
            match = matches[0] if matches and matches[0].start() < end else None
            stop = max(match.start(), at) if match else end
            if stop > at:
                yield Location(frame.file, line, column + at - offset), text[at:stop]
            at = stop
            if match:
                place = Location(frame.file, line, column + at - offset)
                yield place, text_of(evaluate(match[1], frame.scope, choices))
                at = match.end()
                matches.pop(0)


def lines(node: Node | None, text: Value, frame: Frame) -> tuple[Location, ...]:
    """Where each line of an input is written; () when it is not text."""
    if not isinstance(node, Scalar) or isinstance(text, Unknown):
        return ()
    if node.style is None or "\n" not in node.value:
        return (frame.at(node),)
    return tuple(Location(frame.file, line, column) for line, column in _line_places(node))


def _line_places(node: Scalar) -> Iterator[tuple[int, int]]:
    starts = pieces(node)
    offset = at = 0
    for line in node.value.split("\n"):
        while at + 1 < len(starts) and starts[at + 1][0] <= offset:
            at += 1
        yield starts[at][1], starts[at][2] + offset - starts[at][0]
        offset += len(line) + 1
