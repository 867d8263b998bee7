"""`lerna run`, `turbo run`, `nx run-many`: scripts and targets of many packages (layer 1)."""

import json
import posixpath
from collections.abc import Iterator

from cipipe.pipelines.model import Script
from cipipe.results import Location
from cipipe.shell.calls import Call, Result
from cipipe.shell.follow.npm import run_script, workspaces
from cipipe.shell.follow.reach import run_in
from cipipe.shell.interpreter import Handler, Interpreter

_SCOPES = ("--scope", "--filter", "-F", "--projects", "-p", "--project")
_VALUES = frozenset({*_SCOPES, "--concurrency", "-c", "--configuration", "--since", "--parallel", "--base"})
_NX_MANY = frozenset({"run-many", "affected"})
_NX_OWN = frozenset(
    {"report", "graph", "list", "reset", "migrate", "format:check", "release", "show", "sync"}
)


def _words(call: Call) -> tuple[list[str], list[str], list[str]]:
    """The words that are no options, the packages, and the targets that an option names."""
    words = list(call.argv[1:])
    plain: list[str] = []
    scopes: list[str] = []
    targets: list[str] = []
    while words and words[0] != "--":
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if name in ("-t", "--target", "--targets"):
            targets += [value] if equals else []
            while not equals and words and not words[0].startswith("-"):
                targets.append(words.pop(0))
        elif name in _VALUES:
            value = value if equals else (words.pop(0) if words else "")
            scopes += [value] if name in _SCOPES else []
        elif not word.startswith("-"):
            plain.append(word)
    return plain, [one for scope in scopes for one in scope.split(",")], _each(targets)


def _each(targets: list[str]) -> list[str]:
    return [one for target in targets for one in target.split(",") if one]


def _runner(verbs: frozenset[str], own: frozenset[str]) -> Handler:
    def handle(run: Interpreter, call: Call) -> Result:
        run.emit(call)
        plain, scopes, _ = _words(call)
        if plain and plain[0] not in own:
            for name in plain[1:] if plain[0] in verbs else plain:
                _everywhere(run, call, name, scopes)
        return Result.UNKNOWN

    return handle


def _everywhere(run: Interpreter, call: Call, name: str, scopes: list[str]) -> None:
    for scope in scopes or ["*"]:
        for path in workspaces(run, call, scope):
            run_script(run, call, path, name)


def nx(run: Interpreter, call: Call) -> Result:
    """`nx TARGET PROJECT`, `nx run PROJECT:TARGET`, `nx run-many -t TARGET…`, `nx affected -t TARGET…`."""
    run.emit(call)
    plain, scopes, targets = _words(call)
    verb = plain[0] if plain else ""
    if verb == "run" and len(plain) > 1:
        project, _, target = plain[1].partition(":")
        scopes, targets = [project], [target.partition(":")[0]]
    elif verb and verb not in _NX_MANY and verb not in _NX_OWN:
        scopes, targets = plain[1:2] or scopes, [verb]
    for target in targets:
        _everywhere(run, call, target, scopes)
        for path, place, command in _nx_commands(run, target, scopes):
            if not run.inside(f"nx {path} {target}"):
                with run.within(f"nx {path} {target}"):
                    run_in(run, call, Script(command, "sh", (place,) * (command.count("\n") + 1)), "")
    return Result.UNKNOWN


def _nx_commands(run: Interpreter, target: str, scopes: list[str]) -> Iterator[tuple[str, Location, str]]:
    """The commands that project.json files give to a target."""
    for path in run.session.ending("project.json")[:300]:
        text = run.session.read(path) or ""
        try:
            document = json.loads(text)
            entry = document["targets"][target]
            options = entry.get("options", {})
            commands = [entry.get("command"), options.get("command"), *options.get("commands", [])]
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
            continue
        folder = posixpath.basename(posixpath.dirname(path))
        if scopes and not {folder, document.get("name")} & set(scopes):
            continue
        for command in commands:
            value = command.get("command") if isinstance(command, dict) else command
            if isinstance(value, str):
                at = text.find(json.dumps(value, ensure_ascii=False))
                yield path, Location(path, text.count("\n", 0, max(at, 0)) + 1), value


HANDLERS: dict[str, Handler] = {
    "lerna": _runner(
        frozenset({"run"}), frozenset({"publish", "version", "bootstrap", "exec", "clean", "list"})
    ),
    "turbo": _runner(frozenset({"run"}), frozenset({"prune", "login", "link", "gen", "query", "ls"})),
    "nx": nx,
}
