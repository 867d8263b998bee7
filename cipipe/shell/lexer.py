"""Words of the shell's grammar: quotes, expansions, here-documents (layer 1).

The rules are those of POSIX XCU chapter 2 and the bash manual, sections "Quoting" and "Shell Expansions".
Every character is looked at a bounded number of times, whatever the input.
"""

import re
from abc import ABC, abstractmethod
from bisect import bisect_left

from cipipe.pipelines.model import HOLE
from cipipe.shell.braces import brace_expand
from cipipe.shell.escapes import decode_ansi_c
from cipipe.shell.syntax import (
    AnyWord,
    Arithmetic,
    Block,
    Hole,
    Literal,
    Mistake,
    Parameter,
    Part,
    Redirection,
    Substitution,
    Word,
)

DEEPEST = 60  # nested constructs; each costs several Python frames, and people stop at 10

_LONGEST_EXPRESSION = 10_000  # characters of `((…))`; looking for its end must not cost more

_END = " \t\r\n;&|<>()"
_PLAIN = re.compile(rf"[^ \t\r\n;&|<>()$`\"'\\{{}}~{HOLE}]++(?=[ \t\r\n;&|<>]|\)|\(|\Z)")
_CHUNK = re.compile(rf"[^ \t\r\n;&|<>()$`\"'\\{{{HOLE}]++")
_BODY_CHUNK = re.compile(rf"[^$`\"'\\}}{HOLE}]++")
_QUOTED_CHUNK = re.compile(rf"[^$`\"\\{HOLE}]++")
_HEREDOC_CHUNK = re.compile(rf"[^$`\\{HOLE}]++")
_DEFAULT_CHUNK = re.compile(rf"[^$`\"\\}}{HOLE}]++")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]")
_OPERATOR = re.compile(r":[-=?+]|##?|%%?|//?[#%]?|\^\^?|,,?|@|[-=?+:]")
_PAREN = re.compile(r"[()'\"\\`]")
_TABS = re.compile(r"\n\t+")


class SyntaxMistakeError(Exception):
    """The text breaks the grammar at `offset`."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


class Lexer(ABC):
    """Reads words from `text` at `pos`; `base` is where `text` begins in the whole script."""

    def __init__(self, text: str, holes: tuple[str, ...] = (), base: int = 0, depth: int = 0) -> None:
        self.text = text
        self.pos = 0
        self.base = base
        self.depth = depth
        self.holes = holes
        self.hole_places = [i for i, c in enumerate(text) if c == HOLE] if HOLE in text else []
        self.waiting: list[tuple[Redirection, bool]] = []
        self.mistakes: list[Mistake] = []

    @abstractmethod
    def nested_block(self, text: str, base: int) -> Block:
        """Parse `text`, which begins at the offset `base`, as commands of their own."""

    @abstractmethod
    def block_until_parenthesis(self) -> Block:
        """Parse commands up to the `)` that closes them, and step over it."""

    def mistake(self, message: str, at: int | None = None) -> SyntaxMistakeError:
        """The error to raise for what stands at `at`, or here."""
        return SyntaxMistakeError(self.base + (self.pos if at is None else at), message)

    def enter(self) -> None:
        """One level deeper; a script nested beyond all reason is refused before the stack overflows."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.mistake(f"nested more than {DEEPEST} deep")

    # ---- words

    def word(self) -> AnyWord:
        """The word at `pos`, which is not a blank; "" where there is none."""
        plain = _PLAIN.match(self.text, self.pos)
        if plain is not None:
            end = plain.end()
            if not (self.text.startswith("(", end) and self.text[end - 1] in "@?*+!="):
                self.pos = end
                return plain[0]
        return self._slow_word()

    def _slow_word(self) -> AnyWord:
        start = self.pos
        parts: list[Part] = []
        self._unquoted(parts)
        return self._finish(start, parts)

    def _finish(self, start: int, parts: list[Part]) -> AnyWord:
        if not parts and start == self.pos:
            return ""
        word = Word(self.base + start, self.base + self.pos, parts)
        if all(type(part) is Literal for part in parts):
            texts = [part.text for part in parts if type(part) is Literal]
            word.constant = "".join(texts)
            word.lines_up = len(texts) == 1 and self.text[start + 1 : self.pos - 1] == word.constant
        first = parts[0] if parts else None
        if type(first) is Literal and not first.quoted and first.text.startswith("~"):
            word.constant = None
        if any(type(p) is Literal and not p.quoted and "{" in p.text for p in parts):
            word.alternatives = brace_expand(word)
            if word.alternatives is not None:
                word.constant = None
        return word

    def _unquoted(self, parts: list[Part]) -> None:
        """Parts up to the first blank or operator."""
        text, size = self.text, len(self.text)
        while self.pos < size:
            chunk = _CHUNK.match(text, self.pos)
            if chunk is not None:
                self.pos = chunk.end()
                _literal(parts, chunk[0])
                continue
            c = text[self.pos]
            if c in "<>" and text.startswith("(", self.pos + 1):
                self.pos += 2
                parts.append(Substitution(self.block_until_parenthesis(), quoted=True, process=c))
            elif c == "(" and self.pos and text[self.pos - 1] in "@?*+!" and parts:
                end = self._matching(self.pos + 1)  # an extended glob
                _literal(parts, text[self.pos : end])
                self.pos = end
            elif c in _END:
                return
            elif c == "{":
                _literal(parts, c)
                self.pos += 1
            else:
                self._special(c, parts)

    def _special(self, c: str, parts: list[Part]) -> None:
        """A quote, a backslash, `$`, a backtick or a hole, outside quotes."""
        text = self.text
        if c == "'":
            end = text.find("'", self.pos + 1)
            if end < 0:
                raise self.mistake("a single quote is not closed")
            self._with_holes(parts, self.pos + 1, end)
            self.pos = end + 1
        elif c == '"':
            self._double_quotes(parts)
        elif c == "\\":
            self._backslash(parts)
        elif c == "$" and text.startswith("'", self.pos + 1):
            self.pos += 2
            value, self.pos = decode_ansi_c(text, self.pos)
            parts.append(Literal(value, quoted=True))
        elif c == "$" and text.startswith('"', self.pos + 1):
            self.pos += 1
            self._double_quotes(parts)
        else:
            self._expansion(c, parts, quoted=False)

    def _backslash(self, parts: list[Part]) -> None:
        following = self.text[self.pos + 1 : self.pos + 2]
        if following == "\r" and self.text.startswith("\n", self.pos + 2):
            self.pos += 3
        elif following == "\n":
            self.pos += 2
        else:
            parts.append(Literal(following or "\\", quoted=True))
            self.pos += 2 if following else 1

    def _double_quotes(self, parts: list[Part]) -> None:
        start = self.pos
        self.pos += 1
        before = len(parts)
        self._quoted(parts, _QUOTED_CHUNK, '"')
        if not self.text.startswith('"', self.pos):
            raise self.mistake("a double quote is not closed", start)
        self.pos += 1
        if len(parts) == before:
            parts.append(Literal("", quoted=True))

    def _quoted(self, parts: list[Part], chunks: re.Pattern[str], stop: str) -> None:
        """Parts as inside double quotes, up to `stop`, which stays; `"` is skipped where it does not stop."""
        text, size = self.text, len(self.text)
        while self.pos < size:
            chunk = chunks.match(text, self.pos)
            if chunk is not None:
                self.pos = chunk.end()
                parts.append(Literal(chunk[0], quoted=True))
                continue
            c = text[self.pos]
            if c == stop:
                return
            if c == '"':
                self.pos += 1
            elif c == "}":
                parts.append(Literal(c, quoted=True))
                self.pos += 1
            elif c == "\\":
                self._quoted_backslash(parts, escapes='$`"\\' if stop else "$`\\")
            else:
                self._expansion(c, parts, quoted=True)

    def _quoted_backslash(self, parts: list[Part], escapes: str) -> None:
        following = self.text[self.pos + 1 : self.pos + 2]
        if following == "\n":
            self.pos += 2
        elif following and following in escapes:
            parts.append(Literal(following, quoted=True))
            self.pos += 2
        else:
            parts.append(Literal("\\", quoted=True))
            self.pos += 1

    def _with_holes(self, parts: list[Part], start: int, end: int) -> None:
        """Quoted text, in which only holes are special."""
        if not self.hole_places or self.text.find(HOLE, start, end) < 0:
            parts.append(Literal(self.text[start:end], quoted=True))
            return
        for i, piece in enumerate(self.text[start:end].split(HOLE)):
            if i:
                parts.append(Hole(self._hole_name(start - 1), quoted=True))
            parts.append(Literal(piece, quoted=True))
            start += len(piece) + 1

    def _hole_name(self, at: int) -> str:
        index = bisect_left(self.hole_places, at)
        return self.holes[index] if index < len(self.holes) else ""

    # ---- expansions

    def _expansion(self, c: str, parts: list[Part], *, quoted: bool) -> None:
        """`$…`, a backtick, or a hole."""
        if c == HOLE:
            parts.append(Hole(self._hole_name(self.pos), quoted))
            self.pos += 1
        elif c == "`":
            self._backticks(parts, quoted=quoted)
        elif self.text.startswith("$((", self.pos) and self._arithmetic(parts, quoted=quoted):
            pass
        elif self.text.startswith("$(", self.pos):
            self.pos += 2
            parts.append(Substitution(self.block_until_parenthesis(), quoted))
        elif self.text.startswith("${", self.pos):
            self._braced_parameter(parts, quoted=quoted)
        elif self.text.startswith("$[", self.pos) and (end := self.text.find("]", self.pos)) > 0:
            parts.append(Arithmetic(self.text[self.pos + 2 : end], quoted))
            self.pos = end + 1
        else:
            name = _PARAMETER.match(self.text, self.pos + 1)
            if name is None:
                _literal(parts, "$", quoted=quoted)
                self.pos += 1
            else:
                digit = name[0][0].isdigit()
                self.pos += 2 if digit else 1 + len(name[0])
                parts.append(Parameter(name[0][0] if digit else name[0], quoted))

    def _backticks(self, parts: list[Part], *, quoted: bool) -> None:
        start = self.pos + 1
        end = start
        while (end := self.text.find("`", end)) >= 0 and _escaped(self.text, end, start):
            end += 1
        if end < 0:
            raise self.mistake("a backtick is not closed", start - 1)
        inner = re.sub(r"\\([$`\\])", r"\1", self.text[start:end])
        self.enter()
        parts.append(Substitution(self.nested_block(inner, self.base + start), quoted))
        self.depth -= 1
        self.pos = end + 1

    def _arithmetic(self, parts: list[Part], *, quoted: bool) -> bool:
        """`$((…))`; False where it is a command substitution that begins with a subshell."""
        end = self._matching(self.pos + 2)
        if end > len(self.text) or not self.text.startswith("))", end - 2) or self.text[end - 2] != ")":
            return False
        inner = self._matching(self.pos + 3)
        if inner != end - 1:
            return False
        start = self.pos + 3
        parts.append(Arithmetic(self.text[start : end - 2], quoted))
        parts += [part for part in self.inside(start, end - 2) if isinstance(part, Substitution)]
        self.pos = end
        return True

    def inside(self, start: int, end: int) -> list[Part]:
        """The parts of `text[start:end]`, read as if in double quotes."""
        if "$" not in (text := self.text[start:end]) and "`" not in text:
            return [Literal(text, quoted=True)]
        inner = self._inner(text, start)
        parts: list[Part] = []
        inner._quoted(parts, _HEREDOC_CHUNK, "")
        return parts

    def _inner(self, text: str, start: int) -> "Lexer":
        inner = type(self)(text, self._holes_of(start), self.base + start, self.depth + 1)
        if inner.depth > DEEPEST:
            raise self.mistake(f"nested more than {DEEPEST} deep", start)
        return inner

    def _holes_of(self, start: int) -> tuple[str, ...]:
        return self.holes[bisect_left(self.hole_places, start) :] if self.hole_places else ()

    def _matching(self, at: int, within: int = _LONGEST_EXPRESSION) -> int:
        """The offset behind the `)` that closes what was opened before `at`; beyond the end without one."""
        depth = 1
        last = at + within
        while at < last and (found := _PAREN.search(self.text, at, last)) is not None:
            at = found.end()
            c = found[0]
            if c == "(":
                depth += 1
            elif c == ")":
                depth -= 1
                if not depth:
                    return at
            elif c == "\\":
                at += 1
            else:
                end = self.text.find(c, at, last)
                at = end + 1 if end >= 0 else at
        return len(self.text) + 1

    def _braced_parameter(self, parts: list[Part], *, quoted: bool) -> None:
        start = self.pos
        self.enter()
        self.pos += 2
        parameter = Parameter("", quoted)
        if self.text.startswith("!", self.pos) and _PARAMETER.match(self.text, self.pos + 1):
            parameter.indirect = True
            self.pos += 1
        elif self.text.startswith("#", self.pos) and _PARAMETER.match(self.text, self.pos + 1):
            parameter.length = True
            self.pos += 1
        name = _PARAMETER.match(self.text, self.pos)
        if name is None:
            raise self.mistake("`${` is not followed by a parameter", start)
        parameter.name = name[0]
        self.pos = name.end()
        if self.text.startswith("[", self.pos):
            end = self._bracket(self.pos)
            parameter.index = self.text[self.pos + 1 : end]
            self.pos = end + 1
        operator = _OPERATOR.match(self.text, self.pos)
        if operator is not None:
            parameter.operator = operator[0]
            self.pos = operator.end()
            parameter.argument = self._argument(operator[0], quoted=quoted)
        if not self.text.startswith("}", self.pos):
            raise self.mistake("`${` is not closed", start)
        self.pos += 1
        self.depth -= 1
        parts.append(parameter)

    def _bracket(self, at: int) -> int:
        """The offset of the `]` that closes the `[` at `at`."""
        depth = 0
        for found in re.compile(r"[][\n]").finditer(self.text, at):
            depth += {"[": 1, "]": -1}.get(found[0], 0)
            if not depth:
                return found.start()
        raise self.mistake("a subscript is not closed", at)

    def _argument(self, operator: str, *, quoted: bool) -> AnyWord:
        """What follows the operator, up to the closing brace."""
        start = self.pos
        parts: list[Part] = []
        if quoted and operator[-1] in "-=?+":
            self._quoted(parts, _DEFAULT_CHUNK, "}")
        else:
            size = len(self.text)
            while self.pos < size and (c := self.text[self.pos]) != "}":
                chunk = _BODY_CHUNK.match(self.text, self.pos)
                if chunk is not None:
                    self.pos = chunk.end()
                    _literal(parts, chunk[0])
                else:
                    self._special(c, parts)
        if not parts:
            return ""
        if len(parts) == 1 and type(parts[0]) is Literal and not parts[0].quoted:
            return parts[0].text
        return Word(self.base + start, self.base + self.pos, parts)

    # ---- here-documents

    def read_heredocs(self) -> None:
        """Read the bodies that wait, from `pos`, the start of a line."""
        waiting, self.waiting = self.waiting, []
        for redirection, stripped in waiting:
            delimiter = redirection.target
            literal = not isinstance(delimiter, str)
            ends_at = delimiter if isinstance(delimiter, str) else _written(delimiter)
            start = self.pos
            end, self.pos = self._heredoc_end(ends_at, stripped=stripped)
            redirection.body = self.base + start
            redirection.literal = literal
            redirection.target = self._heredoc_body(start, end, literal=literal, stripped=stripped)

    def _heredoc_end(self, delimiter: str, *, stripped: bool) -> tuple[int, int]:
        """Where the body ends, and where reading goes on."""
        tabs = r"\t*" if stripped else ""
        found = re.compile(rf"^{tabs}{re.escape(delimiter)}\r?$", re.MULTILINE).search(self.text, self.pos)
        if found is None:
            return len(self.text), len(self.text)
        return found.start(), min(found.end() + 1, len(self.text))

    def _heredoc_body(self, start: int, end: int, *, literal: bool, stripped: bool) -> Word:
        parts: list[Part] = []
        if literal:
            self._with_holes(parts, start, end)
        else:
            parts = self.inside(start, end)
        if stripped:
            for i, part in enumerate(parts):
                if type(part) is Literal:
                    text = part.text.lstrip("\t") if i == 0 else part.text
                    parts[i] = Literal(_TABS.sub("\n", text), quoted=True)
        word = Word(self.base + start, self.base + end, parts)
        if all(type(part) is Literal for part in parts):
            word.constant = "".join(part.text for part in parts if type(part) is Literal)
        return word


def _literal(parts: list[Part], text: str, *, quoted: bool = False) -> None:
    last = parts[-1] if parts else None
    if type(last) is Literal and last.quoted == quoted:
        last.text += text
    else:
        parts.append(Literal(text, quoted))


def _escaped(text: str, at: int, start: int) -> bool:
    backslashes = 0
    while at - backslashes > start and text[at - backslashes - 1] == "\\":
        backslashes += 1
    return backslashes % 2 == 1


def _written(word: Word) -> str:
    """A here-document's delimiter after quote removal; expansions stand as written, and do not occur."""
    return "".join(part.text for part in word.parts if isinstance(part, Literal))
