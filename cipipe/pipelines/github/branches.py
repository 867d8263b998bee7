"""The branches that a job runs on, where its triggers and its `if:` say so plainly."""

import re

from cipipe.pipelines.github.expressions import EXPRESSION, ExpressionError, Tree, parse, written
from cipipe.pipelines.yaml_tree import Mapping, Node, Scalar, scalars

_REFS = {"github.ref": "refs/heads/", "github.ref_name": ""}


def of_triggers(on: Node | None) -> tuple[str, ...] | None:
    """The globs of `on.push.branches`; None when a push to any branch may start the workflow."""
    push = on.get("push") if isinstance(on, Mapping) else None
    listed = push.get("branches") if isinstance(push, Mapping) else None
    globs = tuple(scalar.value for scalar in scalars(listed))
    return globs or None


def of_condition(condition: Node | None) -> tuple[str, ...] | None:
    """The branches that an `if:` asks for by name; None when it asks for none."""
    if not isinstance(condition, Scalar) or "github.ref" not in condition.value:
        return None
    text = condition.value.strip()
    whole = EXPRESSION.fullmatch(text)
    try:
        tree = parse((whole[1] if whole else text).strip())
    except ExpressionError:
        return None
    return _named(tree)


def _named(tree: Tree) -> tuple[str, ...] | None:
    if tree[0] == "&&":
        left, right = _named(tree[1]), _named(tree[2])
        if left is None or right is None:
            return left if right is None else right
        return tuple(name for name in left if name in right) or left
    if tree[0] == "||":
        left, right = _named(tree[1]), _named(tree[2])
        return None if left is None or right is None else left + right
    if tree[0] == "==":
        return _equal(tree[1], tree[2]) or _equal(tree[2], tree[1])
    if tree[0] == "call" and tree[1] == "startswith" and len(tree[2]) == 2:
        name = _equal(*tree[2])
        return (name[0] + "*",) if name else None
    return None


def _equal(subject: Tree, name: Tree) -> tuple[str, ...] | None:
    prefix = _REFS.get(written(subject))
    if prefix is None or name[0] != "literal" or not isinstance(name[1], str):
        return None
    if not name[1].startswith(prefix) or re.search(r"\s", name[1]):
        return None
    return (name[1].removeprefix(prefix),)
