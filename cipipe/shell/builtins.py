"""Builtins of the shell, and the small programs that make files (layer 1)."""

import re
from dataclasses import replace

from cipipe.pipelines.model import HOLE
from cipipe.shell import conditions, unresolved
from cipipe.shell.calls import Call, Result
from cipipe.shell.expand import HOME
from cipipe.shell.interpreter import Handler, Interpreter
from cipipe.shell.output import PRINTERS, printf
from cipipe.shell.session import in_repository
from cipipe.shell.state import State, WrittenFile
from cipipe.shell.syntax import Word

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


def program(run: Interpreter, call: Call) -> Result:
    """Any other program: recorded, and what it prints where that is known."""
    run.emit(call)
    if call.streams.out is not None:
        stdin = call.streams.stdin
        texts = (stdin.texts or (HOLE,)) if stdin is not None else ("",)

        def read(path: str) -> str | None:
            file = run.open(path, call.state)
            return file.text if file is not None else None

        printer = PRINTERS.get(call.argv[0].rsplit("/", 1)[-1])
        words = call.argv[1:]
        printed = tuple(printer(words, text, read) if printer is not None else HOLE for text in texts)
        lines = stdin.lines if stdin is not None and printed == texts else ()
        call.streams.out.write(printed, run.place(call), lines)
    return Result.UNKNOWN


def _nothing(_run: Interpreter, _call: Call) -> Result:
    return Result.UNKNOWN


def _condition(_run: Interpreter, call: Call) -> Result:
    return conditions.test(call)


def _cd(_run: Interpreter, call: Call) -> Result:
    plain = [word for word in call.argv[1:] if not word.startswith("-")]
    state = call.state
    if call.argv[1:2] == ("-",) or call.argv[0] == "popd":
        old = state.variables.get("OLDPWD")
        _enter(state, (str(old[0]),) if old else state.directories, strays=state.strayed)
        return Result.UNKNOWN
    target = plain[0] if plain else HOME
    old_directory = state.directories[0]
    strays = unresolved.leads_out(call, target) or (state.strayed and not target.startswith(("/", HOLE)))
    _enter(state, state.paths(target), strays=strays)
    state.variables["OLDPWD"] = (old_directory,)
    state.variables["PWD"] = state.directories
    if call.streams.out is not None and call.argv[0] == "pushd":
        call.streams.out.write((HOLE,))
    return Result.UNKNOWN


def _enter(state: State, folders: tuple[str, ...], *, strays: bool) -> None:
    state.directories = folders
    state.strayed = strays and all(in_repository(folder) is None for folder in folders)


def _pwd(_run: Interpreter, call: Call) -> Result:
    if call.streams.out is not None:
        call.streams.out.write(tuple(folder + "\n" for folder in call.state.directories))
    return Result.UNKNOWN


def _declare(_run: Interpreter, call: Call) -> Result:
    """`export NAME`, `export $(cat .env)`: assignments that are written as such are done already."""
    state = call.state
    for word in call.argv[1:]:
        found = _ASSIGNMENT.fullmatch(word)
        if found is not None:
            state.set(found[1], [found[2]])
            word = found[1]  # noqa: PLW2901 - the name that is declared
        if call.argv[0] == "export" and _NAME.fullmatch(word):
            state.exported |= {word}
    return Result.TRUE


def _unset(_run: Interpreter, call: Call) -> Result:
    for word in call.argv[1:]:
        if "-f" not in call.argv:
            call.state.variables.pop(word, None)
        if "-v" not in call.argv:
            call.state.functions.pop(word, None)
    return Result.TRUE


def _set(_run: Interpreter, call: Call) -> Result:
    words = list(call.argv[1:])
    while words and words[0][:1] in ("-", "+") and words[0] not in ("-", "--"):
        option = words.pop(0)
        if option.endswith("o") and words:
            words.pop(0)
        if "a" in option and option[0] == "-" and option != "-o":
            call.state.exported |= set(call.state.variables)
    if words[:1] in (["--"], ["-"]):
        call.state.arguments = tuple(words[1:])
    elif words:
        call.state.arguments = tuple(words)
    return Result.UNKNOWN


def _shift(_run: Interpreter, call: Call) -> Result:
    count = call.argv[1] if len(call.argv) > 1 else "1"
    call.state.arguments = call.state.arguments[int(count) if count.isdigit() else 1 :]
    return Result.UNKNOWN


def _eval(run: Interpreter, call: Call) -> Result:
    text = " ".join(call.argv[1:] if call.argv[1:2] != ("--",) else call.argv[2:])
    if not text.strip():
        return Result.UNKNOWN
    if text.strip(HOLE + " ;\n") == "" or text.startswith(HOLE):
        word = call.word(1)
        producer = unresolved.printing(word) if isinstance(word, Word) else None
        if text.strip(HOLE + " ;\n") == "":
            unresolved.evaluated(run, call, producer)
            return Result.UNKNOWN
    word = call.word(1) if len(call.argv) == 2 else None
    return run.run(run.script(text, "bash", call, word), call, call.state, apart=False)


def _alias(_run: Interpreter, call: Call) -> Result:
    for word in call.argv[1:]:
        name, equals, text = word.partition("=")
        if equals:
            call.state.aliases[name] = text
    return Result.TRUE


def _unalias(_run: Interpreter, call: Call) -> Result:
    for word in call.argv[1:]:
        call.state.aliases.pop(word, None)
    return Result.TRUE


def _read(_run: Interpreter, call: Call) -> Result:
    names: list[str] = []
    words = list(call.argv[1:])
    array = None
    delimiter = "\n"
    while words:
        word = words.pop(0)
        if word.startswith("-") and len(word) > 1:
            if word[-1] in "adeinNptu" and words:
                value = words.pop(0)
                array = value if word[-1] == "a" else array
                delimiter = value[:1] if word[-1] == "d" else delimiter
        else:
            names.append(word)
    stdin = call.streams.stdin
    if stdin is None:
        line: str | None = HOLE
    elif delimiter != "\n":
        line, stdin.texts = (stdin.texts or (HOLE,))[0].rstrip("\n"), ("",)
    else:
        line = stdin.take_line()
    state = call.state
    separators = state.variables.get("IFS", (" \t\n",))[0]
    fields = _fields(line or "", separators if isinstance(separators, str) else " ")
    if array is not None:
        state.set(array, [tuple(fields)])
    for i, name in enumerate(names or ["REPLY"]):
        last = i == len(names or ["REPLY"]) - 1
        rest = _fields(line or "", separators if isinstance(separators, str) else " ", most=i)
        value = (rest[-1] if len(rest) > i else "") if last else (fields[i] if i < len(fields) else "")
        state.set(name, [HOLE if line == HOLE else value])
    return Result.FALSE if line is None else Result.UNKNOWN


def _fields(line: str, separators: str, most: int = -1) -> list[str]:
    if not separators:
        return [line]
    if separators.strip():
        return line.split(separators.strip()[0], most)
    return line.split(None, most)


def _mapfile(_run: Interpreter, call: Call) -> Result:
    stdin = call.streams.stdin
    plain = [word for word in call.argv[1:] if not word.startswith("-")]
    text = stdin.texts[0] if stdin is not None and stdin.texts else HOLE
    call.state.set(plain[-1] if plain else "MAPFILE", [tuple(text.rstrip("\n").split("\n"))])
    return Result.UNKNOWN


def _printf(run: Interpreter, call: Call) -> Result:
    if call.argv[1:2] == ("-v",) and len(call.argv) > 3:
        call.state.set(call.argv[2], [printf(call.argv[3:])])
        return Result.TRUE
    return program(run, call)


def _let(_run: Interpreter, call: Call) -> Result:
    for word in call.argv[1:]:
        name = _NAME.match(word)
        if name is not None:
            call.state.set(name[0], [HOLE])
    return Result.UNKNOWN


def _getopts(_run: Interpreter, call: Call) -> Result:
    if len(call.argv) > 2:
        call.state.set(call.argv[2], [HOLE])
        call.state.set("OPTARG", [HOLE])
    return Result.UNKNOWN


def _trap(run: Interpreter, call: Call) -> Result:
    words = [word for word in call.argv[1:] if word != "--"]
    if len(words) > 1 and words[0] not in ("-", "", "-l", "-p"):
        word = next((w for w in call.words if isinstance(w, Word) and w.constant == words[0]), None)
        inner = call.state.fork()
        run.wrapped.append((*call.wrappers, "trap"))
        try:
            run.run(run.script(words[0], "bash", call, word), call, inner, apart=False)
        finally:
            run.wrapped.pop()
        call.state.files = inner.files
    return Result.TRUE


def _command(run: Interpreter, call: Call) -> Result:
    words = call.argv[1:]
    while words and words[0].startswith("-") and words[0] != "--":
        if set(words[0]) & set("vV"):
            if call.streams.out is not None:
                call.streams.out.write((PRINTERS["which"](words, "", lambda _: None),))
            return Result.UNKNOWN
        words = words[1:]
    words = words[1:] if words[:1] == ("--",) else words
    if not words:
        return Result.UNKNOWN
    return run.invoke(replace(call.inner(words, "command" if call.argv[0] == "command" else ""), bare=True))


def _which(_run: Interpreter, call: Call) -> Result:
    if call.streams.out is not None:
        call.streams.out.write((PRINTERS["which"](call.argv[1:], "", lambda _: None),))
    if call.argv[0] == "hash" and "-p" in call.argv and len(call.argv) > 3:
        call.state.aliases[call.argv[-1]] = call.argv[-2]
    return Result.UNKNOWN


def _exec(run: Interpreter, call: Call) -> Result:
    words = call.argv[1:]
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] == "-a" else words[1:]
    if not words:
        return Result.UNKNOWN
    run.invoke(call.inner(words, "exec"))
    return Result.EXITED


def _leave(result: Result) -> Handler:
    return lambda _run, _call: result


def _mktemp(run: Interpreter, call: Call) -> Result:
    run.unique += 1
    if call.streams.out is not None:
        call.streams.out.write((f"/tmp/tmp.{run.unique}\n",))  # noqa: S108 - a name that stands for the real one
    return Result.UNKNOWN


def _realpath(_run: Interpreter, call: Call) -> Result:
    plain = [word for word in call.argv[1:] if not word.startswith("-")]
    if call.streams.out is not None:
        call.streams.out.write(
            tuple(path + "\n" for path in call.state.paths(plain[0])) if plain else (HOLE,)
        )
    return Result.UNKNOWN


def _copy(run: Interpreter, call: Call) -> Result:
    """`cp`, `mv`, `ln`, `install`: the file at its new place is what it was."""
    run.emit(call)
    plain = [word for word in call.argv[1:] if not word.startswith("-")]
    if len(plain) != 2:
        return Result.UNKNOWN
    source, target = plain
    if target.endswith("/") or target in (".", ".."):
        target = target.rstrip("/") + "/" + source.rsplit("/", 1)[-1]
    file = run.open(source, call.state)
    if file is None and HOLE not in source:
        file = WrittenFile(link=source)
    if file is not None:
        run.write(target, file, call.state)
    return Result.UNKNOWN


def _tee(run: Interpreter, call: Call) -> Result:
    stdin = call.streams.stdin
    run.emit(call)
    append = any(word in ("-a", "--append") for word in call.argv[1:])
    text = stdin.texts[0] if stdin is not None and stdin.texts else HOLE
    for path in call.argv[1:]:
        if not path.startswith("-"):
            old = run.open(path, call.state) if append else None
            before = (old.text or "") if old is not None else ""
            lines = (
                (*old.lines, *(stdin.lines if stdin else ()))
                if old is not None
                else (stdin.lines if stdin else ())
            )
            run.write(
                path, WrittenFile(before + text, lines=lines, url=stdin.url if stdin else None), call.state
            )
    if call.streams.out is not None:
        call.streams.out.write((text,), run.place(call), stdin.lines if stdin is not None else ())
    return Result.UNKNOWN


def _download(run: Interpreter, call: Call) -> Result:
    """`curl` and `wget`: a file is there whose text is not known, but whose URL is."""
    run.emit(call)
    words = call.argv[1:]
    url = next((word for word in words if "://" in word or word.startswith("www.")), None)
    target = None
    named = False
    curl = call.argv[0].endswith("curl")
    for i, word in enumerate(words):
        following = words[i + 1] if i + 1 < len(words) else ""
        short = re.fullmatch(r"-[a-zA-Z]*([oO])(.*)", word) if not word.startswith("--") else None
        if word in ("--output", "--output-document") or (
            short is not None and short[1] == ("o" if curl else "O")
        ):
            target = (
                short[2] if short is not None and short[2] and not short[2].isalpha() else ""
            ) or following
        elif word.startswith(("--output=", "--output-document=")):
            target = word.partition("=")[2]
        elif word == "--remote-name" or (short is not None and curl):
            named = True
    if target is None and call.streams.target is not None:
        target = call.streams.target
    if (target is None or target == "-") and call.streams.out is not None:
        call.streams.out.write((HOLE,))
    if target is None and url is not None and (named or not curl) and call.streams.out is None:
        target = re.sub(r"[?#].*", "", url).rstrip("/").rsplit("/", 1)[-1]
    if target and target != "-" and url is not None and call.streams.target is None:
        run.write(target, WrittenFile(url=url), call.state)
    return Result.UNKNOWN


HANDLERS: dict[str, Handler] = {
    "": program,
    "cd": _cd,
    "pushd": _cd,
    "popd": _cd,
    "pwd": _pwd,
    "export": _declare,
    "local": _declare,
    "declare": _declare,
    "typeset": _declare,
    "readonly": _declare,
    "unset": _unset,
    "set": _set,
    "shift": _shift,
    "eval": _eval,
    "alias": _alias,
    "unalias": _unalias,
    "read": _read,
    "mapfile": _mapfile,
    "readarray": _mapfile,
    "printf": _printf,
    "let": _let,
    "getopts": _getopts,
    "trap": _trap,
    "command": _command,
    "builtin": _command,
    "which": _which,
    "type": _which,
    "hash": _which,
    "exec": _exec,
    "exit": _leave(Result.EXITED),
    "return": _leave(Result.RETURNED),
    "logout": _leave(Result.EXITED),
    "break": _leave(Result.LEFT),
    "continue": _leave(Result.LEFT),
    "true": _leave(Result.TRUE),
    ":": _leave(Result.TRUE),
    "false": _leave(Result.FALSE),
    "[": _condition,
    "test": _condition,
    "shopt": _nothing,
    "wait": _nothing,
    "ulimit": _nothing,
    "umask": _nothing,
    "jobs": _nothing,
    "disown": _nothing,
    "times": _nothing,
    "enable": _nothing,
    "bind": _nothing,
    "mktemp": _mktemp,
    "realpath": _realpath,
    "readlink": _realpath,
    "cp": _copy,
    "mv": _copy,
    "ln": _copy,
    "install": _copy,
    "tee": _tee,
    "curl": _download,
    "wget": _download,
}
