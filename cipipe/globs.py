"""Globs over branch and tag names, as in GitHub's and GitLab's filters (layer 0).

`*` stays within a part, `**` crosses '/', `**/` is no folder or more; `?`, `[0-9]` and `[!a-z]` are one
character, never '/'. Matched by a set of states, in time linear in the name: names come from outside, and a
backtracking regular expression could be made to hang.
"""

import re
from functools import cache
from typing import NamedTuple


class _Step(NamedTuple):
    """One state's way on: which characters it takes, whether it stays (`*`), or may be left out."""

    ranges: tuple[tuple[str, str], ...] = ()
    negated: bool = True  # of no ranges: any character
    slash: bool = False  # '/' too
    stays: bool = False
    leaves_at_slash: bool = False
    skips: int = 0  # how many states on it leads without taking a character


_STAR = _Step(stays=True, skips=1)
_STARS = _Step(stays=True, skips=1, slash=True)
_FOLDERS = (_Step(negated=False, skips=2), _Step(stays=True, leaves_at_slash=True, slash=True))


def only_stars(pattern: str) -> str:
    """The glob for a pattern in which nothing but stars are wildcards."""
    return re.sub(r"[\[?]", r"[\g<0>]", pattern)


def matches(pattern: str, name: str) -> bool:
    """Whether the whole of `name` fits `pattern`; raise `ValueError` for a '[' that is never closed."""
    steps = _steps(pattern)
    states = _reach(steps, {0})
    for character in name:
        states = _reach(steps, {after for state in states for after in _take(steps, state, character)})
    return len(steps) in states


def _take(steps: tuple[_Step, ...], state: int, character: str) -> set[int]:
    if state == len(steps):
        return set()
    step = steps[state]
    inside = any(low <= character <= high for low, high in step.ranges)
    if inside is step.negated or (character == "/" and not step.slash):
        return set()
    if step.leaves_at_slash and character == "/":
        return {state, state + 1}
    return {state if step.stays else state + 1}


def _reach(steps: tuple[_Step, ...], states: set[int]) -> set[int]:
    """`states`, and what they lead to without a character."""
    todo, reached = list(states), set(states)
    while todo:
        state = todo.pop()
        if state == len(steps) or not (skips := steps[state].skips):
            continue
        # The state before `**/` leads both into it and past it.
        for after in {state + 1, state + skips} - reached:
            reached.add(after)
            todo.append(after)
    return reached


@cache
def _steps(pattern: str) -> tuple[_Step, ...]:
    steps: list[_Step] = []
    at = 0
    while at < len(pattern):
        if pattern.startswith("**/", at) and pattern[at - 1 : at] in {"", "/"}:
            steps += _FOLDERS
            at += 3
        elif pattern.startswith("**", at):
            steps.append(_STARS)
            at += 2
        elif pattern[at] == "*":
            steps.append(_STAR)
            at += 1
        elif pattern[at] == "[":
            end = pattern.find("]", at + 3 if pattern[at + 1 : at + 2] in {"!", "^"} else at + 2)
            if end < 0:
                raise ValueError(f"'[' is never closed in '{pattern}'")
            steps.append(_class(pattern[at + 1 : end]))
            at = end + 1
        else:
            one = pattern[at]
            steps.append(_Step() if one == "?" else _Step(((one, one),), negated=False, slash=True))
            at += 1
    return tuple(steps)


def _class(inside: str) -> _Step:
    negated = inside[0] in "!^"
    left = inside[1:] if negated else inside
    ranges = []
    while left:
        width = 3 if len(left) > 2 and left[1] == "-" else 1
        ranges.append((left[0], left[width - 1]))
        left = left[width:]
    return _Step(tuple(ranges), negated=negated)
