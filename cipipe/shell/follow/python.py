"""Python scripts: commands that they start, and calls of the Kubernetes API (layer 1).

Constants are followed through names, lists, `+`, f-strings and `join`. Every function counts as called;
one that starts what it is given (`def sh(command): run(command)`) is, with all that the file gives it.
"""

import ast
import base64
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cipipe.pipelines.model import HOLE, Script
from cipipe.shell import unresolved
from cipipe.shell.calls import Call, Result, Streams
from cipipe.shell.interpreter import Interpreter
from cipipe.shell.state import LONGEST_TEXT, State

_SHELL_TEXT = frozenset(
    {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "commands.getoutput"}
)
_STARTS = frozenset(
    f"{module}.{name}"
    for module in ("subprocess", "sp", "asyncio", "sh")
    for name in (
        "run",
        "call",
        "check_call",
        "check_output",
        "Popen",
        "create_subprocess_exec",
        "create_subprocess_shell",
    )
)
_BARE = frozenset({"check_call", "check_output", "Popen", "system", "getoutput", "run", "call"})
_CLIENTS = re.compile(
    r"^[ \t]*(?:import|from)\s+(kubernetes|kubernetes_asyncio|lightkube|pykube|openshift|kr8s)\b",
    re.MULTILINE,
)
_METHOD = re.compile(
    r"(?:create|patch|replace|delete)_(?:namespaced_\w+|namespace\w*|cluster_\w+|from_\w+|custom_\w+|persistent_\w+)|apply"
)
_TASK_OWNER = re.compile(r"(?:^|\.)(?:c|ctx|context|session|conn|connection)\.\w+$")  # invoke, fabric, nox
_MOST = 2_000  # calls of functions that are gone through
_MOST_CALLS = 20_000
_DEEPEST = 3  # functions that hand on what they are given

Names = dict[str, ast.expr]


@dataclass(slots=True)
class _File:
    """The functions of a file, and how many calls of them are still gone through."""

    functions: "Mapping[str, _Function]"
    left: int = _MOST


@dataclass(frozen=True, slots=True)
class _Function:
    """A function, with its calls that depend on what it is given."""

    arguments: ast.arguments
    calls: tuple[ast.Call, ...]

    def bind(self, call: ast.Call, names: Names) -> Names:
        """The names inside of the function when `call` calls it."""
        given = list(call.args)
        names_of = [a.arg for a in (*self.arguments.posonlyargs, *self.arguments.args)]
        if names_of[:1] in (["self"], ["cls"]):
            names_of = names_of[1:]
        inner = dict(names)
        for name, default in zip(reversed(names_of), reversed(self.arguments.defaults), strict=False):
            inner[name] = default
        for name, value in zip(names_of, given, strict=False):
            inner[name] = _constant(_value(value, names, 0))
        if self.arguments.vararg is not None:
            rest = [word for value in given[len(names_of) :] for word in _words(value, names)]
            inner[self.arguments.vararg.arg] = _constant(rest)
        for keyword in call.keywords:
            if keyword.arg:
                inner[keyword.arg] = _constant(_value(keyword.value, names, 0))
        return inner


def _constant(value: str | list[str]) -> ast.expr:
    if isinstance(value, str):
        return ast.Constant(value)
    return ast.List([ast.Constant(item) for item in value], ast.Load())


def _functions(nodes: list[ast.AST]) -> dict[str, _Function]:
    """The functions of a file by name, where what they call depends on their arguments."""
    found: dict[str, _Function] = {}
    for node in nodes:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        arguments = node.args
        given = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
        given |= {arguments.vararg.arg} if arguments.vararg is not None else set()
        calls = tuple(
            inner
            for inner in ast.walk(node)
            if isinstance(inner, ast.Call)
            and any(
                isinstance(part, ast.Name) and part.id in given
                for item in inner.args
                for part in ast.walk(item)
            )
        )
        if calls:
            found[node.name] = _Function(arguments, calls)
    return found


def python(run: Interpreter, script: Script, state: State, streams: Streams) -> Result:
    """Find what a Python script starts."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(script.text.replace(HOLE, "_"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _by_text(run, script, state, streams)
    starts = [0]
    for line in script.text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    names: Names = {}
    uses_client = _CLIENTS.search(script.text) is not None
    nodes = list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = node.value
    file = _File(_functions(nodes))
    functions = file.functions
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    if len(calls) > _MOST_CALLS:
        run.syntax_problem(0, f"it has more than {_MOST_CALLS:,} calls")
    called = {name for call in calls if (name := _last(call)) in functions}
    handed = {id(inner) for name in called for inner in functions[name].calls}
    for node in calls[:_MOST_CALLS]:
        call = Call((), starts[node.lineno - 1] + node.col_offset, state, streams)
        if id(node) not in handed:
            _use(run, node, names, call, uses_client=uses_client)
            _hand(run, node, names, call, file)
    return Result.UNKNOWN


def _last(node: ast.Call) -> str:
    return _dotted(node.func).rsplit(".", 1)[-1]


def _hand(  # noqa: PLR0913, PLR0917 - it calls itself
    run: Interpreter,
    node: ast.Call,
    names: Names,
    call: Call,
    file: _File,
    depth: int = 0,
) -> None:
    """What a function of the file starts with the arguments of a call."""
    function = file.functions.get(_last(node))
    if function is None or depth >= _DEEPEST:
        return
    inner = function.bind(node, names)
    for started in function.calls:
        file.left -= 1
        if file.left < 0:
            return
        _use(run, started, inner, call, uses_client=False)
        _hand(run, started, inner, call, file, depth + 1)


def _use(run: Interpreter, node: ast.Call, names: Names, call: Call, *, uses_client: bool) -> None:
    name = _dotted(node.func)
    method = name.rsplit(".", 1)[-1]
    outer = replace(call, argv=("python",), streams=Streams(), wrappers=("python",))
    if name in _SHELL_TEXT or name in _STARTS or (name in _BARE and node.args):
        arguments = node.args if method == "create_subprocess_exec" else node.args[:1]
        value = [_value(argument, names, 0) for argument in arguments]
        _start(run, outer, value[0] if len(value) == 1 else [_one(item) for item in value])
    elif method in ("run", "run_always", "sudo", "local") and _TASK_OWNER.search(name):
        words = [word for argument in node.args for word in _words(argument, names)]
        _start(run, outer, words[0] if len(words) == 1 else words)
    elif re.fullmatch(r"os\.(?:exec|spawn)\w+", name):
        _start(run, outer, [word for argument in node.args[1:] for word in _words(argument, names)])
    elif name.startswith(("sh.", "plumbum.")) or (name in ("kubectl", "helm") and name not in names):
        _start(run, outer, [method, *(word for argument in node.args for word in _words(argument, names))])
    elif uses_client and _METHOD.fullmatch(method):
        run.emit(replace(outer, argv=("kubernetes-api", method)))


def _start(run: Interpreter, outer: Call, value: str | list[str]) -> None:
    """A program starts: a shell's text, or words."""
    if isinstance(value, str):
        if value.strip(HOLE + " "):
            run.shell_text(outer, value)
    elif value and (value[0] != HOLE or unresolved.changes(value[1:])):
        run.invoke(replace(outer, argv=tuple(value)))


def _one(value: str | list[str]) -> str:
    return value if isinstance(value, str) else HOLE


def _words(node: ast.expr, names: Names) -> list[str]:
    value = _value(node, names, 0)
    return value if isinstance(value, list) else [value]


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


def _value(  # noqa: PLR0911 - one return for each kind of expression
    node: ast.expr | None, names: Names, depth: int
) -> str | list[str]:
    """The text or list of an expression, with holes for what is not constant."""
    if depth > 20 or node is None:
        return HOLE
    if isinstance(node, ast.Constant):
        text = node.value.decode("utf-8", "replace") if isinstance(node.value, bytes) else node.value
        return str(text) if isinstance(text, str | int) else HOLE
    if isinstance(node, ast.Name):
        value = _value(names.get(node.id), names, depth + 1)
        names[node.id] = _constant(value)  # names of names must not be worked out twice
        return value
    if isinstance(node, ast.List | ast.Tuple):
        return [word for item in node.elts for word in _item(item, names, depth + 1)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _value(node.left, names, depth + 1), _value(node.right, names, depth + 1)
        if len(left) + len(right) > LONGEST_TEXT:
            return HOLE
        if isinstance(left, list) or isinstance(right, list):
            return [
                *(left if isinstance(left, list) else [left]),
                *(right if isinstance(right, list) else [right]),
            ]
        return left + right
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _text(v.value if isinstance(v, ast.FormattedValue) else v, names, depth + 1) for v in node.values
        )
    if isinstance(node, ast.Call):
        return _called(node, names, depth)
    return "python3" if _dotted(node) == "sys.executable" else HOLE


def _called(
    node: ast.Call, names: Names, depth: int
) -> str | list[str]:
    method = _dotted(node.func).rsplit(".", 1)[-1] or (
        node.func.attr if isinstance(node.func, ast.Attribute) else ""
    )
    owner = _value(node.func.value, names, depth + 1) if isinstance(node.func, ast.Attribute) else HOLE
    if method == "join" and isinstance(owner, str) and node.args:
        items = _value(node.args[0], names, depth + 1)
        return owner.join(items) if isinstance(items, list) else HOLE
    if method == "split" and not isinstance(node.func, ast.Name):
        if _dotted(node.func).startswith("shlex.") and node.args:
            return _text(node.args[0], names, depth + 1).split()
        return owner.split() if isinstance(owner, str) and owner != HOLE else HOLE
    if method == "b64decode" and node.args:
        return _decoded(_text(node.args[0], names, depth + 1))
    if isinstance(owner, str) and method in ("decode", "encode", "format"):
        return re.sub(r"\{[^{}]*\}", HOLE, owner) if method == "format" else owner
    return HOLE


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return HOLE


def _item(node: ast.expr, names: Names, depth: int) -> list[str]:
    """The words of one item of a list."""
    if not isinstance(node, ast.Starred):
        return [_text(node, names, depth)]
    value = _value(node.value, names, depth)
    return value if isinstance(value, list) else [HOLE]


def _text(node: ast.expr, names: Names, depth: int) -> str:
    value = _value(node, names, depth)
    return value if isinstance(value, str) else HOLE


_TEXT_CALL = re.compile(
    r"(?:os\.system|subprocess\.\w+|os\.popen)\(\s*(\[[^][\n]*+\]|\"[^\"\n]*\"|'[^'\n]*')"
)


def _by_text(run: Interpreter, script: Script, state: State, streams: Streams) -> Result:
    """A script that this Python cannot parse (Python 2, a template): calls whose argument is written out."""
    for found in _TEXT_CALL.finditer(script.text):
        words = re.findall(r"\"([^\"]*)\"|'([^']*)'", found[1])
        text = " ".join(a or b for a, b in words)
        run.shell_text(Call(("python",), found.start(), state, streams, wrappers=("python",)), text)
    return Result.UNKNOWN
