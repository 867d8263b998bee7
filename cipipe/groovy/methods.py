"""Groovy's own methods of strings, lists and maps, as far as pipelines build commands with them."""

import base64
import binascii
import re
from collections.abc import Callable

from cipipe.groovy.source import TEXT_LIMIT, Piece, Source, Text, hole, join
from cipipe.groovy.values import Items, Table, Value, items
from cipipe.pipelines.model import HOLE, Unknown

_SAFE_ATOM = r"(?:[\w\s\-/:,'\"=@;#&%!~<>]|\\[^0-9A-Za-z]|\\[sdwSDW]|\[[^\[\]]*\]|\.)"
_SAFE_PATTERN = re.compile(rf"\^?{_SAFE_ATOM}{{0,60}}(?:{_SAFE_ATOM}[+*])?{_SAFE_ATOM}{{0,60}}\$?")
_REGEX_TEXT_LIMIT = 20_000


class Strings:
    """Methods of a text; `source` and `at` place what a method makes out of nothing."""

    def __init__(self, source: Source, at: int) -> None:
        self.source = source
        self.at = at

    def literal(self, string: str) -> Text:
        """A text that is written nowhere itself."""
        return Text((Piece(string, self.source, self.at, verbatim=False),)) if string else Text(())

    def text(self, value: Value, name: str = "?") -> Text:
        """Any value as a string joins it; what is not known is a hole of that name."""
        if isinstance(value, Text):
            return value
        if isinstance(value, bool) or value is None:
            return self.literal({True: "true", False: "false", None: "null"}[value])
        if isinstance(value, int | float):
            return self.literal(str(value))
        if isinstance(value, Items):
            parts = [self.text(v) for v in value.values]
            return join([self.literal("["), self.joined(parts, self.literal(", ")), self.literal("]")])
        why = value.why if isinstance(value, Unknown) else name
        return hole(name if name != "?" else why, self.source, self.at)

    def joined(self, texts: list[Text], separator: Text) -> Text:
        """Texts with a separator between them."""
        parts: list[Text] = []
        for number, text in enumerate(texts):
            parts += [separator, text] if number else [text]
        return join(parts)

    def call(self, text: Text, name: str, arguments: list[Value]) -> Value:  # noqa: C901, PLR0911 - a dispatch
        """The method's value; `Unknown` for a method that is not known or cannot be computed."""
        if name in _PLAIN:
            return _PLAIN[name](text)
        if name in _CASE:
            return (
                text.rewritten(_CASE[name](text.string)) if text.known or name != "reverse" else Unknown(name)
            )
        strings = [self.text(argument) for argument in arguments]
        if name in {"replace", "replaceAll", "replaceFirst"} and len(strings) == 2:
            return self._replace(text, name, strings[0], strings[1])
        if name in {"plus", "concat", "leftShift", "append"} and strings:
            return text + strings[0]
        if name in _TESTS and len(strings) == 1 and text.known and strings[0].known:
            return _TESTS[name](text.string, strings[0].string)
        if name in {"split", "tokenize", "readLines"}:
            return self._split(text, name, strings)
        if name in {"substring", "take", "drop", "minus", "multiply", "getAt"}:
            return _slice(text, name, arguments)
        if name in {"decodeBase64", "decode"}:
            return self._decoded(text)
        if name in {"size", "length"} and text.known:
            return len(text.string)
        if name == "isEmpty" and text.known:
            return not text.string
        return Unknown(f"{name}()")

    def _replace(self, text: Text, name: str, old: Text, new: Text) -> Value:
        if not old.known or not old.string:
            return Unknown(f"{name}()")
        pattern = re.escape(old.string)
        if name != "replace":
            if not _SAFE_PATTERN.fullmatch(old.string) or len(text.string) > _REGEX_TEXT_LIMIT:
                return Unknown(f"{name}() with a pattern")
            if "$" in new.string or "\\" in new.string:
                return Unknown(f"{name}() with groups")
            pattern = old.string
        try:
            matches = list(re.finditer(pattern, text.string))[: 1 if name == "replaceFirst" else None]
        except re.error:
            return Unknown(f"{name}() with a pattern")
        if len(text.string) + len(matches) * len(new.string) > TEXT_LIMIT:
            return Unknown("a text too long to follow")
        return text.replaced((match.start(), match.end(), new) for match in matches)

    def _split(self, text: Text, name: str, strings: list[Text]) -> Value:
        separator = strings[0].string if strings else ("\n" if name == "readLines" else None)
        if separator is None:
            pattern = r"\s+"
        elif name == "tokenize":
            pattern = f"[{re.escape(separator)}]+"
        elif name == "split" and not _SAFE_PATTERN.fullmatch(separator):
            pattern = re.escape(separator.replace("\\", ""))
        else:
            pattern = separator if name == "split" else re.escape(separator)
        parts: list[Value] = []
        at = 0
        try:
            for match in re.finditer(pattern, text.string[:_REGEX_TEXT_LIMIT]):
                parts += [text[at : match.start()]] if match.start() > at else []
                at = match.end()
        except re.error:
            return Unknown("split()")
        return items([*parts, text[at : len(text.string)]] if at < len(text.string) else parts)

    def _decoded(self, text: Text) -> Value:
        try:
            return self.literal(base64.b64decode(text.string, validate=True).decode())
        except (binascii.Error, ValueError):
            return Unknown("decoded text")

    def formatted(self, arguments: list[Value]) -> Value:
        """`String.format(pattern, …)` with `%s` and `%d` only."""
        pattern = arguments[0] if arguments else None
        if not isinstance(pattern, Text):
            return Unknown("String.format()")
        rest = [self.text(value) for value in arguments[1:]]
        matches = list(re.finditer(r"%[sd%]", pattern.string))
        if sum(m.group() != "%%" for m in matches) > len(rest):
            return Unknown("String.format()")
        values = iter(rest)
        return pattern.replaced(
            (m.start(), m.end(), self.literal("%") if m.group() == "%%" else next(values)) for m in matches
        )


def _trim(text: Text) -> Text:
    string = text.string
    return text[len(string) - len(string.lstrip()) : len(string.rstrip())]


def _without(text: Text, width: Callable[[str], int]) -> Text:
    """Each line without its first `width(line)` characters."""
    spans: list[tuple[int, int, Text]] = []
    at = 0
    for line in text.string.split("\n"):
        if cut := width(line):
            spans.append((at, at + cut, Text(())))
        at += len(line) + 1
    return text.replaced(spans)


def _strip_indent(text: Text) -> Text:
    lines = [line for line in text.string.split("\n") if line.strip()]
    indent = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    return _without(text, lambda line: min(indent, len(line) - len(line.lstrip())))


def _strip_margin(text: Text) -> Text:
    return _without(
        text, lambda line: len(line) - len(line.lstrip()) + 1 if line.lstrip().startswith("|") else 0
    )


def _slice(text: Text, name: str, arguments: list[Value]) -> Value:
    first = arguments[0] if arguments else None
    if name == "minus" and isinstance(first, Text) and first.known:
        at = text.string.find(first.string)
        return text if at < 0 else text[:at] + text[at + len(first.string) :]
    if (
        name == "multiply"
        and isinstance(first, int)
        and 0 <= first <= 1000
        and first * len(text.string) < TEXT_LIMIT
    ):
        return join([text] * first)
    if not text.known or not all(isinstance(argument, int) for argument in arguments) or not arguments:
        return Unknown(f"{name}()")
    numbers = [int(argument) for argument in arguments if isinstance(argument, int)]
    if name == "take":
        return text[: max(numbers[0], 0)]
    if name == "getAt":
        return text[numbers[0] : numbers[0] + 1] if numbers[0] >= 0 else Unknown("getAt()")
    return text[max(numbers[0], 0) : numbers[1] if len(numbers) > 1 else len(text.string)]


_PLAIN: dict[str, Callable[[Text], Text]] = {
    "trim": _trim,
    "strip": _trim,
    "stripIndent": _strip_indent,
    "stripMargin": _strip_margin,
    "toString": lambda text: text,
    "name": lambda text: text,
    "intern": lambda text: text,
    "getBytes": lambda text: text,
    "normalize": lambda text: text,
}
_CASE: dict[str, Callable[[str], str]] = {
    "toLowerCase": str.lower,
    "toUpperCase": str.upper,
    "capitalize": lambda string: string[:1].upper() + string[1:],
    "uncapitalize": lambda string: string[:1].lower() + string[1:],
    "reverse": lambda string: string[::-1] if HOLE not in string else string,
}
_TESTS: dict[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": str.__contains__,
    "equals": str.__eq__,
    "equalsIgnoreCase": lambda one, other: one.lower() == other.lower(),
}


METHODS = frozenset(
    {*_PLAIN, *_CASE, "concat", "format", "join", "minus", "plus", "replace", "replaceAll", "split"}
)


def list_method(values: tuple[Value, ...], name: str, arguments: list[Value]) -> Value:  # noqa: PLR0911 - a dispatch
    """A method of a list that changes nothing."""
    if name in {"first", "head"}:
        return values[0] if values else None
    if name == "last":
        return values[-1] if values else None
    if (
        name in {"get", "getAt"}
        and arguments
        and isinstance(arguments[0], int)
        and abs(arguments[0]) < len(values)
    ):
        return values[arguments[0]]
    if name in {"reverse", "tail", "init", "drop", "take"}:
        count = arguments[0] if arguments and isinstance(arguments[0], int) else 1
        cut = {"tail": values[1:], "init": values[:-1], "drop": values[count:], "take": values[:count]}
        return items(cut.get(name, values[::-1]))
    if name in {"flatten", "sum"}:
        flat: list[Value] = []
        for value in values:
            flat += value.values if isinstance(value, Items) else [value]
        return items(flat)
    if name in {
        "unique",
        "sort",
        "toList",
        "toSet",
        "toArray",
        "asImmutable",
        "toUnique",
        "toSorted",
        "iterator",
        "stream",
    }:
        return items(values)
    if name == "plus" and arguments:
        other = arguments[0]
        return items([*values, *(other.values if isinstance(other, Items) else [other])])
    return Unknown(f"{name}()")


def map_method(entries: Table, name: str, arguments: list[Value]) -> Value:
    """A method of a map that changes nothing."""
    key = arguments[0] if arguments else None
    if name in {"get", "getAt", "getOrDefault"} and isinstance(key, Text):
        if key.string in entries.entries:
            return entries.entries[key.string]
        default = arguments[1] if len(arguments) > 1 else None
        return default if entries.whole else Unknown(f"[{key.string}]")
    if name == "values":
        return items(entries.entries.values())
    if name == "plus" and isinstance(key, Table):
        return Table({**entries.entries, **key.entries}, entries.whole and key.whole)
    return Unknown(f"{name}()")
