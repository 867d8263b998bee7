"""`python FILE`, `python -c TEXT`, `node FILE` and their kin (layer 1)."""

import re
from dataclasses import replace

from cipipe.pipelines.model import HOLE, Script
from cipipe.shell import unresolved
from cipipe.shell.calls import Call, Result
from cipipe.shell.interpreter import Handler, Interpreter

_TEXT_OPTION = {"python": ("-c",), "node": ("-e", "--eval", "-p", "--print")}
_PERL = re.compile(r"\b(?:system|exec|spawn)\b\s*\(?\s*(\"[^\"]*\"|'[^']*')|`([^`]+)`|%x[({]([^)}]*)")


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
                return (
                    run.builtin("", call.inner(words[i + 1 :], language))
                    if words[i + 1 :]
                    else Result.UNKNOWN
                )
            i += 2 if words[i] in ("-W", "-X", "-r", "--require") else 1
        stdin = call.streams.stdin
        if i < len(words) and words[i] != "-":
            if re.search(r"\.(?:py|[cm]?[jt]s)$", words[i]):
                return run.follow(words[i], inner, shell=language, arguments=words[i + 1 :], sourced=False)
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


def perl(run: Interpreter, call: Call) -> Result:
    """`perl -e`, `ruby -e`, `awk`: what their `system` runs."""
    run.emit(call)
    for word in call.argv[1:]:
        for found in _PERL.finditer(word) if "system" in word or "exec" in word or "`" in word else ():
            text = (found[1] or "").strip("\"'") or found[2] or found[3] or ""
            if text:
                run.shell_text(replace(call, wrappers=(*call.wrappers, call.argv[0])), text)
    if call.streams.out is not None:
        call.streams.out.write((HOLE,))
    return Result.UNKNOWN


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(("python", "python3", "python2", "py", "pypy3"), _interpreter("python")),
    **{f"python3.{minor}": _interpreter("python") for minor in range(6, 16)},
    **dict.fromkeys(("node", "nodejs", "deno", "tsx", "ts-node", "zx"), _interpreter("node")),
    **dict.fromkeys(("perl", "ruby", "awk", "gawk", "mawk"), perl),
}
