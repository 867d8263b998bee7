"""The state of one pipeline file's reading: where we are, which variables are set, and what was noted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from cipipe.groovy.evaluate import Evaluator
from cipipe.groovy.source import Embedded, Piece, Text
from cipipe.groovy.values import Arguments, Bag, Unit, Value, possibilities, soft
from cipipe.pipelines.jenkins.library import Library
from cipipe.pipelines.jenkins.record import Record, inputs_of, model_value
from cipipe.pipelines.model import HOLE, Problem, Script, Step, Unknown
from cipipe.results import Location

_INTERPRETERS = ("bash", "python", "node", "pwsh", "groovy", "sh")


class Context:
    """What every step sees and changes."""

    def __init__(self, file: str, library: Library, evaluator: Evaluator, record: Record) -> None:
        self.file = file
        self.library = library
        self.evaluator = evaluator
        self.record = record
        self.env = Bag("env", {})
        self.params = Bag("params", {})
        self.folder: list[str | None] = [""]
        self.foreign_library = False
        self.main: Unit = evaluator.unit

    def via(self, location: Location, *more: Location) -> tuple[Location, ...]:
        """From the last call site in the pipeline's file to a place; nothing when it is in that file."""
        chain = [*self.evaluator.calls, *more]
        if location.file == self.file and not more:
            return ()
        last = max((n for n, place in enumerate(chain) if place.file == self.file), default=0)
        return tuple(chain[last:])

    def unclear(self, message: str, location: Location) -> None:
        """Note something that cannot be followed."""
        via = self.via(location)
        problem = Problem(via[0], message, (*via[1:], location)) if via else Problem(location, message)
        self.record.problems[problem] = None

    def run_script(self, value: Value, shell: str, location: Location) -> None:
        """Note a script for each possibility of its text."""
        for one in possibilities(value):
            if isinstance(one, Text):
                made = one.script(shell, location)
            else:
                name = one.why if isinstance(one, Unknown) else "a script that is computed"
                made = Script(HOLE, shell, (location,), holes=(name,))
            self._note(replace(made, shell=_shell_of(made), via=self._script_via(made, location)), location)

    def _script_via(self, script: Script, location: Location) -> tuple[Location, ...]:
        place = script.lines[0]
        near = place.file == location.file and place.line >= location.line
        if near or any(call.file == place.file and call.line == place.line for call in self.evaluator.calls):
            return self.via(place)
        return self.via(place, location)

    def _note(self, script: Script, location: Location) -> None:
        folder = self.folder[-1]
        where = Unknown("a folder that is not known") if folder is None else folder or None
        env = {name: model_value(value) for name, value in self.env.values.items() if name != "WORKSPACE"}
        step = Step(location, "run", "", script, env=env, working_directory=where, via=self.via(location))
        self.record.current.steps.append(step)

    def note(self, name: str, arguments: Arguments) -> None:
        """Note a step of Jenkins with its inputs."""
        inputs, lines = inputs_of(arguments)
        location = arguments.location
        step = Step(location, "dsl", name, inputs=inputs, input_lines=lines, via=self.via(location))
        self.record.current.steps.append(step)

    def secret(self, name: Value, location: Location) -> None:
        """Note a credential by its name."""
        for one in possibilities(name):
            if isinstance(one, Text) and one.string.strip(HOLE):
                self.record.current.secrets[one.string, location] = None

    @contextmanager
    def variables(self, entries: dict[str, Value]) -> Iterator[None]:
        """Environment variables for the time of a block."""
        with self.evaluator.journal.restored(self.env.values, {k: soft(v) for k, v in entries.items()}):
            yield

    def run_all(self, arguments: Arguments, values: Sequence[Value] = ()) -> Value:
        """Run the closures of a step, one after the other."""
        result: Value = None
        for function in arguments.closures():
            result = self.evaluator.run(function, values)
        return result


def written_at(string: str, location: Location) -> Text:
    """A text of our own that stands for something at a place."""
    source = Embedded(location.file, string, Script(string, "", (location,)))
    return Text((Piece(string, source, 0, verbatim=False),))


def _shell_of(script: Script) -> str:
    """`sh` obeys a first line `#!`."""
    first = script.text.split("\n", 1)[0]
    if script.shell != "sh" or not first.startswith("#!"):
        return script.shell
    words = [word.rpartition("/")[2] for word in first[2:].split() if not word.startswith("-")]
    program = next((word for word in words if word != "env"), "sh")
    if program in {"zsh", "ksh", "dash", "ash"}:
        return "bash"
    return next((name for name in _INTERPRETERS if program.startswith(name)), f"unknown:{program}")
