"""Calls: which method, closure or step a call means, and running it."""

from collections.abc import Iterator
from dataclasses import replace

from cipipe.groovy import tree
from cipipe.groovy.iterate import ADDS
from cipipe.groovy.methods import METHODS, Strings
from cipipe.groovy.running import Running
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
)
from cipipe.pipelines.model import Unknown


class Calls(Running):
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
        if (receiver := scope.receiving(name)) is not None:
            return self.invoke(receiver, name, arguments)
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
                if name == "curry":
                    return replace(receiver, bound=(*receiver.bound, *arguments.positional))
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

    def _unit_method(  # noqa: PLR0911 - one for each kind
        self, unit: Unit, name: str, arguments: Arguments
    ) -> Value:
        if name in {"with", "tap"} and name not in unit.methods and arguments.closures():
            return self.iterate(unit, name, arguments)
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


def _is_request(receiver: Value, arguments: Arguments) -> bool:
    """Whether `execute` is a method of some object: what a chain of calls made, or with other arguments.

    A command that is computed is a variable, or what the methods of strings make of one.
    """
    if not isinstance(receiver, Unknown):
        return False
    last = receiver.why.rpartition(".")
    made = bool(last[0]) and last[2].endswith("()") and last[2][:-2] not in METHODS
    return made or len(arguments.positional) > 2 or bool(arguments.named)
