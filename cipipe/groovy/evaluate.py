"""An evaluator for constants: it walks what would run, in order, and knows strings, lists, maps and closures.

Nothing of the outside is ever called: what is not in the files is the host's (the steps of a pipeline).
"""

from collections.abc import Callable, Sequence

from cipipe.groovy import tree
from cipipe.groovy.calls import Calls
from cipipe.groovy.operators import operate
from cipipe.groovy.source import Piece, Text, join
from cipipe.groovy.values import (
    CHOICES_LIMIT,
    Bag,
    Choice,
    Function,
    Handle,
    Items,
    Scope,
    Table,
    Unit,
    Value,
    items,
    one_of,
    possibilities,
    soft,
    truth,
)
from cipipe.pipelines.model import Unknown


class Evaluator(Calls):
    """Statements and expressions; calls are in `Calls`."""

    # statements

    def statements(self, body: Sequence[tree.Node], scope: Scope) -> tuple[bool, Value]:
        """Run statements: whether they surely left (return, throw, break), and the value of the last one."""
        value: Value = None
        for node in body:
            left, value = self.statement(node, scope)
            if left:
                return True, value
        return False, value

    def statement(self, node: tree.Node, scope: Scope) -> tuple[bool, Value]:  # noqa: PLR0911 - one for each form
        """Run one statement."""
        self.work()
        match node:
            case tree.If():
                return self._if(node, scope)
            case tree.Loop():
                return self._loop(node, scope)
            case tree.Try():
                return self._try(node, scope)
            case tree.Switch():
                return self._switch(node, scope)
            case tree.Leave():
                value = self.evaluate(node.value, scope) if node.value is not None else None
                if node.kind == "return" and self.returns is not None:
                    self.returns.append(value)
                return node.kind != "assert", value
            case tree.Block():
                return self.statements(node.body, Scope({}, scope))
            case tree.Method() | tree.Class() | tree.Import() | tree.Annotation():
                return False, None
            case _:
                return False, self.evaluate(node, scope)

    def _block(self, body: Sequence[tree.Node], scope: Scope, results: list[Value]) -> Callable[[], bool]:
        def run() -> bool:
            left, value = self.statements(body, Scope({}, scope))
            results.append(value)
            return left

        return run

    def _if(self, node: tree.If, scope: Scope) -> tuple[bool, Value]:
        arms: list[Callable[[], bool]] = []
        results: list[Value] = []
        sure = False
        for condition, body in node.arms:
            known = truth(self.evaluate(condition, scope))
            if known is not False:
                arms.append(self._block(body, scope, results))
            if known is True:
                sure = True
                break
        if not sure and node.otherwise is not None:
            arms.append(self._block(node.otherwise, scope, results))
            sure = True
        if sure and len(arms) == 1:
            return arms[0](), one_of(results) if results else None
        left = self.journal.fork(arms, exhaustive=sure) if arms else False
        return left, one_of(results) if results else None

    def _loop(self, node: tree.Loop, scope: Scope) -> tuple[bool, Value]:
        inner = Scope({}, scope)
        found = self.evaluate(node.items, inner) if node.items is not None else Unknown("a loop")
        if node.variable and isinstance(found, Items | Table):
            for value in self.elements(found):
                self.journal.write(inner.variables, node.variable, value)
                self.statements(node.body, Scope({}, inner))
            return False, None
        self.soften([*node.heads, *node.body], scope)
        for head in node.heads:
            if truth(self.statement(head, inner)[1]) is False and isinstance(head, tree.Constant):
                return False, None
        if node.variable:
            self.journal.write(inner.variables, node.variable, Unknown(node.variable))
        self.journal.fork([self._block(node.body, inner, [])], exhaustive=False)
        return False, None

    def _try(self, node: tree.Try, scope: Scope) -> tuple[bool, Value]:
        results: list[Value] = []
        if node.catches:
            left = self.journal.fork([self._block(node.body, scope, results)], exhaustive=False)
            arms = []
            for name, body in node.catches:
                inner = Scope({name: Unknown(name)}, scope)
                arms.append(self._block(body, inner, results))
            self.journal.fork(arms, exhaustive=False)
        else:
            left = self._block(node.body, scope, results)()
        self.statements(node.last, Scope({}, scope))
        return left, one_of(results) if results else None

    def _switch(self, node: tree.Switch, scope: Scope) -> tuple[bool, Value]:
        subject = self.evaluate(node.subject, scope)
        results: list[Value] = []
        arms: list[Callable[[], bool]] = []
        default = False
        for number, (values, _) in enumerate(node.cases):
            body = self._fall_through(node, number)
            known = [
                operate("==", subject, self.evaluate(value, scope), self.strings(value.at))
                for value in values
            ]
            if True in known:
                return self.journal.fork([self._block(body, scope, results)], exhaustive=True), one_of(
                    results
                )
            if False not in known:
                default = default or not values
                arms.append(self._block(body, scope, results))
        left = self.journal.fork(arms, exhaustive=default) if arms else False
        return left, one_of(results) if results else None

    def _fall_through(self, node: tree.Switch, number: int) -> list[tree.Node]:
        body: list[tree.Node] = []
        for _, statements in node.cases[number:]:
            body += [s for s in statements if not (isinstance(s, tree.Leave) and s.kind == "break")]
            if any(isinstance(s, tree.Leave) for s in statements):
                break
            if statements:
                break  # a body without break: the next case runs too, and is an arm of its own
        return body

    # expressions

    def evaluate(self, node: tree.Node | None, scope: Scope) -> Value:  # noqa: C901, PLR0911, PLR0912 - a dispatch
        """The value of an expression; everything that it calls is called."""
        self.work()
        match node:
            case tree.Constant():
                return node.value
            case tree.String():
                return self._string(node, scope)
            case tree.Name():
                return self.name(node.name, scope)
            case tree.Call():
                return self.call(node, scope)
            case tree.Property():
                return self._property(node, scope)
            case tree.Index():
                return self._index(node, scope)
            case tree.ListLiteral():
                return items(self._list(node.items, scope))
            case tree.MapLiteral():
                return self._map(node.items, scope)
            case tree.Closure():
                return Function(node, scope, self.unit, calls=self.calls)
            case tree.Operation():
                return self._operation(node, scope)
            case tree.Choose():
                return self._choose(node, scope)
            case tree.Assign():
                return self._assign(node, scope)
            case tree.New():
                return self.new(node, scope)
            case tree.Block():
                return self.statements(node.body, Scope({}, scope))[1]
            case None:
                return None
            case _:
                return self.statement(node, scope)[1]

    def _string(self, node: tree.String, scope: Scope) -> Value:
        strings = self.strings(node.at)
        texts: list[list[Text]] = [[]]
        choices = False
        for part in node.parts:
            if isinstance(part, Piece):
                for text in texts:
                    text.append(Text((part,)))
                continue
            value = self.evaluate(part[0], scope)
            if isinstance(value, Function):
                value = self.run(value, [])
            at = part[0].at
            found = [self.strings(at).text(v, part[1]) for v in possibilities(value)]
            found = [text.placed(self.unit.source, at) for text in found]
            choices = choices or isinstance(value, Choice)
            if len(texts) * len(found) > CHOICES_LIMIT:
                found = found[: max(CHOICES_LIMIT // len(texts), 1)]
            if len(found) == 1:
                for text in texts:
                    text.append(found[0])
            else:
                texts = [[*text, new] for text in texts for new in found]
        if not choices:
            return join(texts[0]) if node.parts else strings.literal("")
        return one_of(Choice((join(text),)) for text in texts)

    def _property(self, node: tree.Property, scope: Scope) -> Value:
        if (path := self.path(node, scope)) is not None:
            return self.global_value(path)
        target = self.evaluate(node.target, scope)
        name = self.member(node.name, scope)
        if name is None:
            return Unknown("a property whose name is not known")
        return one_of(self.get(value, name, node.at) for value in possibilities(target))

    def get(self, target: Value, name: str, at: int = 0) -> Value:  # noqa: PLR0911 - one for each kind
        """A property of one value, read at an offset of the present source."""
        match target:
            case Table():
                if name in target.entries:
                    return target.entries[name]
                return None if target.whole else Unknown(name)
            case Bag():
                return target.values.get(name, Unknown(f"{target.name}.{name}"))
            case Unit():
                return self.unit_property(target, name, at)
            case Items():
                return items(self.get(value, name) for value in target.values)
            case Unknown():
                return Unknown(f"{target.why}.{name}")
            case Handle():
                return Handle(f"{target.name}.{name}", target.arguments)
            case _:
                return Unknown(name)

    def _index(self, node: tree.Index, scope: Scope) -> Value:
        target = self.evaluate(node.target, scope)
        keys = self._list(node.items, scope)
        key = keys[0] if len(keys) == 1 else None
        found: list[Value] = []
        for value in possibilities(target):
            for one in possibilities(key):
                if isinstance(one, Text) and one.known and isinstance(value, Table | Bag | Unit | Unknown):
                    found.append(self.get(value, one.string))
                elif isinstance(value, Table) and not isinstance(one, Text):
                    found += [soft(v) for v in value.entries.values()] or [Unknown("an entry")]
                elif isinstance(one, int) and isinstance(value, Items | Text):
                    found.append(self.builtin(value, "getAt", [one]))
                elif isinstance(value, Items):
                    found += [soft(v) for v in value.values] or [Unknown("an element")]
                else:
                    found.append(Unknown("an element"))
        return one_of(found)

    def _list(self, nodes: Sequence[tree.Argument], scope: Scope) -> list[Value]:
        values: list[Value] = []
        for node in nodes:
            value = self.evaluate(node.value, scope)
            values += value.values if node.spread and isinstance(value, Items) else [value]
        return values

    def _map(self, nodes: Sequence[tree.Argument], scope: Scope) -> Table:
        made = Table({})
        for node in nodes:
            value = self.evaluate(node.value, scope)
            if node.spread:
                made.entries.update(value.entries if isinstance(value, Table) else {})
                made.whole = made.whole and isinstance(value, Table) and value.whole
                continue
            key = self.key(node, scope)
            if key is None:
                made.whole = False
                key = f"?{len(made.entries)}"
            made.entries[key] = value
        return made

    def _operation(self, node: tree.Operation, scope: Scope) -> Value:
        if len(node.operands) == 1:
            return self._prefix(node, scope)
        strings = self.strings(node.at)
        value = self._operand(node.operands[0], scope)
        for operator, operand in zip(node.operators, node.operands[1:], strict=True):
            if operator in {"as", "instanceof"}:
                value = self._as(value, operand) if operator == "as" else Unknown("a type")
                continue
            known = truth(value)
            if (operator == "&&" and known is False) or (operator == "||" and known is True):
                value = known
                continue
            right = self._operand(operand, scope)
            if operator == "<<" and isinstance(value, Text):  # a builder grows
                value = operate(operator, value, right, strings)
                self.assign(node.operands[0], value, scope)
            elif operator == "<<" and isinstance(value, Items):
                self.journal.write(value.cell, "values", (*value.values, right))
            elif operator == "<<" and isinstance(value, Table) and isinstance(right, Table):
                for key, entry in right.entries.items():
                    self.journal.write(value.entries, key, entry)
            else:
                value = operate(operator, value, right, strings)
        return value

    def _as(self, value: Value, kind: tree.Node) -> Value:
        name = kind.name if isinstance(kind, tree.Name) else ""
        if name.lower() in {"char", "character"} and isinstance(value, int) and 0 < value < 0xD800:
            return self.strings(kind.at).literal(chr(value))
        return value

    def _operand(self, node: tree.Node, scope: Scope) -> Value:
        """A text that is not written here counts as written where it is used."""
        value = self.evaluate(node, scope)
        if isinstance(node, tree.Name | tree.Property | tree.Index):
            source = self.unit.source
            placed = [v.placed(source, node.at) if isinstance(v, Text) else v for v in possibilities(value)]
            return Choice(tuple(placed)) if isinstance(value, Choice) else placed[0]
        return value

    def _prefix(self, node: tree.Operation, scope: Scope) -> Value:
        value = self.evaluate(node.operands[0], scope)
        operator = node.operators[0]
        if operator == "!":
            known = truth(value)
            return Unknown("a condition") if known is None else not known
        if operator in {"++", "--"}:
            changed = (
                value + (1 if operator == "++" else -1) if isinstance(value, int) else Unknown("a count")
            )
            self.assign(node.operands[0], changed, scope)
            return value
        return -value if operator == "-" and isinstance(value, int | float) else value

    def _choose(self, node: tree.Choose, scope: Scope) -> Value:
        if node.condition is None:
            value = self.evaluate(node.yes, scope)
            known = truth(value)
            if known is True:
                return value
            other = self.evaluate(node.no, scope)
            if known is False:
                return other
            maybe = [Choice((v,)) for v in possibilities(value) if truth(v) is not False]
            return one_of([*maybe, Choice((other,))])
        known = truth(self.evaluate(node.condition, scope))
        if known is not None:
            return self.evaluate(node.yes if known else node.no, scope)
        return one_of([self.evaluate(node.yes, scope), self.evaluate(node.no, scope)])

    # assignment

    def _assign(self, node: tree.Assign, scope: Scope) -> Value:
        value = self.evaluate(node.value, scope)
        if len(node.targets) > 1:
            for number, target in enumerate(node.targets):
                part = (
                    self.builtin(value, "getAt", [number]) if isinstance(value, Items) else Unknown("a part")
                )
                (self._declare if node.declared else self.assign)(target, part, scope)
            return value
        target = node.targets[0]
        if node.declared:
            self._declare(target, value, scope)
            return value
        if node.operator != "=":
            before = self.evaluate(target, scope)
            if node.operator == "<<=" and isinstance(before, Items):
                self.journal.write(before.cell, "values", (*before.values, value))
                return before
            value = operate(node.operator[:-1], before, value, self.strings(node.at))
        self.assign(target, value, scope)
        return value

    def _declare(self, target: tree.Node, value: Value, scope: Scope) -> None:
        if isinstance(target, tree.Name):
            self.journal.write(scope.variables, target.name, value)

    def assign(self, target: tree.Node, value: Value, scope: Scope) -> None:
        """Set what an expression names: a variable, property or element."""
        if isinstance(target, tree.Name):
            holder = scope.holder(target.name)
            delegate = scope.delegated() if holder is None else None
            if delegate is not None:
                holder = delegate.entries
            self.journal.write(self.unit.scope.variables if holder is None else holder, target.name, value)
            return
        if not isinstance(target, tree.Property | tree.Index):
            return
        owner = self.evaluate(target.target, scope)
        if isinstance(target, tree.Property):
            name = self.member(target.name, scope)
        else:
            key = self.evaluate(target.items[0].value, scope) if target.items else None
            if isinstance(owner, Items):
                self.journal.write(owner.cell, "values", (*owner.values, value))
                return
            name = key.string if isinstance(key, Text) else f"?{target.at}"
        for one in possibilities(owner):
            self._set(one, name or f"?{target.at}", value)

    def _set(self, owner: Value, name: str, value: Value) -> None:
        match owner:
            case Table():
                self.journal.write(owner.entries, name, value)
            case Bag():
                self.journal.write(owner.values, name, soft(value))
            case Unit():
                self.journal.write(owner.scope.variables, name, value)
            case Function() if name == "delegate" and isinstance(value, Table):
                owner.delegate = value
            case _:
                pass
