"""Runs a script's tree without running anything: what commands are there, with which words (layer 1).

Both arms of a condition run, and their states are joined; loops over constants run once for each item;
functions run where they are called. Only `true`, `false`, `exit`, `return`, `break` and `exec` decide what
does not run.
"""

import fnmatch
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from cipipe.pipelines.model import HOLE, Problem, Script
from cipipe.results import Location
from cipipe.shell import files, unresolved
from cipipe.shell.calls import Call, Command, Input, Output, Result, Streams
from cipipe.shell.expand import Expander
from cipipe.shell.patterns import matches
from cipipe.shell.session import LARGEST, Session
from cipipe.shell.state import Alternatives, FunctionValue, Single, State, WrittenFile, bounded_texts
from cipipe.shell.syntax import (
    AnyWord,
    Assignment,
    Block,
    Case,
    Chain,
    For,
    Function,
    If,
    Node,
    Not,
    Pipe,
    Redirected,
    Redirection,
    Simple,
    Substitution,
    Test,
    While,
    Word,
)

_DEEPEST = 60  # constructs and calls inside each other
_STEPS = 10_000  # commands that one script may go through
_UNROLLED = 12  # turns of a loop over known items that run one by one
_SAME_FUNCTION = 3  # calls of one function inside each other

Handler = Callable[["Interpreter", Call], Result]
Language = Callable[["Interpreter", Script, State, Streams], Result]


class ExhaustedError(Exception):
    """The script does more than is followed."""


@dataclass(slots=True)
class Frame:
    """The script that runs. `call` is the call site where it was reached by following, `via` leads on from there.

    A script that was `given` with a way may have lines of the pipeline's own file too: those are call sites.
    """

    script: Script
    call: Location | None = None
    via: tuple[Location, ...] = ()
    starts: list[int] | None = None
    given: bool = False

    def at(self, offset: int) -> tuple[Location, tuple[Location, ...]]:
        """The call site and the way from there to `offset`."""
        here = self.locate(offset)
        if self.call is None or (self.given and here.file == self.call.file):
            return here, ()
        return self.call, (*self.via, here) if here != self.call else self.via

    def locate(self, offset: int) -> Location:
        """Where `offset` is written; `Script.locate` with the line starts kept, for long scripts."""
        script = self.script
        if script.pieces or len(script.text) < 2000:
            return script.locate(offset)
        if self.starts is None:
            self.starts = [0, *(i + 1 for i, c in enumerate(script.text) if c == "\n")]
        line = bisect_right(self.starts, offset) - 1
        start = script.lines[min(line, len(script.lines) - 1)]
        return Location(start.file, start.line, start.column + offset - self.starts[line])


class Interpreter:
    """One run of `resolve`. `handlers` are builtins, wrappers and carriers by the program's name."""

    def __init__(
        self,
        session: Session,
        script: Script,
        handlers: Mapping[str, Handler],
        languages: Mapping[str, "Language"],
    ) -> None:
        self.session = session
        self._languages = languages
        self.commands: list[Command] = []
        self.problems: list[Problem] = []
        self.sinks: dict[str, tuple[Substitution, State]] = {}
        self.unique = 0
        self._handlers = handlers
        self._frame = Frame(script, *((script.via[0], script.via[1:]) if script.via else ()), given=True)
        self._depth = 0
        self._steps = min(_STEPS, session.steps)
        self._calls: list[str] = []
        self.wrapped: list[tuple[str, ...]] = [()]
        self._seen: set[Command] = set()
        self._expander = Expander(self._substitute)
        self._run: dict[type, Callable[..., Result]] = {
            Simple: self._simple,
            Block: self._block,
            Pipe: self._pipe,
            Chain: self._chain,
            Not: self._not,
            If: self._if,
            While: self._while,
            For: self._for,
            Case: self._case,
            Function: self._define,
            Test: self._test,
            Redirected: self._with_redirections,
        }

    # ---- nodes

    def execute(self, node: Node, state: State, streams: Streams) -> Result:
        """Run a node of the tree in `state`, which it changes."""
        if type(node) is Simple:
            return self._simple(node, state, streams)
        self._enter()
        try:
            return self._run[type(node)](node, state, streams)
        finally:
            self._depth -= 1

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ExhaustedError(f"calls and conditions are more than {_DEEPEST} deep")

    def _block(self, block: Block, state: State, streams: Streams) -> Result:
        if block.subshell:
            inner = state.fork()
            result = self._commands(block, inner, streams)
            state.files = inner.files
            return result if result <= Result.FALSE else Result.UNKNOWN
        return self._commands(block, state, streams)

    def _commands(self, block: Block, state: State, streams: Streams) -> Result:
        result = Result.UNKNOWN
        for command in block.commands:
            result = self.execute(command, state, streams)
            if result >= Result.LEFT:
                return result
        return result

    def _not(self, node: Not, state: State, streams: Streams) -> Result:
        result = self.execute(node.command, state, streams)
        return {Result.TRUE: Result.FALSE, Result.FALSE: Result.TRUE}.get(result, result)

    def _test(self, node: Test, state: State, streams: Streams) -> Result:  # noqa: ARG002 - nothing is printed
        for word in node.words:
            self._expander.text(word, state)
        return Result.UNKNOWN

    def _define(self, node: Function, state: State, streams: Streams) -> Result:  # noqa: ARG002 - nothing is printed
        state.functions[node.name] = (FunctionValue(node.body, self._frame.script, node.start),)
        return Result.TRUE

    def _pipe(self, node: Pipe, state: State, streams: Streams) -> Result:
        stdin = streams.stdin
        result = Result.UNKNOWN
        for i, command in enumerate(node.commands):
            last = i == len(node.commands) - 1
            out = streams.out if last else Output()
            inner = state.fork()
            count = len(self.commands)
            result = self.execute(command, inner, Streams(stdin, out))
            state.files = inner.files
            if not last and out is not None:
                producer = self.commands[-1] if len(self.commands) > count else None
                stdin = Input("pipe", out.texts, producer, tuple(out.lines), _url(producer))
        return result if result <= Result.FALSE else Result.UNKNOWN

    def _chain(self, node: Chain, state: State, streams: Streams) -> Result:
        result = self.execute(node.items[0][1], state, streams)
        tested = _is_test(node.items[0][1])
        for operator, command in node.items[1:]:
            if result >= Result.LEFT:
                return result
            if result == (Result.FALSE if operator == "&&" else Result.TRUE):
                continue
            if result != Result.UNKNOWN or (operator == "&&" and not tested):
                result = self.execute(command, state, streams)
                if result >= Result.LEFT and operator == "&&" and result != Result.EXITED:
                    return result
            else:
                result = self._perhaps([lambda s, o, c=command: self.execute(c, s, o)], state, streams)  # type: ignore[misc] # the loop's own value
            tested = tested and operator == "&&"
        return result

    def _perhaps(
        self,
        ways: Sequence[Callable[[State, Streams], Result]],
        state: State,
        streams: Streams,
        *,
        surely: bool = False,
    ) -> Result:
        """One of `ways` runs, or, unless `surely`, none."""
        states, outputs, results = [], [], []
        if not surely:
            states.append(state.fork())
            outputs.append(streams.out)
            results.append(Result.UNKNOWN)
        for way in ways:
            inner = state.fork()
            out = streams.out.fork() if streams.out is not None else None
            result = way(inner, Streams(streams.stdin, out))
            results.append(result)
            if result < Result.LEFT:
                states.append(inner)
                outputs.append(out)
            else:
                state.files.update(inner.files)
        if not states:
            return min(results)
        state.become(states)
        if streams.out is not None:
            texts = bounded_texts(text for out in outputs if out is not None for text in out.texts)
            longest = max((out for out in outputs if out is not None), key=lambda out: len(out.lines))
            streams.out.texts, streams.out.lines = texts, longest.lines
        return results[0] if len(set(results)) == 1 else Result.UNKNOWN

    def _if(self, node: If, state: State, streams: Streams) -> Result:
        ways: list[Callable[[State, Streams], Result]] = []
        surely = node.otherwise is not None
        bodies = []
        for condition, body in node.arms:
            result = self._commands(condition, state, replace(streams, out=None))
            if result >= Result.LEFT:
                return result
            if result == Result.FALSE:
                continue
            bodies.append(body)
            if result == Result.TRUE:
                surely = True
                break
        else:
            if node.otherwise is not None:
                bodies.append(node.otherwise)
        ways = [lambda s, o, b=body: self._commands(b, s, o) for body in bodies]  # type: ignore[misc] # the loop's own value
        if len(ways) == 1 and surely:
            return ways[0](state, streams)
        return self._perhaps(ways, state, streams, surely=surely and bool(ways))

    def _while(self, node: While, state: State, streams: Streams) -> Result:
        stdin = streams.stdin
        known = stdin is not None and stdin.texts is not None and len(stdin.texts) == 1
        turns = _UNROLLED if known and _reads(node.condition) else 1
        before = state.fork()
        for _ in range(turns):
            result = self._commands(node.condition, state, replace(streams, out=None))
            if result >= Result.LEFT:
                return result
            if result == Result.FALSE:
                break
            result = self._commands(node.body, state, streams)
            if result >= Result.RETURNED:
                break
            if turns > 1 and stdin is not None and not (stdin.texts or ("",))[0]:
                break
        state.become([state.fork(), before])
        return Result.UNKNOWN

    def _for(self, node: For, state: State, streams: Streams) -> Result:
        if node.words is None:
            choices: tuple[tuple[str, ...], ...] = (state.arguments,)
        else:
            choices = self._expander.items(node.words, state)
        result = Result.UNKNOWN
        for items in choices:
            for item in items[:_UNROLLED]:
                state.set(node.name, [item])
                result = self._commands(node.body, state, streams)
                if result >= Result.RETURNED:
                    return result if len(items) == 1 and HOLE not in item else Result.UNKNOWN
            if len(items) > _UNROLLED:
                for at in range(_UNROLLED, len(items), 8):
                    state.set(node.name, items[at : at + 8])
                    self._commands(node.body, state, streams)
        return Result.UNKNOWN

    def _case(self, node: Case, state: State, streams: Streams) -> Result:
        values = self._expander.text(node.word, state)
        bodies: list[Block] = []
        surely = False
        fallen = False
        for patterns, body, falls in node.arms:
            texts = [self._expander.pattern(pattern, state) for pattern in patterns]
            fits = [matches(value, text) for value in values for text in texts]
            if fallen or any(fit is not False for fit in fits):
                bodies.append(body)
            fallen = falls
            if all(any(matches(value, text) for text in texts) for value in values) and not falls:
                surely = True
                break
        ways = [lambda s, o, b=body: self._commands(b, s, o) for body in bodies]  # type: ignore[misc] # the loop's own value
        if len(ways) == 1 and surely:
            return ways[0](state, streams)
        return self._perhaps(ways, state, streams, surely=surely and bool(ways))

    def _with_redirections(self, node: Redirected, state: State, streams: Streams) -> Result:
        inner, targets = self._redirect(node.redirections, state, streams)
        result = self.execute(node.command, state, inner)
        self._store(targets, inner, state)
        return result

    # ---- simple commands

    def _simple(self, node: Simple, state: State, streams: Streams) -> Result:
        self._steps -= 1
        self.session.steps -= 1
        if self._steps < 0:
            raise ExhaustedError(f"it runs more than {_STEPS:,} commands")
        if node.redirections:
            inner, targets = self._redirect(node.redirections, state, streams)
        else:
            inner, targets = streams, []
        if not node.words:
            for assignment in node.assignments:
                self.assign(assignment, state)
            result = Result.UNKNOWN
        else:
            result = self._words(node, state, inner)
        if targets:
            self._store(targets, inner, state)
        return result

    def _words(self, node: Simple, state: State, streams: Streams) -> Result:
        words = [word for word in node.words if not isinstance(word, Assignment)]
        choices = self._expander.items(words, state)
        env, restore = self._prefix(node.assignments, state)
        for word in node.words:
            if isinstance(word, Assignment):
                self._declare(word, words, state)
        calls = [
            Call(
                argv,
                node.start,
                state,
                streams,
                tuple(words) if len(argv) == len(words) else (),
                env,
                self.wrapped[-1],
            )
            for argv in choices
            if argv
        ]
        if len(calls) == 1:
            result = self.invoke(calls[0])
        else:
            ways = [lambda s, o, c=call: self.invoke(replace(c, state=s, streams=o)) for call in calls]  # type: ignore[misc] # the loop's own value
            result = self._perhaps(ways, state, streams, surely=bool(ways))
        for name, value in restore.items():
            if value is None:
                state.variables.pop(name, None)
            else:
                state.variables[name] = value
        return result

    def _prefix(self, assignments: Sequence[Assignment], state: State) -> tuple[Mapping[str, str], dict[str, tuple[Single, ...] | None]]:  # fmt: skip
        """The environment that a command gets for itself, and what to put back behind it."""
        env = {
            name: v for name in state.exported if isinstance(v := state.variables.get(name, ("",))[0], str)
        }
        restore: dict[str, tuple[Single, ...] | None] = {}
        for assignment in assignments:
            restore[assignment.name] = state.variables.get(assignment.name)
            self.assign(assignment, state)
            value = (state.get(assignment.name) or ("",))[0]
            env[assignment.name] = value if isinstance(value, str) else HOLE
        return env, restore

    def _declare(self, assignment: Assignment, words: Sequence[AnyWord], state: State) -> None:
        """`export A=b`, `local -n ref=name`, `declare -A map=(…)`."""
        options = "".join(word[1:] for word in words[1:] if isinstance(word, str) and word.startswith("-"))
        if "n" in options and words[0] != "export":
            state.references[assignment.name] = self._expander.text(assignment.value, state)[0]
            return
        self.assign(assignment, state, associative="A" in options)
        if words[0] == "export" or "x" in options:
            state.exported |= {assignment.name}

    def assign(self, assignment: Assignment, state: State, *, associative: bool = False) -> None:
        """Give a variable its value."""
        name = assignment.name
        old = state.get(name)
        if assignment.array is not None:
            state.set(name, [self._array(assignment, old, state, associative=associative)])
            return
        values = self._expander.text(assignment.value, state)
        if assignment.index is not None:
            state.set(name, [_with_item(old, assignment, values[0], state)])
        elif assignment.append:
            olds = [value for value in old or ("",) if isinstance(value, str)] or [""]
            state.set(name, [before + value for before in olds for value in values])
        else:
            state.set(name, values)
            if name == "PATH":
                self._search(values, state)

    def _array(self, assignment: Assignment, old: object, state: State, *, associative: bool) -> tuple[str, ...] | Mapping[str, str]:  # fmt: skip
        keyed = [item for item in assignment.array or () if isinstance(item, Assignment)]
        if associative or (keyed and not all((item.index or "").isdigit() for item in keyed)):
            return {
                (item.index or "").strip("\"'"): self._expander.text(item.value, state)[0] for item in keyed
            }
        items: list[str] = []
        if assignment.append and isinstance(old, tuple) and old:
            items += old[0] if isinstance(old[0], tuple) else (str(old[0]),)
        for item in assignment.array or ():
            if isinstance(item, Assignment):
                items.append(self._expander.text(item.value, state)[0])
            else:
                items += self._expander.fields(item, state)[0]
        return tuple(items[:4096])

    def _search(self, values: Alternatives, state: State) -> None:
        """`PATH` got folders: those where the pipeline may have its own programs."""
        folders: list[str] = []
        for folder in values[0].split(":"):
            if folder and folder[0] != HOLE and not folder.startswith(("/usr", "/bin", "/sbin", "/opt")):
                folders += state.paths(folder)
        state.search = tuple(dict.fromkeys((*folders, *state.search)))[:20]

    # ---- redirections

    def _redirect(
        self, redirections: Sequence[Redirection], state: State, streams: Streams
    ) -> tuple[Streams, list[tuple[str, bool]]]:
        """The streams behind the redirections, and the files that standard output goes to (and whether at their end)."""
        stdin, out = streams.stdin, streams.out
        targets: list[tuple[str, bool]] = []
        for redirection in redirections:
            operator = redirection.operator
            if operator == "<<":
                texts = self._expander.text(redirection.target, state)
                stdin = Input("heredoc", texts, lines=self._body_lines(redirection, texts[0]))
            elif operator == "<<<":
                texts = self._expander.text(redirection.target, state)
                stdin = Input("heredoc", bounded_texts(text + "\n" for text in texts))
            elif operator in ("<", "<>"):
                stdin = self._read_from(self._expander.text(redirection.target, state)[0], state)
            elif operator in (">", ">>", ">|", "&>", "&>>", ">&"):
                path = self._expander.text(redirection.target, state)[0]
                if redirection.descriptor in ("", "1") and path != "1":
                    out = Output()
                    if not (operator == ">&" and (path.isdigit() or path == "-")) and path != "/dev/null":
                        targets.append((path, operator in (">>", "&>>")))
                    elif path == "/dev/stdout":
                        out = streams.out
        return Streams(stdin, out, targets[-1][0] if targets else streams.target), targets[-1:]

    def _body_lines(self, redirection: Redirection, text: str) -> tuple[Location, ...]:
        first = self._frame.script.text.count("\n", 0, redirection.body) if redirection.body else 0
        lines = self._frame.script.lines[first:]
        return lines[: text.count("\n") + 1]

    def _read_from(self, path: str, state: State) -> Input:
        file = self.open(path, state)
        if file is None:
            return Input("file")
        return Input("file", (file.text,) if file.text is not None else None, lines=file.lines, url=file.url)

    def _store(self, targets: Sequence[tuple[str, bool]], streams: Streams, state: State) -> None:
        """What was printed goes to its files."""
        for path, append in targets:
            out = streams.out or Output()
            text = out.texts[0] if len(out.texts) == 1 else next((t for t in out.texts if t), "")
            lines = tuple(out.lines)
            old = self.open(path, state) if append else None
            if old is not None:
                text, lines = (old.text or "") + text, (*old.lines, *lines)
            self.write(path, WrittenFile(text[:LARGEST], lines=lines), state)

    def write(self, path: str, file: WrittenFile, state: State) -> None:
        """A file was made or replaced; one that a process substitution reads runs it."""
        sink = self.sinks.pop(path, None)
        if sink is not None:
            texts = (file.text,) if file.text is not None else None
            self.execute(sink[0].body, sink[1], Streams(Input("pipe", texts, lines=file.lines)))
            return
        for place in state.paths(path):
            state.files[place] = file

    def open(self, path: str, state: State) -> WrittenFile | None:
        """The file at `path`: made before, or of the repository."""
        return files.find(self.session, path, state)

    # ---- expansions

    def expand_text(self, word: AnyWord, state: State) -> Alternatives:
        """The alternatives of a word that is not split."""
        return self._expander.text(word, state)

    def _substitute(self, part: Substitution, state: State) -> Alternatives:
        """What a command substitution prints; a process substitution gives the name of a file."""
        path = f"/dev/fd/{self.unique}"
        if part.process:
            self.unique += 1
            if part.process == ">":
                self.sinks[path] = (part, state.fork())
                return (path,)
        out = Output()
        inner = state.fork()
        count = len(self.commands)
        self._enter()
        try:
            self._commands(part.body, inner, Streams(None, out))
        finally:
            self._depth -= 1
        state.files = inner.files
        if not part.process:
            return bounded_texts(text.rstrip("\n") for text in out.texts)
        url = _url(self.commands[-1]) if len(self.commands) > count else None
        known = None if out.texts[0] == HOLE else out.texts[0]
        state.files[path] = WrittenFile(known, url=url, lines=tuple(out.lines))
        return (path,)

    # ---- calls

    def invoke(self, call: Call) -> Result:
        """Run a call: a function, an alias, a builtin, a wrapper, a script, or a program."""
        self._enter()
        try:
            return self._invoke(call)
        finally:
            self._depth -= 1

    def _invoke(self, call: Call) -> Result:
        name = call.argv[0]
        if HOLE in name:
            return unresolved.command_word(self, call)
        functions = call.state.functions.get(name)
        if functions and not call.bare:
            return self._function(functions, call)
        if name in call.state.aliases and not call.bare and call.word(0) in (name, None):
            return self._alias(call)
        if len(name) < 100 and any(c in name for c in "*?["):
            name = self._glob(name)
            call = replace(call, argv=(name, *call.argv[1:]), words=())
        return self.program(call)

    def program(self, call: Call) -> Result:
        """Run a file or a program by its name."""
        name = call.argv[0]
        if "/" in name or call.state.search:
            found = files.as_program(self, call)
            if isinstance(found, Call):
                call = found
                name = call.argv[0]
            elif found is not None:
                return found
        handler = self._handlers.get(name) or self._handlers.get(_program(name))
        if handler is not None:
            return handler(self, call)
        if "/" in name:
            unresolved.missing_script(self, call)
        return self._handlers[""](self, call)

    def _glob(self, name: str) -> str:
        """`/usr/bin/kube?tl`: the deploy tool that the pattern fits."""
        base = name.rsplit("/", 1)[-1]
        return next((tool for tool in sorted(self.session.tools) if fnmatch.fnmatchcase(tool, base)), name)

    def _function(self, functions: Sequence[FunctionValue | None], call: Call) -> Result:
        name = call.argv[0]
        if self._calls.count(name) >= _SAME_FUNCTION:
            return Result.UNKNOWN
        ways: list[Callable[[State, Streams], Result]] = []
        for function in functions:
            if function is None:
                ways.append(lambda s, o: self.program(replace(call, state=s, streams=o)))
            else:
                ways.append(lambda s, o, f=function: self._call(f, replace(call, state=s, streams=o)))  # type: ignore[misc] # the loop's own value
        if len(ways) == 1:
            return ways[0](call.state, call.streams)
        return self._perhaps(ways, call.state, call.streams, surely=True)

    def _call(self, function: FunctionValue, call: Call) -> Result:
        state = call.state
        arguments, state.arguments = state.arguments, call.argv[1:]
        location, via = self._frame.at(call.start)
        frame, self._frame = self._frame, Frame(function.script, location, via)
        self._calls.append(call.argv[0])
        try:
            result = self.execute(function.body, state, call.streams)
        finally:
            self._calls.pop()
            self._frame = frame
            state.arguments = arguments
        return Result.UNKNOWN if Result.LEFT <= result <= Result.RETURNED else result

    def _alias(self, call: Call) -> Result:
        name = call.argv[0]
        text = call.state.aliases[name]
        state = call.state
        kept = state.aliases
        state.aliases = {key: value for key, value in kept.items() if key != name}
        state.arguments, arguments = call.argv[1:], state.arguments
        try:
            return self.run(self.script(f'{text} "$@"', "bash", call, None), call, state, apart=False)
        finally:
            state.aliases = {**kept, **state.aliases}
            state.arguments = arguments

    def emit(self, call: Call) -> Command:
        """Record the call as a command that runs."""
        location, via = self._frame.at(call.start)
        stdin = call.streams.stdin
        command = Command(
            call.argv,
            location,
            via,
            stdin.kind if stdin is not None else None,
            stdin.texts[0] if stdin is not None and stdin.texts and stdin.texts[0] != HOLE else None,
            stdin.producer if stdin is not None else None,
            call.env,
            call.wrappers,
            call.state.directories[0],
            call.streams.target,
        )
        if command not in self._seen:
            self._seen.add(command)
            self.commands.append(command)
        return command

    def problem(self, call: Call, message: str) -> None:
        """Record that something of the call cannot be known."""
        location, via = self._frame.at(call.start)
        wrappers = call.wrappers
        if wrappers and wrappers[-1] == _program(call.argv[0]):
            wrappers = wrappers[:-1]
        text = Command(call.argv, location, via, wrappers=wrappers).text
        found = Problem(location, message, via, text)
        if found not in self.problems:
            self.problems.append(found)

    def place(self, call: Call) -> Location:
        """Where the call is written."""
        return self._frame.locate(call.start)

    # ---- scripts

    def script(self, text: str, shell: str, call: Call, word: AnyWord | None) -> Script:
        """A script of a text that the call holds; its lines are in the file where it stands there as it is."""
        if isinstance(word, Word) and word.lines_up and word.constant == text:
            return Script(text, shell, self._lines_from(word.start + 1, text))
        return Script(text, shell, (self.place(call),) * (text.count("\n") + 1))

    def _lines_from(self, offset: int, text: str) -> tuple[Location, ...]:
        places = []
        for line in text.split("\n"):
            places.append(self._frame.locate(offset))
            offset += len(line) + 1
        return tuple(places)

    def run(self, script: Script, call: Call, state: State, *, apart: bool) -> Result:
        """Run a script's text; `apart` says that it is reached by following, not written at the call."""
        if len(script.text) > LARGEST:
            self.problem(call, f"the script is longer than {LARGEST:,} characters")
            return Result.UNKNOWN
        frame = self._frame
        if apart:
            location, via = frame.at(call.start)
            self._frame = Frame(script, location, via)
        else:
            self._frame = Frame(script, frame.call, frame.via)
        self._enter()
        try:
            return self.top(script, state, call.streams)
        finally:
            self._depth -= 1
            self._frame = frame

    def top(self, script: Script, state: State, streams: Streams) -> Result:
        """Run all of the script that the frame is at."""
        language = self._languages.get(script.shell)
        if language is not None:
            return language(self, script, state, streams)
        if script.shell.startswith("unknown:"):
            self.syntax_problem(0, f"the shell {script.shell[8:]} is not known")
            return Result.UNKNOWN
        tree = self.session.tree(script.text, script.holes)
        if tree.mistakes:
            self.syntax_problem(tree.mistakes[0].offset, tree.mistakes[0].message)
        return self._commands(tree.body, state, streams)

    def syntax_problem(self, offset: int, message: str) -> None:
        """Record a mistake in the script that runs."""
        location, via = self._frame.at(offset)
        found = Problem(location, f"the shell script cannot be parsed here: {message}", via)
        if found not in self.problems:
            self.problems.append(found)

    def builtin(self, name: str, call: Call) -> Result:
        """Run a call as the handler `name` does; "" only records it."""
        return self._handlers.get(name, self._handlers[""])(self, call)

    def inside(self, key: str) -> int:
        """How often a file or target is under way."""
        return self._calls.count(key)

    @contextmanager
    def within(self, key: str) -> Iterator[None]:
        """A file or target is under way."""
        self._calls.append(key)
        try:
            yield
        finally:
            self._calls.pop()

    def shell_text(
        self,
        call: Call,
        text: str,
        *,
        arguments: tuple[str, ...] = (),
        lines: tuple[Location, ...] = (),
        word: AnyWord | None = None,
        name: str = "",
    ) -> Result:
        """A shell of its own runs `text`, which the call holds; `lines` is where it is written, if elsewhere."""
        if unresolved.shell_text(self, call, text):
            return Result.UNKNOWN
        if lines:
            count = text.count("\n") + 1
            places = lines[:count]
            script = Script(text, "bash", places + (places[-1],) * (count - len(places)))
        else:
            found = (
                word
                if word is not None
                else next((w for w in call.words if isinstance(w, Word) and w.constant == text), None)
            )
            script = self.script(text, "bash", call, found)
        state = files.child(call.state, name or call.argv[0], arguments, call)
        self.wrapped.append(call.wrappers)
        try:
            self.run(script, call, state, apart=False)
        finally:
            self.wrapped.pop()
        call.state.files = state.files
        return Result.UNKNOWN

    def follow(
        self, path: str, call: Call, *, shell: str | None, arguments: tuple[str, ...], sourced: bool
    ) -> Result:
        """Run the script file at `path`."""
        return files.follow(self, path, call, shell=shell, arguments=arguments, sourced=sourced)


def _program(name: str) -> str:
    base = name.rsplit("/", 1)[-1]
    return base.removesuffix(".exe")


def _is_test(node: Node) -> bool:
    if isinstance(node, Not):
        return _is_test(node.command)
    if isinstance(node, Simple):
        return bool(node.words) and node.words[0] in ("[", "test", "grep", "command", "which", "type", "hash")
    return isinstance(node, Test)


def _reads(block: Block) -> bool:
    return any(isinstance(node, Simple) and "read" in node.words for node in block.commands)


def _url(command: Command | None) -> str | None:
    if command is None:
        return None
    return next((word for word in command.argv[1:] if "://" in word), None)


def _with_item(
    old: object, assignment: Assignment, value: str, state: State
) -> tuple[str, ...] | Mapping[str, str]:
    """An array or map with one item set."""
    key = (assignment.index or "").strip("\"' ")
    known = old[0] if isinstance(old, tuple) and old else ()
    if isinstance(known, Mapping) or not key.isdigit():
        items = dict(known) if isinstance(known, Mapping) else {}
        items[key] = items.get(key, "") + value if assignment.append else value
        return items
    listed = list(known) if isinstance(known, tuple) else [str(known)]
    at = min(int(key), 4096)
    listed += [""] * (at + 1 - len(listed))
    listed[at] = value
    return tuple(listed)
