"""PowerShell and cmd: commands and simple variables (layer 1). Both are read line by line."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from itertools import pairwise

from cipipe.pipelines.model import HOLE, Script
from cipipe.shell.calls import Call, Result, Streams
from cipipe.shell.interpreter import Interpreter
from cipipe.shell.state import State

_PS_COMMENT = re.compile(r"<#(?:[^#]|#(?!>))*+(?P<end>#>)?")
_PS_HERE = re.compile(r"@(['\"])[ \t]*\r?\n")
_PS_TOKEN = re.compile(
    r"(?P<blank>[ \t\r]+)|(?P<comment>#[^\n]*)|(?P<single>'(?:[^']|'')*+')"
    r"|(?P<double>\"(?:[^\"`]|`.|\"\")*+\")"
    r"|(?P<end>\|\||&&|[;\n|{}()])|(?P<call>&(?=[ \t'\"$({A-Za-z]))"
    r"|(?P<variable>\$\{?[\w:.]+\}?)|(?P<splat>@\w+)"
    r"|(?P<word>(?:[^\s;|{}()'\"$#`&]|`.|(?<=\S)#)++)|(?P<other>.)",
    re.DOTALL,
)
_PS_VARIABLE = re.compile(r"\$\{?((?:env:)?\w+)\}?", re.IGNORECASE)
_PS_ARRAY = re.compile(r"\$(\w+)[ \t]*=[ \t]*@\(([^()\n]*+(?:\n[^()\n]*+)*+)\)")
_PS_ASSIGNMENT = re.compile(r"\$((?:env:|script:|global:)?\w+)$", re.IGNORECASE)
_RUNS_TEXT = frozenset({"invoke-expression", "iex"})
_PRINTS = frozenset(
    {
        "write-host",
        "write-output",
        "echo",
        "write-verbose",
        "write-error",
        "write-warning",
        "write-information",
        "write-debug",
    }
)
_NOT_COMMANDS = frozenset(
    [
        "if",
        "else",
        "elseif",
        "while",
        "for",
        "foreach",
        "switch",
        "try",
        "catch",
        "finally",
        "function",
        "param",
        "return",
        "throw",
        "do",
        "until",
        "in",
    ]
)
_CMD_CONDITION = re.compile(
    r"^(?:if\s+(?:/i\s+)?(?:not\s+)?(?:exist\s+\S+|errorlevel\s+\d+|defined\s+\S+|\S+\s*==\s*\S+)\s*\(?"
    r"|else\s*\(?|for\s+.*?\bdo\s*\(?)",
    re.IGNORECASE,
)
_REMOTE = frozenset({"invoke-azaksruncommand", "invoke-azvmruncommand"})
_CMD_SPLIT = re.compile(r"&&|\|\||[&|]")
_PS_ASSIGNS = re.compile(r"\s{0,39}\+?=(?!=)")
_MOST_STATEMENTS = 20_000


def powershell(run: Interpreter, script: Script, state: State, _streams: Streams) -> Result:
    """Find the commands of a PowerShell script."""
    text = _without_here_strings(_without_comments(run, script.text))
    text = re.sub(r"`\r?\n", lambda m: " " * len(m[0]), text)
    variables: dict[str, list[str]] = {f"env:{k.lower()}": [str(v[0])] for k, v in state.variables.items()}
    statements = _Statements(run, state, _arrays(text, variables), variables)
    ended = 0
    for token in _PS_TOKEN.finditer(statements.text):
        match token.lastgroup:
            case "blank":
                statements.glued = False
            case "end" | "comment":
                statements.finish()
                ended += 1
                if ended > _MOST_STATEMENTS:
                    run.syntax_problem(token.start(), "it has too many statements")
                    return Result.UNKNOWN
            case _:
                statements.take(token)
    statements.finish()
    return Result.UNKNOWN


@dataclass(slots=True)
class _Statements:
    """One statement of PowerShell after the other, as its tokens come.

    `called` is after `&` or `.`, `assigned` after `$name =`; `glued` says that no blank was before.
    """

    run: Interpreter
    state: State
    text: str
    variables: dict[str, list[str]]
    words: list[str] = field(default_factory=list)
    start: int = 0
    name: str = ""
    glued: bool = False
    called: bool = False
    assigned: bool = False
    value_first: bool = False

    def take(self, token: re.Match[str]) -> None:
        """The next token that is no blank and no end."""
        kind, value = token.lastgroup, token[0]
        if kind == "call" and not self.words:
            self.called = True
            return
        if not self.words and not self.assigned:
            self.start, self.value_first = token.start(), kind == "variable"
        if kind == "variable" and not self.words and _PS_ASSIGNS.match(self.text, token.end()):
            found = _PS_ASSIGNMENT.match(value)
            self.name, self.assigned = (found[1] if found else value).lower(), True
            return
        if self.assigned and not self.words and value in ("=", "+="):
            return
        pieces = _ps_value(str(kind), value, self.variables)
        if self.glued and self.words and pieces:
            self.words[-1] += pieces[0]
            pieces = pieces[1:]
        self.words += pieces
        self.glued = True

    def finish(self) -> None:
        """Its end."""
        words = self.words
        if self.assigned:
            self.variables[self.name] = [word for word in words if word != ","] or [HOLE]
        only_shown = self.value_first and not self.called and len(words) == 1  # `$path` says what it holds
        if words and not only_shown and (not self.assigned or _looks_like_command(words)):
            _statement(self.run, words, self.start, self.state, called=self.called)
        self.words, self.name, self.glued, self.called, self.assigned = [], "", False, False, False


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _without_comments(run: Interpreter, text: str) -> str:
    for comment in _PS_COMMENT.finditer(text):
        if comment["end"] is None:
            run.syntax_problem(comment.start(), "a comment is never closed")
    return _PS_COMMENT.sub(lambda found: _blank(found[0]), text)


def _without_here_strings(text: str) -> str:
    """Blanks for `@'…'@` and `@"…"@`; one that is never closed stays, and so do all of its kind behind it."""
    out = []
    at = 0
    never: set[str] = set()
    for found in _PS_HERE.finditer(text):
        quote = found[1]
        if found.start() < at or quote in never:
            continue
        end = text.find(f"\n{quote}@", found.end() - 1)
        if end < 0:
            never.add(quote)
            continue
        out += [text[at : found.start()], _blank(text[found.start() : end + 3])]
        at = end + 3
    return "".join([*out, text[at:]])


def _arrays(text: str, variables: dict[str, list[str]]) -> str:
    """Arrays of constants become variables, and blanks in the text."""

    def one(found: re.Match[str]) -> str:
        items = re.findall(r"'((?:[^']|'')*+)'|\"([^\"`$]*+)\"|([^\s,'\"]++)", found[2])
        variables[found[1].lower()] = [HOLE if "$" in bare else a or b or bare for a, b, bare in items]
        return re.sub(r"[^\n]", " ", found[0])

    return _PS_ARRAY.sub(one, text)


def _ps_value(kind: str, value: str, variables: dict[str, list[str]]) -> list[str]:
    if kind == "single":
        return [value[1:-1].replace("''", "'")]
    if kind == "double":
        inner = _PS_VARIABLE.sub(lambda m: " ".join(variables.get(m[1].lower(), [HOLE])), value[1:-1])
        return [re.sub(r"`(.)", r"\1", re.sub(r"\$\([^()]*\)", HOLE, inner))]
    if kind == "variable":
        return variables.get(value.strip("${}").lower(), [HOLE])
    if kind == "splat":
        return variables.get(value[1:].lower(), [HOLE])
    return [re.sub(r"`(.)", r"\1", value)]


def _looks_like_command(words: list[str]) -> bool:
    return len(words) > 1 and words[0][:1].isalpha() and words[1] not in ("+", "-", "*", ",")


def _statement(run: Interpreter, words: list[str], start: int, state: State, *, called: bool) -> None:
    first = words[0].lower()
    if first in _NOT_COMMANDS or (
        not called and first[:1] in "$[-@,.+*/=" and not first.startswith((".\\", "./"))
    ):
        return
    call = Call(tuple(words), start, state, Streams(), wrappers=())
    if first in _RUNS_TEXT and len(words) > 1:
        run.run(Script(" ".join(words[1:]), "pwsh", (run.place(call),)), call, state.fork(), apart=False)
    elif first in ("start-process", "saps", "start"):
        arguments = [
            w
            for w in words[1:]
            if not w.startswith("-")
            or w.lower() not in ("-filepath", "-argumentlist", "-wait", "-nonewwindow")
        ]
        text = " ".join(w for w in arguments if w != ",")
        run.invoke(Call(tuple(text.replace(",", " ").split()) or ("start-process",), start, state, Streams()))
    elif first in ("cmd", "cmd.exe") and len(words) > 2:
        run.run(Script(" ".join(words[2:]), "cmd", (run.place(call),)), call, state.fork(), apart=False)
    elif first in ("pwsh", "powershell", "powershell.exe", "pwsh.exe"):
        pwsh(run, call)
    elif first in _REMOTE:
        _remote(run, call)
    elif first in _PRINTS:
        run.emit(call)
    elif words[0] == HOLE and called:
        run.problem(call, "the program that runs here cannot be known")
        run.emit(call)
    elif words[0] != HOLE:
        words[0] = words[0].replace("\\", "/")
        run.invoke(Call(tuple(words), start, state, Streams()))


def _remote(run: Interpreter, call: Call) -> None:
    """`Invoke-AzAksRunCommand -Command TEXT`, `Invoke-AzVMRunCommand -ScriptString TEXT`."""
    for option, text in pairwise(call.argv):
        if option.lower() in ("-command", "-scriptstring"):
            run.shell_text(call, text)


def pwsh(run: Interpreter, call: Call) -> Result:
    """`pwsh -Command TEXT`, `-File FILE`, `-EncodedCommand BASE64`."""
    words = call.argv[1:]
    for i, word in enumerate(words):
        option = word.lower().lstrip("-/")
        rest = words[i + 1 :]
        if option in ("c", "command") and rest:
            return run.run(
                Script(" ".join(rest), "pwsh", (run.place(call),) * (" ".join(rest).count("\n") + 1)),
                call,
                call.state,
                apart=False,
            )
        if option in ("e", "ec", "enc", "encodedcommand") and rest:
            try:
                text = base64.b64decode(rest[0]).decode("utf-16-le")
            except (ValueError, binascii.Error):
                run.problem(call, "the encoded script cannot be read")
                return Result.UNKNOWN
            return run.run(
                Script(text, "pwsh", (run.place(call),) * (text.count("\n") + 1)),
                call,
                call.state,
                apart=False,
            )
        if option in ("f", "file") and rest:
            return run.follow(rest[0].replace("\\", "/"), call, rest[1:], "pwsh")
        if not word.startswith("-") and re.search(r"\.ps1$", word):
            return run.follow(word.replace("\\", "/"), call, rest, "pwsh")
    return run.builtin("", call)


def cmd(run: Interpreter, script: Script, state: State, _streams: Streams) -> Result:
    """Find the commands of a batch script."""
    variables = {k.lower(): str(v[0]) for k, v in state.variables.items()}
    text = re.sub(r"\^\r?\n", lambda m: " " * len(m[0]), script.text)
    offset = 0
    for line in text.split("\n"):
        stripped = line.strip().lstrip("@").strip()
        at = offset + len(line) - len(line.lstrip(" \t@"))
        offset += len(line) + 1
        if not stripped or re.match(r"(?:rem\b|:)", stripped, re.IGNORECASE):
            continue
        for part in _CMD_SPLIT.split(stripped):
            _cmd_command(run, part.strip(" ()"), at, state, variables)
    return Result.UNKNOWN


def _cmd_command(run: Interpreter, text: str, at: int, state: State, variables: dict[str, str]) -> None:
    text = re.sub(r"%(\w+)%", lambda m: variables.get(m[1].lower(), HOLE), text).replace("^", "")
    text = re.sub(r"!(\w+)!", lambda m: variables.get(m[1].lower(), HOLE), text)
    assignment = re.match(r"set\s+\"?(\w+)=([^\"]*)\"?", text, re.IGNORECASE)
    if assignment is not None:
        variables[assignment[1].lower()] = assignment[2]
        return
    text = _CMD_CONDITION.sub("", text).strip()
    words = [w.replace('"', "") for w in re.findall(r"(?:\"[^\"]*+\"|[^\s\"])++", text)]
    while words and (
        words[0].lower() in ("call", "start", "cmd", "cmd.exe", "@echo") or words[0].startswith("/")
    ):
        if words[0].lower() == "@echo":
            return
        words.pop(0)
    if words and words[0] != HOLE and re.match(r"[\w.$%\\/~:" + HOLE + "]", words[0]):
        words[0] = words[0].replace("\\", "/")
        run.invoke(Call(tuple(words), at, state, Streams()))
    elif words and words[0] == HOLE:
        run.problem(Call(tuple(words), at, state, Streams()), "the program that runs here cannot be known")
