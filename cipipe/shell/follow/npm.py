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
_FOLDERS = frozenset({"--prefix", "-C", "--cwd", "--dir"})
_VALUES = frozenset({"-w", "--workspace", "--filter", "-F", "--loglevel", "--registry", *_FOLDERS})
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


def npm(run: Interpreter, call: Call) -> Result:
    """Follow `npm`, `yarn`, `pnpm` and `bun`."""
    program = call.argv[0].rsplit("/", 1)[-1]
    words = list(call.argv[1:])
    folder = workspace = ""
    plain: list[str] = []
    while words and len(plain) < 2:
        word = words.pop(0)
        if not word.startswith("-"):
            plain.append(word)
            if len(plain) == 1 and word not in _RUNS and word != "workspace":
                break
        elif word in _VALUES and words:
            value = words.pop(0)
            folder = value if word in _FOLDERS else folder
            workspace = value if word in ("-w", "--workspace", "--filter", "-F") else workspace
        elif word.partition("=")[0] in _FOLDERS:
            folder = word.partition("=")[2]
    if plain[:1] in (["exec"], ["x"], ["dlx"]):
        return run.builtin("npm exec", call)
    run.emit(call)
    names = _scripts_of(program, plain)
    if words[:1] in (["-w"], ["--workspace"]) and len(words) > 1:
        workspace, words = words[1], words[2:]
    if words and words[0].startswith("--workspace="):
        workspace = words.pop(0).partition("=")[2]
    rest = tuple(words[1:] if words[:1] == ["--"] else words)
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
