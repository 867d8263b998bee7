"""Evaluate `${{ }}` before the run: what is known becomes text, what is not becomes a hole with a name.

Where the outcome hangs on something unknown (`a && b || c`), `possibilities` builds once for each way.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from cipipe.pipelines.github.expressions import EXPRESSION, ExpressionError, Tree, parse, written
from cipipe.pipelines.github.functions import FUNCTIONS, compare, text_of, truth
from cipipe.pipelines.github.partial import Data, Options, Partial
from cipipe.pipelines.model import HOLE

MAX_POSSIBILITIES = 16
OPEN = "*"  # a key of a context that may have more keys than are known

T = TypeVar("T")


@dataclass(slots=True)
class Choices:
    """The decisions of one possibility: equal questions get equal answers."""

    script: list[int] = field(default_factory=list)
    made: list[int] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    otherwise: int = 0

    def pick(self, question: str, width: int) -> int:
        """One of `width` answers to a question, the first one at first."""
        if question in self.answers:
            return self.answers[question]
        at = len(self.made)
        answer = self.script[at] if at < len(self.script) else min(self.otherwise, width - 1)
        self.made.append(answer)
        self.widths.append(width)
        self.answers[question] = answer
        return answer


def possibilities(build: Callable[[Choices], T], limit: int = MAX_POSSIBILITIES) -> Iterator[T]:
    """What `build` gives for every way in which its questions may be answered.

    Above `limit` ways it is enough that every answer to every question comes up.
    """
    script: list[int] = []
    for _ in range(limit):
        choices = Choices(script)
        yield build(choices)
        made, widths = choices.made, choices.widths
        while made and made[-1] + 1 >= widths[len(made) - 1]:
            made.pop()
        if not made:
            return
        script = [*made[:-1], made[-1] + 1]
    for answer in range(1, limit):
        choices = Choices([], otherwise=answer)
        yield build(choices)
        if max(choices.widths, default=0) <= answer + 1:
            return


@dataclass(frozen=True, slots=True)
class Scope:
    """The contexts that expressions see. A context that is not here is not known before the run."""

    contexts: Mapping[str, Data]

    def with_(self, **contexts: Data) -> "Scope":
        """This scope with some contexts replaced."""
        return Scope({**self.contexts, **contexts})


def evaluate(text: str, scope: Scope, choices: Choices) -> Data:
    """The value of an expression without its `${{ }}`; a hole where it does not parse."""
    try:
        tree = parse(text.strip())
    except ExpressionError:
        return Partial(HOLE, (text.strip()[:60] or "?",))
    return _value(tree, scope, choices)


def expand(text: str, scope: Scope, choices: Choices) -> Data:
    """A text with its `${{ }}` replaced; a text that is one expression keeps the type of its value."""
    if "${{" not in text:
        return text
    whole = EXPRESSION.fullmatch(text.strip())
    if whole:
        return evaluate(whole[1], scope, choices)
    parts: list[Partial] = []
    at = 0
    for match in EXPRESSION.finditer(text):
        parts.append(Partial(text[at : match.start()], ()))
        parts.append(text_of(evaluate(match[1], scope, choices)))
        at = match.end()
    parts.append(Partial(text[at:], ()))
    return Partial.join(parts)


def may_be_true(condition: str, scope: Scope) -> bool:
    """Whether an `if:` can hold in any run; a condition that does not parse can."""
    text = condition.strip()
    whole = EXPRESSION.fullmatch(text)
    if whole:
        text = whole[1]
    elif "${{" in text:
        return True  # text around an expression is a string, and that is true
    try:
        tree = parse(text.strip())
    except ExpressionError:
        return True
    count = 0
    for value in possibilities(lambda choices: _decide(_value(tree, scope, choices), tree, choices)):
        count += 1
        if value:
            return True
    return count >= MAX_POSSIBILITIES


def _decide(value: Data, tree: Tree, choices: Choices) -> bool:
    known = truth(value)
    return known if known is not None else choices.pick(written(tree), 2) == 0


def _value(tree: Tree, scope: Scope, choices: Choices) -> Data:
    kind = tree[0]
    if kind == "literal":
        literal: Data = tree[1]
        return literal
    value = _KINDS[kind](tree, scope, choices)
    if isinstance(value, Options):
        picked: Data = value.of[choices.pick(f"which {written(tree)}", len(value.of))]
        return picked
    return value


def _context(tree: Tree, scope: Scope, _: Choices) -> Data:
    name = tree[1]
    return scope.contexts[name] if name in scope.contexts else Partial(HOLE, (name,))


def _property(tree: Tree, scope: Scope, choices: Choices) -> Data:
    of = _value(tree[1], scope, choices)
    key: Data = tree[2] if tree[0] == "property" else _value(tree[2], scope, choices)
    if isinstance(of, Partial) or isinstance(key, Partial):
        return Partial(HOLE, (written(tree),))
    if isinstance(of, dict):
        return _member(of, str(key), tree)
    if not isinstance(of, list):
        return None
    if tree[0] == "property":
        return [item[key] for item in of if isinstance(item, dict) and isinstance(key, str) and key in item]
    number = int(key) if isinstance(key, (int, float)) else -1
    return of[number] if 0 <= number < len(of) else None


def _member(of: dict[str, Data], name: str, tree: Tree) -> Data:
    if name in of:
        return of[name]
    folded = name.casefold()
    for known, value in of.items():
        if known.casefold() == folded:
            return value
    return Partial(HOLE, (written(tree),)) if OPEN in of else None


def _star(tree: Tree, scope: Scope, choices: Choices) -> Data:
    of = _value(tree[1], scope, choices)
    if isinstance(of, dict) and OPEN not in of:
        return list(of.values())
    return of if isinstance(of, list) else Partial(HOLE, (written(tree),))


def _not(tree: Tree, scope: Scope, choices: Choices) -> Data:
    known = truth(_value(tree[1], scope, choices))
    return Partial(HOLE, (written(tree),)) if known is None else not known


def _and_or(tree: Tree, scope: Scope, choices: Choices) -> Data:
    left = _value(tree[1], scope, choices)
    holds = _decide(left, tree[1], choices)
    if holds == (tree[0] == "&&"):
        return _value(tree[2], scope, choices)
    return False if isinstance(left, Partial) and not holds else left


def _comparison(tree: Tree, scope: Scope, choices: Choices) -> Data:
    result = compare(tree[0], _value(tree[1], scope, choices), _value(tree[2], scope, choices))
    return Partial(HOLE, (written(tree),)) if result is None else result


def _call(tree: Tree, scope: Scope, choices: Choices) -> Data:
    if tree[1] == "case":
        *pairs, otherwise = tree[2] or (("literal", None),)
        for condition, value in zip(pairs[::2], pairs[1::2], strict=False):
            if _decide(_value(condition, scope, choices), condition, choices):
                return _value(value, scope, choices)
        return _value(otherwise, scope, choices)
    function = FUNCTIONS.get(tree[1])
    arguments = [_value(argument, scope, choices) for argument in tree[2]]
    if function is None:
        return Partial(HOLE, (written(tree),))
    try:
        value = function(*arguments)
    except (TypeError, ValueError, IndexError, json.JSONDecodeError, RecursionError):
        value = None
    return Partial(HOLE, (written(tree),)) if value is None else value


_KINDS: dict[str, Callable[[Tree, Scope, Choices], Data | Options]] = {
    "context": _context,
    "property": _property,
    "index": _property,
    "star": _star,
    "not": _not,
    "&&": _and_or,
    "||": _and_or,
    "call": _call,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), _comparison),
}
