"""Programs that run a text or a command somewhere: shells, ssh, xargs, find (layer 1)."""

import re
from dataclasses import replace

from cipipe.pipelines.model import HOLE
from cipipe.shell import unresolved
from cipipe.shell.calls import Call, Input, Result
from cipipe.shell.files import SOURCED
from cipipe.shell.interpreter import Handler, Interpreter

_CLI_TEXT = {
    ("az", "aks", "command", "invoke"): ("--command", "-c"),
    ("az", "vm", "run-command"): ("--scripts",),
    ("gcloud", "compute", "ssh"): ("--command",),
    ("gcloud", "compute", "tpus"): ("--command",),
    ("gcloud", "alpha", "compute"): ("--command",),
    ("gcloud", "beta", "compute"): ("--command",),
    ("ibmcloud", "ks"): (),
}
_XARGS_VALUES = frozenset(
    [
        "-a",
        "-d",
        "-E",
        "-L",
        "-l",
        "-n",
        "-P",
        "-s",
        "--max-args",
        "--max-procs",
        "--delimiter",
        "--max-lines",
    ]
)
_STDIN = ("/dev/stdin", "/proc/self/fd/0")
_DOCKERS = ("docker", "podman", "nerdctl", "buildah", "docker-compose", "podman-compose")


def shell(run: Interpreter, call: Call) -> Result:
    """`bash -c TEXT`, `bash SCRIPT`, `… | bash`."""
    words = call.argv[1:]
    i = 0
    text_follows = from_stdin = False
    while i < len(words):
        word = words[i]
        if word in ("--", "-"):
            i += 1
            break
        if word in ("--rcfile", "--init-file"):
            i += 2
        elif word.startswith("--"):
            if word in ("--version", "--help"):
                return run.builtin("", call)
            i += 1
        elif word in ("-n", "-en", "-ne") or (word == "-o" and words[i + 1 : i + 2] == ("noexec",)):
            return run.builtin("", call)  # only the syntax is checked
        elif word[:1] in "+-" and len(word) > 1:
            text_follows = text_follows or (word[0] == "-" and "c" in word[1:])
            from_stdin = from_stdin or (word[0] == "-" and "s" in word[1:])
            i += 2 if word[1:].rstrip("c")[-1:] in ("o", "O") else 1
        else:
            break
    rest = words[i:]
    name = call.argv[0].rsplit("/", 1)[-1]
    inner = replace(call, wrappers=(*call.wrappers, name))
    if text_follows and rest:
        return run.shell_text(inner, rest[0], arguments=rest[1:])
    if rest and not from_stdin and rest[0] not in _STDIN:
        return run.follow(rest[0], inner, rest[1:], "bash")
    _installer(run, call)
    return stdin_script(run, inner, arguments=rest if from_stdin else ())


def _installer(run: Interpreter, call: Call) -> None:
    if _unknown(call.streams.stdin):
        run.emit(call)  # an installer does what its variables and arguments say


def _unknown(stdin: Input | None) -> bool:
    if stdin is None:
        return False
    return stdin.texts is None or any(t.strip(HOLE + " \n") == "" and t.strip() for t in stdin.texts)


def stdin_script(run: Interpreter, call: Call, arguments: tuple[str, ...] = ()) -> Result:
    """A shell reads its script from standard input."""
    stdin = call.streams.stdin
    if stdin is None:
        return Result.UNKNOWN
    if _unknown(stdin):
        unresolved.piped(run, call)
        return Result.UNKNOWN
    for text in stdin.texts or ():
        run.shell_text(call, text, arguments=("bash", *arguments), lines=stdin.lines)
    return Result.UNKNOWN


def source(run: Interpreter, call: Call) -> Result:
    """`. FILE`, and `. /dev/stdin`: a script in the same shell."""
    if len(call.argv) < 2:
        return Result.UNKNOWN
    if call.argv[1] not in _STDIN:
        return run.follow(call.argv[1], call, call.argv[2:], SOURCED)
    stdin = call.streams.stdin
    if stdin is None or not stdin.texts or _unknown(stdin):
        if _unknown(stdin):
            unresolved.piped(run, call)
        return Result.UNKNOWN
    script = run.script(stdin.texts[0], "bash", call, None)
    places = stdin.lines[: len(script.lines)]
    script = replace(script, lines=(*places, *script.lines[len(places) :]))
    return run.run(script, call, call.state, apart=False)


def ssh(run: Interpreter, call: Call) -> Result:
    """`ssh HOST COMMAND…`, or the script that it reads."""
    words = call.argv[1:]
    i = 0
    while i < len(words) and (words[i].startswith("-") or words[i] == HOLE):
        if (
            words[i] == HOLE
            and i + 1 < len(words)
            and not words[i + 1].startswith("-")
            and "@" not in words[i + 1]
        ):
            break
        i += 2 if re.fullmatch(r"-[a-zA-Z]*[bcDEeFIiJLlmOopQRSWw]", words[i]) else 1
    rest = words[i + 1 :]
    inner = replace(call, wrappers=(*call.wrappers, "ssh"))
    run.emit(call)
    if rest and rest[0] == "--":
        rest = rest[1:]
    if rest:
        text = " ".join(rest)
        if re.fullmatch(r"(?:/\S*/)?(?:ba|z|k|da)?sh(?:\s+-[a-z]+)*(?:\s+--)?", text):
            return shell(run, inner.inner(tuple(text.split())))
        word = inner.words[-1] if len(rest) == 1 and len(inner.words) == len(inner.argv) else None
        return run.shell_text(inner, text, word=word)
    if call.streams.stdin is not None:
        return stdin_script(run, inner)
    return Result.UNKNOWN


def su(run: Interpreter, call: Call) -> Result:
    """`su USER -c TEXT`."""
    words = call.argv[1:]
    for i, word in enumerate(words[:-1]):
        if word in ("-c", "--command", "-lc"):
            return run.shell_text(replace(call, wrappers=(*call.wrappers, "su")), words[i + 1])
    if call.streams.stdin is not None:
        return stdin_script(run, replace(call, wrappers=(*call.wrappers, "su")))
    return run.builtin("", call)


def at(run: Interpreter, call: Call) -> Result:
    """`at TIME` and `batch` run later what they read."""
    run.emit(call)
    stdin = call.streams.stdin
    if stdin is not None and not _unknown(stdin):
        return stdin_script(run, replace(call, wrappers=(*call.wrappers, "at")))
    return Result.UNKNOWN


def xargs(run: Interpreter, call: Call) -> Result:
    """`xargs COMMAND…`: the command with the words that are read."""
    words = list(call.argv[1:])
    placeholder = None
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in ("-I", "-i", "--replace") and words:
            placeholder = words.pop(0)
        elif option.startswith("-I"):
            placeholder = option[2:]
        elif option in ("-i", "--replace"):
            placeholder = "{}"
        elif option in _XARGS_VALUES and words:
            words.pop(0)
    if not words:
        words = ["echo"]
    stdin = call.streams.stdin
    text = stdin.texts[0] if stdin is not None and stdin.texts else HOLE
    inner = replace(call, streams=replace(call.streams, stdin=None))
    if placeholder:
        for line in text.rstrip("\n").split("\n")[:12]:
            run.invoke(inner.inner([word.replace(placeholder, line) for word in words], "xargs"))
        return Result.UNKNOWN
    items = [HOLE] if HOLE in text and len(text) < 2 else text.replace("'", "").replace('"', "").split()[:200]
    return run.invoke(inner.inner([*words, *items], "xargs"))


def find(run: Interpreter, call: Call) -> Result:
    """`find … -exec COMMAND {} ;`."""
    run.emit(call)
    words = call.argv
    at = 0
    while at < len(words):
        if words[at] in ("-exec", "-execdir", "-ok", "-okdir"):
            end = next((i for i in range(at + 1, len(words)) if words[i] in (";", "+")), len(words))
            argv = [word.replace("{}", HOLE) for word in words[at + 1 : end]]
            if argv:
                run.invoke(call.inner(argv, "find"))
            at = end
        at += 1
    if call.streams.out is not None:
        call.streams.out.write((HOLE,))
    return Result.UNKNOWN


def cli(run: Interpreter, call: Call) -> Result:
    """Cloud tools with an option that holds a script: `az aks command invoke --command TEXT`."""
    run.emit(call)
    for prefix, options in _CLI_TEXT.items():
        if call.argv[: len(prefix)] != prefix:
            continue
        for i, word in enumerate(call.argv):
            option, equals, value = word.partition("=")
            if option in options:
                text = value if equals else (call.argv[i + 1] if i + 1 < len(call.argv) else "")
                run.shell_text(replace(call, wrappers=(*call.wrappers, prefix[0])), text)
    if call.argv[:3] == ("aws", "ssm", "send-command"):
        _ssm(run, call)
    if call.streams.out is not None:
        call.streams.out.write((HOLE,))
    return Result.UNKNOWN


def _ssm(run: Interpreter, call: Call) -> None:
    for text in re.findall(r'commands?["\']?\s*[=:]\s*(.*)', " ".join(call.argv), re.DOTALL):
        inner = replace(call, wrappers=(*call.wrappers, "aws"))
        for command in re.findall(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'', text) or [(text.strip("[]"), "")]:
            run.shell_text(inner, command[0] or command[1])


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(("bash", "sh", "dash", "ash", "zsh", "ksh", "mksh", "rbash", "ksh93"), shell),
    "source": source,
    ".": source,
    "ssh": ssh,
    "autossh": ssh,
    "su": su,
    "at": at,
    "batch": at,
    "xargs": xargs,
    "gxargs": xargs,
    "find": find,
    "gfind": find,
    "az": cli,
    "gcloud": cli,
    "aws": cli,
}
