"""Words to the fields that a command gets (layer 1; bash manual, "Shell Expansions").

A word has alternatives, since its variables do: the result is a tuple of field lists.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence

from cipipe.pipelines.model import HOLE, Open
from cipipe.shell import operators, patterns
from cipipe.shell.pieces import Fields, Piece, assemble, flat, joined, like, unquoted
from cipipe.shell.state import MOST_ALTERNATIVES, Alternatives, Single, State, bounded_texts
from cipipe.shell.syntax import (
    AnyWord,
    Arithmetic,
    Hole,
    Literal,
    Parameter,
    Part,
    Substitution,
    Word,
)

_BLANKS = " \t\n"  # what IFS is at the start
HOME = "/home/user"  # whatever it is: only that paths below it stay the same matters

_WORDS = 200  # that are put together in the time of one command
_STEP = 100_000  # characters that a pattern looks at in the time of one command

Substitute = Callable[[Substitution, State], Alternatives]


class Expander:
    """Expands words in a state.

    `substitute` runs a command substitution and gives what it prints; `spend` counts work, in commands.
    `opened` counts the open values that were looked at.
    """

    def __init__(self, substitute: Substitute, spend: Callable[[int], None]) -> None:
        self._substitute = substitute
        self._spend = spend
        self.opened = 0

    def fields(self, word: AnyWord, state: State) -> tuple[Fields, ...]:
        """The alternatives of a command's word."""
        if isinstance(word, str):
            return ((word,),)
        if word.constant is not None:
            return ((word.constant,),)
        if word.alternatives is not None:
            lists = [self.fields(item, state) for item in word.alternatives]
            return tuple(tuple(itertools.chain(*choice)) for choice in _product(lists))
        options = [self._part(part, state) for part in word.parts]
        _tilde(word, options)
        separators = _separators(state)
        if all(len(choices) == 1 for choices in options):
            return (assemble([choices[0] for choices in options], separators),)
        return tuple(dict.fromkeys(assemble(choice, separators) for choice in _product(options)))

    def text(self, word: AnyWord, state: State) -> Alternatives:
        """The alternatives of a word that is not split: a value, a here-document, a redirection's target."""
        if isinstance(word, str):
            return (word,)
        if word.constant is not None:
            return (word.constant,)
        if word.alternatives is not None:
            return (_literally(word),)
        options = [self._part(part, state) for part in word.parts]
        _tilde(word, options)
        if all(len(choices) == 1 for choices in options):
            return bounded_texts([joined([choices[0] for choices in options])])
        return bounded_texts(map(joined, _product(options)))

    def items(self, words: Sequence[AnyWord], state: State) -> tuple[Fields, ...]:
        """The alternatives of several words, one list of fields each."""
        lists: list[tuple[Fields, ...]] = []
        single: list[str] = []
        certain = True
        for word in words:
            if isinstance(word, str):
                lists.append(((word,),))
                single.append(word)
            else:
                choices = self.fields(word, state)
                lists.append(choices)
                certain = certain and len(choices) == 1
                single += choices[0]
        self._spend(len(single) // _WORDS)
        if certain:
            return (tuple(single),)
        return tuple(tuple(itertools.chain(*choice)) for choice in _product(lists))

    # ---- parts

    def _part(self, part: Part, state: State) -> tuple[Piece, ...]:
        if isinstance(part, Literal):
            return (part.text,)
        if isinstance(part, Parameter):
            values = self._parameter(part, state)
            self.opened += any(isinstance(value, Open) for value in values)
            return values if part.quoted else tuple(map(unquoted, values))
        if isinstance(part, Substitution):
            texts = self._substitute(part, state)
            return texts if part.quoted else tuple(map(unquoted, texts))
        if isinstance(part, Arithmetic):
            return (part.text.strip() if part.text.strip().isdigit() else HOLE,)
        assert isinstance(part, Hole)  # noqa: S101 - the last kind
        return (HOLE,)

    def _parameter(self, part: Parameter, state: State) -> tuple[Piece, ...]:
        values = self._values(part, state)
        if part.indirect and part.operator != "@" and part.index is None:
            values = self._indirect(values, part, state)
        if part.operator and part.operator.lstrip(":")[:1] in tuple("-=?+"):
            return self._default(part, values, state)
        if values is None:
            values = (HOLE,)
        if part.length:
            return tuple(str(len(v)) if HOLE not in flat(v) else HOLE for v in values)
        if part.operator:
            return tuple(dict.fromkeys(like(value, self._operate(part, value, state)) for value in values))
        return values

    def _values(  # noqa: PLR0911 - one for each special parameter
        self, part: Parameter, state: State
    ) -> tuple[Piece, ...] | None:
        """What the bare parameter may be; None where it is not set."""
        name = part.name
        if name == "@":
            return (state.arguments,)
        if name == "*":
            return ((" ".join(state.arguments)) if part.quoted else state.arguments,)
        if name == "#":
            return (str(len(state.arguments)),)
        if name == "0":
            return (state.name,)
        if name.isdigit():
            at = int(name) - 1
            return (state.arguments[at],) if at < len(state.arguments) else None
        if name in "?$!-":
            return (HOLE,)
        known = state.get(name) or ((_BLANKS,) if name == "IFS" else None)
        if known is None:
            return None
        if part.index is None:
            return tuple(_first(value) for value in known)
        return tuple(
            itertools.chain.from_iterable(self._element(value, part.index, part, state) for value in known)
        )

    def _element(self, value: Single, index: str, part: Parameter, state: State) -> tuple[Piece, ...]:
        if index in ("@", "*"):
            if isinstance(value, str):
                items: Fields = (value,)
            elif isinstance(value, Mapping):
                items = tuple(value) if part.indirect else tuple(value.values())
            else:
                items = tuple(map(str, range(len(value)))) if part.indirect else value
            return (" ".join(items) if index == "*" and part.quoted else items,)
        if isinstance(value, str):
            return (value,)
        key = self._index(index, state)
        if isinstance(value, Mapping):
            return (value[key],) if key in value else tuple(value.values())[:MOST_ALTERNATIVES] or ("",)
        if key.lstrip("-").isdigit():
            at = int(key)
            return (value[at],) if -len(value) <= at < len(value) else ("",)
        return value[:MOST_ALTERNATIVES] or ("",)

    @staticmethod
    def _index(index: str, state: State) -> str:
        key = index.strip("\"' ")
        if key.startswith("$"):
            key = key[1:].strip("{}")
        known = state.get(key)
        return flat(_first(known[0])) if known is not None and len(known) == 1 else key

    def _indirect(
        self, values: tuple[Piece, ...] | None, part: Parameter, state: State
    ) -> tuple[Piece, ...] | None:
        found: list[Piece] = []
        for name in values or ():
            pointed = Parameter(flat(name), part.quoted)
            pieces = (
                self._values(pointed, state) if flat(name).isidentifier() or flat(name).isdigit() else None
            )
            found += pieces if pieces is not None else (HOLE,)
        return tuple(found) or None

    def _default(self, part: Parameter, values: tuple[Piece, ...] | None, state: State) -> tuple[Piece, ...]:
        operator = part.operator
        if operator[-1] == "+":
            if values is None or all(flat(value) == HOLE for value in values):
                return ("", *self._argument(part, state))
            return tuple(
                itertools.chain(*(self._argument(part, state) if flat(v) else ("",) for v in values))
            )
        if operator[-1] == "?":
            return values if values is not None else (HOLE,)
        if values is None or (operator[0] == ":" and all(flat(value) == "" for value in values)):
            chosen = self._argument(part, state)
            if values is None and part.name.isidentifier():
                chosen = tuple(Open(value) if isinstance(value, str) else value for value in chosen)
            if operator[-1] == "=":
                state.set(part.name, [value if isinstance(value, Open) else flat(value) for value in chosen])
            return chosen
        if operator[0] == ":" and any(flat(value) == "" for value in values):
            return (*(value for value in values if flat(value)), *self._argument(part, state))
        return values

    def _argument(self, part: Parameter, state: State) -> tuple[Piece, ...]:
        if isinstance(part.argument, str):
            return (part.argument,)
        if part.quoted:
            return self.text(part.argument, state)
        lists = self.fields(part.argument, state)
        return tuple(items[0] if len(items) == 1 else items for items in lists)

    def _operate(self, part: Parameter, value: Piece, state: State) -> Piece:
        operator = part.operator
        if operator == ":":
            text = self.text(part.argument, state)[0]
            return operators.cut(value, text, positional=part.index is None)
        if not isinstance(value, str):
            return tuple(flat(self._operate(part, item, state)) for item in value)
        if operator[0] in "#%":
            pattern = self.pattern(part.argument, state)
            self._spend(patterns.cost(value, pattern) // _STEP)
            return patterns.trim(value, operator, pattern)
        if operator[0] == "/":
            pattern, replacement = self._pattern(part.argument, state)
            self._spend(patterns.cost(value, pattern) // _STEP)
            return patterns.substitute(value, operator, pattern, replacement)
        if operator[0] in "^,":
            value = patterns.change_case(value, operator)
        elif operator == "@":
            value = operators.transform(value, self.text(part.argument, state)[0])
        return value

    def _pattern(self, word: AnyWord, state: State) -> tuple[str, str]:
        """A pattern, and the replacement behind its first unquoted `/`."""
        parts: Sequence[Part] = [Literal(word, quoted=False)] if isinstance(word, str) else word.parts
        sides = ["", ""]
        side = 0
        for part in parts:
            if isinstance(part, Literal) and not part.quoted:
                text = part.text
                if not side and "/" in text:
                    before, _, text = text.partition("/")
                    sides[0] += before
                    side = 1
                sides[side] += text
            else:
                text = flat(self._part(part, state)[0])
                sides[side] += text if side or not part.quoted else patterns.escape(text)
        return sides[0], sides[1]

    def pattern(self, word: AnyWord, state: State) -> str:
        """A `case` pattern."""
        if isinstance(word, str):
            return word
        return "".join(
            patterns.escape(text) if part.quoted else text
            for part in word.parts
            for text in (flat(self._part(part, state)[0]),)
        )


def _product(options: "Sequence[tuple[object, ...]]") -> "list[tuple]":  # type: ignore[type-arg] # of any item
    """The combinations of one option each; where they are too many, later words keep one alternative only."""
    count = 1
    bounded = []
    for choices in options:
        if count * max(len(choices), 1) > MOST_ALTERNATIVES * 2:
            bounded.append(choices[:1])
        else:
            count *= max(len(choices), 1)
            bounded.append(choices)
    return list(itertools.product(*bounded))


def _first(value: Single) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return value.get("0", "")
    return value[0] if value else ""


def _literally(word: Word) -> str:
    return "".join(part.text if isinstance(part, Literal) else HOLE for part in word.parts)


def _tilde(word: Word, options: "list[tuple[Piece, ...]]") -> None:
    first = word.parts[0] if word.parts else None
    if isinstance(first, Literal) and not first.quoted and (first.text == "~" or first.text.startswith("~/")):
        options[0] = (HOME + first.text[1:],)


def _separators(state: State) -> str:
    known = state.variables.get("IFS")
    value = known[0] if known else _BLANKS
    return value if isinstance(value, str) and HOLE not in value else _BLANKS
