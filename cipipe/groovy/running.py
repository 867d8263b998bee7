"""Running what a call means: methods and closures, with limits for those that go on and on."""

import re
from collections.abc import Sequence
from dataclasses import replace

from cipipe.groovy import tree
from cipipe.groovy.iterate import Iterations
from cipipe.groovy.source import Text
from cipipe.groovy.values import (
    Arguments,
    Function,
    Items,
    Scope,
    Site,
    Table,
    Unit,
    Value,
    items,
    one_of,
    soft,
)
from cipipe.pipelines.model import Unknown

_STARTS = re.compile(r"\b(?:sh|bat|pwsh|powershell|execute|evaluate)\b")
CALLS_LIMIT = 24  # methods that call methods
CLOSURE_LIMIT = 6  # times that one closure runs with the same values: branches around it multiply
QUIET_LIMIT = 25  # a method that noted nothing so often, whatever its arguments, is a helper


class Running(Iterations):
    """Methods and closures."""

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
        if not _inside(arguments.site, method):  # what a recursion does is found where it began
            self.calls = () if entry else (*outer, arguments.site)
        value = self._method_body(unit, method, positional, scope)
        self.running.pop()
        again = self.recursive.get(id(method)) if id(method) not in self.running else None
        if again is not None and (self.host.noted() != before or _may_run(method)):
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
        values = [*function.bound, *values]
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
        calls = tuple((id(site.source), site.begin) for site in function.calls)
        key = (id(function.node), id(function.scope), calls, *map(signature, values))
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


def _may_run(method: tree.Method) -> bool:
    """Whether a method starts a program, by its text."""
    return _STARTS.search(method.source.text, method.at, method.end) is not None


def _inside(site: Site, method: tree.Method) -> bool:
    """Whether a call is written in the method itself."""
    return site.source is method.source and method.at < site.begin < method.end


def _overload(methods: Sequence[tree.Method], count: int) -> tree.Method:
    """The method that takes `count` arguments, defaults counted; else the first."""
    for method in methods:
        required = sum(parameter.default is None for parameter in method.parameters)
        rest = any(parameter.rest for parameter in method.parameters)
        if required - rest <= count and (rest or count <= len(method.parameters)):
            return method
    return methods[0]
