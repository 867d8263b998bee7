"""`npm run NAME` and its kin: the script of package.json, with its `pre` and `post` hooks (layer 1)."""

import fnmatch
import json
import posixpath
import re
from dataclasses import dataclass

from cipipe.pipelines.model import HOLE, Script
from cipipe.results import Location
from cipipe.shell.calls import Call, Result
from cipipe.shell.follow.reach import first_file, run_in
from cipipe.shell.interpreter import Interpreter

_OWN = frozenset({"test", "start", "stop", "restart"})
_LIFECYCLE = {
    "install": ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"),
    "publish": ("prepublishOnly", "prepack", "prepare", "postpack", "publish", "postpublish"),
    "pack": ("prepack", "prepare", "postpack"),
    "version": ("preversion", "version", "postversion"),
}
_LIFECYCLE |= dict.fromkeys(("ci", "i", "install-test", "it", "cit", "add"), _LIFECYCLE["install"])
_RUNS = frozenset({"run", "run-script", "rum", "urn"})
_MOST_CHARACTERS = 2_000_000  # of package.json files that are looked through for a workspace
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


_ALL = frozenset({"-r", "--recursive", "--workspaces", "-ws", "--ws"})


@dataclass(slots=True)
class _Asked:
    """The verb and the script's name, the script's arguments, and the folders that it runs in."""

    plain: list[str]
    rest: tuple[str, ...]
    folder: str
    workspaces: list[str]
    everywhere: bool


def _arguments(call: Call) -> _Asked:
    words = list(call.argv[1:])
    asked = _Asked([], (), "", [], everywhere=False)
    rest: list[str] = []
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            rest += words
            break
        if name in _VALUES and (equals or words):
            _option(asked, name, value if equals else words.pop(0))
        elif word in _ALL and not rest:
            asked.everywhere = True
        elif not asked.plain and word == "workspace" and words:
            asked.workspaces.append(words.pop(0))
        elif not asked.plain and word == "workspaces":
            asked.everywhere = True
            words = words[words.index("run") :] if "run" in words else words[-1:]
        elif (
            len(asked.plain) < 2 and not word.startswith("-") and (not asked.plain or asked.plain[0] in _RUNS)
        ):
            asked.plain.append(word)
        elif asked.plain:
            rest.append(word)
    asked.rest = tuple(rest)
    return asked


def _option(asked: _Asked, name: str, value: str) -> None:
    if name in _FOLDERS:
        asked.folder = value
    elif name in _WORKSPACES:
        asked.workspaces.append(value)


def npm(run: Interpreter, call: Call) -> Result:
    """Follow `npm`, `yarn`, `pnpm` and `bun`."""
    asked = _arguments(call)
    if asked.plain[:1] in (["exec"], ["x"], ["dlx"]):
        return run.builtin("npm exec", call)
    run.emit(call)
    file = next((word for word in asked.plain[:2] if word.endswith((".ts", ".js", ".mjs"))), None)
    if file is not None and call.argv[0].endswith("bun"):
        return run.follow(file, call, asked.rest, "node")
    names = _scripts_of(call.argv[0].rsplit("/", 1)[-1], asked.plain)
    if not names:
        return Result.UNKNOWN
    main = names[1] if len(names) == 3 else ""  # the hooks around it get no arguments
    for path in _manifests(run, call, asked, main):
        for name in names:
            run_script(run, call, path, name, asked.rest if not main or name == main else ())
    return Result.UNKNOWN


def _manifests(run: Interpreter, call: Call, asked: _Asked, script: str) -> list[str]:
    """The package.json files whose scripts run."""
    if asked.everywhere or asked.workspaces:
        wanted = asked.workspaces or ["*"]
        found = [path for name in wanted for path in workspaces(run, call, name)]
        if found:
            return found
    path = posixpath.join(asked.folder, "package.json")
    found_file = first_file(run, call, [path], [script] if script else [], upwards=not asked.folder)
    return [found_file[0]] if found_file is not None else []


def workspaces(run: Interpreter, call: Call, name: str) -> list[str]:
    """The package.json files of the workspaces that `name` (a name, a folder, or a glob) means."""
    pattern = name.strip("{}./!^").removesuffix("/**") or "*"
    short = pattern.rsplit("/", 1)[-1]
    found: list[str] = []
    paths = [path for path in run.session.ending("package.json") if "node_modules" not in path]
    left = _MOST_CHARACTERS
    for path in paths if HOLE not in pattern else ():
        folder = posixpath.dirname(path)
        left -= len(run.session.read(path) or "")
        if left < 0:
            run.problem(call, f"the package.json files are more than {_MOST_CHARACTERS:,} characters")
            return found
        told = str((_document(run, path) or {}).get("name", ""))
        names = (folder, posixpath.basename(folder), told)
        if any(fnmatch.fnmatchcase(one, pattern) for one in names) or short in (names[1], told):
            found.append(path)
    return found


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


def _document(run: Interpreter, path: str) -> dict[str, object] | None:
    """What a package.json holds; None where it is not valid."""
    try:
        document = json.loads(run.session.read(path) or "")
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def run_script(run: Interpreter, call: Call, path: str, name: str, arguments: tuple[str, ...] = ()) -> None:
    """Run the scripts of the package.json at `path` that a name, or a glob, means."""
    document = _document(run, path)
    if document is None:
        run.problem(call, f"{path} is not valid JSON")
        return
    scripts = document.get("scripts")
    if not isinstance(scripts, dict):
        return
    names = [name] if "*" not in name else fnmatch.filter(scripts, name[:200])
    for one in names:
        _script(run, call, (path, one), scripts.get(one), arguments)


def _script(
    run: Interpreter, call: Call, at: tuple[str, str], command: object, arguments: tuple[str, ...]
) -> None:
    path, name = at
    key = f"npm {path} {name}"
    if not isinstance(command, str) or run.inside(key):
        return
    text = run.session.read(path) or ""
    found = re.compile(rf'"{re.escape(name)}"\s*:\s*"').search(text, max(text.find('"scripts"'), 0))
    offset = found.end() if found is not None else 0
    place = Location(path, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
    script = f'{command} "$@"' if arguments else command
    with run.within(key):
        lines = (place,) * (script.count("\n") + 1)
        run_in(run, call, Script(script, "sh", lines), posixpath.dirname(path), arguments)
