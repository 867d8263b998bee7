"""Runs a script's tree without running anything: what commands are there, with which words (layer 1).

Functions, sourced files and scripts run where they are called; `control` decides what runs at all.
"""

import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from cipipe.pipelines.model import HOLE, Open, Problem, Script
from cipipe.results import Location
from cipipe.shell import files, unresolved
from cipipe.shell.assignments import KUBECONFIG, assign, declare, handed, prefix
from cipipe.shell.calls import Call, Command, Input, Output, Result, Streams
from cipipe.shell.control import Control, Way, url_of
from cipipe.shell.expand import Expander
from cipipe.shell.frame import ExhaustedError, Frame
from cipipe.shell.session import LARGEST, Session
from cipipe.shell.state import Alternatives, FunctionValue, State, WrittenFile, bounded_texts
from cipipe.shell.syntax import (
    AnyWord,
    Assignment,
    Redirected,
    Redirection,
    Simple,
    Substitution,
    Word,
)

_STEPS = 10_000  # commands that one script may go through
_TEXT = 120  # characters of a script inside a script that are read in the time of one command
_WILDCARDS = frozenset("*?[")
_LONGEST_NAME = 100
_SAME_FUNCTION = 3  # calls of one function inside each other that may be alike
_OTHER_ARGUMENTS = 25  # the same, each with arguments that are known and others

Handler = Callable[["Interpreter", Call], Result]
Language = Callable[["Interpreter", Script, State, Streams], Result]


class Interpreter(Control):
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
        self.last: Command | None = None
        self.problems: list[Problem] = []
        self.sinks: dict[str, tuple[Substitution, State]] = {}
        self.unique = 0
        self._handlers = handlers
        self._lines: dict[str, list[int]] = {}
        self.frame = Frame(
            script,
            self._lines,
            script.via[0] if script.via else None,
            script.via[1:],
            given=not script.through,
        )
        self.depth = 0
        self._steps = min(_STEPS, session.steps)
        self._calls: list[str] = []
        self._functions: list[tuple[str, ...]] = []
        self.wrapped: list[tuple[str, ...]] = [()]
        self._seen: set[Command] = set()
        self.expander = Expander(self._substitute, self.spend)
        super().__init__()

    # ---- simple commands

    def spend(self, steps: int = 1) -> None:
        """Count work; raise `ExhaustedError` when it is too much for one script."""
        self._steps -= steps
        self.session.steps -= steps
        if self._steps < 0:
            raise ExhaustedError(f"it runs more than {_STEPS:,} commands")

    def redirected(self, node: Redirected, state: State, streams: Streams) -> Result:
        inner, targets = self._redirect(node.redirections, state, streams)
        result = self.execute(node.command, state, inner)
        self._store(targets, inner, state)
        return result

    def simple(self, node: Simple, state: State, streams: Streams) -> Result:
        self.spend()
        if node.assignments or any(isinstance(word, Assignment) for word in node.words):
            self._note_kubeconfig(node, state)
        if node.redirections:
            inner, targets = self._redirect(node.redirections, state, streams)
        else:
            inner, targets = streams, []
        if not node.words:
            for assignment in node.assignments:
                assign(self.expander, assignment, state)
            result = Result.UNKNOWN
        else:
            result = self._words(node, state, inner)
        if targets:
            self._store(targets, inner, state)
        return result

    def _note_kubeconfig(self, node: Simple, state: State) -> None:
        """Record that a variable of the CI is the kubeconfig from here on."""
        for item in (*node.assignments, *node.words):
            if isinstance(item, Assignment) and item.name == KUBECONFIG and (name := handed(item, state)):
                self.emit(Call((KUBECONFIG, name), node.start, state, Streams()))

    def _words(self, node: Simple, state: State, streams: Streams) -> Result:
        words = [word for word in node.words if not isinstance(word, Assignment)]
        choices = self.expander.items(words, state)
        env, restore = prefix(self.expander, node.assignments, state)
        for word in node.words:
            if isinstance(word, Assignment):
                declare(self.expander, word, words, state)
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
            ways = [partial(self._invoke_in, call) for call in calls]
            result = self.perhaps(ways, state, streams, surely=bool(ways))
        for name, value in restore.items():
            if value is None:
                state.variables.pop(name, None)
            else:
                state.variables[name] = value
        return result

    # ---- redirections

    def _redirect(
        self, redirections: Sequence[Redirection], state: State, streams: Streams
    ) -> tuple[Streams, list[tuple[str, bool]]]:
        """The streams behind the redirections, and the file that output goes to (and whether at its end)."""
        stdin, out = streams.stdin, streams.out
        targets: list[tuple[str, bool]] = []
        for redirection in redirections:
            operator = redirection.operator
            if operator == "<<":
                texts = self.expander.text(redirection.target, state)
                stdin = Input("heredoc", texts, lines=self._body_lines(redirection, texts[0]))
            elif operator == "<<<":
                texts = self.expander.text(redirection.target, state)
                stdin = Input("heredoc", bounded_texts(text + "\n" for text in texts))
            elif operator in ("<", "<>"):
                stdin = self._read_from(self.expander.text(redirection.target, state)[0], state)
            elif operator in (">", ">>", ">|", "&>", "&>>", ">&"):
                path = self.expander.text(redirection.target, state)[0]
                if redirection.descriptor in ("", "1") and path != "1":
                    out = Output()
                    if not (operator == ">&" and (path.isdigit() or path == "-")) and path != "/dev/null":
                        targets.append((path, operator in (">>", "&>>")))
                    elif path == "/dev/stdout":
                        out = streams.out
        return Streams(stdin, out, targets[-1][0] if targets else streams.target), targets[-1:]

    def _body_lines(self, redirection: Redirection, text: str) -> tuple[Location, ...]:
        first = self.frame.script.text.count("\n", 0, redirection.body) if redirection.body else 0
        lines = self.frame.script.lines[first:]
        return lines[: text.count("\n") + 1]

    def _read_from(self, path: str, state: State) -> Input:
        file = self.open(path, state)
        if file is None:
            return Input("file")
        return Input("file", (file.text,) if file.text is not None else None, lines=file.lines, url=file.url)

    def _store(self, targets: Sequence[tuple[str, bool]], streams: Streams, state: State) -> None:
        """What was printed goes to its files; all that it may be, one behind the other."""
        for path, append in targets:
            out = streams.out or Output()
            text = "".join(out.texts)
            lines = tuple(out.lines) * len([t for t in out.texts if t])
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
        return self.expander.text(word, state)

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
        count, opened = len(self.commands), self.expander.opened
        self.enter()
        try:
            self.commands_of(part.body, inner, Streams(None, out))
        finally:
            self.depth -= 1
        state.files = inner.files
        if not part.process:
            texts = bounded_texts(text.rstrip("\n") for text in out.texts)
            return texts if self.expander.opened == opened else tuple(map(Open, texts))
        url = url_of(self.commands[-1]) if len(self.commands) > count else None
        known = None if out.texts[0] == HOLE else out.texts[0]
        state.files[path] = WrittenFile(known, url=url, lines=tuple(out.lines))
        return (path,)

    # ---- calls

    def _invoke_in(self, call: Call, state: State, streams: Streams) -> Result:
        return self.invoke(replace(call, state=state, streams=streams))

    def invoke(self, call: Call) -> Result:
        """Run a call: a function, an alias, a builtin, a wrapper, a script, or a program."""
        self.enter()
        try:
            return self._invoke(call)
        finally:
            self.depth -= 1

    def _invoke(self, call: Call) -> Result:
        name = call.argv[0]
        if HOLE in name:
            return unresolved.command_word(self, call)
        functions = call.state.functions.get(name)
        if functions and not call.bare:
            return self._function(functions, call)
        if name in call.state.aliases and not call.bare and call.word(0) in (name, None):
            return self._alias(call)
        if not name.isalnum() and 1 < len(name) < _LONGEST_NAME and not _WILDCARDS.isdisjoint(name):
            name = self._glob(name)
            call = replace(call, argv=(name, *call.argv[1:]), words=())
        return self.program(call)

    def program(self, call: Call) -> Result:
        """Run a file or a program by its name."""
        name = call.argv[0]
        if "/" in name or call.state.search or call.state.files:
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
        else:
            unresolved.own_program(self, call)
        return self._handlers[""](self, call)

    def _glob(self, name: str) -> str:
        """`/usr/bin/kube?tl`: the deploy tool that the pattern fits."""
        base = name.rsplit("/", 1)[-1]
        return next((tool for tool in sorted(self.session.tools) if fnmatch.fnmatchcase(tool, base)), name)

    def _function(self, functions: Sequence[FunctionValue | None], call: Call) -> Result:
        if self._recurs(call):
            return Result.UNKNOWN
        ways: list[Way] = []
        for function in functions:
            if function is None:
                ways.append(partial(self._invoke_in, replace(call, bare=True)))
            else:
                ways.append(partial(self._call, function, call))
        if len(ways) == 1:
            return ways[0](call.state, call.streams)
        return self.perhaps(ways, call.state, call.streams, surely=True)

    def _recurs(self, call: Call) -> bool:
        """Whether a function has called itself so often that another turn brings nothing new.

        Arguments that only grow (`walk "$1/*"`) bring nothing new; others that are known do.
        """
        turns = [argv for argv in self._functions if argv[0] == call.argv[0]]
        if len(turns) < _SAME_FUNCTION:
            return False
        last = turns[-1]
        grows = len(call.argv) >= len(last) and all(map(str.__contains__, call.argv, last))
        if call.argv in turns or grows or any(HOLE in word for word in call.argv):
            return True
        if len(turns) < _OTHER_ARGUMENTS:
            return False
        self.problem(call, f"{call.argv[0]} calls itself more than {_OTHER_ARGUMENTS} times")
        return True

    def _call(self, function: FunctionValue, call: Call, state: State, streams: Streams) -> Result:
        arguments, state.arguments = state.arguments, call.argv[1:]
        location, via = self.frame.at(call.start)
        frame, self.frame = self.frame, Frame(function.script, self._lines, location, via)
        self._functions.append(call.argv)
        try:
            result = self.execute(function.body, state, streams)
        finally:
            self._functions.pop()
            self.frame = frame
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
        location, via = self.frame.at(call.start)
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
        self.last = command
        if command not in self._seen:
            self._seen.add(command)
            self.commands.append(command)
        return command

    def problem(self, call: Call, message: str) -> None:
        """Record that something of the call cannot be known."""
        location, via = self.frame.at(call.start)
        wrappers = call.wrappers
        if wrappers and wrappers[-1] == _program(call.argv[0]):
            wrappers = wrappers[:-1]
        text = Command(call.argv, location, via, wrappers=wrappers).text
        found = Problem(location, message, via, text)
        if found not in self.problems:
            self.problems.append(found)

    def place(self, call: Call) -> Location:
        """Where the call is written."""
        return self.frame.locate(call.start)

    # ---- scripts

    def script(self, text: str, shell: str, call: Call, word: AnyWord | None) -> Script:
        """A script of a text that the call holds; text that stands there as it is keeps its own lines."""
        if isinstance(word, Word) and word.lines_up and word.constant == text:
            return Script(text, shell, self._lines_from(word.start + 1, text))
        return Script(text, shell, (self.place(call),) * (text.count("\n") + 1))

    def _lines_from(self, offset: int, text: str) -> tuple[Location, ...]:
        places = []
        for line in text.split("\n"):
            places.append(self.frame.locate(offset))
            offset += len(line) + 1
        return tuple(places)

    def run(self, script: Script, call: Call, state: State, *, apart: bool) -> Result:
        """Run a script's text; `apart` says that it is reached by following, not written at the call."""
        if len(script.text) > LARGEST:
            self.problem(call, f"the script is longer than {LARGEST:,} characters")
            return Result.UNKNOWN
        self.spend(len(script.text) // _TEXT)
        frame = self.frame
        if apart:
            location, via = frame.at(call.start)
            self.frame = Frame(script, self._lines, location, via)
        else:
            self.frame = Frame(script, self._lines, frame.call, frame.via, frame.given)
        self.enter()
        try:
            return self.top(script, state, call.streams)
        finally:
            self.depth -= 1
            self.frame = frame

    def top(self, script: Script, state: State, streams: Streams) -> Result:
        """Run all of the script that the frame is at."""
        language = self._languages.get(script.shell)
        if language is not None:
            return language(self, script, state, streams)
        if script.shell.startswith("unknown:"):
            self.syntax_problem(0, f"the shell {script.shell[8:]} is not known")
            return Result.UNKNOWN
        tree = self.session.tree(script.text, script.holes)
        if tree.mistakes and HOLE in script.text and not script.holes:  # a text that a script puts together
            self.syntax_problem(0, "a part of the text that runs is not known")
        elif tree.mistakes:
            self.syntax_problem(tree.mistakes[0].offset, tree.mistakes[0].message)
        return self.commands_of(tree.body, state, streams)

    def syntax_problem(self, offset: int, message: str) -> None:
        """Record a mistake in the script that runs."""
        location, via = self.frame.at(offset)
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
        self.spend()
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
    ) -> Result:
        """A shell of its own runs `text`, which the call holds; `lines` is where it is written, if elsewhere.

        `arguments` begin with what `$0` is.
        """
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
        state = files.child(call.state, arguments[0] if arguments else call.argv[0], arguments[1:], call)
        self.wrapped.append(call.wrappers)
        try:
            self.run(script, call, state, apart=False)
        finally:
            self.wrapped.pop()
        call.state.files = state.files
        return Result.UNKNOWN

    def follow(self, path: str, call: Call, arguments: tuple[str, ...], how: str | None) -> Result:
        """Run the script file at `path` as `files.follow` says."""
        return files.follow(self, path, call, arguments, how)


def _program(name: str) -> str:
    base = name.rsplit("/", 1)[-1]
    return base.removesuffix(".exe")
