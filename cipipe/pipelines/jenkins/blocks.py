"""Blocks: the sections of a declarative pipeline, and steps that change what holds inside of them."""

from collections.abc import Callable
from dataclasses import replace

from cipipe.groovy import tree
from cipipe.groovy.source import Text
from cipipe.groovy.values import (
    Arguments,
    Choice,
    Function,
    Handle,
    Items,
    Scope,
    Table,
    Value,
    possibilities,
    soft,
    truth,
)
from cipipe.pipelines.jenkins.context import Context, written_at
from cipipe.pipelines.model import Unknown

_ORDER = {"libraries": 0, "parameters": 1, "environment": 2, "agent": 2, "when": 2, "post": 9}
_MATRIX_LIMIT = 16


def _section(node: tree.Node) -> str:
    if isinstance(node, tree.Call) and isinstance(node.target, tree.Name):
        return node.target.name
    return ""


def _closure_of(node: tree.Node) -> tree.Closure | None:
    if not isinstance(node, tree.Call) or not node.arguments:
        return None
    last = node.arguments[-1].value
    return last if isinstance(last, tree.Closure) else None


def _sections(function: Function) -> list[tree.Node]:
    """Statements in the order in which a declarative block runs them, without its `environment`."""
    body = [node for node in function.node.body if _section(node) != "environment"]
    return sorted(body, key=lambda node: _ORDER.get(_section(node), 5))


def _run_block(context: Context, function: Function) -> Value:
    """A pipeline or stage: its parameters, then its environment around everything else."""
    evaluator = context.evaluator
    names: dict[str, Value] = {}
    for node in function.node.body:
        if _section(node) == "environment" and (closure := _closure_of(node)) is not None:
            for entry in closure.body:
                if isinstance(entry, tree.Assign) and isinstance(entry.targets[0], tree.Name):
                    name = entry.targets[0].name
                    names[name] = context.env.values.get(name, Unknown(f"env.{name}"))
    for node in function.node.body:
        if _section(node) == "parameters":
            evaluator.statement(node, Scope({}, function.scope))
    with context.variables(names):
        for node in function.node.body:
            if _section(node) == "environment" and (closure := _closure_of(node)) is not None:
                _environment(context, closure, function)
        body = [node for node in _sections(function) if _section(node) != "parameters"]
        closure = tree.Closure(
            function.node.at,
            function.node.parameters if isinstance(function.node, tree.Closure) else None,
            body,
        )
        return evaluator.run(replace(function, node=closure), [])


def _environment(context: Context, closure: tree.Closure, function: Function) -> None:
    evaluator = context.evaluator
    outer, evaluator.unit = evaluator.unit, function.unit
    for entry in closure.body:
        if not isinstance(entry, tree.Assign) or not isinstance(entry.targets[0], tree.Name):
            continue
        name = entry.targets[0].name
        value = evaluator.evaluate(entry.value, Scope({}, function.scope))
        if isinstance(value, Handle) and value.name == "credentials":
            place = function.unit.source.locate(entry.at)
            context.secret(written_at(name, place), place)
            context.secret(value.arguments.value("id") if value.arguments else None, place)
            value = Unknown(f"env.{name}")
        evaluator.journal.write(context.env.values, name, soft(value))
    evaluator.unit = outer


def _pipeline(context: Context, arguments: Arguments) -> Value:
    for function in arguments.closures():
        with context.record.job(context.file, arguments.location):
            _run_block(context, function)
    return None


def _own_agent(function: Function) -> bool:
    for node in function.node.body:
        if _section(node) == "agent" and isinstance(node, tree.Call) and node.arguments:
            first = node.arguments[0].value
            if isinstance(first, tree.Closure):
                inner = [_closure_of(part) for part in first.body]
                return not any(_section(n) == "reuseNode" for part in inner if part for n in part.body)
            return not (isinstance(first, tree.Name) and first.name == "none")
    return False


def _stage(context: Context, arguments: Arguments) -> Value:
    value: Value = None
    name = possibilities(arguments.value("name"))[0]
    for function in arguments.closures():
        if _never(function):
            continue
        if _own_agent(function):
            title = name.string if isinstance(name, Text) else "stage"
            with context.record.job(title, arguments.location):
                value = _run_block(context, function)
        else:
            value = _run_block(context, function)
    return value


def _never(function: Function) -> bool:
    """Whether `when { expression { false } }` says that a stage cannot run."""
    for node in function.node.body:
        if _section(node) != "when" or (closure := _closure_of(node)) is None:
            continue
        for condition in closure.body:
            inner = _closure_of(condition)
            if _section(condition) == "expression" and inner is not None and len(inner.body) == 1:
                only = inner.body[0]
                constant = only.value if isinstance(only, tree.Leave) else only
                if isinstance(constant, tree.Constant) and truth(constant.value) is False:
                    return True
    return False


def _node(context: Context, arguments: Arguments) -> Value:
    with context.record.job("node", arguments.location):
        return context.run_all(arguments)


def _when(context: Context, arguments: Arguments) -> Value:
    """Conditions: only their `expression` blocks run anything."""
    pending = [node for function in arguments.closures() for node in function.node.body]
    scope = arguments.closures()[0].scope if arguments.closures() else Scope({})
    while pending:
        node = pending.pop()
        closure = _closure_of(node)
        if closure is not None and _section(node) == "expression":
            context.evaluator.statements(closure.body, Scope({}, scope))
        elif closure is not None:
            pending += closure.body
    return None


def _parallel(context: Context, arguments: Arguments) -> Value:
    for value in [*arguments.positional, *arguments.named.values()]:
        functions = list(value.entries.values()) if isinstance(value, Table) else [value]
        for function in functions:
            for one in possibilities(function):
                if isinstance(one, Function):
                    context.evaluator.run(one, [])
    if any(isinstance(value, Unknown | Choice) for value in arguments.positional):
        context.unclear("parallel branches that are computed", arguments.location)
    return None


def _matrix(context: Context, arguments: Arguments) -> Value:
    for function in arguments.closures():
        rows: list[dict[str, Value]] = [{}]
        for axes in function.node.body:
            if _section(axes) == "axes" and (closure := _closure_of(axes)) is not None:
                for axis in closure.body:
                    name, values = _axis(context, axis, function.scope)
                    rows = [{**row, name: value} for row in rows for value in values][:_MATRIX_LIMIT]
        for row in rows:
            with context.variables(row):
                _run_block(context, function)
    return None


def _axis(context: Context, node: tree.Node, scope: Scope) -> tuple[str, list[Value]]:
    name, values = "?", [Unknown("an axis")]
    closure = _closure_of(node)
    found: list[Value] = []
    for part in closure.body if closure else []:
        if isinstance(part, tree.Call) and _section(part) in {"name", "values"}:
            made = [context.evaluator.evaluate(argument.value, scope) for argument in part.arguments]
            if _section(part) == "name" and made and isinstance(made[0], Text):
                name = made[0].string
            else:
                found = made
    return name, found or [*values]


def _with_env(context: Context, arguments: Arguments) -> Value:
    entries: dict[str, Value] = {}
    listed = arguments.value("overrides")
    for one in possibilities(listed):
        for value in one.values if isinstance(one, Items) else ():
            text = possibilities(value)[0]
            if isinstance(text, Text) and (at := text.string.find("=")) > 0:
                entries[text.string[:at]] = text[at + 1 : len(text.string)]
    with context.variables(entries):
        return context.run_all(arguments)


def _with_credentials(context: Context, arguments: Arguments) -> Value:
    entries: dict[str, Value] = {}
    listed = arguments.value("bindings")
    context.note("withCredentials", arguments)
    for one in listed.values if isinstance(listed, Items) else (listed,):
        if not isinstance(one, Handle) or one.arguments is None:
            continue
        binding = one.arguments.normalized()
        context.secret(binding.named.get("credentialsId"), binding.location)
        for key, value in binding.named.items():
            if key.lower().endswith("variable") and isinstance(value, Text):
                context.secret(value, binding.location)
                entries[value.string] = Unknown(f"credentials {value.string}")
    with context.variables(entries):
        return context.run_all(arguments)


def _with_file_parameter(context: Context, arguments: Arguments) -> Value:
    """A file that whoever starts the build uploads; the variable of its name holds the path."""
    name = arguments.value("name")
    context.secret(name, arguments.location)
    text = possibilities(name)[0]
    entries: dict[str, Value] = {}
    if isinstance(text, Text):
        entries[text.string] = Unknown(f"the file parameter {text.string}")
    with context.variables(entries):
        return context.run_all(arguments)


def _dir(context: Context, arguments: Arguments) -> Value:
    text = possibilities(arguments.value("path"))[0]
    outer = context.folder[-1]
    known = isinstance(text, Text) and text.known and outer is not None
    folder = None
    if known and isinstance(text, Text):
        from_root = text.string.startswith("/")
        folder = text.string if from_root else f"{outer}/{text.string}".strip("/")
    context.folder.append(folder)
    value = context.run_all(arguments)
    context.folder.pop()
    return value


def _parameters(context: Context, arguments: Arguments) -> Value:
    """`parameters { string(name: …, defaultValue: …) }` or a list of them."""
    for function in arguments.closures():
        for node in function.node.body:
            _declare(context, context.evaluator.evaluate(node, Scope({}, function.scope)))
    for value in arguments.positional:
        for one in value.values if isinstance(value, Items) else ():
            _declare(context, one)
    return None


def _properties(context: Context, arguments: Arguments) -> Value:
    """`properties([parameters([…])])` has noted them already; the long form has its class and a list."""
    for value in arguments.positional:
        for one in value.values if isinstance(value, Items) else ():
            listed = one.entries.get("parameterDefinitions") if isinstance(one, Table) else None
            for definition in listed.values if isinstance(listed, Items) else ():
                _declare(context, definition)
    return None


def _input(context: Context, arguments: Arguments) -> Value:
    """What a person answers: the parameter, or a map of several."""
    listed = arguments.named.get("parameters")
    asked = dict(
        filter(None, (_parameter(value) for value in (listed.values if isinstance(listed, Items) else ())))
    )
    context.evaluator.run_unsure(arguments)
    if len(asked) > 1:
        return Table(dict(asked), whole=False)
    return next(iter(asked.values()), Unknown("input()"))


def _declare(context: Context, definition: Value) -> None:
    if (found := _parameter(definition)) is not None:
        context.evaluator.journal.write(context.params.values, *found)


def _parameter(definition: Value) -> tuple[str, Value] | None:
    """Name and value of a parameter of a build, from its call or its map with a class."""
    kind, made = "", dict[str, Value]()
    if isinstance(definition, Handle) and definition.arguments is not None:
        kind, made = definition.name, definition.arguments.normalized().named
    elif isinstance(definition, Table):
        text = definition.entries.get("$class")
        kind, made = text.string if isinstance(text, Text) else "", definition.entries
    name = made.get("name")
    return (name.string, _default(kind, made)) if isinstance(name, Text) else None


def _default(kind: str, made: dict[str, Value]) -> Value:
    choices = made.get("choices")
    if kind.startswith(("booleanParam", "BooleanParam")):
        return Choice((True, False))
    if isinstance(choices, Items) and choices.values:
        return Choice(tuple(choices.values))
    if isinstance(choices, Text):
        return Choice(tuple(choices[m : m + len(line)] for m, line in _lines(choices)))
    return soft(made.get("defaultValue", Unknown("a parameter")))


def _lines(text: Text) -> list[tuple[int, str]]:
    found, at = [], 0
    for line in text.string.split("\n"):
        found.append((at, line))
        at += len(line) + 1
    return found


def _step(context: Context, arguments: Arguments) -> Value:
    """`step([$class: 'Name', …])`: the step of that name."""
    kind = arguments.named.get("$class")
    name = kind.string if isinstance(kind, Text) else "step"
    context.note(name.rpartition(".")[2], arguments)
    return Unknown("step()")


BLOCKS: dict[str, Callable[[Context, Arguments], Value]] = {
    "pipeline": _pipeline,
    "stage": _stage,
    "node": _node,
    "when": _when,
    "parallel": _parallel,
    "matrix": _matrix,
    "withEnv": _with_env,
    "withCredentials": _with_credentials,
    "withFileParameter": _with_file_parameter,
    "dir": _dir,
    "ws": _dir,
    "parameters": _parameters,
    "properties": _properties,
    "input": _input,
    "step": _step,
}
