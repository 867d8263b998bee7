"""What expressions of Python say: constants, names, lists, `+`, `%`, f-strings and `join` (layer 1)."""

import ast
import base64
import re

from cipipe.pipelines.model import HOLE
from cipipe.shell.state import LONGEST_TEXT

Names = dict[str, ast.expr]

_FORMAT = re.compile(r"%(?:\(\w+\))?[-+ #0]*[\d*]*(?:\.[\d*]+)?[a-zA-Z]")


def constant(value: str | list[str]) -> ast.expr:
    """The expression of a value."""
    if isinstance(value, str):
        return ast.Constant(value)
    return ast.List([ast.Constant(item) for item in value], ast.Load())


def word_list(node: ast.expr, names: Names) -> list[str]:
    """The words of an argument, which may be a list."""
    value = evaluate(node, names, 0)
    return value if isinstance(value, list) else [value]


def dotted(node: ast.expr) -> str:
    """`a.b.c` as written; "" for what is no name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def evaluate(  # noqa: PLR0911 - one return for each kind of expression
    node: ast.expr | None, names: Names, depth: int
) -> str | list[str]:
    """The text or list of an expression, with holes for what is not constant."""
    if depth > 20 or node is None:
        return HOLE
    if isinstance(node, ast.Constant):
        text = node.value.decode("utf-8", "replace") if isinstance(node.value, bytes) else node.value
        return str(text) if isinstance(text, str | int) else HOLE
    if isinstance(node, ast.Name):
        value = evaluate(names.get(node.id), names, depth + 1)
        names[node.id] = constant(value)  # names of names must not be worked out twice
        return value
    if isinstance(node, ast.List | ast.Tuple):
        return [word for item in node.elts for word in _item(item, names, depth + 1)]
    if isinstance(node, ast.BinOp):
        return _operation(node, names, depth)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _text(v.value if isinstance(v, ast.FormattedValue) else v, names, depth + 1) for v in node.values
        )
    if isinstance(node, ast.Call):
        return _called(node, names, depth)
    return "python3" if dotted(node) == "sys.executable" else HOLE


def _operation(node: ast.BinOp, names: Names, depth: int) -> str | list[str]:
    if isinstance(node.op, ast.Mod):
        return _FORMAT.sub(HOLE, _text(node.left, names, depth + 1))
    if not isinstance(node.op, ast.Add):
        return HOLE
    left, right = evaluate(node.left, names, depth + 1), evaluate(node.right, names, depth + 1)
    if len(left) + len(right) > LONGEST_TEXT:
        return HOLE
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    return [*(left if isinstance(left, list) else [left]), *(right if isinstance(right, list) else [right])]


def _called(  # noqa: PLR0911 - one return for each function
    node: ast.Call, names: Names, depth: int
) -> str | list[str]:
    method = dotted(node.func).rsplit(".", 1)[-1] or (
        node.func.attr if isinstance(node.func, ast.Attribute) else ""
    )
    owner = evaluate(node.func.value, names, depth + 1) if isinstance(node.func, ast.Attribute) else HOLE
    if method == "join" and isinstance(owner, str) and node.args:
        items = evaluate(node.args[0], names, depth + 1)
        return owner.join(items) if isinstance(items, list) else HOLE
    if method == "split" and not isinstance(node.func, ast.Name):
        if dotted(node.func).startswith("shlex.") and node.args:
            return _text(node.args[0], names, depth + 1).split()
        return owner.split() if isinstance(owner, str) and owner != HOLE else HOLE
    if method in ("list", "tuple", "sorted") and isinstance(node.func, ast.Name) and node.args:
        return evaluate(node.args[0], names, depth + 1)
    if method == "b64decode" and node.args:
        return _decoded(_text(node.args[0], names, depth + 1))
    if isinstance(owner, str) and method in ("decode", "encode", "format"):
        return re.sub(r"\{[^{}]*\}", HOLE, owner) if method == "format" else owner
    return HOLE


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return HOLE


def _item(node: ast.expr, names: Names, depth: int) -> list[str]:
    """The words of one item of a list."""
    if not isinstance(node, ast.Starred):
        return [_text(node, names, depth)]
    value = evaluate(node.value, names, depth)
    return value if isinstance(value, list) else [HOLE]


def _text(node: ast.expr, names: Names, depth: int) -> str:
    value = evaluate(node, names, depth)
    return value if isinstance(value, str) else HOLE
