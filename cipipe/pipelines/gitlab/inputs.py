"""`spec: inputs` and `$[[ inputs.NAME | FUNCTION ]]`.

Source: GitLab's "CI/CD inputs". `expand_vars` leaves the variable in place, for the shell expands it later.
"""

import re
import shlex
from dataclasses import replace

from cipipe.pipelines.model import HOLE
from cipipe.pipelines.yaml_tree import Document, Mapping, Node, Scalar, Sequence

MAX_TEXT = 100_000  # characters that interpolation may make of a value

_BLOCK = re.compile(r"\$\[\[\s*inputs\.([\w-]+)\s*((?:\|[^][|]*+)*+)\]\]")
_TRUNCATE = re.compile(r"truncate\(\s*(\d+)\s*,\s*(\d+)\s*\)")

Inputs = dict[str, Node]


def split(documents: list[Document]) -> tuple[Mapping | None, Node | None]:
    """The declared inputs of a file (None without a `spec` header), and its content."""
    if not documents:
        return None, None
    header = documents[0].root
    if not isinstance(header, Mapping) or not isinstance(spec := header.get("spec"), (Mapping, Scalar)):
        return None, header
    if len(documents) == 1:
        return None, header
    declared = spec.get("inputs") if isinstance(spec, Mapping) else None
    if not isinstance(declared, Mapping):
        declared = Mapping(header.line, header.column, None, header.source)
    return declared, documents[1].root


def bind(declared: Mapping, given: Inputs) -> tuple[Inputs, list[str]]:
    """The value of every declared input, and the names of those that are required and not given."""
    bound: Inputs = {}
    missing = []
    for name, node in declared.values.items():
        default = node.get("default") if isinstance(node, Mapping) else None
        value = given.get(name, default)
        if value is None:
            missing.append(name)
            at = declared.keys[name]
            value = Scalar(HOLE, at.line, at.column, None, '"', at.start, at.end, at.source)
        bound[name] = value
    return bound, missing


def interpolate(node: Node, inputs: Inputs) -> Node:
    """The node with its interpolation blocks replaced; shared where there are none."""
    if isinstance(node, Scalar):
        return _scalar(node, inputs) if "$[[" in node.value else node
    if isinstance(node, Sequence):
        items = [interpolate(item, inputs) for item in node.items]
        if all(new is old for new, old in zip(items, node.items, strict=True)):
            return node
        return Sequence(items, node.line, node.column, node.tag, node.source)
    values: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    changed = False
    for name, value in node.values.items():
        key = interpolate(node.keys[name], inputs)
        key = key if isinstance(key, Scalar) else node.keys[name]
        values[key.value] = interpolate(value, inputs)
        keys[key.value] = key
        changed = changed or key is not node.keys[name] or values[key.value] is not value
    return Mapping(node.line, node.column, node.tag, node.source, values, keys) if changed else node


def _scalar(node: Scalar, inputs: Inputs) -> Node:
    whole = _BLOCK.fullmatch(node.value.strip())
    if whole and not whole[2] and not isinstance(value := inputs.get(whole[1]), (Scalar, type(None))):
        return value
    text = _BLOCK.sub(lambda match: _text(match, inputs), node.value)
    return replace(node, value=text if len(text) <= max(MAX_TEXT, len(node.value)) else HOLE)


def _text(match: re.Match[str], inputs: Inputs) -> str:
    value = inputs.get(match[1])
    if value is None:
        return HOLE
    text = _as_text(value)
    for function in match[2].split("|")[1:]:
        name = function.strip()
        truncate = _TRUNCATE.fullmatch(name)
        if truncate and HOLE not in text:
            text = text[int(truncate[1]) : int(truncate[1]) + int(truncate[2])]
        elif name in {"posix_escape", "posix_quote"} and HOLE not in text:
            text = shlex.quote(text)
        elif name != "expand_vars" and not truncate:
            text = HOLE
    return text


def _as_text(node: Node) -> str:
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return f"[{', '.join(_as_text(item) for item in node.items)}]"
    return HOLE
