"""Brace expansion: `{a,b}` and `{1..3}` (layer 1; bash manual, "Brace Expansion")."""

import itertools
import re

from cipipe.shell.syntax import AnyWord, Literal, Part, Word

MOST = 256  # words that one word may become; beyond it the word stays as written

_SEQUENCE = re.compile(
    r"(-?\d{1,9})\.\.(-?\d{1,9})(?:\.\.(-?\d{1,9}))?|([A-Za-z])\.\.([A-Za-z])(?:\.\.(-?\d{1,9}))?"
)

_Token = str | Part  # an unquoted character, or a part that braces do not look into


def brace_expand(word: Word) -> list[AnyWord] | None:
    """The words that `word` becomes; None where it holds no brace expansion (or too large a one)."""
    tokens: list[_Token] = []
    for part in word.parts:
        if type(part) is Literal and not part.quoted:
            tokens.extend(part.text)
        else:
            tokens.append(part)
    results = _expand(tokens, 0)
    if results is None or len(results) < 2:
        return None
    return [_word(word, result) for result in results]


def _expand(tokens: list[_Token], depth: int) -> list[list[_Token]] | None:
    """All readings of `tokens`; None when there are too many."""
    group = _first_group(tokens) if depth < 20 else None
    if group is None:
        return [tokens]
    start, end, commas = group
    if commas:
        bounds = [start, *commas, end]
        choices = [tokens[a + 1 : b] for a, b in itertools.pairwise(bounds)]
    else:
        sequence = _sequence("".join(t for t in tokens[start + 1 : end] if isinstance(t, str)))
        if sequence is None:
            return None
        choices = [list(item) for item in sequence]
    rests = _expand(tokens[end + 1 :], depth + 1)
    if rests is None:
        return None
    results = []
    for choice in choices:
        for middle in _expand(choice, depth + 1) or [choice]:
            results += [tokens[:start] + middle + rest for rest in rests]
            if len(results) > MOST:
                return None
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


def _sequence(text: str) -> list[str] | None:
    found = _SEQUENCE.fullmatch(text)
    if found is None:
        return None
    letters = found[4] is not None
    first, last = (ord(found[4]), ord(found[5])) if letters else (int(found[1]), int(found[2]))
    step = abs(int(found[6 if letters else 3] or 1)) or 1
    if abs(last - first) // step >= MOST:
        return None
    numbers = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
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
