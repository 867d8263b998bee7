"""Scripts that a configuration file names: composer, deno, poe, hatch, pdm, mise, cargo-make… (layer 1).

Each file gives texts by name; a text may name another script of the same file.
"""

import json
import posixpath
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from cipipe.pipelines.model import Script
from cipipe.results import Location
from cipipe.shell import wrappers
from cipipe.shell.calls import Call, Result
from cipipe.shell.follow.reach import first_file, plain_words, run_in
from cipipe.shell.interpreter import Handler, Interpreter

_Entries = Mapping[str, Any]
_COMPOSER_HOOKS = {
    "install": ("pre-install-cmd", "post-install-cmd", "pre-autoload-dump", "post-autoload-dump"),
    "update": ("pre-update-cmd", "post-update-cmd", "pre-autoload-dump", "post-autoload-dump"),
}
_PYTHON_ARGUMENTS = frozenset({"-C", "-e", "-p", "--project", "--env", "--directory"})


def _at(document: object, *path: str) -> _Entries:
    for name in path:
        document = document.get(name, {}) if isinstance(document, dict) else {}
    return document if isinstance(document, dict) else {}


def _hatch(document: object, *above: str) -> _Entries:
    environments = _at(document, *above, "envs")
    return {
        key: value
        for environment in environments.values()
        if isinstance(environment, dict)
        for key, value in _at(environment, "scripts").items()
    }


# Program -> its files, each with the way to the scripts in it; the verbs before a script's name.
_PROGRAMS: dict[str, tuple[dict[str, Callable[[object], _Entries]], frozenset[str]]] = {
    "composer": ({"composer.json": lambda d: _at(d, "scripts")}, frozenset({"run", "run-script"})),
    "deno": (
        dict.fromkeys(("deno.json", "deno.jsonc"), lambda d: _at(d, "tasks")),
        frozenset({"task", "run"}),
    ),
    "poe": (
        {
            "pyproject.toml": lambda d: _at(d, "tool", "poe", "tasks"),
            "poe_tasks.toml": lambda d: _at(d, "tool", "poe", "tasks") or _at(d, "tasks"),
        },
        frozenset(),
    ),
    "hatch": (
        {"pyproject.toml": lambda d: _hatch(d, "tool", "hatch"), "hatch.toml": _hatch},
        frozenset({"run"}),
    ),
    "pdm": ({"pyproject.toml": lambda d: _at(d, "tool", "pdm", "scripts")}, frozenset({"run"})),
    "rye": ({"pyproject.toml": lambda d: _at(d, "tool", "rye", "scripts")}, frozenset({"run"})),
    "pipenv": ({"Pipfile": lambda d: _at(d, "scripts")}, frozenset({"run"})),
    "mise": (
        dict.fromkeys(("mise.toml", ".mise.toml", ".config/mise.toml"), lambda d: _at(d, "tasks")),
        frozenset({"run", "r", "tasks"}),
    ),
    "cargo-make": ({"Makefile.toml": lambda d: _at(d, "tasks")}, frozenset()),
}


def declared(run: Interpreter, call: Call) -> Result:
    """Follow a script by its name; what is none runs as the program's other words say."""
    program = call.argv[0].rsplit("/", 1)[-1]
    files, verbs = _PROGRAMS[program]
    plain, _ = plain_words(call, _PYTHON_ARGUMENTS)
    verb = plain[0] if plain else ""
    if verbs and verb in verbs:
        name = plain[1] if len(plain) > 1 else ""
    elif program in ("composer", "mise", "pdm", "poe", "cargo-make"):
        name = verb
    else:
        name = ""
    names = _COMPOSER_HOOKS.get(name, (name,)) if program == "composer" else (name.rpartition(":")[2], name)
    known: set[str] = set()
    for path, find in files.items():
        found = first_file(run, call, [path], upwards=True)
        if found is None:
            continue
        entries = find(_document(*found))
        for one in dict.fromkeys(names):
            if one in entries:
                known.add(one)
                run.emit(call)
                _entry(run, call, found, entries, one)
    if known:
        return Result.UNKNOWN
    if any((program, word) in wrappers.SUBCOMMANDS for word in plain[:1]):
        return wrappers.subcommand(run, call)
    if program == "deno" and verb == "run":
        return run.builtin("node", call.inner(("node", *call.argv[2:])))
    return run.builtin("", call)


def cargo(run: Interpreter, call: Call) -> Result:
    """`cargo make TASK` is a program of its own; the rest of cargo is only recorded."""
    if call.argv[1:2] == ("make",):
        return declared(run, call.inner(("cargo-make", *call.argv[2:])))
    return run.builtin("", call)


def _document(path: str, text: str) -> object:
    try:
        if path.endswith((".json", ".jsonc")):
            return json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _entry(run: Interpreter, call: Call, found: tuple[str, str], entries: _Entries, name: str) -> None:
    key = f"script {found[0]} {name}"
    if run.inside(key):
        return
    with run.within(key):
        for kind, text in _texts(entries[name]):
            reference = text.split()[0].removeprefix("@") if text.split() else ""
            if reference in entries and reference != name:
                _entry(run, call, found, entries, reference)
                continue
            if kind == "reference":
                continue
            command = text.removeprefix("@")
            line = found[1].find(command.split("\n")[0][:60])
            place = Location(found[0], found[1].count("\n", 0, max(line, 0)) + 1)
            script = Script(command, "sh", (place,) * (command.count("\n") + 1))
            run_in(run, call, script, posixpath.dirname(found[0]))


def _texts(entry: object) -> list[tuple[str, str]]:
    """The commands of an entry, and the names of others that it runs, in order."""
    if isinstance(entry, str):
        return [("command", entry)]
    if isinstance(entry, list):
        return [one for item in entry for one in _texts(item)]
    if not isinstance(entry, dict):
        return []
    texts: list[tuple[str, str]] = []
    for key in ("dependencies", "depends", "deps", "ref", "run_task"):
        named = entry.get(key, [])
        for one in [named] if isinstance(named, (str, dict)) else named if isinstance(named, list) else []:
            name = one.get("name") if isinstance(one, dict) else one
            texts += [("reference", name)] if isinstance(name, str) else []
    arguments = entry.get("args")
    if isinstance(entry.get("command"), str) and isinstance(arguments, list):
        return [*texts, ("command", shlex.join([entry["command"], *map(str, arguments)]))]
    for key in ("cmd", "shell", "command", "script", "sequence", "parallel", "composite", "run"):
        value = entry.get(key)
        if key == "script" and isinstance(value, list):
            value = "\n".join(map(str, value))
        texts += _texts(value)
    return texts


HANDLERS: dict[str, Handler] = {**dict.fromkeys(_PROGRAMS, declared), "cargo": cargo}
