"""Commands of the shell's grammar, by recursive descent (layer 1).

POSIX XCU 2.10 and bash's compound commands. A script with a mistake is still read: what stands before it
runs in a real shell too, and reading goes on with the next line, so that nothing hides behind the mistake.
"""

import re

from cipipe.shell.lexer import Lexer, SyntaxMistakeError
from cipipe.shell.syntax import (
    AnyWord,
    Assignment,
    Block,
    Case,
    Chain,
    For,
    Function,
    If,
    Mistake,
    Node,
    Not,
    Pipe,
    Redirected,
    Redirection,
    Simple,
    Substitution,
    Test,
    Tree,
    While,
    Word,
)

_MOST_MISTAKES = 20

_BLANKS = re.compile(r"(?:[ \t]++|\\\r?\n|\r(?=\n))*+(?:#[^\n]*+)?")
_NEWLINES = re.compile(r"(?:[ \t\r\n]++|\\\r?\n|#[^\n]*+)*+")
_OPERATOR = re.compile(r";;&|;&|;;|&&|\|\||\|&|[;&|()\n]")
_REDIRECTION = re.compile(r"(\d+|\{[A-Za-z_]\w*\})?(<<<|<<-|<<|<&|<>|<(?!\()|>>|>&|>\||>(?!\()|&>>|&>)")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\[)?")
_CASE_END = re.compile(r";;&|;&|;;")
_FUNCTION = re.compile(r"[ \t]*\([ \t]*\)")
_TEST_OPERATOR = re.compile(r"[()<>|&;]+")

_CLOSING = frozenset({"then", "elif", "else", "fi", "do", "done", "esac", "}"})
_OPENING = frozenset(
    {"if", "while", "until", "for", "select", "case", "function", "{", "[[", "!", "time", "coproc"}
)
_RESERVED = _CLOSING | _OPENING
_DECLARING = frozenset({"export", "local", "declare", "typeset", "readonly"})


def parse(text: str, holes: tuple[str, ...] = ()) -> Tree:
    """The tree of a script; never raises: mistakes are listed in the tree."""
    return _Parser(text, holes).tree()


class _Parser(Lexer):
    _outermost = 0
    _begun = 0

    def tree(self) -> Tree:
        """All commands up to the end."""
        commands: list[Node] = []
        while True:
            self._outermost = self.depth
            self._begun = self.pos
            try:
                self._list(commands)
                self._skip_newlines()
                if self.pos >= len(self.text):
                    break
                raise self.mistake(f"unexpected `{self._next_token()}`")
            except SyntaxMistakeError as error:
                self.mistakes.append(Mistake(error.offset, error.message))
                if len(self.mistakes) >= _MOST_MISTAKES or not self._resume():
                    break
        return Tree(Block(commands), self.mistakes)

    def _resume(self) -> bool:
        """Step behind the first line of the command that holds the mistake; False at the end."""
        self.depth = self._outermost
        self.waiting = []
        line_end = self.text.find("\n", self._begun)
        self.pos = line_end + 1
        return line_end >= 0

    def nested_block(self, text: str, base: int) -> Block:
        inner = _Parser(text, (), base, self.depth)
        tree = inner.tree()
        self.mistakes += tree.mistakes
        return tree.body

    def block_until_parenthesis(self) -> Block:
        start = self.pos
        self.enter()
        waiting, self.waiting = self.waiting, []
        commands: list[Node] = []
        self._list(commands)
        self._skip_newlines()
        if not self.text.startswith(")", self.pos):
            if self.pos >= len(self.text):
                raise self.mistake("a parenthesis is not closed", start - 1)
            raise self.mistake(f"unexpected `{self._next_token()}`")
        self.pos += 1
        self.waiting = waiting + self.waiting
        self.depth -= 1
        return Block(commands, subshell=True)

    # ---- blanks and small tokens

    def _skip_blanks(self) -> None:
        found = _BLANKS.match(self.text, self.pos)
        if found is not None:
            self.pos = found.end()

    def _skip_newlines(self) -> None:
        """Blanks, comments and newlines; the bodies of here-documents begin behind a newline."""
        while True:
            if not self.waiting:
                found = _NEWLINES.match(self.text, self.pos)
                self.pos = found.end() if found is not None else self.pos
                return
            self._skip_blanks()
            if not self.text.startswith("\n", self.pos):
                return
            self.pos += 1
            self.read_heredocs()

    def _next_token(self) -> str:
        rest = self.text[self.pos : self.pos + 40].split("\n")[0].split()
        return rest[0] if rest else "end of line"

    def _keyword(self) -> str:
        """The reserved word at `pos`, or ""; `pos` stays."""
        text = self.text
        c = text[self.pos : self.pos + 1]
        if c in "{}":
            if c and (c == "}" or text[self.pos + 1 : self.pos + 2] in ("", " ", "\t", "\n", "\r", "\\")):
                return c
            return ""
        if c not in "iwufscftedo[!":
            return ""
        found = _KEYWORD.match(text, self.pos)
        return found[0] if found is not None else ""

    def _expect(self, keyword: str) -> None:
        self._skip_newlines()
        if self._keyword() != keyword:
            raise self.mistake(f"`{keyword}` expected, not `{self._next_token()}`")
        self.pos += len(keyword)

    # ---- lists

    def _list(self, commands: list[Node]) -> None:
        """Commands up to a closing word, `)`, `;;` or the end."""
        text = self.text
        while True:
            self._skip_newlines()
            if self.pos >= len(text) or text[self.pos] in ");" or self._keyword() in _CLOSING:
                return
            if self.depth == self._outermost:
                self._begun = self.pos
            commands.append(self._and_or())
            self._skip_blanks()
            if self.pos >= len(text):
                self._unfinished_heredocs()
                return
            c = text[self.pos]
            if c == "\n":
                continue
            if (c == ";" and not _CASE_END.match(text, self.pos)) or c == "&":
                self.pos += 1
            elif c in ");":
                return
            elif self._keyword() not in _CLOSING:
                raise self.mistake(f"unexpected `{self._next_token()}`")

    def _unfinished_heredocs(self) -> None:
        if self.waiting:
            self.read_heredocs()

    def _and_or(self) -> Node:
        first = self._pipeline()
        items: list[tuple[str, Node]] = []
        while True:
            self._skip_blanks()
            operator = self.text[self.pos : self.pos + 2]
            if operator not in ("&&", "||"):
                return Chain([("", first), *items]) if items else first
            self.pos += 2
            self._skip_newlines()
            items.append((operator, self._pipeline()))

    def _pipeline(self) -> Node:
        keyword = self._keyword()
        if keyword == "!":
            self.pos += 1
            self._skip_blanks()
            return Not(self._pipeline_with_depth())
        if keyword == "time":
            self.pos += 4
            self._skip_blanks()
            if re.compile(r"-p[ \t]").match(self.text, self.pos):
                self.pos += 2
                self._skip_blanks()
            if self.pos >= len(self.text) or self.text[self.pos] in "\n;":
                return Block([])
            return self._pipeline_with_depth()
        commands = [self._command()]
        while True:
            self._skip_blanks()
            if not self.text.startswith("|", self.pos) or self.text.startswith("||", self.pos):
                return Pipe(commands) if len(commands) > 1 else commands[0]
            self.pos += 2 if self.text.startswith("|&", self.pos) else 1
            self._skip_newlines()
            commands.append(self._command())

    def _pipeline_with_depth(self) -> Node:
        self.enter()
        node = self._pipeline()
        self.depth -= 1
        return node

    # ---- commands

    def _command(self) -> Node:
        keyword = self._keyword()
        if keyword in _OPENING and keyword not in ("!", "time"):
            node = self._compound(keyword)
        elif self.text.startswith("((", self.pos) and (end := self._double_parenthesis(self.pos)):
            words = self.inside(self.pos + 2, end - 2)
            node = Test([Word(0, 0, words)])
            self.pos = end
        elif self.text.startswith("(", self.pos):
            self.pos += 1
            node = self.block_until_parenthesis()
        elif keyword in _CLOSING:
            raise self.mistake(f"unexpected `{keyword}`")
        else:
            return self._simple()
        if isinstance(node, Function):
            return node
        redirections = self._redirections()
        return Redirected(node, redirections) if redirections else node

    def _double_parenthesis(self, at: int) -> int:
        """The offset behind `((…))`; 0 where it is two subshells."""
        end = self._matching(at + 1)
        if end > len(self.text) or self._matching(at + 2) != end - 1:
            return 0
        return end

    def _redirections(self) -> list[Redirection]:
        found: list[Redirection] = []
        while True:
            self._skip_blanks()
            redirection = self._redirection()
            if redirection is None:
                return found
            found.append(redirection)

    def _redirection(self) -> Redirection | None:
        found = _REDIRECTION.match(self.text, self.pos)
        if found is None:
            return None
        operator = found[2]
        self.pos = found.end()
        self._skip_blanks()
        start = self.pos
        target = self.word()
        if not target and start == self.pos:
            raise self.mistake(f"`{operator}` is not followed by a word")
        redirection = Redirection(operator.rstrip("-"), target, found[1] or "")
        if operator in ("<<", "<<-"):
            self.waiting.append((redirection, operator == "<<-"))
        return redirection

    def _simple(self) -> Node:  # noqa: C901, PLR0912 - the hot loop: one pass over the words
        text = self.text
        start = end = self.pos
        words: list[AnyWord | Assignment] = []
        assignments: list[Assignment] = []
        redirections: list[Redirection] = []
        declaring = False
        while True:
            found = _BLANKS.match(text, self.pos)
            self.pos = found.end() if found is not None else self.pos
            if self.pos >= len(text):
                break
            c = text[self.pos]
            if c in "\n;|)":
                break
            if c in "<>&0123456789{":
                redirection = self._redirection()
                if redirection is not None:
                    redirections.append(redirection)
                    end = self.pos
                    continue
                if c == "&":
                    break
            if not words or declaring:
                assignment = self._assignment()
                if assignment is not None:
                    if words:
                        words.append(assignment)
                    else:
                        assignments.append(assignment)
                    end = self.pos
                    continue
            if c == "(":
                break
            before = self.pos
            word = self.word()
            if self.pos == before:
                break
            words.append(word)
            end = self.pos
            if len(words) == 1 and isinstance(word, str):
                declaring = word in _DECLARING
                if text[end : end + 1] in "( \t" and not assignments and _FUNCTION.match(text, end):
                    return self._function(start, word)
        if start == end:
            raise self.mistake(f"unexpected `{self._next_token()}`")
        return Simple(self.base + start, self.base + end, words, assignments, redirections)

    def _assignment(self) -> Assignment | None:
        text = self.text
        found = _ASSIGNMENT.match(text, self.pos)
        if found is None:
            return None
        at = found.end()
        index = None
        if found[2]:
            try:
                end = self._bracket(at - 1)
            except SyntaxMistakeError:
                return None
            index = text[at:end]
            at = end + 1
        append = text.startswith("+=", at)
        if not append and not text.startswith("=", at):
            return None
        self.pos = at + (2 if append else 1)
        if text.startswith("(", self.pos):
            return Assignment(found[1], "", append, index, self._array())
        return Assignment(found[1], self.word(), append, index)

    def _array(self) -> list[AnyWord | Assignment]:
        start = self.pos
        self.pos += 1
        items: list[AnyWord | Assignment] = []
        while True:
            self._skip_newlines()
            if self.text.startswith(")", self.pos):
                self.pos += 1
                return items
            before = self.pos
            items.append(self._keyed_item() or self.word())
            if self.pos == before:
                raise self.mistake("an array is not closed", start)

    def _keyed_item(self) -> Assignment | None:
        if not self.text.startswith("[", self.pos):
            return None
        try:
            end = self._bracket(self.pos)
        except SyntaxMistakeError:
            return None
        if not self.text.startswith("=", end + 1):
            return None
        index = self.text[self.pos + 1 : end]
        self.pos = end + 2
        return Assignment("", self.word(), index=index)

    # ---- compound commands

    def _compound(self, keyword: str) -> Node:
        start = self.pos
        self.enter()
        self.pos += len(keyword)
        node: Node
        if keyword == "if":
            node = self._if()
        elif keyword in ("while", "until"):
            condition = self._block()
            node = While(condition, self._loop_body(), until=keyword == "until")
        elif keyword in ("for", "select"):
            node = self._for(start)
        elif keyword == "case":
            node = self._case()
        elif keyword == "{":
            node = self._block()
            self._expect("}")
        elif keyword == "[[":
            node = self._test(start)
        elif keyword == "function":
            self._skip_blanks()
            name = self.word()
            node = self._function(start, name if isinstance(name, str) else "")
        else:
            node = self._coproc()
        self.depth -= 1
        return node

    def _block(self) -> Block:
        commands: list[Node] = []
        self._list(commands)
        return Block(commands)

    def _if(self) -> If:
        arms = []
        otherwise = None
        while True:
            condition = self._block()
            self._expect("then")
            arms.append((condition, self._block()))
            keyword = self._keyword()
            self.pos += len(keyword)
            if keyword == "elif":
                continue
            if keyword == "else":
                otherwise = self._block()
                self._expect("fi")
            elif keyword != "fi":
                self.pos -= len(keyword)
                raise self.mistake(f"`fi` expected, not `{self._next_token()}`")
            return If(arms, otherwise)

    def _loop_body(self) -> Block:
        self._skip_newlines()
        if self.text.startswith(";", self.pos):
            self.pos += 1
            self._skip_newlines()
        closing = "done"
        if self._keyword() == "{":
            self.pos += 1
            closing = "}"
        else:
            self._expect("do")
        body = self._block()
        self._expect(closing)
        return body

    def _for(self, start: int) -> Node:
        self._skip_blanks()
        if self.text.startswith("((", self.pos):
            end = self._double_parenthesis(self.pos)
            if not end:
                raise self.mistake("`for ((` is not closed")
            condition = Test([Word(0, 0, self.inside(self.pos + 2, end - 2))])
            self.pos = end
            return While(Block([condition]), self._loop_body())
        name = self.word()
        words: list[AnyWord] | None = None
        self._skip_newlines()
        if re.compile(r"in(?=[ \t\r\n;\\])").match(self.text, self.pos):
            self.pos += 2
            words = []
            while True:
                self._skip_blanks()
                if self.pos >= len(self.text) or self.text[self.pos] in "\n;&|":
                    break
                before = self.pos
                words.append(self.word())
                if self.pos == before:
                    raise self.mistake(f"unexpected `{self._next_token()}`")
        return For(self.base + start, name if isinstance(name, str) else "", words, self._loop_body())

    def _case(self) -> Case:
        self._skip_blanks()
        word = self.word()
        self._expect_in()
        arms: list[tuple[list[AnyWord], Block, bool]] = []
        while True:
            self._skip_newlines()
            if self._keyword() == "esac":
                self.pos += 4
                return Case(word, arms)
            patterns = self._patterns()
            body = self._block()
            self._skip_newlines()
            end = _CASE_END.match(self.text, self.pos)
            if end is not None:
                self.pos = end.end()
            elif self._keyword() != "esac":
                raise self.mistake(f"`esac` expected, not `{self._next_token()}`")
            arms.append((patterns, body, end is not None and end[0] != ";;"))

    def _expect_in(self) -> None:
        self._skip_newlines()
        if not self.text.startswith("in", self.pos):
            raise self.mistake(f"`in` expected, not `{self._next_token()}`")
        self.pos += 2

    def _patterns(self) -> list[AnyWord]:
        patterns: list[AnyWord] = []
        if self.text.startswith("(", self.pos):
            self.pos += 1
        while True:
            self._skip_blanks()
            before = self.pos
            patterns.append(self.word())
            self._skip_blanks()
            if self.text.startswith("|", self.pos):
                self.pos += 1
            elif self.text.startswith(")", self.pos):
                self.pos += 1
                return patterns
            else:
                self.pos = before
                raise self.mistake(f"a pattern and `)` expected, not `{self._next_token()}`")

    def _test(self, start: int) -> Test:
        words: list[AnyWord] = []
        compared: list[AnyWord] = []
        alone = True
        while True:
            self._skip_newlines()
            if self.pos >= len(self.text):
                raise self.mistake("`[[` is not closed", start)
            operator = _TEST_OPERATOR.match(self.text, self.pos)
            if operator is not None:
                self.pos = operator.end()
                alone = False
                continue
            word = self.word()
            if word == "]]":
                return Test(words, compared if alone and len(compared) <= 4 else [])
            compared.append(word)
            if isinstance(word, Word) and any(isinstance(p, Substitution) for p in word.parts):
                words.append(word)

    def _function(self, start: int, name: str) -> Function:
        found = _FUNCTION.match(self.text, self.pos)
        if found is not None:
            self.pos = found.end()
        self._skip_newlines()
        self.enter()
        body = self._command()
        self.depth -= 1
        return Function(self.base + start, name, body)

    def _coproc(self) -> Node:
        self._skip_blanks()
        name = re.compile(r"[A-Za-z_]\w*[ \t]+(?=[{(])").match(self.text, self.pos)
        if name is not None:
            self.pos = name.end()
        return self._command()


_KEYWORD = re.compile(
    "(?:"
    + "|".join(re.escape(word) for word in sorted(_RESERVED, key=len, reverse=True))
    + r")(?=[ \t\r\n;&|<>()\\]|\Z)"
)
