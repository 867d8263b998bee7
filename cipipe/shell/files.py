"""Files that a script names: made by the pipeline before, or of the repository (layer 1)."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from cipipe.pipelines.model import HOLE, WORKSPACE, Script
from cipipe.results import Location
from cipipe.shell import unresolved
from cipipe.shell.calls import Call, Result
from cipipe.shell.expand import HOME
from cipipe.shell.session import Session, in_repository
from cipipe.shell.state import State, WrittenFile

if TYPE_CHECKING:
    from cipipe.shell.interpreter import Interpreter

SOURCED = "sourced"
_MOST_CANDIDATES = 3  # files of the repository that a path with an unknown beginning may mean
_INSIDE_ITSELF = 2
_INSTALLED = ("/usr/local/bin", "/usr/bin", "/bin", f"{HOME}/.local/bin", f"{HOME}/bin")
_BUILD_WRAPPERS = frozenset({"gradlew", "mvnw"})

_BY_EXTENSION = {
    "sh": "bash",
    "bash": "bash",
    "zsh": "bash",
    "ksh": "bash",
    "py": "python",
    "js": "node",
    "mjs": "node",
    "cjs": "node",
    "ts": "node",
    "ps1": "pwsh",
    "bat": "cmd",
    "cmd": "cmd",
}
_UNKNOWN_LINE = re.compile(rf"^{HOLE}+$", re.MULTILINE)
_SHEBANG = re.compile(r"#!\s*(?:\S*/)?(?:env\s+(?:-S\s+)?)?(?:\S*/)?([A-Za-z]+)")
_INTERPRETERS = {
    "python": "python",
    "node": "node",
    "pwsh": "pwsh",
    "bash": "bash",
    "sh": "sh",
    "dash": "sh",
    "zsh": "bash",
}


def find(session: Session, path: str, state: State) -> WrittenFile | None:
    """The file at `path`; one whose folder is not known is looked for by the rest of its path."""
    for place in state.paths(path):
        if place in state.files:
            return state.files[place]
        relative = in_repository(place)
        text = session.read(relative) if relative else None
        if text is not None:
            return WrittenFile(text, source=relative)
        if relative is None and state.strayed:  # `cd ..`, then back by the repository's own name
            relative = place.lstrip("/").partition("/")[2]
            text = session.read(relative)
            if text is not None:
                return WrittenFile(text, source=relative)
    suffix = path.rsplit(HOLE, 1)[-1]
    if HOLE in path and suffix.startswith("/"):
        found = session.ending(suffix)
        if 0 < len(found) <= _MOST_CANDIDATES:
            text = session.read(found[0])
            return WrittenFile(text, source=found[0]) if text is not None else None
    return None


def as_program(run: "Interpreter", call: Call) -> Call | Result | None:
    """What running a file does: a result, the call of the program that it is a copy of, or None."""
    name = call.argv[0]
    paths = [name]
    if "/" not in name:
        paths = [f"{folder}/{name}" for folder in call.state.search]
        paths += [path for folder in _INSTALLED if (path := f"{folder}/{name}") in call.state.files]
    for path in paths:
        file = find(run.session, path, call.state)
        if file is None:
            continue
        if file.link is not None and file.link != name:
            return replace(call, argv=(file.link, *call.argv[1:]), words=())
        if file.text is not None and not _is_data(file):
            return follow(run, path, call, call.argv[1:], None)
        if file.url is not None:
            if unresolved.is_script_url(file.url, path):
                unresolved.downloaded(run, call, file.url)
                return Result.UNKNOWN
            told = program_of(file.url)
            if not any(told == tool or told.startswith(f"{tool}-") for tool in run.session.tools):
                return None  # the URL does not tell; its own name may
            return replace(call, argv=(told, *call.argv[1:]), words=())
    return None


def program_of(url: str) -> str:
    """The program that is downloaded from a URL."""
    return re.sub(r"[?#].*", "", url).rstrip("/").rsplit("/", 1)[-1] or "downloaded"


def _is_data(file: WrittenFile) -> bool:
    return file.text == HOLE or (file.source is None and file.text == "")


def follow(run: "Interpreter", path: str, call: Call, arguments: tuple[str, ...], how: str | None) -> Result:
    """Run the script file at `path` with `arguments`, and what it is a wrapper of; `how` as for `_follow`."""
    name = path.rsplit("/", 1)[-1]
    problems = len(run.problems)
    result = _follow(run, path, call, arguments, how)
    if name not in _BUILD_WRAPPERS:
        return result
    del run.problems[problems:]  # it looks for Java in ways that cannot be known
    return run.builtin(name, call.inner((name, *arguments)))


def _follow(run: "Interpreter", path: str, call: Call, arguments: tuple[str, ...], how: str | None) -> Result:
    """Run the script file at `path` with `arguments`.

    `how` is the language that its interpreter speaks, None when the file says so itself, or `SOURCED`: in
    the same state.
    """
    sourced = how == SOURCED
    file = find(run.session, path, call.state)
    if file is None:
        return unresolved.missing(run, call, path, sourced=sourced)
    if file.text is None or (file.text == HOLE and file.source is None):
        call.state.unsure = call.state.unsure or sourced
        if file.url is not None:
            unresolved.downloaded(run, call, file.url)
        elif not sourced:
            run.problem(call, f"what is in {path.replace(HOLE, '…')} cannot be known")
        return Result.UNKNOWN
    key = f"file {file.source or path}"
    if run.inside(key) >= _INSIDE_ITSELF:
        return Result.UNKNOWN
    kind = "bash" if sourced else how or kind_of(path, file.text)
    if kind is None:
        return Result.UNKNOWN
    script = _script(run, _settings(file, call.state) if sourced else file, kind, call)
    state = call.state if sourced else child(call.state, path, arguments, call)
    kept = state.arguments, state.variables.get("BASH_SOURCE")
    if sourced and arguments:
        state.arguments = arguments
    place = f"{WORKSPACE}/{file.source}" if file.source else state.paths(path)[0]
    state.variables["BASH_SOURCE"] = (place,)
    with run.within(key):
        result = run.run(script, call, state, apart=True)
    if sourced:
        state.arguments = kept[0]
        state.variables.pop("BASH_SOURCE", None)
        if kept[1] is not None:
            state.variables["BASH_SOURCE"] = kept[1]
        return Result.UNKNOWN if result == Result.RETURNED else result
    call.state.files = state.files
    return Result.UNKNOWN


def _settings(file: WrittenFile, state: State) -> WrittenFile:
    """A file that is sourced, without the lines of a file which is not known (`cat a b > .env`)."""
    if file.source is not None or not _UNKNOWN_LINE.search(file.text or ""):
        return file
    state.unsure = True
    return replace(file, text=_UNKNOWN_LINE.sub("", file.text or ""))


def kind_of(path: str, text: str) -> str | None:
    """What runs a script file: by its first line, else by its name; None for what is no script."""
    found = _SHEBANG.match(text)
    if found is not None:
        return _INTERPRETERS.get(found[1])
    extension = path.rsplit("/", 1)[-1].rpartition(".")[2].lower()
    return _BY_EXTENSION.get(extension, "sh")


def child(state: State, name: str, arguments: tuple[str, ...], call: Call) -> State:
    """The state of a child process: what is exported, and the files."""
    inner = state.fork()
    inner.variables = {
        key: value for key, value in state.variables.items() if key in state.exported or key in call.env
    }
    inner.variables |= {key: (value,) for key, value in call.env.items()}
    inner.functions, inner.aliases, inner.references = {}, {}, {}
    inner.exported = frozenset(inner.variables)
    inner.arguments = arguments
    inner.name = state.paths(name)[0] if "/" in name or name.endswith(".sh") else name
    return inner


def _script(run: "Interpreter", file: WrittenFile, kind: str, call: Call) -> Script:
    text = file.text or ""
    count = text.count("\n") + 1
    if file.source is not None:
        lines = tuple(Location(file.source, i + 1, 1) for i in range(count))
    else:
        lines = file.lines[:count] or (run.place(call),)
        lines += (lines[-1],) * (count - len(lines))
    return Script(text, kind, lines)
