"""The grammar of `${{ }}`: text -> tree.

Source: GitHub's "Evaluate expressions in workflows and actions". A tree is a tuple that starts with its kind:
("literal", value), ("context", name), ("property", of, name), ("index", of, tree), ("star", of),
("call", name, arguments), ("not", tree), (operator, left, right).
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

Tree = tuple[Any, ...]

MAX_DEPTH = 50  # GitHub's own limit
MAX_LINKS = 200  # operators of one expression

EXPRESSION = re.compile(r"\$\{\{((?>'(?:[^']|'')*+'|[^'}$]|\}(?!\})|\$(?!\{\{))*+)\}\}")
_TOKEN = re.compile(
    r"\s*(?:(?P<number>[-+]?(?:0x[0-9a-fA-F]+|0o[0-7]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.]))"
    r"|(?P<string>'(?:[^']|'')*+')"
    r"|(?P<name>[A-Za-z_][\w-]*)"
    r"|(?P<operator>\|\||&&|[<>=!]=|[<>!()\[\],.*]))"
)
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="))
_WORDS = {"true": True, "false": False, "null": None}


class ExpressionError(ValueError):
    """Text that is no expression."""


@lru_cache(maxsize=4096)
def parse(text: str) -> Tree:
    """The tree of an expression, without its `${{ }}`. Raises `ExpressionError`."""
    parser = _Parser(list(_tokens(text)))
    tree = parser.level(0, 0)
    if parser.peek() != ("end", ""):
        raise ExpressionError(f"unexpected {parser.peek()[1]}")
    return tree


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError(f"unexpected {text[position:].strip()[:10]}")
        position = match.end()
        kind = match.lastgroup or ""
        yield kind, match[kind]


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0
        self.links = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, operator: str) -> bool:
        found = self.peek() == ("operator", operator)
        self.at += found
        return found

    def expect(self, operator: str) -> None:
        if not self.take(operator):
            raise ExpressionError(f"{operator} expected")

    def grow(self) -> None:
        """A chain gets a link: it is as deep as it is long."""
        self.links += 1
        if self.links > MAX_LINKS:
            raise ExpressionError(f"more than {MAX_LINKS} operators")

    def level(self, level: int, depth: int) -> Tree:
        """A chain of the binary operators of one level of precedence, weakest first."""
        if depth > MAX_DEPTH:
            raise ExpressionError(f"nested more than {MAX_DEPTH} deep")
        if level == len(_LEVELS):
            return self.unary(depth)
        left = self.level(level + 1, depth)
        while self.peek()[0] == "operator" and self.peek()[1] in _LEVELS[level]:
            self.grow()
            operator = self.tokens[self.at][1]
            self.at += 1
            left = (operator, left, self.level(level + 1, depth))
        return left

    def unary(self, depth: int) -> Tree:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"nested more than {MAX_DEPTH} deep")
        if self.take("!"):
            return ("not", self.unary(depth + 1))
        tree = self.atom(depth)
        while True:
            if self.peek()[1] in {".", "["}:
                self.grow()
            if self.take("."):
                kind, text = self.peek()
                if kind != "name" and text != "*":
                    raise ExpressionError("a name expected behind the dot")
                self.at += 1
                tree = ("star", tree) if text == "*" else ("property", tree, text)
            elif self.take("["):
                star = self.take("*")
                tree = ("star", tree) if star else ("index", tree, self.level(0, depth + 1))
                self.expect("]")
            else:
                return tree

    def atom(self, depth: int) -> Tree:
        if self.take("("):
            tree = self.level(0, depth + 1)
            self.expect(")")
            return tree
        kind, text = self.peek()
        self.at += 1
        if kind == "string":
            return ("literal", text[1:-1].replace("''", "'"))
        if kind == "number":
            return ("literal", _number(text))
        if kind != "name":
            raise ExpressionError(f"unexpected {text or 'end'}")
        if text in _WORDS:
            return ("literal", _WORDS[text])
        if not self.take("("):
            return ("context", text.lower())
        arguments: list[Tree] = []
        while not self.take(")"):
            if arguments:
                self.expect(",")
            arguments.append(self.level(0, depth + 1))
        return ("call", text.lower(), tuple(arguments))


def _number(text: str) -> float | int:
    if re.match(r"[-+]?0[xo]", text):
        return int(text, 0)
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def written(tree: Tree) -> str:
    """A short text for people, and one name for equal trees: `github.ref`, `steps.plan.outputs.verb`."""
    kind = tree[0]
    if kind in _WRITERS:
        return _WRITERS[kind](tree)
    return f"{written(tree[1])} {kind} {written(tree[2])}"


def _written_literal(tree: Tree) -> str:
    value = tree[1]
    return f"'{value}'" if isinstance(value, str) else str(value).lower().replace("none", "null")


def _written_index(tree: Tree) -> str:
    inner = tree[2]
    plain = inner[0] == "literal" and isinstance(inner[1], str) and re.fullmatch(r"[\w-]+", inner[1])
    return f"{written(tree[1])}.{inner[1]}" if plain else f"{written(tree[1])}[{written(inner)}]"


_WRITERS: dict[str, Callable[[Tree], str]] = {
    "literal": _written_literal,
    "context": lambda tree: str(tree[1]),
    "property": lambda tree: f"{written(tree[1])}.{tree[2]}",
    "index": _written_index,
    "star": lambda tree: f"{written(tree[1])}.*",
    "call": lambda tree: f"{tree[1]}({', '.join(map(written, tree[2]))})",
    "not": lambda tree: f"!{written(tree[1])}",
}
