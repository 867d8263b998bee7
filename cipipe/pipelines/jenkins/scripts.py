"""Steps that run or hold text: shells, files, processes, scripts that are loaded."""

import shlex
from collections.abc import Callable

from cipipe.groovy.parser import parse
from cipipe.groovy.source import Embedded, Piece, Source, Text, join
from cipipe.groovy.values import Arguments, Handle, Items, Scope, Site, Unit, Value, possibilities
from cipipe.pipelines.jenkins import names
from cipipe.pipelines.jenkins.context import Context, written_at
from cipipe.pipelines.jenkins.library import inside, methods
from cipipe.pipelines.model import HOLE, WORKSPACE, Unknown

_TOOLS = "/var/jenkins_home/tools"
_MARK = "CIPIPE_END_OF_FILE"
_SHELL_OPTIONS = {
    "-c": "sh",
    "-ec": "sh",
    "-ce": "sh",
    "-xc": "sh",
    "-lc": "sh",
    "/c": "cmd",
    "/C": "cmd",
    "-Command": "pwsh",
}


def _shell(name: str) -> Callable[[Context, Arguments], Value]:
    def run(context: Context, arguments: Arguments) -> Value:
        script = arguments.value("script")
        if script is None:
            context.unclear(f"{name} without a script", arguments.location)
        else:
            context.run_script(script, names.SHELLS[name], arguments.site)
        context.run_all(arguments)
        return Unknown(f"{name}()")

    return run


def _command(name: str) -> Callable[[Context, Arguments], Value]:
    program, argument = names.COMMANDS[name]

    def run(context: Context, arguments: Arguments) -> Value:
        words: list[Value] = [arguments.value(argument)]
        if argument == "0":
            words = list(arguments.positional)
        for value in possibilities(words[0]) if len(words) == 1 else (Items({"values": tuple(words)}),):
            parts = value.values if isinstance(value, Items) else (value,)
            strings = context.evaluator.strings(0)
            texts = [strings.text(possibilities(part)[0], argument) for part in parts if part is not None]
            line = join(
                [
                    written_at(f"{program} ", arguments.location),
                    strings.joined(texts, written_at(" ", arguments.location)),
                ]
            )
            context.run_script(line.placed(line.pieces[0].source, 0), "sh", arguments.site)
        context.note(name, arguments)
        return Unknown(f"{name}()")

    return run


def _ssh_command(context: Context, arguments: Arguments) -> Value:
    command = arguments.value("command")
    command = arguments.value("execCommand") if command is None else command
    if command is not None:
        context.run_script(command, "sh", arguments.site)
    return Unknown("the output of a remote command")


def execute(context: Context, command: Value, site: Site) -> Value:
    """A process that Groovy starts: a command line, or a list of words."""
    for one in possibilities(command):
        if isinstance(one, Text):
            context.run_script(one, "sh", site)
        elif isinstance(one, Items) and one.values:
            run_words(context, one, site)
        else:
            context.unclear("a process whose command is computed", site.location)
    return Unknown("a process")


def run_words(context: Context, words: Items, site: Site) -> None:
    """Note a command line that is a list of words."""
    strings = context.evaluator.strings(0)
    texts = [strings.text(possibilities(value)[0]) for value in words.values]
    if len(texts) > 2 and texts[-2].string in _SHELL_OPTIONS:
        context.run_script(texts[-1], _SHELL_OPTIONS[texts[-2].string], site)
        return
    quoted = [text if HOLE in text.string else text.rewritten(shlex.quote(text.string)) for text in texts]
    context.run_script(strings.joined(quoted, written_at(" ", site.location)), "sh", site)


def _path(context: Context, value: Value) -> str | None:
    text = possibilities(value)[0]
    folder = context.folder[-1]
    if not isinstance(text, Text) or folder is None:
        return None
    return inside(text.string, folder) if text.known else None


def _load(context: Context, arguments: Arguments) -> Value:
    value = arguments.value("path")
    path = _path(context, value)
    text = context.library.read(path) if path else None
    if text is None or path is None:
        name = value.string if isinstance(value, Text) and value.known else "a file whose name is computed"
        context.unclear(f"load of {name}, which is not in the repository", arguments.location)
        return Unknown("load()")
    unit = context.library.unit(parse(Source(path, text)), path)
    return run_unit(context, unit, arguments.site)


def run_unit(context: Context, unit: Unit, *calls: Site) -> Value:
    """Run a script's own statements, which `calls` lead to; its methods stay to be called."""
    evaluator = context.evaluator
    if evaluator.running.count(id(unit.methods)) or len(evaluator.running) > 20:
        return Unknown("load()")
    before = evaluator.calls
    evaluator.calls = (*before, *calls)
    evaluator.running.append(hash(unit.source.file))
    if evaluator.running.count(hash(unit.source.file)) <= 1:
        outer, evaluator.unit = evaluator.unit, unit
        evaluator.statements(parse(unit.source).body, unit.scope)
        evaluator.unit = outer
    evaluator.running.pop()
    evaluator.calls = before
    return unit


def _evaluate(context: Context, arguments: Arguments) -> Value:
    for one in possibilities(arguments.value("script")):
        if isinstance(one, Text) and one.known:
            run_embedded(context, one, arguments.site)
        else:
            context.unclear("evaluate of Groovy that is computed", arguments.location)
    return Unknown("evaluate()")


def run_embedded(context: Context, text: Text, site: Site) -> None:
    """Run Groovy that a string holds."""
    script = text.script("groovy", site.location)
    parsed = parse(Embedded(script.lines[0].file, text.string, script))
    unit = Unit("evaluate", parsed.source, methods(parsed.body), Scope({}, context.evaluator.unit.scope))
    for fault in parsed.faults:
        context.unclear(f"Groovy that cannot be read: {fault.message}", parsed.source.locate(fault.offset))
    written_here = all(site.holds(piece) for piece in text.pieces)
    run_unit(context, unit, *(() if written_here else (site,)))


def _script(context: Context, arguments: Arguments) -> Value:
    """`script { … }`; with a text it is a pipeline that Job DSL defines."""
    for one in possibilities(arguments.value("script")):
        if isinstance(one, Text) and one.known:
            run_embedded(context, one, arguments.site)
    return context.run_all(arguments)


def _file_text(path: str, text: str) -> Text:
    return Text((Piece(text, Source(path, text), 0),))


def _read_file(context: Context, arguments: Arguments) -> Value:
    value = arguments.value("file")
    path = _path(context, value)
    text = context.library.read(path) if path else None
    return _file_text(path, text) if text is not None and path else Unknown("readFile()")


def _resource(context: Context, arguments: Arguments) -> Value:
    name = possibilities(arguments.value("resource"))[0]
    found = context.library.resource(name.string) if isinstance(name, Text) and name.known else None
    return _file_text(*found) if found else Unknown("libraryResource()")


def _write_file(context: Context, arguments: Arguments) -> Value:
    """A file that the job writes, said in shell, so that a later step that runs it is understood."""
    location = arguments.location
    strings = context.evaluator.strings(0)
    for file in possibilities(arguments.value("file")):
        for content in possibilities(arguments.value("text", 1)):
            name = strings.text(file, "file").string
            head = written_at(f"cat > {name if HOLE in name else shlex.quote(name)} <<'{_MARK}'\n", location)
            tail = written_at(f"\n{_MARK}\n", location)
            context.run_script(join([head, strings.text(content, "text"), tail]), "sh", arguments.site)
    return None


def _library(context: Context, arguments: Arguments) -> Value:  # noqa: ARG001 - as all steps
    context.foreign_library = True
    return Handle("library")


def _tool(context: Context, arguments: Arguments) -> Value:  # noqa: ARG001 - as all steps
    """A folder or program that Jenkins installs: called as the tool is."""
    name = possibilities(arguments.value("name"))[0]
    if not isinstance(name, Text) or not name.known:
        return Unknown("tool()")
    return written_at(f"{_TOOLS}/{'-'.join(name.string.split())}", arguments.location)


def _http_request(context: Context, arguments: Arguments) -> Value:
    """A request of Jenkins itself, said as one of curl."""
    strings = context.evaluator.strings(0)
    url, method = arguments.value("url"), arguments.named.get("httpMode")
    words = ["curl", "-X", "GET" if method is None else method, url]
    texts = [written_at(w, arguments.location) if isinstance(w, str) else strings.text(w) for w in words]
    run_words(context, Items({"values": tuple(texts)}), arguments.site)
    return Unknown("httpRequest()")


def _pwd(context: Context, arguments: Arguments) -> Value:
    folder = context.folder[-1]
    return (
        Unknown("pwd()")
        if folder is None
        else written_at(f"{WORKSPACE}/{folder}".rstrip("/"), arguments.location)
    )


SCRIPTS: dict[str, Callable[[Context, Arguments], Value]] = {
    **{name: _shell(name) for name in names.SHELLS},
    **{name: _command(name) for name in names.COMMANDS},
    "sshCommand": _ssh_command,
    "sshTransfer": _ssh_command,
    "load": _load,
    "evaluate": _evaluate,
    "script": _script,
    "readFile": _read_file,
    "readTrusted": _read_file,
    "libraryResource": _resource,
    "writeFile": _write_file,
    "library": _library,
    "pwd": _pwd,
    "tool": _tool,
    "httpRequest": _http_request,
}
