"""Calls: which method, closure or step a call means, and running it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from cipipe.groovy import tree
from cipipe.groovy.iterate import ADDS, Iterations
from cipipe.groovy.methods import METHODS, Strings
from cipipe.groovy.source import Text
from cipipe.groovy.values import (
    Arguments,
    Choice,
    Function,
    Handle,
    Items,
    Scope,
    Site,
    Table,
    Unit,
    Value,
    items,
    one_of,
    possibilities,
    soft,
)
from cipipe.pipelines.model import Unknown
from cipipe.results import Location

CALLS_LIMIT = 24  # methods that call methods
CLOSURE_LIMIT = 6  # times that one closure runs with the same values: branches around it multiply
QUIET_LIMIT = 25  # a method that noted nothing so often, whatever its arguments, is a helper


class Host(Protocol):
    """What is not Groovy: the steps and objects of the program that runs the script."""

    def variable(self, name: str, unit: Unit) -> Value:
        """A name that no scope has; `Unknown` when the host does not know it either."""

    def step(self, name: str, arguments: Arguments, receiver: Handle | None, unit: Unit) -> Value:
        """A call that no file answers; `name` is dotted when it is on an object of the host's."""

    def construct(self, name: str, arguments: Arguments, unit: Unit) -> Value:
        """`new name(…)`."""

    def execute(self, command: Value, site: Site) -> Value:
        """`'command'.execute()` and its kin."""

    def is_step(self, name: str) -> bool:
        """Whether a method of an object that is not known can only be this step."""

    def unclear(self, message: str, location: Location) -> None:
        """Something that cannot be followed."""

    def too_deep(self, message: str) -> None:
        """Something that is not followed further; once is enough."""

    def noted(self) -> int:
        """How much has been noted so far: a method that notes nothing need not run again."""


class Calls(Iterations):
    """Calls in every form."""

    def call(self, node: tree.Call, scope: Scope) -> Value:
        """The value of a call."""
        target = node.target
        match target:
            case tree.Name():
                return self._by_name(target.name, node, scope)
            case tree.String():
                return self._by_text(self.evaluate(target, scope), node, scope)
            case tree.Property():
                return self._on_object(target, node, scope)
            case tree.Index() if len(target.items) == 1 and self._by_key(target, scope):
                member = tree.Property(target.at, target.target, target.items[0].value)
                return self._on_object(member, node, scope)
            case _:
                pass
        callee = self.evaluate(target, scope)
        arguments = self._arguments(node, scope)
        return one_of(self._call_value(value, arguments) for value in possibilities(callee))

    def _by_key(self, target: tree.Index, scope: Scope) -> bool:
        """Whether `target[key](…)` is a call by name: of a script's method, or a map's closure."""
        if isinstance(self.evaluate(target.target, scope), Unit):
            return True
        return isinstance(self.evaluate(target.items[0].value, scope), Text)

    def _arguments(self, node: tree.Call | tree.New, scope: Scope) -> Arguments:
        arguments = Arguments([], {}, self.site(node))
        for argument in node.arguments:
            value = self.evaluate(argument.value, scope)
            if isinstance(argument.value, tree.Closure) and isinstance(value, Function):
                value.inline = True
            if argument.key is not None and not argument.spread:
                key = self.key(argument, scope)
                arguments.named[key if key is not None else f"?{len(arguments.named)}"] = value
            elif argument.spread and isinstance(value, Table):
                arguments.named.update(value.entries)
            elif argument.spread and isinstance(value, Items):
                arguments.positional += value.values
            else:
                arguments.positional.append(value)
        return arguments

    def site(self, node: tree.Node) -> Site:
        """Where a call is written."""
        source = self.unit.source
        end = node.end if isinstance(node, tree.Call) else node.at
        return Site(source.locate(node.at), source, node.at, end)

    def _by_text(self, name: Value, node: tree.Call, scope: Scope) -> Value:
        found: list[Value] = []
        for one in possibilities(name):
            if isinstance(one, Text) and one.known:
                found.append(self._by_name(one.string, node, scope))
            else:
                arguments = self._arguments(node, scope)
                self.host.unclear("a method whose name is computed", arguments.location)
                found.append(self.run_unsure(arguments))
        return one_of(found)

    def _by_name(self, name: str, node: tree.Call, scope: Scope) -> Value:  # noqa: PLR0911 - one for each kind
        arguments = self._arguments(node, scope)
        holder = scope.holder(name)
        value = holder[name] if holder is not None else None
        if isinstance(value, Function | Unit):
            return self._call_value(value, arguments)
        if name in self.unit.methods:
            return self.invoke(self.unit, name, arguments)
        if (delegate := scope.delegated()) is not None and isinstance(
            function := delegate.entries.get(name), Function
        ):
            return self.run_call(function, arguments)
        if holder is not None and isinstance(value, Unknown) and not self.host.is_step(name):
            return self.run_unsure(arguments)
        if name == "super" and "super.<init>" in self.unit.methods:
            return self.invoke(self.unit, "super.<init>", arguments)
        if name in {"call", "super", "this"}:
            return self.run_unsure(arguments)
        if name == "sprintf":
            return self.strings(node.at).formatted(arguments.positional)
        return self.host.step(name, arguments, None, self.unit)

    def _call_value(self, value: Value, arguments: Arguments) -> Value:
        match value:
            case Function():
                return self.run_call(value, arguments)
            case Unit() if "call" in value.methods:
                return self.invoke(value, "call", arguments)
            case Handle():
                return self.host.step(value.name, arguments, value, self.unit)
            case _:
                pass
        return self.run_unsure(arguments)

    def _on_object(self, target: tree.Property, node: tree.Call, scope: Scope) -> Value:
        path = self.path(target.target, scope)
        receiver = self.global_value(path) if path is not None else self.evaluate(target.target, scope)
        if isinstance(receiver, Unknown) and path is not None:
            receiver = Handle(path)
        arguments = self._arguments(node, scope)
        name = self.member(target.name, scope)
        if isinstance(target.target, tree.Name) and target.target.name == "super":
            receiver = self.unit
            name = f"super.{name}" if f"super.{name}" in self.unit.methods else name
        if name is None:
            self.host.unclear("a method whose name is computed", arguments.location)
            return self.run_unsure(arguments)
        if path == "String" and name == "format":
            return self.strings(node.at).formatted(arguments.positional)
        value = one_of(self._method(one, name, arguments) for one in possibilities(receiver))
        if name == "append" and isinstance(receiver, Text | Choice):  # a builder: no string has the method
            self.assign(target.target, value, scope)
        return value

    def _method(  # noqa: C901, PLR0911 - one for each kind
        self, receiver: Value, name: str, arguments: Arguments
    ) -> Value:
        match receiver:
            case Unit():
                return self._unit_method(receiver, name, arguments)
            case Function():
                if name in {"call", "doCall", "run"}:
                    return self.run_call(receiver, arguments)
                return receiver
            case Table() if isinstance(function := receiver.entries.get(name), Function):
                return self.run_call(function, arguments)
            case Handle():
                if name in {"each", "with", "collect"} and arguments.closures():
                    return self.iterate(receiver, name, arguments)
                return self.host.step(f"{receiver.name}.{name}", arguments, receiver, self.unit)
            case _:
                pass
        if name == "execute" and _is_request(receiver, arguments):
            return Unknown("execute()")
        if name == "execute" or (name == "exec" and isinstance(receiver, Unknown) and arguments.positional):
            command = receiver if name == "execute" else arguments.positional[0]
            return self.host.execute(command, arguments.site)
        if isinstance(receiver, Unknown) and self.host.is_step(name):
            return self.host.step(name, arguments, None, self.unit)
        if arguments.closures() and name not in ADDS:
            return self.iterate(receiver, name, arguments)
        return self.builtin(receiver, name, arguments.positional)

    def _unit_method(self, unit: Unit, name: str, arguments: Arguments) -> Value:
        if name == "invokeMethod" and len(arguments.positional) > 1:
            called = possibilities(arguments.positional[0])[0]
            if not isinstance(called, Text) or not called.known:
                self.host.unclear("a method whose name is computed", arguments.location)
                return self.run_unsure(arguments)
            rest = arguments.positional[1]
            values: list[Value] = list(rest.values) if isinstance(rest, Items) else [rest]
            return self._unit_method(unit, called.string, Arguments(values, {}, arguments.site))
        if name in unit.methods:
            return self.invoke(unit, name, arguments)
        value = unit.scope.variables.get(name)
        if isinstance(value, Function | Unit):
            return self._call_value(value, arguments)
        if unit.steps or self.host.is_step(name):
            return self.host.step(name, arguments, None, unit)
        return self.run_unsure(arguments)

    def builtin(self, receiver: Value, name: str, arguments: list[Value]) -> Value:
        """A method of Groovy's own on a string, list or map."""
        strings = Strings(self.unit.source, 0)
        if isinstance(receiver, Text):
            place = receiver.pieces[0] if receiver.pieces else None
            strings = Strings(place.source, place.offset) if place else strings
            plain = [possibilities(argument)[0] for argument in arguments]
            return strings.call(receiver, name, plain)
        return self.collection(receiver, name, arguments, strings)

    # running

    def invoke(self, unit: Unit, name: str, arguments: Arguments, *, entry: bool = False) -> Value:
        """Run a method of a script or object; at an `entry` nothing of the pipeline calls it."""
        positional: list[Value] = list(arguments.positional)
        if arguments.named:
            positional.insert(0, Table(arguments.named))
        method = _overload(unit.methods[name], len(positional))
        if self.running.count(id(method)) > 1 or len(self.running) > CALLS_LIMIT:
            if len(self.running) > CALLS_LIMIT:
                self.host.too_deep(f"methods that call each other more than {CALLS_LIMIT} deep")
            elif not any(isinstance(value, Unknown) for value in positional):
                self.recursive[id(method)] = arguments.site
            return Unknown(f"{name}()")
        owner = id(unit.scope) if unit.scope.variables else unit.source.file
        key = (id(method), owner, *map(signature, positional))
        if key in self.silent:
            return self.silent[key][0]
        closures = any(isinstance(value, Function) for value in positional)
        if self.quiet[id(method)] > QUIET_LIMIT and not closures:
            return Unknown(f"{name}()")
        scope = Scope({}, unit.scope)
        before = self.host.noted()
        self.ran.add((method.source.file, method.at))
        self.running.append(id(method))
        outer = self.calls
        self.calls = () if entry else (*outer, arguments.site)
        value = self._method_body(unit, method, positional, scope)
        self.running.pop()
        again = self.recursive.get(id(method)) if id(method) not in self.running else None
        if again is not None and self.host.noted() != before:
            del self.recursive[id(method)]
            self.host.unclear(f"{name} calls itself", again.location)
        self.calls = outer
        if self.host.noted() == before:
            self.silent[key] = (value, unit.scope)
            self.quiet[id(method)] += 1
        else:
            self.quiet[id(method)] = 0
        return value

    def _method_body(self, unit: Unit, method: tree.Method, positional: list[Value], scope: Scope) -> Value:
        inherited = method.source is not unit.source
        outer, self.unit = self.unit, replace(unit, source=method.source) if inherited else unit
        returns, self.returns = self.returns, []
        self._bind(method.parameters, positional, scope)
        left, value = self.statements(method.body, scope)
        found = self.returns if left else [*self.returns, value]
        self.unit, self.returns = outer, returns
        return one_of(found) if found else None

    def _bind(self, parameters: Sequence[tree.Parameter], values: Sequence[Value], scope: Scope) -> None:
        """Parameters as variables; where no caller is known, a default may be another value."""
        missing = len(values) < len(parameters)
        value: Value
        for number, parameter in enumerate(parameters):
            if parameter.rest and not (len(values) == number + 1 and isinstance(values[number], Items)):
                value = items(values[number:])
            elif number < len(values):
                value = values[number]
            elif parameter.default is not None and missing:
                value = self.evaluate(parameter.default, scope)
                if not self.calls and isinstance(value, Table):
                    value.whole = False
                elif not self.calls:
                    value = soft(value)
            else:
                value = Unknown(parameter.name)
            scope.variables[parameter.name] = value

    def run_call(self, function: Function, arguments: Arguments) -> Value:
        """Run a closure as a call names it."""
        positional = list(arguments.positional)
        if arguments.named:
            positional.insert(0, Table(arguments.named))
        if function.inline:
            return self.run(function, positional)
        return self.run(replace(function, calls=(*self.calls, arguments.site)), positional)

    def run(self, function: Function, values: Sequence[Value], delegate: Table | None = None) -> Value:
        """Run a closure once with these values."""
        node = function.node
        if self.running.count(id(node)) > 1 or len(self.running) > CALLS_LIMIT * 2:
            return Unknown("a closure that calls itself")
        if self._often(function, values):
            return Unknown("a closure")
        scope = Scope({}, function.scope, delegate or function.delegate)
        self.running.append(id(node))
        outer, self.unit = self.unit, function.unit
        calls, self.calls = self.calls, function.calls
        returns, self.returns = self.returns, []
        if node.parameters is None:
            scope.variables["it"] = values[0] if values else Unknown("it")
        else:
            self._bind(node.parameters, values, scope)
        left, value = self.statements(node.body, scope)
        found = self.returns if left else [*self.returns, value]
        self.unit, self.returns, self.calls = outer, returns, calls
        self.running.pop()
        return one_of(found) if found else None

    def _often(self, function: Function, values: Sequence[Value]) -> bool:
        """Whether a closure has run so often with these values that it says nothing new."""
        key = (id(function.node), id(function.scope), function.calls, *map(signature, values))
        count, _ = self.closures.get(key, (0, function.scope))
        self.closures[key] = (count + 1, function.scope)
        return count >= CLOSURE_LIMIT

    def run_unsure(self, arguments: Arguments) -> Value:
        """A call of something that is not known: its closures may run."""
        for function in arguments.closures():
            self.soften(function.node.body, function.scope)
            self.journal.fork([lambda f=function: self._ran(f)], exhaustive=False)  # type: ignore[misc]  # a default binds
        return Unknown("a call")

    def _ran(self, function: Function) -> bool:
        count = len(function.node.parameters or [])
        self.run(
            function, [Unknown(parameter.name) for parameter in (function.node.parameters or [])[:count]]
        )
        return False

    # names

    def path(self, node: tree.Node, scope: Scope) -> str | None:
        """The dotted path of names that no scope has (`openshift`, `com.acme.Deploy`)."""
        parts: list[str] = []
        while isinstance(node, tree.Property) and isinstance(node.name, str):
            parts.append(node.name)
            node = node.target
        if (
            not isinstance(node, tree.Name)
            or node.name in {"this", "super", "it"}
            or scope.holder(node.name) is not None
        ):
            return None
        if (delegate := scope.delegated()) is not None and node.name in delegate.entries:
            return None
        if parts and not isinstance(self.host.variable(node.name, self.unit), Unknown):
            return None
        return ".".join([node.name, *reversed(parts)])

    def global_value(self, path: str) -> Value:
        """What the host has under a path."""
        return self.host.variable(path, self.unit)

    def name(self, name: str, scope: Scope) -> Value:
        """The value of a name."""
        holder = scope.holder(name)
        if holder is not None:
            found: Value = holder[name]
            return found
        if name == "this":
            return self.unit
        if (delegate := scope.delegated()) is not None and name in delegate.entries:
            return delegate.entries[name]
        return self.host.variable(name, self.unit)

    def unit_property(self, unit: Unit, name: str, at: int) -> Value:
        """A variable of a script or object."""
        if name in unit.scope.variables:
            return unit.scope.variables[name]
        getter = f"get{name[:1].upper()}{name[1:]}"
        if getter in unit.methods:
            source = self.unit.source
            return self.invoke(unit, getter, Arguments([], {}, Site(source.locate(at), source, at, at)))
        if name in unit.methods:
            return Function(unit.methods[name][0], unit.scope, unit, calls=self.calls)
        if unit.steps or name in {"env", "params", "steps"}:
            return self.host.variable(name, unit)
        return Unknown(name)

    def member(self, name: str | tree.Node, scope: Scope) -> str | None:
        """The name of a member; None when it is computed and not known."""
        if isinstance(name, str):
            return name
        value = possibilities(self.evaluate(name, scope))[0]
        return value.string if isinstance(value, Text) and value.known else None

    def key(self, argument: tree.Argument, scope: Scope) -> str | None:
        """The key of an entry as text; None when it is computed and not known."""
        if argument.key is None or isinstance(argument.key, str):
            return argument.key
        value = possibilities(self.evaluate(argument.key, scope))[0]
        return value.string if isinstance(value, Text) and value.known else None

    def new(self, node: tree.New, scope: Scope) -> Value:
        """`new Type(…)`: an object of a class in the files, or the host's."""
        arguments = self._arguments(node, scope)
        last = node.type.rpartition(".")[2]
        if last == "String" and arguments.positional:
            return arguments.positional[0]
        if last in {"ArrayList", "LinkedList", "HashSet", "LinkedHashSet"}:
            first = arguments.positional[0] if arguments.positional else None
            return items(first.values if isinstance(first, Items) else ())
        if last in {"HashMap", "LinkedHashMap", "TreeMap", "ConcurrentHashMap"}:
            first = arguments.positional[0] if arguments.positional else None
            return Table(dict(first.entries) if isinstance(first, Table) else {})
        if last in {"StringBuilder", "StringBuffer"}:
            return arguments.positional[0] if arguments.positional else self.strings(node.at).literal("")
        return self.host.construct(node.type, arguments, self.unit)

    def elements(self, value: Items | Table) -> Iterator[Value]:
        """What a `for … in` goes through."""
        if isinstance(value, Items):
            yield from value.values
            return
        for key, entry in list(value.entries.items()):
            yield Table({"key": self.strings(0).literal(key), "value": entry})


def signature(value: Value) -> object:  # noqa: PLR0911 - one for each kind
    """What tells two arguments apart for a method that notes nothing."""
    match value:
        case Text():
            return value.string
        case Table():
            return tuple(
                (name, signature(entry) if not isinstance(entry, Table) else "map")
                for name, entry in value.entries.items()
            )
        case Items():
            return tuple(
                signature(entry) if not isinstance(entry, Items) else "list" for entry in value.values
            )
        case Function():
            return id(value.node)
        case Unknown():
            return "?"
        case bool() | int() | float() | None:
            return value
        case _:
            return id(value)


def _is_request(receiver: Value, arguments: Arguments) -> bool:
    """Whether `execute` is a method of some object: what a chain of calls made, or with other arguments.

    A command that is computed is a variable, or what the methods of strings make of one.
    """
    if not isinstance(receiver, Unknown):
        return False
    last = receiver.why.rpartition(".")
    made = bool(last[0]) and last[2].endswith("()") and last[2][:-2] not in METHODS
    return made or len(arguments.positional) > 2 or bool(arguments.named)


def _overload(methods: Sequence[tree.Method], count: int) -> tree.Method:
    """The method that takes `count` arguments, defaults counted; else the first."""
    for method in methods:
        required = sum(parameter.default is None for parameter in method.parameters)
        rest = any(parameter.rest for parameter in method.parameters)
        if required - rest <= count and (rest or count <= len(method.parameters)):
            return method
    return methods[0]
