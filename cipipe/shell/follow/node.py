"""JavaScript: commands that a script starts, and calls of the Kubernetes client (layer 1)."""

import posixpath
import re

from cipipe.pipelines.model import HOLE, WORKSPACE, Script
from cipipe.shell.calls import Call, Result, Streams
from cipipe.shell.interpreter import Interpreter
from cipipe.shell.state import State

# A string that is never closed ends where the text does: no scan starts twice.
_STRING = r"\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|\\.)*+'?|`(?:[^`\\]|\\.)*+`?"
_COMMENT = re.compile(rf"(?P<string>{_STRING})|(?P<line>//[^\n]*+)|/\*", re.DOTALL)
_CALL = re.compile(
    rf"\b(exec|execSync|execAsync|exec\.exec|getExecOutput|spawn|spawnSync|execFile|execFileSync|execa|execaSync|execaCommand|run)"
    rf"\s*\(\s*({_STRING}|[A-Za-z_$][\w$]*)\s*(?:,\s*\[((?:{_STRING}|[^][\"'`])*+)\])?",
    re.DOTALL,
)
_LISTED = re.compile(
    rf"\b(?:Deno\.run\s*\(\s*\{{[^{{}}]*?\bcmd:|Bun\.spawn(?:Sync)?\s*\(\s*(?:\{{[^{{}}]*?\bcmd:)?)\s*\[((?:{_STRING}|[^][\"'`])*+)\]"
    rf"|\bDeno\.Command\s*\(\s*({_STRING})\s*,\s*\{{[^{{}}[]*?\bargs:\s*\[((?:{_STRING}|[^][\"'`])*+)\]",
    re.DOTALL,
)
_ZX = re.compile(rf"(?<![\w.])\$(?:\([^()\n]*+\))?(`(?:[^`\\]|\\.)*+`?)|{_STRING}", re.DOTALL)
_CONSTANT = re.compile(rf"\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=\s*({_STRING})\s*[;\n]")
_IMPORT = re.compile(r"\b(?:require\s*\(|import\s*\(|from|import)\s*[\"'](\.{1,2}/[^\"'\n]{1,200})[\"']")
_ENDINGS = ("", ".js", ".mjs", ".cjs", ".ts", "/index.js", "/index.mjs", "/index.ts")
_MODULES = "modules of JavaScript"
_MOST_MODULES = 20
_CLIENT = re.compile(r"@kubernetes/client-node|kubernetes-client")
_METHOD = re.compile(r"\.((?:create|patch|replace|delete)(?:Namespaced|Cluster|Namespace)\w*)\s*\(")


def node(run: Interpreter, script: Script, state: State, _streams: Streams) -> Result:
    """Find what a JavaScript script starts."""
    text = _without_comments(script.text)
    constants = {found[1]: _unquote(found[2]) for found in _CONSTANT.finditer(text)}
    for found in _CALL.finditer(text):
        first = found[2]
        value = _unquote(first) if first[0] in "\"'`" else constants.get(first, "")
        call = Call(("node",), found.start(), state, Streams(), wrappers=("node",))
        if not value.strip(HOLE + " "):
            continue
        if found[3] is None:
            run.shell_text(call, value)
        else:
            words = [_unquote(word) for word in re.findall(rf"{_STRING}", found[3])]
            run.invoke(Call((*value.split(), *words), found.start(), state, Streams(), wrappers=("node",)))
    for found in _LISTED.finditer(text):
        listed = [found[2], *re.findall(_STRING, found[3])] if found[2] else re.findall(_STRING, found[1])
        argv = tuple(_unquote(word) for word in listed)
        if argv and argv[0].strip(HOLE):
            run.invoke(Call(argv, found.start(), state, Streams(), wrappers=("node",)))
    for found in _ZX.finditer(text):
        if found[1]:
            call = Call(("node",), found.start(), state, Streams(), wrappers=("node",))
            run.shell_text(call, _unquote(found[1]))
    if _CLIENT.search(text):
        for found in _METHOD.finditer(text):
            run.emit(Call(("kubernetes-api", found[1]), found.start(), state, Streams(), wrappers=("node",)))
    _imported(run, script, text, state)
    return Result.UNKNOWN


def _imported(run: Interpreter, script: Script, text: str, state: State) -> None:
    if run.inside(_MODULES):
        return
    with run.within(_MODULES):
        for path, at in _modules(run, script, text).items():
            call = Call(("node",), at, state.fork(), Streams(), wrappers=("node",))
            run.follow(f"{WORKSPACE}/{path}", call, (), "node")


def _modules(run: Interpreter, script: Script, text: str) -> dict[str, int]:
    """The files of the repository that a script imports, and those that they import, with the place."""
    own = script.lines[0].file
    found: dict[str, int] = {}
    waiting = [(own, text, -1)]
    while waiting and len(found) < _MOST_MODULES:
        path, inside, place = waiting.pop()
        for match in _IMPORT.finditer(inside):
            folder = posixpath.dirname(path) if path.endswith(_ENDINGS[1:]) else ""
            name = posixpath.normpath(posixpath.join(folder, match[1]))
            for module in (name + ending for ending in _ENDINGS):
                content = run.session.read(module) if module != own and module not in found else None
                if content is not None and not module.endswith(".json"):
                    found[module] = match.start() if place < 0 else place
                    waiting.append((module, _without_comments(content), found[module]))
                    break
    return found


def _without_comments(text: str) -> str:
    """Blanks for comments; `/*` that nothing closes is part of a regular expression."""
    out = []
    done = at = 0
    closed = True
    while found := _COMMENT.search(text, at):
        at = found.end()
        if found["string"]:
            continue
        if not found["line"]:
            end = text.find("*/", at) if closed else -1
            closed = end >= 0
            if not closed:
                continue
            at = end + 2
        out += [text[done : found.start()], re.sub(r"[^\n]", " ", text[found.start() : at])]
        done = at
    return "".join([*out, text[done:]])


def _unquote(text: str) -> str:
    inner = re.sub(r"\\(.)", r"\1", text[1:-1])
    return re.sub(r"\$\{[^}]*\}", HOLE, inner) if text[0] == "`" else inner
