"""Groovy's tokens: what is wrong becomes a fault, and the rest is still read.

Grammar: the Groovy 2.4 language specification, "Syntax".
"""

import re
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from cipipe.groovy.source import Piece, Source

Kind = Literal["name", "number", "string", "op", "newline", "end"]

_HOLES_LIMIT = 16  # strings in holes of strings; real code has two or three


class Fault(NamedTuple):
    """What cannot be read: where, and why."""

    offset: int
    message: str


@dataclass(slots=True)
class Hole:
    """`${…}` or `$name.name` in a string: its own tokens, between `start` and `end` of the source."""

    tokens: list["Token"]
    start: int
    end: int


@dataclass(slots=True)
class Token:
    """One token; `spaced` says that blanks stand before it. A string's `parts` are its text and its holes."""

    kind: Kind
    text: str
    start: int
    end: int
    spaced: bool = False
    parts: list["Piece | Hole"] = field(default_factory=list)


_SKIP = re.compile(r"(?:[ \t\r\f\ufeff\x00]+|\\\r?\n|//[^\n]*|/\*(?:[^*]|\*(?!/))*+\*/)+")
_NAME = re.compile(r"(?:[^\W\d]|\$)[\w$]*")
_NUMBER = re.compile(r"\d[\w]*(?:\.\d\w*)?(?:[eE][+-]?\d+)?")
_OPERATOR = re.compile(
    r">>>=|\*\*=|<=>|===|!==|==~|\.\.<|>>>|<<=|>>=|\?\.|\*\.|\.&|\.@|->|\?:|\+\+|--|\+=|-=|\*=|/=|%=|&=|\|=|\^="
    r"|==|!=|<=|>=|&&|\|\||<<|>>|\*\*|\.\.|=~|::|[-+*/%&|^!~<>=?:.,()\[\]{}@#`;\\]"
)
_NO_OPERAND = frozenset({"return", "case", "in", "as", "instanceof", "throw", "assert", "else", "new", "do"})
_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "b": "\b",
    "r": "\r",
    "f": "\f",
    "s": " ",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "$": "$",
}
_SLASHY_LINE = re.compile(r"/[^\s/*=](?:[^/\n\\]|\\.)*+/[ \t]*(?:[,)}\n]|$)")
_ESCAPE = re.compile(r"\\(?:u+([0-9a-fA-F]{4})|([0-7]{1,3})|(\r?\n)|(.))", re.DOTALL)
_DOLLAR_NAME = re.compile(r"\$[^\W\d]\w*(?:\.[^\W\d]\w*)*")


@dataclass(frozen=True, slots=True)
class _Quote:
    """One kind of string: how it ends, and what in it is not plain text."""

    close: str
    plain: re.Pattern[str]
    holes: bool
    lines: bool
    escape: Literal["backslash", "slash", "dollar"]


_QUOTES = {
    "'''": _Quote("'''", re.compile(r"[^'\\]+"), holes=False, lines=True, escape="backslash"),
    '"""': _Quote('"""', re.compile(r'[^"\\$]+'), holes=True, lines=True, escape="backslash"),
    "'": _Quote("'", re.compile(r"[^'\\\n]+"), holes=False, lines=False, escape="backslash"),
    '"': _Quote('"', re.compile(r'[^"\\$\n]+'), holes=True, lines=False, escape="backslash"),
    "$/": _Quote("/$", re.compile(r"[^$/\\]+"), holes=True, lines=True, escape="dollar"),
    "/": _Quote("/", re.compile(r"[^/\\$]+"), holes=True, lines=True, escape="slash"),
}


class Lexer:
    """Reads one source from start to end, once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.faults: list[Fault] = []
        self._at = 0
        self._depth = 0

    def read(self) -> list[Token]:
        """All tokens, with one of kind "end" behind them."""
        if self.text.startswith("#!"):
            self._at = max(self.text.find("\n"), 0) or len(self.text)
        return self._tokens(in_hole=False)

    def _tokens(self, *, in_hole: bool) -> list[Token]:
        tokens: list[Token] = []
        braces = 0
        while True:
            before = self._at
            if skipped := _SKIP.match(self.text, self._at):
                self._at = skipped.end()
            if self._at >= len(self.text):
                if in_hole:
                    self.faults.append(Fault(before, "a ${ that is never closed"))
                break
            token = self._next(tokens, spaced=self._at > before)
            if token is None:
                continue
            if in_hole and token.kind == "op" and token.text in "{}":
                braces += 1 if token.text == "{" else -1
                if braces < 0:
                    break
            tokens.append(token)
        tokens.append(Token("end", "", self._at, self._at))
        return tokens

    def _next(self, tokens: list[Token], *, spaced: bool) -> Token | None:
        text, at = self.text, self._at
        char = text[at]
        if char == "\n":
            self._at += 1
            return Token("newline", "\n", at, at + 1, spaced)
        if text.startswith("/*", at):
            self.faults.append(Fault(at, "a comment that is never closed"))
            self._at = len(text)
            return None
        if char in "'\"" or (
            (char == "/" or text.startswith("$/", at))
            and (not _ends_operand(tokens) or (spaced and tokens[-1].kind == "name" and self._as_argument()))
        ):
            string = self._string(spaced=spaced)
            if string:
                return string
        for kind, pattern in (("name", _NAME), ("number", _NUMBER), ("op", _OPERATOR)):
            if match := pattern.match(text, self._at):
                self._at = match.end()
                if match.group() == ";":
                    return Token("newline", ";", at, at + 1, spaced)
                return Token(kind, match.group(), at, match.end(), spaced)  # type: ignore[arg-type]  # the three kinds above
        self._at += 1
        self.faults.append(Fault(at, f"a character that Groovy does not know: {char!r}"))
        return None

    def _as_argument(self) -> bool:
        """Whether a slash behind `sh ` begins a string (`sh $/…/$`); Groovy 2.4 itself wants parentheses."""
        if self.text.startswith("$/", self._at):
            return self.text.find("/$", self._at + 2) >= 0
        return _SLASHY_LINE.match(self.text, self._at) is not None

    def _string(self, *, spaced: bool) -> Token | None:
        start = self._at
        opening = next(key for key in ("'''", '"""', "$/", "'", '"', "/") if self.text.startswith(key, start))
        quote = _QUOTES[opening]
        if opening == "/" and self.text.find("/", start + 1) < 0:
            return None  # a division where an operand is missing: the parser says so
        self._at += len(opening)
        parts: list[Piece | Hole] = []
        while not self.text.startswith(quote.close, self._at):
            if self._at >= len(self.text) or (self.text[self._at] == "\n" and not quote.lines):
                self.faults.append(Fault(start, f"a string that begins with {opening} and is never closed"))
                return Token("string", opening, start, self._at, spaced, parts)
            if plain := quote.plain.match(self.text, self._at):
                parts.append(Piece(plain.group(), self.source, plain.start()))
                self._at = plain.end()
            elif self.text[self._at] == "$" and quote.holes and self._hole(parts):
                continue
            else:
                self._special(quote, parts)
        self._at += len(quote.close)
        return Token("string", opening, start, self._at, spaced, parts)

    def _hole(self, parts: list[Piece | Hole]) -> bool:
        start = self._at
        if self.text.startswith("${", start):
            if self._depth >= _HOLES_LIMIT:
                self.faults.append(Fault(start, "strings nested too deep in strings"))
                self._at = len(self.text)
                return True
            self._at += 2
            self._depth += 1
            tokens = self._tokens(in_hole=True)
            self._depth -= 1
            parts.append(Hole(tokens, start, self._at))
            return True
        if match := _DOLLAR_NAME.match(self.text, start):
            self._at += 1
            tokens = []
            while self._at < match.end():
                pattern = _OPERATOR if self.text[self._at] == "." else re.compile(r"\w+")
                word = pattern.match(self.text, self._at)
                assert word is not None  # noqa: S101 - by the pattern that matched the whole
                tokens.append(
                    Token("op" if word.group() == "." else "name", word.group(), word.start(), word.end())
                )
                self._at = word.end()
            tokens.append(Token("end", "", self._at, self._at))
            parts.append(Hole(tokens, start, self._at))
            return True
        return False

    def _special(self, quote: _Quote, parts: list[Piece | Hole]) -> None:
        """An escape, or a character that is only itself here (a lone quote in a triple string)."""
        at = self._at
        length, value = 1, self.text[at]
        if quote.escape == "dollar" and self.text[at : at + 2] in {"$$", "$/"}:
            length, value = 2, self.text[at + 1]
        elif quote.escape == "slash" and self.text.startswith("\\/", at):
            length, value = 2, "/"
        elif quote.escape == "backslash" and (match := _ESCAPE.match(self.text, at)):
            code, octal, newline, char = match.groups()
            length = match.end() - at
            if code or octal:
                value = chr(int(code, 16) if code else int(octal, 8) & 0xFF)
            else:
                value = "" if newline else _ESCAPES.get(char, char)
        self._at += length
        if value:
            parts.append(Piece(value, self.source, at, verbatim=length == 1))


def _ends_operand(tokens: list[Token]) -> bool:
    """Whether a slash here divides: it stands behind an operand."""
    if not tokens:
        return False
    last = tokens[-1]
    if last.kind == "name":
        return last.text not in _NO_OPERAND
    return last.kind in {"number", "string"} or last.text in {")", "]", "}", "++", "--"}


_CLOSING = {"(": ")", "[": "]", "{": "}"}


def balance(tokens: list[Token]) -> tuple[list[Token], list[Fault]]:
    """The tokens with every bracket closed: missing ones are put in, stray ones left out, each a fault."""
    kept: list[Token] = []
    faults: list[Fault] = []
    opened: list[Token] = []
    for token in tokens:
        if token.kind == "op" and token.text in _CLOSING:
            opened.append(token)
        elif token.kind == "op" and token.text in {")", "]", "}"}:
            if not any(_CLOSING[o.text] == token.text for o in opened[-50:]):
                faults.append(Fault(token.start, f"a {token.text} that nothing opened"))
                continue
            while _CLOSING[(last := opened.pop()).text] != token.text:
                faults.append(Fault(last.start, f"a {last.text} that is never closed"))
                kept.append(Token("op", _CLOSING[last.text], token.start, token.start))
        elif token.kind == "end":
            for last in reversed(opened):
                faults.append(Fault(last.start, f"a {last.text} that is never closed"))
                kept.append(Token("op", _CLOSING[last.text], token.start, token.start))
        kept.append(token)
    return kept, faults
