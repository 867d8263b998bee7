"""`npm run NAME` and its kin: the script of package.json, with its `pre` and `post` hooks (layer 1)."""

import json
import posixpath
import re
from dataclasses import replace

from cipipe.pipelines.model import Script
from cipipe.results import Location
from cipipe.shell.calls import Call, Result
from cipipe.shell.interpreter import Interpreter
from cipipe.shell.session import in_repository

_OWN = frozenset({"test", "start", "stop", "restart"})
_LIFECYCLE = {
    "install": ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"),
    "publish": ("prepublishOnly", "prepack", "prepare", "postpack", "publish", "postpublish"),
    "pack": ("prepack", "prepare", "postpack"),
    "version": ("preversion", "version", "postversion"),
}
_LIFECYCLE |= dict.fromkeys(("ci", "i", "install-test", "it", "cit", "add"), _LIFECYCLE["install"])
_RUNS = frozenset({"run", "run-script", "rum", "urn"})
_FOLDERS = ("--prefix", "-C", "--cwd", "--dir")
_WORKSPACES = ("-w", "--workspace", "--filter", "-F")
_VALUES = frozenset({*_WORKSPACES, "--loglevel", "--registry", *_FOLDERS})
_YARN_OWN = frozenset(
    {
        "add",
        "remove",
        "upgrade",
        "why",
        "info",
        "config",
        "cache",
        "link",
        "init",
        "login",
        "audit",
        "list",
        "set",
        "dedupe",
    }
)


def _arguments(call: Call) -> tuple[list[str], tuple[str, ...], str, str]:
    """The verb and the script's name, the script's arguments, the folder and the workspace."""
    words = list(call.argv[1:])
    plain: list[str] = []
    rest: list[str] = []
    given: dict[str, str] = {}
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            rest += words
            break
        if name in _VALUES and (equals or words):
            given[name] = value if equals else words.pop(0)
        elif len(plain) < 2 and not word.startswith("-") and (not plain or plain[0] in _RUNS):
            plain.append(word)
        elif plain:
            rest.append(word)
    folder = next((given[name] for name in _FOLDERS if name in given), "")
    workspace = next((given[name] for name in _WORKSPACES if name in given), "")
    return plain, tuple(rest), folder, workspace


def npm(run: Interpreter, call: Call) -> Result:
    """Follow `npm`, `yarn`, `pnpm` and `bun`."""
    plain, rest, folder, workspace = _arguments(call)
    if plain[:1] in (["exec"], ["x"], ["dlx"]):
        return run.builtin("npm exec", call)
    run.emit(call)
    names = _scripts_of(call.argv[0].rsplit("/", 1)[-1], plain)
    for directory in call.state.directories:
        relative = in_repository(posixpath.normpath(posixpath.join(directory, folder)))
        path = posixpath.join(relative, "package.json") if relative is not None else ""
        if workspace and relative is not None:
            path = _workspace(run, relative, workspace) or path
        text = run.session.read(path) if path else None
        if text is not None:
            for name in names:
                main = len(names) != 3 or name == names[1]  # the hooks around it get no arguments
                _script(run, call, (path, text), name, rest if main else ())
            return Result.UNKNOWN
    return Result.UNKNOWN


def _workspace(run: Interpreter, folder: str, name: str) -> str | None:
    """The package.json of a workspace, by its folder or by the last part of its name."""
    short = name.rsplit("/", 1)[-1]
    for path in (posixpath.join(folder, name, "package.json"), *run.session.ending(f"/{short}/package.json")):
        if run.session.read(path) is not None:
            return path
    return None


def _scripts_of(program: str, plain: list[str]) -> tuple[str, ...]:
    """The names of the scripts that run, in order."""
    verb = plain[0] if plain else ("install" if program == "yarn" else "")
    if verb in _RUNS:
        return (f"pre{plain[1]}", plain[1], f"post{plain[1]}") if len(plain) > 1 else ()
    if verb in ("t", "tst"):
        verb = "test"
    if verb in _LIFECYCLE:
        return _LIFECYCLE[verb]
    if verb in _OWN or (program in ("yarn", "pnpm", "bun") and verb and verb not in _YARN_OWN):
        return (f"pre{verb}", verb, f"post{verb}")
    return ()


def _script(
    run: Interpreter, call: Call, manifest: tuple[str, str], name: str, arguments: tuple[str, ...]
) -> None:
    path, text = manifest
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        run.problem(call, f"{path} is not valid JSON")
        return
    scripts = document.get("scripts") if isinstance(document, dict) else None
    command = scripts.get(name) if isinstance(scripts, dict) else None
    key = f"npm {path} {name}"
    if not isinstance(command, str) or run.inside(key) or len(command) > 10_000:
        return
    found = re.search(rf'"scripts"\s*:[\s\S]*?"{re.escape(name)}"\s*:\s*"', text)
    offset = found.end() if found is not None else 0
    place = Location(path, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
    state = call.state.fork()
    state.directories = (posixpath.normpath(posixpath.join("/workspace", posixpath.dirname(path))),)
    state.functions, state.aliases = {}, {}
    state.arguments = arguments
    script = f'{command} "$@"' if arguments else command
    with run.within(key):
        lines = (place,) * (script.count("\n") + 1)
        run.run(Script(script, "sh", lines), replace(call, env={}), state, apart=True)
    call.state.files = state.files
