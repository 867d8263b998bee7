"""Functions of Python that start what they are given, those of imported modules too (layer 1)."""

import ast
import posixpath
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cipipe.pipelines.model import HOLE, Script
from cipipe.shell.follow.python_values import Names, constant, dotted, evaluate, word_list
from cipipe.shell.session import Session

_MOST = 2_000  # calls of functions that are gone through
_MOST_MODULES = 20
_MOST_ITEMS = 200  # of a list that grows

Nodes = Sequence[ast.AST]
_Step = tuple[str, ast.expr]  # a name, and what it is from here on


@dataclass(slots=True)
class File:
    """The functions of a file and of its modules, and how many calls of them are still gone through."""

    functions: "dict[str, Function]"
    left: int = _MOST


@dataclass(frozen=True, slots=True)
class Function:
    """A function, with its calls that depend on what it is given, and the names that do, in order.

    Of an imported module they are all its calls. `client` says that the module has a client of Kubernetes.
    """

    arguments: ast.arguments
    calls: tuple[ast.Call, ...]
    steps: tuple[_Step, ...] = ()
    client: bool = False

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
            inner[name] = constant(evaluate(value, names, 0))
        if self.arguments.vararg is not None:
            rest = [word for value in given[len(names_of) :] for word in _spread(value, names)]
            inner[self.arguments.vararg.arg] = constant(rest)
        for keyword in call.keywords:
            if keyword.arg:
                inner[keyword.arg] = constant(evaluate(keyword.value, names, 0))
        for name, expression in self.steps:
            inner[name] = constant(evaluate(expression, inner, 0))
        return inner


def _spread(node: ast.expr, names: Names) -> list[str]:
    return word_list(node.value if isinstance(node, ast.Starred) else node, names)


def last(node: ast.Call) -> str:
    """The name of what is called, without its owner."""
    name = dotted(node.func).rsplit(".", 1)[-1]
    return name or (node.func.attr if isinstance(node.func, ast.Attribute) else "")


def functions_of(nodes: Nodes, *, imported: bool = False, client: bool = False) -> Mapping[str, Function]:
    """The functions of a file by name: those whose calls depend on their arguments, or all (`imported`)."""
    found: dict[str, Function] = {}
    for node in nodes:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        arguments = node.args
        given = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
        given |= {arguments.vararg.arg} if arguments.vararg is not None else set()
        inside = list(ast.walk(node))
        steps = list(_steps(inside))
        for _ in range(3):  # names of names
            given |= {name for name, expression in steps if _mentions(expression, given)}
        calls = tuple(
            inner
            for inner in inside
            if isinstance(inner, ast.Call)
            and (imported or any(_mentions(item, given) for item in inner.args))
        )
        if calls:
            own = tuple(step for step in steps if step[0] in given or imported)
            found[node.name] = Function(arguments, calls, own, client)
    return found


def _mentions(node: ast.AST, names: set[str]) -> bool:
    return any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(node))


def _steps(nodes: Nodes) -> Iterator[_Step]:
    """What the assignments, `+=`, `append` and `extend` say, in the order of their lines."""
    placed = [
        node for node in nodes if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr)
    ]
    for node in sorted(placed, key=lambda node: (node.lineno, node.col_offset)):
        if isinstance(node, ast.Assign):
            if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                yield node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign):
            if isinstance(node.target, ast.Name) and node.value is not None:
                yield node.target.id, node.value
        elif isinstance(node, ast.AugAssign):
            if isinstance(node.target, ast.Name) and isinstance(node.op, ast.Add):
                yield node.target.id, ast.BinOp(ast.Name(node.target.id), ast.Add(), node.value)
        elif grown := _grown(node.value):
            yield grown


def _grown(node: ast.expr) -> _Step | None:
    """`words.append(word)`, `words.extend(others)`."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 1):
        return None
    owner = node.func.value
    if not isinstance(owner, ast.Name) or node.func.attr not in ("append", "extend"):
        return None
    more = node.args[0] if node.func.attr == "extend" else ast.List([node.args[0]], ast.Load())
    return owner.id, ast.BinOp(ast.Name(owner.id), ast.Add(), more)


def assigned(nodes: Nodes) -> Names:
    """The names that a file gives a value, each with its last one; a list that grows, with all of it."""
    names: Names = {}
    for name, expression in _steps(nodes):
        before = names.get(name)
        if isinstance(expression, ast.BinOp) and _is_itself(expression.left, name):
            more = expression.right
            if not isinstance(before, ast.List) or len(before.elts) > _MOST_ITEMS:
                continue
            items = more.elts if isinstance(more, ast.List) else [ast.Starred(more, ast.Load())]
            names[name] = ast.List([*before.elts, *items], ast.Load())
        else:
            names[name] = expression
    return names


def _is_itself(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def modules(session: Session, script: Script, nodes: Nodes) -> list[Nodes]:
    """The modules of the repository that a file imports, and those that they import."""
    found: dict[str, Nodes] = {}
    waiting = [(script.lines[0].file, nodes)]
    while waiting and len(found) < _MOST_MODULES:
        path, inside = waiting.pop()
        for name in _imports(inside, path):
            for folder in dict.fromkeys((posixpath.dirname(path), "")):
                for file in (f"{name}.py", f"{name}/__init__.py"):
                    place = posixpath.normpath(posixpath.join(folder, file))
                    if place in found or len(found) >= _MOST_MODULES:
                        continue
                    text = session.read(place)
                    if text is not None and (tree := _parsed(text)) is not None:
                        found[place] = tree
                        waiting.append((place, tree))
    return list(found.values())


def _imports(nodes: Nodes, path: str) -> Iterator[str]:
    """The paths, without an ending, of what may be modules of the repository."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.replace(".", "/")
        elif isinstance(node, ast.ImportFrom):
            base = (node.module or "").replace(".", "/")
            if node.level > 1:
                base = posixpath.join(*[".."] * (node.level - 1), base)
            if base and path:
                yield base
            for alias in node.names:
                yield posixpath.join(base, alias.name)


def _parsed(text: str) -> Nodes | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(ast.walk(ast.parse(text.replace(HOLE, "_"))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
