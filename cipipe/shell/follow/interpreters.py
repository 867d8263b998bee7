"""`python FILE`, `python -c TEXT`, `node FILE` and their kin (layer 1)."""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import replace

from cipipe.pipelines.model import HOLE, Script
from cipipe.results import Location
from cipipe.shell import unresolved
from cipipe.shell.calls import Call, Result
from cipipe.shell.follow.reach import first_file, plain_words, run_in
from cipipe.shell.interpreter import Handler, Interpreter
from cipipe.shell.session import in_repository

_TEXT_OPTION = {"python": ("-c",), "node": ("-e", "--eval", "-p", "--print")}
_GO = re.compile(r"\bexec\.Command(?:Context)?\(\s*(?:\w+\s*,\s*(?=\"))?([^()]*)\)")
_SESSIONS = ("-s", "--session", "--sessions", "-e")
_SESSION_OPTIONS = frozenset(
    {*_SESSIONS, "-f", "--noxfile", "-t", "--tags", "-k", "-p", "--python", "-c", "-H"}
)
_DEEPEST = 5  # functions of a task file that name each other
_DECORATORS = r"(?:@(?:[^\n]|\n(?=[ \t)])){0,500}\n){1,5}+"
_DECORATED = re.compile(
    rf"^{_DECORATORS}(?:async )?def (\w+)[^\n]*\n(?:[ \t)][^\n]*\n|\n(?=[ \t\n]))*", re.MULTILINE
)
_QUOTED = r"\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+'"
_PERL = re.compile(
    rf"\b(?:system|exec|spawn|capture[23e]*|popen[23e]*)\b\s*\(?\s*((?:{_QUOTED})(?:\s*,\s*(?:{_QUOTED}))*+)"
    r"|`([^`]+)`|%x[({]([^)}]*)"
)


def _interpreter(language: str) -> Handler:
    def handle(run: Interpreter, call: Call) -> Result:
        run.emit(call)
        if call.streams.out is not None:
            call.streams.out.write((HOLE,))
        words = call.argv[1:]
        i = 0
        inner = replace(call, wrappers=call.wrappers)
        while i < len(words) and words[i].startswith("-") and words[i] != "-":
            if words[i] in _TEXT_OPTION[language] and i + 1 < len(words):
                script = run.script(words[i + 1], language, call, call.word(i + 2))
                return run.run(script, inner, call.state.fork(), apart=False)
            if words[i] == "-m":
                return _module(run, inner, words[i + 1 :])
            i += 2 if words[i] in ("-W", "-X", "-r", "--require") else 1
        stdin = call.streams.stdin
        if i < len(words) and words[i] != "-":
            if re.search(r"\.(?:py|[cm]?[jt]s)$", words[i]):
                return run.follow(words[i], inner, words[i + 1 :], language)
        elif stdin is not None and stdin.texts is not None and stdin.texts[0].strip() != HOLE:
            text = stdin.texts[0]
            lines = stdin.lines or (run.place(call),)
            count = text.count("\n") + 1
            script = Script(text, language, (lines + (lines[-1],) * count)[:count])
            return run.run(script, inner, call.state.fork(), apart=False)
        elif stdin is not None and stdin.kind == "pipe":
            unresolved.piped(run, call)
        return Result.UNKNOWN

    return handle


def _module(run: Interpreter, call: Call, words: tuple[str, ...]) -> Result:
    """`python -m MODULE`: a module of the repository, or a program with a command of that name."""
    if not words:
        return Result.UNKNOWN
    path = words[0].replace(".", "/")
    for candidate in (f"{path}.py", f"{path}/__main__.py", f"src/{path}.py", f"src/{path}/__main__.py"):
        if run.open(candidate, call.state) is not None:
            return run.follow(candidate, call, words[1:], "python")
    return run.invoke(replace(call.inner(words), bare=True))


def _own_file(*names: str) -> Handler:
    """A program that runs chosen functions of a Python file of its own: nox, invoke, fabric."""

    def handle(run: Interpreter, call: Call) -> Result:
        run.emit(call)
        if {"-l", "--list"} & set(call.argv):
            return Result.UNKNOWN
        plain, given = plain_words(call, _SESSION_OPTIONS)
        chosen = [given[option] for option in _SESSIONS if option in given]
        wanted = [*plain, *(word for value in chosen for word in value.split(","))]
        found = first_file(run, call, names, wanted, upwards=True)
        if found is not None and not run.inside(f"file {found[0]}"):
            text = found[1] + "\n"
            if not {"-t", "-k", "--tags"} & given.keys():
                text = _chosen(text, wanted)
            lines = tuple(Location(found[0], i + 1) for i in range(text.count("\n") + 1))
            with run.within(f"file {found[0]}"):
                run_in(run, call, Script(text, "python", lines), posixpath.dirname(found[0]))
        return Result.UNKNOWN

    return handle


def _chosen(text: str, wanted: Sequence[str]) -> str:
    """The file without the functions with a decorator that nobody asked for, its lines where they were."""
    names = {re.split(r"[-(.]\d|\(", word)[0].rpartition(".")[2].replace("-", "_") for word in wanted}
    found = list(_DECORATED.finditer(text))
    if not names or not any(function[1] in names for function in found):
        return text
    for _ in range(_DEEPEST):  # what is asked for may name others, in its decorator or its body
        asked = " ".join(function[0] for function in found if function[1] in names)
        more = {function[1] for function in found} & set(re.findall(r"\w+", asked))
        if more <= names:
            break
        names |= more
    return _DECORATED.sub(lambda f: f[0] if f[1] in names else re.sub(r"[^\n]", "", f[0]), text)


def go(run: Interpreter, call: Call) -> Result:
    """`go run PACKAGE`: what a program of the repository starts, or the program of a module."""
    plain = [word for word in call.argv[2:] if not word.startswith("-")]
    if call.argv[1:2] != ("run",) or not plain:
        return run.builtin("", call)
    if "@" in plain[0] or (not plain[0].startswith(".") and not plain[0].endswith(".go")):
        parts = [p for p in plain[0].partition("@")[0].split("/") if not re.fullmatch(r"v\d+", p)]
        return run.invoke(call.inner((parts[-1], *call.argv[call.argv.index(plain[0]) + 1 :]), "go"))
    run.emit(call)
    for path in call.state.paths(plain[0]):
        relative = in_repository(path)
        if relative is None:
            continue
        for name in [relative] if relative.endswith(".go") else run.session.matching(f"{relative}/*.go"):
            _go_file(run, call, name)
    return Result.UNKNOWN


def _go_file(run: Interpreter, call: Call, path: str) -> None:
    text = run.session.read(path) or ""
    for found in _GO.finditer(text):
        words = [word.replace('\\"', '"') for word in re.findall(r'"((?:[^"\\\n]|\\.)*+)"', found[1])]
        if not words:
            continue
        line = text.count("\n", 0, found.start()) + 1
        quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
        place = Location(path, line, found.start() - text.rfind("\n", 0, found.start()))
        run.run(Script(quoted, "sh", (place,)), call, call.state.fork(), apart=True)


def perl(run: Interpreter, call: Call) -> Result:
    """`perl -e`, `ruby -e`, `awk`: what their `system` runs."""
    run.emit(call)
    for word in call.argv[1:]:
        if re.search(r"\.(?:rb|pl)$", word):
            file = run.open(word, call.state)
            _perl_text(run, call, (file.text or "") if file is not None else "")
            break
        if "system" in word or "exec" in word or "`" in word:
            _perl_text(run, call, word)
    if call.streams.out is not None:
        call.streams.out.write((HOLE,))
    return Result.UNKNOWN


def _perl_text(run: Interpreter, call: Call, script: str) -> None:
    """What a script of Perl, Ruby or awk starts: a shell's text, or a list of words."""
    outer = replace(call, wrappers=(*call.wrappers, call.argv[0]))
    for found in _PERL.finditer(script):
        words = [re.sub(r"\\(.)", r"\1", word[1:-1]) for word in re.findall(_QUOTED, found[1] or "")]
        if len(words) > 1:
            run.invoke(replace(outer.inner(tuple(words)), bare=True))
        elif text := words[0] if words else found[2] or found[3]:
            run.shell_text(outer, text)


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(("python", "python3", "python2", "py", "pypy3"), _interpreter("python")),
    **{f"python3.{minor}": _interpreter("python") for minor in range(6, 16)},
    **dict.fromkeys(("node", "nodejs", "deno", "tsx", "ts-node", "zx"), _interpreter("node")),
    "nox": _own_file("noxfile.py"),
    **dict.fromkeys(("invoke", "inv"), _own_file("tasks.py")),
    "fab": _own_file("fabfile.py"),
    "go": go,
    **dict.fromkeys(("perl", "ruby", "awk", "gawk", "mawk"), perl),
}
