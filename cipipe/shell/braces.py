"""Brace expansion: `{a,b}` and `{1..3}` (layer 1; bash manual, "Brace Expansion")."""

import itertools
import re

from cipipe.shell.syntax import AnyWord, Hole, Literal, Part, Word

MOST = 256  # words that one word may become; a hole stands for the others

_SEQUENCE = re.compile(
    r"(-?\d{1,9})\.\.(-?\d{1,9})(?:\.\.(-?\d{1,9}))?|([A-Za-z])\.\.([A-Za-z])(?:\.\.(-?\d{1,9}))?"
)

_Token = str | Part  # an unquoted character, or a part that braces do not look into


def brace_expand(word: Word) -> list[AnyWord] | None:
    """The words that `word` becomes; None where it holds no brace expansion."""
    tokens: list[_Token] = []
    for part in word.parts:
        if type(part) is Literal and not part.quoted:
            tokens.extend(part.text)
        else:
            tokens.append(part)
    results = _expand(tokens, 0)
    if len(results) < 2:
        return None
    words = [_word(word, result) for result in results[:MOST]]
    if len(results) > MOST:
        words.append(Word(word.start, word.end, [Hole("more than can be expanded", quoted=True)]))
    return words


def _expand(tokens: list[_Token], depth: int) -> list[list[_Token]]:
    """The readings of `tokens`, one more than `MOST` at most."""
    group = _first_group(tokens) if depth < 20 else None
    if group is None:
        return [tokens]
    start, end, commas = group
    if commas:
        bounds = [start, *commas, end]
        choices = [tokens[a + 1 : b] for a, b in itertools.pairwise(bounds)]
    else:
        choices = [
            list(item)
            for item in _sequence("".join(t for t in tokens[start + 1 : end] if isinstance(t, str)))
        ]
    rests = _expand(tokens[end + 1 :], depth + 1)
    results: list[list[_Token]] = []
    for choice in choices:
        for middle in _expand(choice, depth + 1):
            results += [tokens[:start] + middle + rest for rest in rests]
            if len(results) > MOST:
                return results[: MOST + 1]
    return results


def _first_group(tokens: list[_Token]) -> tuple[int, int, list[int]] | None:
    """The first `{…}` that expands: its bounds and the commas at its own level."""
    stack: list[tuple[int, list[int]]] = []
    found: tuple[int, int, list[int]] | None = None
    for i, one in enumerate(tokens):
        if one == "{":
            stack.append((i, []))
        elif one == "," and stack:
            stack[-1][1].append(i)
        elif one == "}" and stack:
            start, commas = stack.pop()
            if not commas:
                inside = tokens[start + 1 : i]
                text = "".join(t for t in inside if isinstance(t, str))
                if len(text) != len(inside) or not _SEQUENCE.fullmatch(text):
                    continue
            if found is None or start < found[0]:
                found = (start, i, commas)
            if not stack:
                break
    return found


def _sequence(text: str) -> list[str]:
    found = _SEQUENCE.fullmatch(text)
    assert found is not None  # noqa: S101 - the group was found by it
    letters = found[4] is not None
    first, last = (ord(found[4]), ord(found[5])) if letters else (int(found[1]), int(found[2]))
    step = abs(int(found[6 if letters else 3] or 1)) or 1
    numbers = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
    numbers = numbers[: MOST + 1]
    if letters:
        return [chr(n) for n in numbers]
    padded = any(re.match(r"-?0\d", found[i]) for i in (1, 2))
    width = max(len(found[1]), len(found[2])) if padded else 0
    return [f"{n:0{width}d}" for n in numbers]


def _word(word: Word, tokens: list[_Token]) -> AnyWord:
    parts: list[Part] = []
    for token in tokens:
        if not isinstance(token, str):
            parts.append(token)
        elif parts and type(last := parts[-1]) is Literal and not last.quoted:
            parts[-1] = Literal(last.text + token, quoted=False)
        else:
            parts.append(Literal(token, quoted=False))
    if all(type(part) is Literal for part in parts):
        constant = "".join(part.text for part in parts if type(part) is Literal)
        return (
            constant
            if not any(p.quoted for p in parts if type(p) is Literal)
            else Word(word.start, word.end, parts, constant)
        )
    return Word(word.start, word.end, parts)
