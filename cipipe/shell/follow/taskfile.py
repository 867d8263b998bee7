"""`task NAME` (taskfile.dev): the commands of a task and of what it needs (layer 1)."""

import fnmatch
import posixpath
import re
from dataclasses import dataclass

from cipipe.pipelines.model import HOLE
from cipipe.pipelines.yaml_tree import Mapping, Node, Scalar
from cipipe.shell.calls import Call, Result
from cipipe.shell.follow.reach import first_file, items, plain_words, run_in, scalar_script, yaml_root
from cipipe.shell.interpreter import Interpreter

_TASKFILES = (
    "Taskfile.yml",
    "taskfile.yml",
    "Taskfile.yaml",
    "taskfile.yaml",
    "Taskfile.dist.yml",
    "Taskfile.dist.yaml",
)
TEMPLATE = re.compile(r"\{\{-?((?:[^{}]|\}(?!\})|\{(?!\{))*+)\}\}")
_LISTS = frozenset({"-n", "--dry", "--list", "-l", "--list-all", "-a", "--summary", "--status"})
_VALUES = frozenset({"-d", "--dir", "-t", "--taskfile", "-C", "--concurrency", "-o", "--output"})

_Given = dict[str, str]


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    root: Mapping


def task(run: Interpreter, call: Call) -> Result:
    """`task NAME… VARIABLE=VALUE… -- ARGUMENTS` (taskfile.dev)."""
    run.emit(call)
    if _LISTS & set(call.argv):
        return Result.UNKNOWN
    words, options = plain_words(call, _VALUES)
    names = [word for word in words if "=" not in word] or ["default"]
    folder = options.get("-d", options.get("--dir", ""))
    named = options.get("-t", options.get("--taskfile", ""))
    files = [posixpath.join(folder, name) for name in ((named,) if named else _TASKFILES)]
    found = first_file(run, call, files, names, upwards=not named)
    root = yaml_root(run, call, *found) if found is not None else None
    if found is not None and root is not None:
        given = dict(word.split("=", 1) for word in words if "=" in word)
        given["CLI_ARGS"] = " ".join(call.argv[call.argv.index("--") + 1 :]) if "--" in call.argv else ""
        for name in names:
            _task(run, call, _File(found[0], root), name, given)
    return Result.UNKNOWN


def _included(run: Interpreter, call: Call, file: _File, name: str, given: _Given) -> None:
    """A task of an included Taskfile: `space:name`."""
    space, _, rest = name.partition(":")
    includes = file.root.get("includes")
    entry = includes.get(space) if isinstance(includes, Mapping) else None
    target = entry.get("taskfile") if isinstance(entry, Mapping) else entry
    if not isinstance(target, Scalar):
        return
    inner = posixpath.normpath(posixpath.join(posixpath.dirname(file.path), target.value))
    for candidate in (inner, *(f"{inner}/{name}" for name in _TASKFILES)):
        text = run.session.read(candidate)
        if text is not None:
            root = yaml_root(run, call, candidate, text)
            passed = _variables(run, call, entry.get("vars"), file.path) if isinstance(entry, Mapping) else {}
            if root is not None:
                _task(run, call, _File(candidate, root), rest, {**given, **passed})
            return
    run.problem(call, f"{file.path} includes {target.value}, which is not in the repository")


def _task(run: Interpreter, call: Call, file: _File, name: str, given: _Given) -> None:
    key = f"task {file.path} {name}"
    if run.inside(key):
        return
    entry = _entry(file.root.get("tasks"), name)
    if entry is None:
        _included(run, call, file, name, given)
        return
    folder = posixpath.dirname(file.path)
    variables = _variables(run, call, file.root.get("vars"), file.path)
    commands = items(entry)
    with run.within(key):
        if isinstance(entry, Mapping):
            variables |= _variables(run, call, entry.get("vars"), file.path)
            if isinstance(directory := entry.get("dir"), Scalar):
                folder = posixpath.join(folder, directory.value)
            checks = [*items(entry.get("preconditions")), *items(entry.get("status"))]
            commands = [*checks, *items(entry.get("cmds")), *items(entry.get("cmd"))]
            for need in items(entry.get("deps")):
                _other(run, call, file, need, {**variables, **given})
        variables |= given
        for item in commands:
            if isinstance(item, Mapping) and item.get("task") is not None:
                _other(run, call, file, item, variables)
                continue
            keys = ("cmd", "sh", "defer")
            node = next(filter(None, map(item.get, keys)), None) if isinstance(item, Mapping) else item
            if isinstance(node, Mapping):
                _other(run, call, file, node, variables)
            if isinstance(node, Scalar):
                script = scalar_script(node, file.path, _filled(node, variables))
                run_in(run, call, script, folder)


def _filled(node: Scalar, variables: _Given) -> str:
    return TEMPLATE.sub(lambda found: variables.get(found[1].strip(" \t\n-").lstrip("."), HOLE), node.value)


def _entry(tasks: Node | None, name: str) -> Node | None:
    """A task by its name, by another name of it, or by its pattern (`deploy:*`)."""
    if not isinstance(tasks, Mapping):
        return None
    if name in tasks.values:
        return tasks.values[name]
    for pattern, entry in tasks.values.items():
        names = items(entry.get("aliases")) if isinstance(entry, Mapping) else []
        if any(isinstance(node, Scalar) and node.value == name for node in names):
            return entry
        if "*" in pattern and fnmatch.fnmatchcase(name, pattern[:200]):
            return entry
    return None


def _other(run: Interpreter, call: Call, file: _File, node: Node, variables: _Given) -> None:
    """Another task, by its name or as a mapping with variables for it."""
    name = node.get("task") if isinstance(node, Mapping) else node
    given = {}
    if isinstance(node, Mapping):
        given = _variables(run, call, node.get("vars"), file.path, variables)
    if isinstance(name, Scalar):
        _task(run, call, file, _filled(name, variables).lstrip(":"), given)


def _variables(
    run: Interpreter, call: Call, node: Node | None, path: str, above: _Given | None = None
) -> _Given:
    """The variables that are constant; one that a command gives (`sh:`) runs it."""
    known: _Given = {}
    for name, value in node.values.items() if isinstance(node, Mapping) else ():
        command = value.get("sh") if isinstance(value, Mapping) else None
        if isinstance(command, Scalar):
            script = scalar_script(command, path, _filled(command, {**(above or {}), **known}))
            run_in(run, call, script, posixpath.dirname(path))
        elif isinstance(value, Scalar):
            known[name] = _filled(value, {**(above or {}), **known})
    return known
