"""`[ A = B ]`, `test`, `[[ A == B ]]` where the script itself decides (layer 1; POSIX `test`, bash `[[`).

A condition counts as known only by what the script was called with and the variables that it sets itself:
what the pipeline's variables say may be another thing in the next run.
"""

from collections.abc import Sequence

from cipipe.pipelines.model import HOLE, Open
from cipipe.shell.calls import Call, Result
from cipipe.shell.state import State
from cipipe.shell.syntax import AnyWord, Literal, Parameter, Word

_PATTERN = frozenset("*?[(")


def test(call: Call) -> Result:
    """What `[` or `test` says."""
    words, values = list(call.words[1:]), list(call.argv[1:])
    if len(words) != len(values):
        return Result.UNKNOWN
    if call.argv[0] == "[":
        words, values = words[:-1], values[:-1]
    return outcome(words, values, call.state)


def outcome(words: Sequence[AnyWord], values: Sequence[str], state: State) -> Result:
    """What a condition of these words says; `values` is what they expand to."""
    if values[:1] == ["!"]:
        inner = outcome(words[1:], values[1:], state)
        return {Result.TRUE: Result.FALSE, Result.FALSE: Result.TRUE}.get(inner, inner)
    if any(HOLE in value or isinstance(value, Open) for value in values):
        return Result.UNKNOWN
    if not all(_own(word, state) for word in words):
        return Result.UNKNOWN
    if len(values) == 2 and values[0] in ("-n", "-z"):
        return _result(bool(values[1]) == (values[0] == "-n"))
    if len(values) == 3 and values[1] in ("=", "==", "!=") and _PATTERN.isdisjoint(values[2]):
        return _result((values[0] == values[2]) == (values[1] != "!="))
    return Result.UNKNOWN


def _own(word: AnyWord, state: State) -> bool:
    """Whether the script decides what a word is."""
    parts = word.parts if isinstance(word, Word) else []
    return all(
        isinstance(part, Literal) or (isinstance(part, Parameter) and _known(part, state)) for part in parts
    )


def _known(part: Parameter, state: State) -> bool:
    if part.name.isdigit():
        return 0 < int(part.name) <= len(state.arguments) or bool(part.operator)
    return part.name in state.variables and part.name not in state.exported and not state.unsure


def _result(holds: bool) -> Result:  # noqa: FBT001 - a truth value
    return Result.TRUE if holds else Result.FALSE
