"""Taskfile, justfile, tox.ini and compose files: the commands of what is called (layer 1)."""

import configparser
import posixpath
import re
from dataclasses import replace

from cipipe.pipelines import yaml_tree
from cipipe.pipelines.model import HOLE, WORKSPACE, Script
from cipipe.pipelines.yaml_places import pieces
from cipipe.pipelines.yaml_tree import Mapping, Node, Scalar, Sequence, YamlRefused
from cipipe.results import Location
from cipipe.shell.calls import Call, Result
from cipipe.shell.interpreter import Interpreter
from cipipe.shell.session import in_repository

_TASKFILES = (
    "Taskfile.yml",
    "taskfile.yml",
    "Taskfile.yaml",
    "taskfile.yaml",
    "Taskfile.dist.yml",
    "Taskfile.dist.yaml",
)
_JUSTFILES = ("justfile", "Justfile", ".justfile")
_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_COMPOSE_VALUES = frozenset(
    {"-f", "--file", "-p", "--profile", "--project-name", "--scale", "-t", "--timeout"}
)
_TEMPLATE = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_RECIPE = re.compile(r"@?([A-Za-z_][\w-]*)((?:\s[^:]*)?):(?!=)\s*(.*)")
_JUST_VARIABLE = re.compile(r"(?:export\s+)?([A-Za-z_][\w-]*)\s*:=\s*(?:\"([^\"]*)\"|'([^']*)'|(.*))")


def _plain(call: Call, values: frozenset[str]) -> tuple[list[str], dict[str, str]]:
    """Words that are no options, and the values of options."""
    words = list(call.argv[1:])
    plain: list[str] = []
    given: dict[str, str] = {}
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            break
        if not word.startswith("-"):
            plain.append(word)
        elif equals:
            given[name] = value
        elif word in values and words:
            given[word] = words.pop(0)
    return plain, given


def _first_file(run: Interpreter, call: Call, folder: str, names: tuple[str, ...]) -> tuple[str, str] | None:
    for directory in call.state.directories:
        relative = in_repository(posixpath.normpath(posixpath.join(directory, folder)))
        if relative is None:
            continue
        for name in names:
            path = posixpath.normpath(posixpath.join(relative, name))
            text = run.session.read(path)
            if text is not None:
                return path, text
    return None


def _run(run: Interpreter, call: Call, script: Script, folder: str) -> None:
    state = call.state.fork()
    state.directories = (posixpath.normpath(posixpath.join(WORKSPACE, folder)),)
    state.functions, state.aliases = {}, {}
    run.run(script, replace(call, env={}), state, apart=True)
    call.state.files = state.files


def _scalar_script(scalar: Scalar, path: str, text: str) -> Script:
    places = tuple((offset, Location(path, line, column)) for offset, line, column in pieces(scalar))
    lines = (Location(path, scalar.line, scalar.column),) * (text.count("\n") + 1)
    return Script(text, "sh", lines, pieces=places if text == scalar.value else ())


def task(run: Interpreter, call: Call) -> Result:
    """`task NAME…` (taskfile.dev)."""
    run.emit(call)
    if {"-n", "--dry", "--list", "-l", "--summary"} & set(call.argv):
        return Result.UNKNOWN
    names, given = _plain(call, frozenset({"-d", "--dir", "-t", "--taskfile", "-C", "-o", "--output"}))
    folder = given.get("-d", given.get("--dir", ""))
    named = given.get("-t", given.get("--taskfile", ""))
    found = _first_file(run, call, folder, (named,) if named else _TASKFILES)
    if found is not None:
        for name in [name for name in names if "=" not in name] or ["default"]:
            _task(run, call, found, name)
    return Result.UNKNOWN


def _tree(run: Interpreter, call: Call, path: str, text: str) -> Mapping | None:
    try:
        documents = yaml_tree.read(text.encode(), path)
    except YamlRefused as error:
        run.problem(call, f"{path} cannot be read: {error.why}")
        return None
    root = documents[0].root if documents else None
    return root if isinstance(root, Mapping) else None


def _included(run: Interpreter, call: Call, found: tuple[str, str], root: Mapping, name: str) -> None:
    """A task of an included Taskfile: `space:name`."""
    space, _, rest = name.partition(":")
    includes = root.get("includes")
    target = includes.get(space) if isinstance(includes, Mapping) else None
    target = target.get("taskfile") if isinstance(target, Mapping) else target
    if not isinstance(target, Scalar):
        return
    inner = posixpath.normpath(posixpath.join(posixpath.dirname(found[0]), target.value))
    for candidate in (inner, *(f"{inner}/{file}" for file in _TASKFILES)):
        other = run.session.read(candidate)
        if other is not None:
            _task(run, call, (candidate, other), rest)
            return


def _task(run: Interpreter, call: Call, found: tuple[str, str], name: str) -> None:
    path, text = found
    root = _tree(run, call, path, text)
    key = f"task {path} {name}"
    if root is None or run.inside(key):
        return
    tasks = root.get("tasks")
    entry = tasks.get(name) if isinstance(tasks, Mapping) else None
    if entry is None and ":" in name:
        _included(run, call, found, root, name)
        return
    variables = {
        **_variables(root.get("vars")),
        **(_variables(entry.get("vars")) if isinstance(entry, Mapping) else {}),
    }
    folder = posixpath.dirname(path)
    if isinstance(entry, Mapping) and isinstance(directory := entry.get("dir"), Scalar):
        folder = posixpath.join(folder, directory.value)
    commands = _items(entry)
    with run.within(key):
        if isinstance(entry, Mapping):
            commands = [*_items(entry.get("cmds")), *_items(entry.get("cmd"))]
            for need in _items(entry.get("deps")):
                _other(run, call, found, need)
        for item in commands:
            if isinstance(item, Mapping) and item.get("task") is not None:
                _other(run, call, found, item)
                continue
            node = item.get("cmd") or item.get("defer") if isinstance(item, Mapping) else item
            if isinstance(node, Scalar):
                text = _TEMPLATE.sub(lambda m: variables.get(m[1].lstrip("."), HOLE), node.value)
                _run(run, call, _scalar_script(node, path, text), folder)


def _other(run: Interpreter, call: Call, found: tuple[str, str], node: Node) -> None:
    name = node.get("task") if isinstance(node, Mapping) else node
    if isinstance(name, Scalar):
        _task(run, call, found, name.value.lstrip(":"))


def _items(node: Node | None) -> list[Node]:
    if node is None:
        return []
    return list(node.items) if isinstance(node, Sequence) else [node]


def _variables(node: Node | None) -> dict[str, str]:
    if not isinstance(node, Mapping):
        return {}
    return {
        name: value.value
        for name, value in node.values.items()
        if isinstance(value, Scalar) and "{{" not in value.value
    }


def just(run: Interpreter, call: Call) -> Result:
    """`just RECIPE ARGUMENT…` (just.systems)."""
    run.emit(call)
    if {"-n", "--dry-run", "--list", "-l", "--show", "--summary"} & set(call.argv):
        return Result.UNKNOWN
    names, given = _plain(
        call, frozenset({"-f", "--justfile", "-d", "--working-directory", "--set", "--shell"})
    )
    named = given.get("-f", given.get("--justfile", ""))
    found = _first_file(run, call, "", (named,) if named else _JUSTFILES)
    if found is None:
        return Result.UNKNOWN
    path, text = found
    recipes, variables, first = _recipes(path, text)
    words = [name for name in names if "=" not in name]
    _recipe(run, call, path, (recipes, variables), words or [first])
    return Result.UNKNOWN


_Recipes = dict[str, tuple[list[str], list[str], list[tuple[str, Location]]]]


def _recipes(path: str, text: str) -> tuple[_Recipes, dict[str, str], str]:
    recipes: _Recipes = {}
    variables: dict[str, str] = {}
    first = ""
    body: list[tuple[str, Location]] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if line[:1] in (" ", "\t"):
            if body is not None:
                body.append((line.strip(), Location(path, number, len(line) - len(line.lstrip()) + 1)))
            continue
        variable = _JUST_VARIABLE.match(line)
        recipe = _RECIPE.match(line)
        if variable is not None:
            variables[variable[1]] = variable[2] or variable[3] or HOLE
        elif recipe is not None and not line.startswith("#"):
            body = []
            first = first or recipe[1]
            recipes[recipe[1]] = (
                recipe[2].split(),
                re.findall(r"[A-Za-z_][\w-]*", recipe[3].split("#")[0]),
                body,
            )
        elif line.strip() and not line.startswith(("#", "[")):
            body = None
    return recipes, variables, first


def _recipe(
    run: Interpreter, call: Call, path: str, book: tuple[_Recipes, dict[str, str]], words: list[str]
) -> None:
    recipes, variables = book
    name = words[0].rpartition("::")[2] if words else ""
    key = f"just {path} {name}"
    if name not in recipes or run.inside(key):
        return
    parameters, needs, body = recipes[name]
    given = {}
    for i, parameter in enumerate(parameters):
        bare, equals, default = parameter.lstrip("*+$").partition("=")
        rest = words[i + 1 :]
        given[bare] = (
            " ".join(rest)
            if parameter[0] in "*+"
            else (rest[0] if rest else default.strip("'\"") if equals else HOLE)
        )
    with run.within(key):
        for need in needs:
            _recipe(run, call, path, book, [need])
        lines = [
            (_TEMPLATE.sub(lambda m: given.get(m[1], variables.get(m[1], HOLE)), line), place)
            for line, place in body
        ]
        if lines and lines[0][0].startswith("#!"):
            text = "\n".join(line for line, _ in lines)
            _run(run, call, Script(text, "bash", tuple(place for _, place in lines)), posixpath.dirname(path))
            return
        for line, place in lines:
            _run(run, call, Script(line.lstrip("@-"), "sh", (place,)), posixpath.dirname(path))
    if len(words) > 1 + len(parameters):
        _recipe(run, call, path, book, words[1 + len(parameters) :])


def tox(run: Interpreter, call: Call) -> Result:
    """`tox -e NAME`: the commands of tox.ini."""
    run.emit(call)
    _, given = _plain(call, frozenset({"-e", "-c", "--conf", "--workdir"}))
    found = _first_file(run, call, "", (given.get("-c", "tox.ini"),))
    if found is None:
        return Result.UNKNOWN
    path, text = found
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        run.problem(call, f"{path} cannot be read: {type(error).__name__}")
        return Result.UNKNOWN
    for name in given.get("-e", "").split(",") if given.get("-e") else ["", *parser.sections()]:
        section = (
            f"testenv:{name}"
            if name and f"testenv:{name}" in parser
            else "testenv"
            if not given.get("-e") or name
            else name
        )
        if name.startswith("testenv"):
            section = name
        for option in ("commands_pre", "commands", "commands_post"):
            value = parser.get(section, option, fallback=None) or parser.get("testenv", option, fallback="")
            if value:
                _tox_commands(run, call, found, value)
    return Result.UNKNOWN


def _tox_commands(run: Interpreter, call: Call, found: tuple[str, str], value: str) -> None:
    path, text = found
    for line in re.sub(r"\\\n\s*", " ", value).split("\n"):
        command = line.strip().removeprefix("-").strip()
        if not command:
            continue
        at = text.find(line.strip().split("  ")[0][:40])
        place = Location(path, text.count("\n", 0, max(at, 0)) + 1)
        text_of = re.sub(r"\{posargs(?::([^{}]*))?\}", lambda m: m[1] or "", command)
        _run(run, call, Script(re.sub(r"\{[^{}]*\}", HOLE, text_of), "sh", (place,)), posixpath.dirname(path))


def compose_up(run: Interpreter, call: Call) -> Result:
    """`docker compose up [SERVICE…]`: the commands of the services."""
    plain, given = _plain(call, _COMPOSE_VALUES)
    wanted = plain[plain.index("up") + 1 :] if "up" in plain else []
    return _compose(run, call, given, wanted)


def compose_service(run: Interpreter, call: Call) -> Result:
    """`docker compose run SERVICE`: the service's own command; its name is the last word of the call."""
    _, given = _plain(call, _COMPOSE_VALUES)
    return _compose(run, call, given, [call.argv[-1]])


def _compose(run: Interpreter, call: Call, given: dict[str, str], wanted: list[str]) -> Result:
    named = given.get("-f", given.get("--file", ""))
    found = _first_file(run, call, "", (named,) if named else _COMPOSE)
    root = _tree(run, call, *found) if found is not None else None
    services = root.get("services") if root is not None else None
    if found is None or not isinstance(services, Mapping):
        return Result.UNKNOWN
    for name, service in services.values.items():
        if not isinstance(service, Mapping) or (wanted and name not in wanted):
            continue
        image = service.get("image")
        entry, command = _argv(service.get("entrypoint")), _argv(service.get("command"))
        image_name = image.value if isinstance(image, Scalar) else "service"
        node = service.get("command") or service.get("entrypoint")
        words = ["docker", "run", *(["--entrypoint", " ".join(entry)] if entry else []), image_name, *command]
        if node is not None:
            quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
            place = Location(found[0], node.line, node.column)
            _run(run, call, Script(quoted, "sh", (place,)), posixpath.dirname(found[0]))
    return Result.UNKNOWN


def _argv(node: Node | None) -> list[str]:
    if isinstance(node, Sequence):
        return [item.value for item in node.items if isinstance(item, Scalar)]
    return node.value.split() if isinstance(node, Scalar) else []
