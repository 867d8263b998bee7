"""Python scripts: commands that they start, and calls of the Kubernetes API (layer 1).

Constants are followed through names, lists, `+`, f-strings and `join`. Every function counts as called;
one that starts what it is given (`def sh(command): run(command)`) is, with all that the file gives it. Of
the modules of the repository that it imports, the functions that are called by their name count.
"""

import ast
import re
import warnings
from dataclasses import replace

from cipipe.pipelines.model import HOLE, Script
from cipipe.shell import unresolved
from cipipe.shell.calls import Call, Result, Streams
from cipipe.shell.follow.python_functions import File, assigned, functions_of, last, modules
from cipipe.shell.follow.python_values import Names, dotted, evaluate, word_list
from cipipe.shell.interpreter import Interpreter
from cipipe.shell.state import State

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
_MOST_CALLS = 20_000
_IMPORTS = ast.Import | ast.ImportFrom
_DEEPEST = 4  # functions that hand on what they are given


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
    uses_client = _CLIENTS.search(script.text) is not None
    nodes = list(ast.walk(tree))
    imported = modules(run.session, script, nodes)
    names: Names = {}
    file = File({})
    for module in imported:
        names |= assigned(module)
        client = any(_CLIENTS.match(ast.unparse(node)) for node in module if isinstance(node, _IMPORTS))
        file.functions |= functions_of(module, imported=True, client=client)
    names |= assigned(nodes)
    file.functions |= functions_of(nodes)
    functions = file.functions
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    if len(calls) > _MOST_CALLS:
        run.syntax_problem(0, f"it has more than {_MOST_CALLS:,} calls")
    called = {name for call in calls if (name := last(call)) in functions}
    handed = {id(inner) for name in called for inner in functions[name].calls}
    for node in calls[:_MOST_CALLS]:
        call = Call((), starts[node.lineno - 1] + node.col_offset, state, streams)
        if id(node) not in handed:
            _use(run, node, names, call, uses_client=uses_client)
            _hand(run, node, names, call, file)
    return Result.UNKNOWN


def _hand(  # noqa: PLR0913, PLR0917 - it calls itself
    run: Interpreter,
    node: ast.Call,
    names: Names,
    call: Call,
    file: File,
    depth: int = 0,
) -> None:
    """What a function of the file starts with the arguments of a call."""
    function = file.functions.get(last(node))
    if function is None or depth >= _DEEPEST or dotted(node.func) in _STARTS | _SHELL_TEXT:
        return
    inner = function.bind(node, names)
    for started in function.calls:
        file.left -= 1
        if file.left < 0:
            return
        _use(run, started, inner, call, uses_client=function.client)
        _hand(run, started, inner, call, file, depth + 1)


def _use(run: Interpreter, node: ast.Call, names: Names, call: Call, *, uses_client: bool) -> None:
    name = dotted(node.func)
    method = name.rsplit(".", 1)[-1]
    outer = replace(call, argv=("python",), streams=Streams(), wrappers=("python",))
    if name in _SHELL_TEXT or name in _STARTS or (name in _BARE and node.args):
        arguments = node.args if method == "create_subprocess_exec" else node.args[:1]
        value = [evaluate(argument, names, 0) for argument in arguments]
        _start(run, outer, value[0] if len(value) == 1 else [_one(item) for item in value])
    elif method in ("run", "run_always", "sudo", "local") and _TASK_OWNER.search(name):
        words = [word for argument in node.args for word in word_list(argument, names)]
        _start(run, outer, words[0] if len(words) == 1 else words)
    elif re.fullmatch(r"os\.(?:exec|spawn)\w+", name):
        _start(run, outer, [word for argument in node.args[1:] for word in word_list(argument, names)])
    elif name.startswith(("sh.", "plumbum.")) or (name in ("kubectl", "helm") and name not in names):
        _start(run, outer, [method, *(word for argument in node.args for word in word_list(argument, names))])
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
