"""Shell patterns and the operators of parameter expansion (layer 1; POSIX XCU 2.6.2 and 2.14)."""

import functools
import re

from cipipe.pipelines.model import HOLE

_LONGEST = 4096


@functools.lru_cache(maxsize=512)
def translate(pattern: str, *, greedy: bool = True) -> re.Pattern[str] | None:
    """The regular expression of a shell pattern; None for one that is not worth its cost.

    Between stars the first place that fits is right for all that follows, so nothing is tried twice; the last
    star takes as much as it can, or with `greedy` off as little.
    """
    if len(pattern) > _LONGEST:
        return None
    pieces: list[list[str]] = [[]]
    i = 0
    while i < len(pattern):
        c = pattern[i]
        if c == "*":
            pieces.append([])
        elif c == "?":
            pieces[-1].append(".")
        elif c == "\\" and i + 1 < len(pattern):
            i += 1
            pieces[-1].append(re.escape(pattern[i]))
        elif c == "[" and (end := pattern.find("]", i + 2)) > 0:
            inside = pattern[i + 1 : end]
            if "[:" in inside:
                pieces[-1].append(".")
                end = pattern.find("]]", i) + 1 or end
            else:
                negated = inside[0] in "!^"
                pieces[-1].append(
                    ("[^" if negated else "[") + re.escape(inside[negated:]).replace(r"\-", "-") + "]"
                )
            i = end
        else:
            pieces[-1].append(re.escape(c))
        i += 1
    first, *middle = ["".join(piece) for piece in pieces]
    last = middle.pop() if middle else None
    text = first + "".join(f"(?>.*?{piece})" for piece in middle if piece)
    if last is not None:
        text += (".*" if greedy else ".*?") + last
    try:
        return re.compile(text, re.DOTALL)
    except re.error:
        return None


def cost(value: str, pattern: str) -> int:
    """How many characters are looked at, at worst: the pattern is tried at every place of the value."""
    return len(value) * len(value) * max(len(pattern), 1)


def trim(value: str, operator: str, pattern: str) -> str:
    """`${value#pattern}` and its kin; a hole counts as one ordinary character."""
    if value == HOLE or HOLE in pattern:
        return HOLE
    longest = len(operator) == 2
    compiled = translate(pattern, greedy=longest)
    if compiled is None or len(value) > _LONGEST:
        return HOLE
    if operator[0] == "#":
        found = compiled.match(value)
        return value[found.end() :] if found is not None else value
    places = range(len(value) + 1) if longest else range(len(value), -1, -1)
    for at in places:
        if compiled.fullmatch(value, at):
            return value[:at]
    return value


def substitute(value: str, operator: str, pattern: str, replacement: str) -> str:
    """`${value/pattern/replacement}` and its kin."""
    if value == HOLE or HOLE in pattern or not pattern:
        return value if not pattern else HOLE
    compiled = translate(pattern)
    if compiled is None or len(value) > _LONGEST:
        return HOLE
    if operator == "/#":
        found = compiled.match(value)
        return replacement + value[found.end() :] if found is not None else value
    if operator == "/%":
        at = next((i for i in range(len(value) + 1) if compiled.fullmatch(value, i)), None)
        return value if at is None else value[:at] + replacement
    return compiled.sub(lambda _: replacement, value, count=0 if operator == "//" else 1)


def change_case(value: str, operator: str) -> str:
    """`${value^^}` and its kin, without a pattern."""
    change = str.upper if operator[0] == "^" else str.lower
    return change(value) if len(operator) == 2 else change(value[:1]) + value[1:]


def matches(value: str, pattern: str) -> bool | None:
    """Whether the whole `value` fits; None when that is not known."""
    if pattern == "*":
        return True
    if HOLE in value or HOLE in pattern:
        return None
    compiled = translate(pattern)
    return None if compiled is None or len(value) > _LONGEST else compiled.fullmatch(value) is not None


def escape(text: str) -> str:
    """Quoted text inside a pattern stands for itself."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)
