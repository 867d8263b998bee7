"""Groovy expressions, by precedence climbing; calls in every form."""

from cipipe.groovy import tree
from cipipe.groovy.source import Piece, Source
from cipipe.groovy.tokens import Fault, Hole, Token, balance

DEPTH_LIMIT = 60  # nested expressions and blocks; a declarative pipeline with a matrix has about 20
_TYPE_LIMIT = 30  # names in a.b.C
CHAIN_LIMIT = 150  # links of one a.b().c() chain

_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"|"}),
    frozenset({"^"}),
    frozenset({"&"}),
    frozenset({"==", "!=", "<=>", "=~", "==~", "===", "!=="}),
    frozenset({"<", "<=", ">", ">=", "in", "instanceof", "as", "!in"}),
    frozenset({"<<", ">>", ">>>", "..", "..<"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
    frozenset({"**"}),
)
_PRECEDENCE = {operator: level for level, operators in enumerate(_LEVELS) for operator in operators}
_ASSIGN = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "**=", "<<=", ">>=", ">>>=", "&=", "|=", "^="})
_CONTINUES = frozenset({".", "?.", "*.", ".&", "?", "?:", "&&", "||"})
_NOT_ARGUMENT = frozenset(
    {"in", "instanceof", "as", "else", "catch", "finally", "implements", "extends", "throws", "while"}
)
PRIMITIVES = frozenset({"void", "boolean", "byte", "char", "short", "int", "long", "float", "double"})
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class Expressions:
    """Reads expressions from balanced tokens; `faults` collects what it could not read."""

    def __init__(self, source: Source, tokens: list[Token]) -> None:
        self.source = source
        self.tokens, self.faults = balance(tokens)
        self._at = 0
        self._flat = False  # inside ( or [ a newline ends nothing
        self._depth = 0

    # tokens

    def peek(self) -> Token:
        """The next token; inside ( and [ newlines do not count."""
        if self._flat:
            self.skip_newlines()
        return self.tokens[self._at]

    def next(self) -> Token:
        """Take the next token; the end stays."""
        token = self.peek()
        if token.kind != "end":
            self._at += 1
        return token

    def behind(self, count: int = 1) -> Token:
        """A token further on, newlines and all."""
        return self.tokens[min(self._at + count, len(self.tokens) - 1)]

    def _end(self) -> int:
        """The offset behind the token that was taken last."""
        return self.tokens[max(self._at - 1, 0)].end

    def skip_newlines(self) -> None:
        """Go on to the next token that is not a newline."""
        while self.tokens[self._at].kind == "newline":
            self._at += 1

    def is_op(self, *texts: str) -> bool:
        """Whether the next token is one of these operators."""
        token = self.peek()
        return token.kind == "op" and token.text in texts

    def accept(self, *texts: str) -> bool:
        """Take the next token if it is one of these operators."""
        if self.is_op(*texts):
            self._at += 1
            return True
        return False

    def word(self, *texts: str) -> bool:
        """Take the next token if it is one of these words."""
        token = self.peek()
        if token.kind == "name" and token.text in texts:
            self._at += 1
            return True
        return False

    def fault(self, message: str, token: Token | None = None) -> None:
        """Note what cannot be read."""
        self.faults.append(Fault((token or self.peek()).start, message))

    def _over_newlines(self, *texts: str) -> bool:
        """Whether one of these operators comes next, also on a later line (then the newlines are taken)."""
        at = self._at
        while self.tokens[at].kind == "newline" and self.tokens[at].text != ";":
            at += 1
        if self.tokens[at].kind == "op" and self.tokens[at].text in texts:
            self._at = at
            return True
        return False

    # expressions

    def expression(self, *, command: bool = False) -> tree.Node:
        """One expression with assignment; `command` allows `name argument, argument`."""
        if self._depth >= DEPTH_LIMIT:
            return self._too_deep()
        self._depth += 1
        left = self._choose(command=command)
        if (token := self.peek()).kind == "op" and token.text in _ASSIGN:
            self.next()
            self.skip_newlines()
            left = tree.Assign(left.at, [left], token.text, self.expression(command=command))
        self._depth -= 1
        return left

    def _too_deep(self) -> tree.Node:
        """Leave out what is nested too deep, up to the bracket that closes it or the end of its statement."""
        token = self.peek()
        self.fault("nested too deep to follow")
        depth = 0
        while (last := self.tokens[self._at]).kind != "end":
            if last.kind == "op" and last.text in {"(", "[", "{"}:
                depth += 1
            elif last.kind == "op" and last.text in {")", "]", "}"}:
                depth -= 1
            if depth < 0 or (depth == 0 and last.kind == "newline" and not self._flat):
                break
            self._at += 1
        return tree.Constant(token.start, None)

    def _choose(self, *, command: bool) -> tree.Node:
        condition = self._binary(0, command=command)
        if self.accept("?:") or (self._over_newlines("?:") and self.accept("?:")):
            self.skip_newlines()
            return tree.Choose(condition.at, None, condition, self.expression(command=command))
        if self._over_newlines("?") and self.accept("?"):
            self.skip_newlines()
            yes = self.expression(command=command)
            if not self._over_newlines(":"):
                self.fault("a ? without its :")
                return tree.Choose(condition.at, condition, yes, tree.Constant(yes.at, None))
            self.accept(":")
            self.skip_newlines()
            return tree.Choose(condition.at, condition, yes, self.expression(command=command))
        return condition

    def _operator(self) -> str | None:
        if not self._flat and self.tokens[self._at].kind == "newline":
            return self.tokens[self._at].text if self._over_newlines("&&", "||") else None
        token = self.peek()
        if token.text == "!" and token.kind == "op" and self.behind().text in {"in", "instanceof"}:
            self._at += 1
            return "in"
        return token.text if token.kind in {"op", "name"} and token.text in _PRECEDENCE else None

    def _binary(self, level: int, *, command: bool) -> tree.Node:
        left = self._unary(command=command)
        while True:
            operator = self._operator()
            if operator is None or not self.is_binary() or _PRECEDENCE[self._text()] < level:
                return left
            precedence = _PRECEDENCE[self._text()]
            operators: list[str] = []
            operands = [left]
            while self._operator() and self.is_binary() and _PRECEDENCE[self._text()] == precedence:
                operators.append(self.next().text)
                self.skip_newlines()
                if operators[-1] in {"as", "instanceof"}:
                    operands.append(tree.Name(self.peek().start, self.type_name() or "?"))
                else:
                    operands.append(self._binary(precedence + 1, command=command))
            left = tree.Operation(left.at, operators, operands)

    def _text(self) -> str:
        return self.peek().text

    def is_binary(self) -> bool:
        """Whether the next token is a binary operator."""
        token = self.peek()
        return token.kind in {"op", "name"} and token.text in _PRECEDENCE

    def _unary(self, *, command: bool) -> tree.Node:
        token = self.peek()
        if token.kind == "op" and token.text in {"!", "-", "+", "++", "--", "~"}:
            self.next()
            if self._depth >= DEPTH_LIMIT:
                return self._too_deep()
            self._depth += 1
            operand = self._unary(command=command)
            self._depth -= 1
            return tree.Operation(token.start, [token.text], [operand])
        node = self.postfix(self._primary())
        if command and self._starts_argument(node):
            node = self._command(node)
        while self.is_op("++", "--"):
            node = tree.Operation(node.at, [self.next().text], [node])
        return node

    def _primary(self) -> tree.Node:  # noqa: PLR0911 - one for each form
        token = self.peek()
        if token.kind == "string":
            self.next()
            return self.string(token)
        if token.kind == "number":
            self.next()
            return tree.Constant(token.start, _number(token.text))
        if token.kind == "name":
            return self._word()
        if token.text == "(":
            return self._parenthesised()
        if token.text == "[":
            self.next()
            items = self.arguments("]")
            literal = tree.MapLiteral if any(i.key is not None for i in items) else tree.ListLiteral
            return literal(token.start, items)
        if token.text == "{":
            return self.closure()
        if token.text == "@":
            self.next()
            return self._primary()
        self.fault(f"an expression is missing before {token.text.strip() or 'the end of the line'}")
        if token.kind == "op" and token.text not in {")", "]", "}", ","}:
            self.next()
        return tree.Constant(token.start, None)

    def _word(self) -> tree.Node:
        token = self.next()
        if token.text in _WORDS:
            return tree.Constant(token.start, _WORDS[token.text])
        if token.text == "new":
            return self._new(token)
        if token.text in PRIMITIVES and self.is_op("["):
            self.next()
            self.arguments("]")
        return tree.Name(token.start, token.text)

    def _new(self, token: Token) -> tree.Node:
        self.skip_newlines()
        name = self.type_name() or "?"
        arguments: list[tree.Argument] = []
        if self.accept("(", "["):
            arguments = self.arguments(")" if self.tokens[self._at - 1].text == "(" else "]")
        while self.is_op("["):
            self.next()
            self.arguments("]")
        body = self.class_body() if self.is_op("{") else []
        return tree.New(token.start, name, arguments, body)

    def _parenthesised(self) -> tree.Node:
        token = self.next()
        flat, self._flat = self._flat, True
        if (cast := self._cast()) is not None:
            self._flat = flat
            return cast
        inner = self.expression(command=True)
        while not self.accept(")") and self.peek().kind != "end":
            self.fault("a closing ) is missing")
            inner = tree.Block(token.start, [inner, self._anything()])
        self._flat = flat
        return inner

    def _anything(self) -> tree.Node:
        """Some expression, taking at least one token."""
        before = self._at
        node = self.expression()
        if self._at == before:
            self.next()
        return node

    def _cast(self) -> tree.Node | None:
        """`(Type) operand`, after the parenthesis."""
        start = self._at
        faults = len(self.faults)
        name = self.type_name()
        if name and self.is_op(")"):
            self._at += 1
            token = self.tokens[self._at]
            last = name.rpartition(".")[2]
            if (last[:1].isupper() or last in PRIMITIVES) and (
                token.kind in {"string", "number"}
                or (token.kind == "name" and token.text not in _NOT_ARGUMENT)
                or (
                    token.text in {"(", "[", "{"}
                    and last in {"Map", "String", "List", "boolean", "int", "Closure"}
                )
            ):
                self._flat = False
                if self._depth >= DEPTH_LIMIT:
                    return self._too_deep()
                self._depth += 1
                operand = self._unary(command=False)
                self._depth -= 1
                if last == "char":
                    return tree.Operation(operand.at, ["as"], [operand, tree.Name(operand.at, last)])
                return operand
        self._at = start
        del self.faults[faults:]
        return None

    def type_name(self) -> str | None:
        """A type as written, without generics and brackets; None (nothing taken) when there is none."""
        token = self.peek()
        if token.kind != "name":
            return None
        name = self.next().text
        for _ in range(_TYPE_LIMIT):
            if not self.is_op(".") or self.behind().kind != "name":
                break
            self.next()
            name += "." + self.next().text
        if self.is_op("<") and not self._generics():
            return name
        while self.is_op("[") and self.behind().text == "]":
            self._at += 2
        return name

    def _generics(self) -> bool:
        start, depth = self._at, 0
        while True:
            token = self.tokens[self._at]
            if token.text in {"<", ">", ">>", ">>>"} and token.kind == "op":
                depth += 1 if token.text == "<" else -len(token.text)
            elif token.kind not in {"name", "newline"} and token.text not in {",", ".", "?", "&", "[", "]"}:
                depth = -1
            if depth < 0 or token.kind == "end" or self._at - start > 60:
                self._at = start
                return False
            self._at += 1
            if depth == 0:
                return True

    # postfix and calls

    def postfix(self, node: tree.Node) -> tree.Node:
        """Everything that hangs on an operand: `.name`, `[…]`, `(…)` and closures."""
        for _ in range(CHAIN_LIMIT):
            token = self.tokens[self._at] if not self._flat else self.peek()
            if token.kind == "newline" and not self._over_newlines(".", "?.", "*.", ".&"):
                return node
            token = self.peek()
            if token.kind != "op":
                return node
            if token.text in {".", "?.", "*.", ".&", ".@"}:
                node = self._property(node)
            elif token.text == "(":
                self.next()
                arguments = self.arguments(")")
                node = tree.Call(node.at, node, arguments, self._end())
            elif token.text == "[" and not (token.spaced and self._labels_ahead()):
                self.next()
                node = tree.Index(node.at, node, self.arguments("]"))
            elif token.text == "{" and isinstance(node, tree.Name | tree.Property | tree.Call):
                node = self._with_closure(node)
            else:
                return node
        self.fault("a chain of calls that is too long to follow")
        return node

    def _labels_ahead(self) -> bool:
        """Whether a `[` begins a map: `step [key: value]`, though Groovy wants parentheses."""
        after = self.behind(2)
        return self.behind().kind in {"name", "string"} and after.text == ":"

    def _property(self, target: tree.Node) -> tree.Node:
        if self.next().text == ".&" and self.peek().kind == "name":  # this.&sh is { it -> this.sh(it) }
            name = self.next()
            call = tree.Property(name.start, target, name.text)
            it = tree.Argument(name.start, tree.Name(name.start, "it"))
            return tree.Closure(
                name.start, [tree.Parameter(name.start, "it")], [tree.Call(name.start, call, [it])]
            )
        self.skip_newlines()
        token = self.peek()
        if token.text == "@" and token.kind == "op":
            self.next()
            token = self.peek()
        if token.text == "<" and self._generics():
            token = self.peek()
        if token.kind == "string":
            self.next()
            return tree.Property(token.start, target, self.string(token))
        if token.kind in {"name", "number"}:
            self.next()
            return tree.Property(token.start, target, token.text)
        if token.text == "(":
            return tree.Property(token.start, target, self._parenthesised())
        self.fault("a name is missing behind the dot")
        return target

    def _with_closure(self, node: tree.Node) -> tree.Node:
        argument = tree.Argument(self.peek().start, self.closure())
        if isinstance(node, tree.Call):
            node.arguments.append(argument)
            node.end = self._end()
            return node
        return tree.Call(node.at, node, [argument], self._end())

    def _starts_argument(self, node: tree.Node) -> bool:
        if not isinstance(node, tree.Name | tree.Property | tree.Call):
            return False
        token = self.tokens[self._at]
        if token.kind in {"string", "number"}:
            return True
        if token.kind == "name":
            return token.text not in _NOT_ARGUMENT
        return token.text == "[" and token.spaced

    def _command(self, node: tree.Node) -> tree.Node:
        """`name argument, argument`, and chains of it: `a b c d` is a(b).c(d)."""
        for _ in range(CHAIN_LIMIT):
            arguments = [self._argument()]
            while self.accept(","):
                self.skip_newlines()
                arguments.append(self._argument())
            node = self.postfix(tree.Call(node.at, node, arguments, self._end()))
            if self.tokens[self._at].kind != "name" or not self._starts_argument(node):
                return node
            name = self.next()
            node = tree.Property(name.start, node, name.text)
            if not self._starts_argument(node):
                return node
        self.fault("a chain of calls that is too long to follow")
        return node

    def arguments(self, closing: str) -> list[tree.Argument]:
        """Arguments or entries, up to the closing bracket, which is taken."""
        flat, self._flat = self._flat, True
        items: list[tree.Argument] = []
        while not self.accept(closing) and self.peek().kind != "end":
            before = self._at
            if self.is_op(":") and self.behind().text == closing:  # the empty map [:]
                colon = self.next()
                items.append(
                    tree.Argument(colon.start, tree.MapLiteral(colon.start, []), spread=True, key="")
                )
                continue
            items.append(self._argument())
            if not self.accept(",") and not self.is_op(closing):
                self.fault(f"a , or {closing} is missing")
            if self._at == before:
                self.next()
        self._flat = flat
        return items

    def _argument(self) -> tree.Argument:
        token = self.peek()
        if token.text == "*" and token.kind == "op":
            self.next()
            key = "" if self.accept(":") else None
            return tree.Argument(token.start, self.expression(), key, spread=True)
        after = self.behind()
        if token.kind in {"name", "string", "number"} and after.text == ":" and after.kind == "op":
            self._at += 2
            self.skip_newlines()
            key_node = self.string(token) if token.kind == "string" else None
            return tree.Argument(token.start, self.expression(), key_node or token.text)
        value = self.expression()
        if self.accept(":"):
            self.skip_newlines()
            return tree.Argument(token.start, self.expression(), value)
        return tree.Argument(token.start, value)

    # strings and closures

    def string(self, token: Token) -> tree.String:
        """A string with its holes read as expressions."""
        parts: list[Piece | tuple[tree.Node, str]] = []
        for part in token.parts:
            if isinstance(part, Piece):
                parts.append(part)
            else:
                parts.append((self._hole(part), self.source.text[part.start : part.end].strip("${} \n")))
        return tree.String(token.start, parts)

    def _hole(self, hole: Hole) -> tree.Node:
        inner, faults = balance(hole.tokens)
        self.faults += faults
        saved = self.tokens, self._at, self._flat
        self.tokens, self._at, self._flat = inner, 0, False
        body: list[tree.Node] = []
        self.skip_newlines()
        if self.is_op("->"):
            self.next()
        while self.peek().kind != "end":
            body += self.statements_until_end()
        self.tokens, self._at, self._flat = saved
        return body[0] if len(body) == 1 else tree.Block(hole.start, body)

    def closure(self) -> tree.Closure:
        """`{ parameters -> statements }`."""
        start = self.next().start
        flat, self._flat = self._flat, False
        self._depth += 1
        parameters = self.parameters("->") if self._arrow_ahead() else None
        body = self.block_body()
        self._depth -= 1
        self._flat = flat
        return tree.Closure(start, parameters, body)

    def _arrow_ahead(self) -> bool:
        at = self._at
        while (token := self.tokens[at]).text != "->":
            plain = token.kind in {"name", "number", "newline", "string"} and token.text != ";"
            if not plain and token.text not in {",", ".", "<", ">", ">>", "[", "]", "=", "?", "@"}:
                return False
            at += 1
        return True

    def parameters(self, closing: str) -> list[tree.Parameter]:
        """Parameters of a method (up to `)`) or closure (up to `->`), with their defaults."""
        flat, self._flat = self._flat, True
        found: list[tree.Parameter] = []
        last: Token | None = None
        depth = 0
        rest = False
        while not self.is_op(closing) and self.peek().kind != "end":
            token = self.next()
            if token.kind == "name":
                last = token
            elif token.text in {"<", ">", ">>", ">>>"}:
                depth += 1 if token.text == "<" else -len(token.text)
            elif token.text == "..":
                rest = True
            elif token.text == "=" and last:
                found.append(tree.Parameter(last.start, last.text, self.expression()))
                last = None
            elif token.text == "," and depth <= 0:
                found += [tree.Parameter(last.start, last.text, rest=rest)] if last else []
                last, rest = None, False
            elif token.text == "(":
                self.arguments(")")  # of an annotation
        found += [tree.Parameter(last.start, last.text, rest=rest)] if last else []
        self.accept(closing)
        self._flat = flat
        return found

    # what the statement parser adds

    def statements_until_end(self) -> list[tree.Node]:
        """Statements of a hole."""
        raise NotImplementedError

    def block_body(self) -> list[tree.Node]:
        """Statements up to the closing brace, which is taken."""
        raise NotImplementedError

    def class_body(self) -> list[tree.Node]:
        """Members of a class in braces."""
        raise NotImplementedError


def _number(text: str) -> int | float:
    digits = text.rstrip("gGlLiIdDfF").replace("_", "")
    try:
        return int(digits, 0) if not digits.startswith("0") or digits[1:2] in set("xXbB") else int(digits, 8)
    except ValueError:
        try:
            return float(digits)
        except ValueError:
            return 0
