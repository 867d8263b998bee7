"""Groovy statements: a tolerant parser that loses no call, whatever stands around it."""

from dataclasses import dataclass
from functools import lru_cache

from cipipe.groovy import tree
from cipipe.groovy.expressions import DEPTH_LIMIT, PRIMITIVES, Expressions
from cipipe.groovy.source import Piece, Source
from cipipe.groovy.tokens import Fault, Lexer, Token

_MODIFIERS = frozenset(
    {"def", "var", "final", "static", "private", "public", "protected", "abstract", "synchronized"}
    | {"transient", "volatile", "native", "strictfp", "default"}
)
_TYPES = frozenset({"class", "interface", "enum", "trait"})
FAULTS_LIMIT = 20  # of one file, one a line; the first ones tell what is wrong


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's statements, and what of it could not be read."""

    source: Source
    body: list[tree.Node]
    faults: tuple[Fault, ...]


@lru_cache(maxsize=256)
def parse(source: Source) -> Parsed:
    """The tree of a whole file; nothing in it raises."""
    lexer = Lexer(source)
    parser = Parser(source, lexer.read())
    body: list[tree.Node] = []
    while parser.peek().kind != "end":
        body += parser.statements_until_end()
    faults = {source.locate(f.offset).line: f for f in sorted({*lexer.faults, *parser.faults}, reverse=True)}
    return Parsed(source, body, tuple(sorted(faults.values())[:FAULTS_LIMIT]))


class Parser(Expressions):
    """Statements on top of expressions."""

    _class_name: str | None = None
    _interface = False  # inside one a method has no body

    def statements_until_end(self) -> list[tree.Node]:
        """Statements up to the end of the tokens or a brace that closes."""
        found: list[tree.Node] = []
        while True:
            self.skip_newlines()
            token = self.peek()
            if token.kind == "end" or token.text == "}":
                break
            before = self._at
            found.append(self.statement())
            self._end_statement(before)
        if self.peek().text == "}":
            self.next()
        return found

    def block_body(self) -> list[tree.Node]:
        """Statements up to the closing brace, which is taken."""
        flat, self._flat = self._flat, False
        body = self.statements_until_end()
        self._flat = flat
        return body

    def _end_statement(self, before: int) -> None:
        token = self.peek()
        if token.kind in {"newline", "end"} or token.text == "}":
            return
        if self._at == before or (token.kind == "op" and token.text not in {"@", "{", "("}):
            self.fault(f"{token.text} is not expected here")
            self.next()

    def statement(self) -> tree.Node:  # noqa: PLR0911 - one line for each form
        """One statement; takes at least one token unless nothing can be read here."""
        token = self.peek()
        if self._depth >= DEPTH_LIMIT:
            return self._too_deep()
        if token.kind == "op" and token.text == "@" and self.behind().text != "interface":
            return self._annotation()
        if token.kind == "name":
            reader = getattr(self, f"_{token.text}_statement", None) if token.text in _KEYWORDS else None
            if reader is not None and self.behind().text not in {":", ".", "="}:
                self._depth += 1
                node: tree.Node = reader(self.next())
                self._depth -= 1
                return node
            if self.behind().text == ":" and self.behind().kind == "op" and self.behind(2).text != ":":
                self._at += 2  # a label
                return tree.Block(token.start, [])
            if token.text == self._class_name and self.behind().text == "(":
                return self._method(token, "<init>")
            if (declared := self._declaration()) is not None:
                return declared
        if token.text == "(" and (several := self._tuple()) is not None:
            return several
        return self._expression_statement()

    def _tuple(self) -> tree.Node | None:
        """`(a, b) = …`; None (nothing taken) when the parenthesis is something else."""
        at = self._at + 1
        while self.tokens[at].kind == "name" and self.tokens[at + 1].text == ",":
            at += 2
        closed = self.tokens[at].kind == "name" and self.tokens[at + 1].text == ")"
        if at == self._at + 1 or not closed or self.tokens[at + 2].text != "=":
            return None
        return self._several(declared=False)

    def _expression_statement(self) -> tree.Node:
        node = self.expression(command=True)
        at = self._at
        while self.tokens[at].kind == "newline" and self.tokens[at].text != ";":
            at += 1
        attached = self.tokens[at].text == "{" and at > self._at
        if attached and isinstance(node, tree.Name | tree.Property | tree.Call):
            self._at = at
            node = self.postfix(self._with_closure(node))
        return node

    def _annotation(self) -> tree.Node:
        at = self.next().start
        name = self.type_name() or "?"
        arguments = self.arguments(")") if self.accept("(") else []
        if name.startswith("Library") and self.peek().text == "_":
            self.next()
        elif name == "Field":
            self.skip_newlines()
        return tree.Annotation(at, name, arguments)

    # declarations

    def _declaration(self) -> tree.Node | None:
        """A method, class or variable; None (nothing taken) when the statement is something else."""
        start, faults = self._at, len(self.faults)
        modified = False
        while self.peek().kind == "name" and self.peek().text in _MODIFIERS:
            if self.peek().text == "synchronized" and self.behind().text == "(":
                break
            if not modified and self.behind().text in {"(", "=", "."} and self.peek().text != "def":
                break  # a variable or call of that name
            self.next()
            modified = True
            while self.is_op("@"):
                self._annotation()
        if modified:
            self.skip_newlines()
        if self.peek().text in _TYPES and self.behind().kind == "name":
            return self._class(self.next())
        if self.peek().text == "static" and self.behind().text == "{":
            self.next()
        found = self._declared(modified=modified)
        if found is None:
            self._at = start
            del self.faults[faults:]
        return found

    def _declared(self, *, modified: bool) -> tree.Node | None:  # noqa: C901, PLR0911 - the forms of declarations
        if self.is_op("<"):
            self._generics()
        token = self.peek()
        if modified and token.text == "(":
            return self._several()
        if modified and token.text == "{":
            return tree.Block(token.start, self.closure().body)
        if modified and token.kind == "string" and self.behind().text == "(":
            return self._method(token, "".join(getattr(part, "text", "?") for part in token.parts))
        if modified and token.text == self._class_name and self.behind().text == "(":
            return self._method(token, "<init>")
        if (
            modified
            and token.kind == "name"
            and self.behind().text in {"(", "=", "\n", ";", ",", "", "}", "in", ":"}
        ):
            return self._method_or_variable(token)
        kind = self.type_name()
        if kind is None or self.peek().kind not in {"name", "string"}:
            return None
        token = self.peek()
        last = kind.rpartition(".")[2]
        typed = modified or last[:1].isupper() or last in PRIMITIVES
        after = self.behind()
        if (
            typed
            and after.text == "("
            and after.kind == "op"
            and (modified or self._interface or self._brace_behind_parenthesis())
        ):
            name = (
                token.text if token.kind == "name" else "".join(getattr(p, "text", "?") for p in token.parts)
            )
            return self._method(token, name)
        if token.kind == "string" or token.text in {"in", "instanceof", "as"}:
            return None
        if after.text == "=" or (typed and (after.kind in {"newline", "end"} or after.text in {",", "}"})):
            return self._method_or_variable(token)
        return None

    def _brace_behind_parenthesis(self) -> bool:
        at, depth = self._at + 1, 0
        while (token := self.tokens[at]).kind != "end":
            if token.kind == "op" and token.text in {"(", ")"}:
                depth += 1 if token.text == "(" else -1
                if depth == 0:
                    break
            at += 1
        while self.tokens[at + 1].kind == "newline":
            at += 1
        return self.tokens[at + 1].text in {"{", "throws"}

    def _method_or_variable(self, token: Token) -> tree.Node:
        if self.behind().text == "(" and self.behind().kind == "op":
            return self._method(token, token.text)
        targets: list[tree.Node] = []
        body: list[tree.Node] = []
        while (name := self.peek()).kind == "name":
            self.next()
            targets = [tree.Name(name.start, name.text)]
            value = None
            if self.accept("="):
                self.skip_newlines()
                value = self.expression(command=True)
            body.append(tree.Assign(name.start, targets, "=", value, declared=True))
            if not self.accept(","):
                break
            self.skip_newlines()
        return body[0] if len(body) == 1 else tree.Block(token.start, body)

    def _several(self, *, declared: bool = True) -> tree.Node:
        """`def (a, b) = …`."""
        token = self.next()
        names: list[tree.Node] = [tree.Name(p.at, p.name) for p in self.parameters(")")]
        value = None
        if self.accept("="):
            self.skip_newlines()
            value = self.expression(command=True)
        return tree.Assign(token.start, names, "=", value, declared=declared)

    def _method(self, token: Token, name: str) -> tree.Node:
        self.next()
        self.accept("(")
        parameters = self.parameters(")")
        if self.word("throws"):
            while self.type_name() and self.accept(","):
                pass
        at = self._at
        self.skip_newlines()
        if not self.is_op("{"):
            self._at = at  # of an interface, or abstract
            return tree.Method(token.start, self.source, token.start, name, parameters, [])
        body = self.closure().body
        return tree.Method(token.start, self.source, self.peek().start, name, parameters, body)

    def _class(self, token: Token) -> tree.Node:
        name = self.next().text
        outer, self._class_name = self._class_name, name
        parent = None
        while self.peek().text != "{" and self.peek().kind != "end":
            if self.word("extends"):
                parent = self.type_name()
            else:
                self.next()
        constants = self._enum_constants() if token.text == "enum" and self.is_op("{") else []
        interface, self._interface = self._interface, token.text == "interface"
        members = self.class_body()
        self._class_name, self._interface = outer, interface
        return tree.Class(token.start, name, parent, [*constants, *members])

    def _enum_constants(self) -> list[tree.Node]:
        """The constants before an enum's members; the next `{` that is read then begins the members."""
        brace = self.next()
        found: list[tree.Node] = []
        self.skip_newlines()
        while self.peek().kind == "name" and self.behind().text in {",", "(", "{", "}", "\n", ";"}:
            token = self.next()
            text = tree.String(token.start, [Piece(token.text, self.source, token.start)])
            name = tree.Name(token.start, token.text)
            found.append(tree.Assign(token.start, [name], "=", text, declared=True))
            if self.accept("("):
                self.arguments(")")
            if self.is_op("{"):
                self.closure()
            self.skip_newlines_only()
            if not self.accept(","):
                break
            self.skip_newlines()
        self._at -= 1
        self.tokens[self._at] = brace
        return found

    def class_body(self) -> list[tree.Node]:
        """Members of a class in braces."""
        return self.closure().body if self.is_op("{") else []

    # keyword statements

    def _import_statement(self, token: Token) -> tree.Node:
        static = self.word("static")
        path = self.type_name() or "?"
        if self.accept("."):
            self.accept("*")
            path += ".*"
        name = self.next().text if self.word("as") else path.rpartition(".")[2]
        return tree.Import(token.start, path, name, static)

    def _package_statement(self, token: Token) -> tree.Node:
        self.type_name()
        return tree.Block(token.start, [])

    def _body(self) -> list[tree.Node]:
        """The statement or block behind `if (…)`, `else`, `for (…)`."""
        self.skip_newlines_only()
        if self.is_op("{"):
            return self.closure().body
        return [self.statement()]

    def skip_newlines_only(self) -> None:
        """As `skip_newlines`, but stops at a semicolon, which is an empty statement."""
        while self.tokens[self._at].kind == "newline" and self.tokens[self._at].text != ";":
            self._at += 1

    def _condition(self) -> tree.Node:
        if self.is_op("("):
            return self._parenthesised()
        self.fault("a ( is missing")
        return tree.Constant(self.peek().start, None)

    def _later_word(self, *words: str) -> bool:
        """Take one of these words, also on a later line."""
        at = self._at
        self.skip_newlines()
        if self.word(*words):
            return True
        self._at = at
        return False

    def _if_statement(self, token: Token) -> tree.Node:
        arms = [(self._condition(), self._body())]
        while self._later_word("else"):
            if not self.word("if"):
                return tree.If(token.start, arms, self._body())
            arms.append((self._condition(), self._body()))
        return tree.If(token.start, arms, None)

    def _for_statement(self, token: Token) -> tree.Node:
        variable, items = None, None
        heads: list[tree.Node] = []
        if self.accept("("):
            flat, self._flat = self._flat, False
            start = self._at
            self.word("final")
            self.word("def")
            if self.behind().text not in {"in", ":"}:
                self.type_name()
            name = self.peek()
            if name.kind == "name" and self.behind().text in {"in", ":"}:
                self._at += 2
                variable, items = name.text, self.expression()
            else:
                self._at = start
                while not self.is_op(")") and self.peek().kind != "end":
                    before = self._at
                    heads.append(self.statement())
                    if not self.is_op(")") and (self.peek().kind == "newline" or self._at == before):
                        self._at += 1
                        self.skip_newlines()
            self._flat = flat
            self.skip_newlines()
            self.accept(")")
        return tree.Loop(token.start, variable, items, heads, self._body())

    def _while_statement(self, token: Token) -> tree.Node:
        return tree.Loop(token.start, None, None, [self._condition()], self._body())

    def _do_statement(self, token: Token) -> tree.Node:
        body = self._body()
        heads = [self._condition()] if self._later_word("while") else []
        return tree.Loop(token.start, None, None, heads, body)

    def _try_statement(self, token: Token) -> tree.Node:
        body = [*(self.arguments_as_statements() if self.is_op("(") else []), *self._body()]
        catches: list[tuple[str, list[tree.Node]]] = []
        while self._later_word("catch"):
            self.accept("(")
            names = self.parameters(")")
            catches.append((names[-1].name if names else "it", self._body()))
        last = self._body() if self._later_word("finally") else []
        return tree.Try(token.start, body, catches, last)

    def arguments_as_statements(self) -> list[tree.Node]:
        """The resources of a try."""
        self.accept("(")
        return [argument.value for argument in self.arguments(")")]

    def _switch_statement(self, token: Token) -> tree.Node:
        subject = self._condition()
        self.skip_newlines()
        cases: list[tuple[list[tree.Node], list[tree.Node]]] = []
        if not self.accept("{"):
            return tree.Switch(token.start, subject, cases)
        flat, self._flat = self._flat, False
        while True:
            self.skip_newlines()
            if self.accept("}") or self.peek().kind == "end":
                break
            before = self._at
            if self.word("case"):
                cases.append(([self.expression()], []))
                self.accept(":")
            elif self.word("default"):
                cases.append(([], []))
                self.accept(":")
            else:
                statement = self.statement()
                if cases:
                    cases[-1][1].append(statement)
                self._end_statement(before)
        self._flat = flat
        return tree.Switch(token.start, subject, cases)

    def _synchronized_statement(self, token: Token) -> tree.Node:
        if not self.is_op("("):
            self._at -= 1
            return self._declaration() or self._expression_statement()
        lock = self._condition()
        return tree.Block(token.start, [lock, *self._body()])

    def _leave(self, token: Token) -> tree.Node:
        following = self.peek()
        empty = following.kind in {"newline", "end"} or following.text in {"}", ";"}
        value = None if empty else self.expression(command=True)
        while self.accept(":", ","):
            self.expression()
        return tree.Leave(token.start, token.text, value)

    _return_statement = _throw_statement = _break_statement = _continue_statement = _assert_statement = _leave


_KEYWORDS = frozenset(
    {"import", "package", "if", "for", "while", "do", "try", "switch", "synchronized"}
    | {"return", "throw", "break", "continue", "assert"}
)
