"""The control flow of a script: which commands run, and what may have run before (layer 1).

Both arms of a condition run, and their states are joined; loops over constants run once for each item.
Only `true`, `false`, `exit`, `return`, `break` and `exec` decide what does not run.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from cipipe.pipelines.model import HOLE, Open
from cipipe.shell.calls import Command, Input, Output, Result, Streams
from cipipe.shell.conditions import outcome
from cipipe.shell.expand import Expander
from cipipe.shell.frame import ExhaustedError, Frame
from cipipe.shell.patterns import matches
from cipipe.shell.state import FunctionValue, State, bounded_texts
from cipipe.shell.syntax import (
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
    Simple,
    Test,
    While,
)

_DEEPEST = 60  # constructs and calls inside each other
_UNROLLED = 12  # turns of a loop over known items that run one by one

Way = Callable[[State, Streams], Result]


class Control(ABC):
    """Runs the compound commands of a tree; simple ones are the subclass's."""

    commands: list[Command]
    last: Command | None
    expander: Expander
    frame: Frame
    depth: int

    def __init__(self) -> None:
        self._run: dict[type, Callable[..., Result]] = {
            Simple: self.simple,
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
            Redirected: self.redirected,
        }

    @abstractmethod
    def simple(self, node: Simple, state: State, streams: Streams) -> Result:
        """Run a simple command."""

    @abstractmethod
    def redirected(self, node: Redirected, state: State, streams: Streams) -> Result:
        """Run a compound command with redirections."""

    def execute(self, node: Node, state: State, streams: Streams) -> Result:
        """Run a node of the tree in `state`, which it changes."""
        if type(node) is Simple:
            return self.simple(node, state, streams)
        self.enter()
        try:
            return self._run[type(node)](node, state, streams)
        finally:
            self.depth -= 1

    def enter(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ExhaustedError(f"calls and conditions are more than {_DEEPEST} deep")

    def _block(self, block: Block, state: State, streams: Streams) -> Result:
        if block.subshell:
            inner = state.fork()
            result = self.commands_of(block, inner, streams)
            state.files = inner.files
            return result if result <= Result.FALSE else Result.UNKNOWN
        return self.commands_of(block, state, streams)

    def commands_of(self, block: Block, state: State, streams: Streams) -> Result:
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
            self.expander.text(word, state)
        if not node.compared or node.words:
            return Result.UNKNOWN
        values = [self.expander.text(word, state) for word in node.compared]
        if any(len(alternatives) != 1 for alternatives in values):
            return Result.UNKNOWN
        return outcome(node.compared, [alternatives[0] for alternatives in values], state)

    def _define(self, node: Function, state: State, streams: Streams) -> Result:  # noqa: ARG002 - nothing is printed
        state.functions[node.name] = (FunctionValue(node.body, self.frame.script, node.start),)
        return Result.TRUE

    def _pipe(self, node: Pipe, state: State, streams: Streams) -> Result:
        stdin = streams.stdin
        result = Result.UNKNOWN
        for i, command in enumerate(node.commands):
            last = i == len(node.commands) - 1
            out = streams.out if last else Output()
            inner = state.fork()
            self.last = None
            result = self.execute(command, inner, Streams(stdin, out))
            state.files = inner.files
            if not last and out is not None:
                stdin = Input("pipe", out.texts, self.last, tuple(out.lines), url_of(self.last))
        return result if result <= Result.FALSE else Result.UNKNOWN

    def _chain(self, node: Chain, state: State, streams: Streams) -> Result:
        result = self.execute(node.items[0][1], state, streams)
        tested = _is_test(node.items[0][1])
        for operator, command in node.items[1:]:
            if result >= Result.LEFT:
                return result
            if result == (Result.FALSE if operator == "&&" else Result.TRUE):
                continue
            if result != Result.UNKNOWN:
                result = self.execute(command, state, streams)
            elif operator == "&&" and not tested:
                before = state.fork()
                result = self.execute(command, state, streams)
                if result >= Result.LEFT:  # it may not have come to that
                    state.become([before])
                    result = Result.UNKNOWN
            else:
                result = self.perhaps([partial(self.execute, command)], state, streams)
            tested = tested and operator == "&&"
        return result

    def perhaps(
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
        ways: list[Way] = []
        surely = node.otherwise is not None
        bodies = []
        for condition, body in node.arms:
            result = self.commands_of(condition, state, replace(streams, out=None))
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
        ways = [partial(self.commands_of, body) for body in bodies]
        if len(ways) == 1 and surely:
            return ways[0](state, streams)
        return self.perhaps(ways, state, streams, surely=surely and bool(ways))

    def _while(self, node: While, state: State, streams: Streams) -> Result:
        stdin = streams.stdin
        known = stdin is not None and stdin.texts is not None and len(stdin.texts) == 1
        turns = _UNROLLED if known and _reads(node.condition) else 1
        before = state.fork()
        for _ in range(turns):
            result = self.commands_of(node.condition, state, replace(streams, out=None))
            if result >= Result.LEFT:
                return result
            if result == (Result.TRUE if node.until else Result.FALSE):
                break
            result = self.commands_of(node.body, state, streams)
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
            choices = self.expander.items(node.words, state)
        result = Result.UNKNOWN
        for items in choices:
            for item in items[:_UNROLLED]:
                state.set(node.name, [item])
                result = self.commands_of(node.body, state, streams)
                if result >= Result.RETURNED:
                    return result if len(items) == 1 and HOLE not in item else Result.UNKNOWN
            if len(items) > _UNROLLED:
                for at in range(_UNROLLED, len(items), 8):
                    state.set(node.name, items[at : at + 8])
                    self.commands_of(node.body, state, streams)
        return Result.UNKNOWN

    def _case(self, node: Case, state: State, streams: Streams) -> Result:
        said = self.expander.text(node.word, state)
        values = [HOLE if isinstance(value, Open) else value for value in said]
        bodies: list[Block] = []
        surely = False
        fallen = False
        for patterns, body, falls in node.arms:
            texts = [self.expander.pattern(pattern, state) for pattern in patterns]
            fits = [matches(value, text) for value in values for text in texts]
            if fallen or any(fit is not False for fit in fits):
                bodies.append(body)
            fallen = falls
            if all(any(matches(value, text) for text in texts) for value in values) and not falls:
                surely = True
                break
        ways = [partial(self.commands_of, body) for body in bodies]
        if len(ways) == 1 and surely:
            return ways[0](state, streams)
        return self.perhaps(ways, state, streams, surely=surely and bool(ways))


def _is_test(node: Node) -> bool:
    if isinstance(node, Not):
        return _is_test(node.command)
    if isinstance(node, Simple):
        return bool(node.words) and node.words[0] in ("[", "test", "grep", "command", "which", "type", "hash")
    return isinstance(node, Test)


def _reads(block: Block) -> bool:
    return any(isinstance(node, Simple) and "read" in node.words for node in block.commands)


def url_of(command: Command | None) -> str | None:
    """The URL among a command's words."""
    if command is None:
        return None
    return next((word for word in command.argv[1:] if "://" in word), None)
