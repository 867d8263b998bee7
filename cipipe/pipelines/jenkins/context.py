"""The state of one pipeline file's reading: where we are, which variables are set, and what was noted."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice, product

from cipipe.groovy.evaluate import Evaluator
from cipipe.groovy.source import Embedded, Piece, Text
from cipipe.groovy.values import (
    CHOICES_LIMIT,
    Arguments,
    Bag,
    Choice,
    Site,
    Unit,
    Value,
    possibilities,
    soft,
)
from cipipe.pipelines.jenkins.library import Library
from cipipe.pipelines.jenkins.record import Record, inputs_of, model_value
from cipipe.pipelines.model import HOLE, Problem, Script, Step, Unknown
from cipipe.pipelines.model import Value as ModelValue
from cipipe.results import Location

_FOLLOWED = re.compile(
    r"\./|\.(?:sh|py|js|rb)\b|\b(?:make|task|just|npm|yarn|pnpm|tox|nox|invoke|source|bash|sh)\s"
)
_WAYS = 2 * CHOICES_LIMIT  # of one step, for its texts and environments together
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
        self._state: tuple[tuple[str, Value], ...] | None = None  # the variables, and what is made of them:
        self._several: dict[str, tuple[Value, ...]] = {}
        self._known: dict[tuple[tuple[str, ...], bool], list[dict[str, ModelValue]]] = {}

    def via(self) -> tuple[Location, ...]:
        """The calls that lead from the pipeline to what runs now."""
        return tuple(site.location for site in self.evaluator.calls)

    def abandon(self) -> None:
        """Forget where we are: the next thing begins at the file itself."""
        evaluator = self.evaluator
        evaluator.unit, evaluator.calls, evaluator.returns = self.main, (), None
        evaluator.running.clear()
        evaluator.journal.abandon()
        del self.folder[1:]
        self.record.current = self.record.jobs[0]

    def unclear(self, message: str, location: Location) -> None:
        """Note something that cannot be followed."""
        via = self.via()
        problem = Problem(via[0], message, (*via[1:], location)) if via else Problem(location, message)
        self.record.problems[problem] = None

    def run_script(self, value: Value, shell: str, site: Site) -> None:
        """Note a script for each possibility of its text; those that are known first."""
        several = sorted(possibilities(value), key=lambda one: not (isinstance(one, Text) and one.known))
        share = max(_WAYS // len(several), 1)
        for number, one in enumerate(several):
            if isinstance(one, Text):
                text, calls = self._reached(one, site)
                made = text.script(shell, site.location)
                via = tuple(call.location for call in calls)
                made = replace(made, shell=_shell_of(made), via=via, through=True)
            else:
                name = one.why if isinstance(one, Unknown) else "a script that is computed"
                made = Script(HOLE, shell, (site.location,), self.via(), holes=(name,), through=True)
            self._note(made, site.location, number * share, share)

    def _reached(self, text: Text, site: Site) -> tuple[Text, tuple[Site, ...]]:
        """The text of a step, and the calls that lead to where it is written."""
        calls = self.evaluator.calls
        here = [site.holds(piece) for piece in text.pieces]
        if all(here) or text.place() == site.location:
            return text, calls
        if any(here):
            pairs = zip(text.pieces, here, strict=True)
            pieces = [piece if own else piece.placed(site.source, site.begin) for piece, own in pairs]
            return Text(tuple(pieces)), calls
        for number, call in enumerate(calls):
            if call.holds(text.pieces[0]):
                return text, calls[:number]
        return text, (*calls, site)

    def _note(self, script: Script, location: Location, first: int, share: int) -> None:
        """Note a script with `share` of the environments that it may have, from number `first` on."""
        folder = self.folder[-1]
        where = Unknown("a folder that is not known") if folder is None else folder or None
        environments = self._environments(script.text)
        for number in range(first, first + min(share, len(environments))):
            env = environments[number % len(environments)]
            step = Step(location, "run", "", script, env=env, working_directory=where, via=self.via())
            self.record.add(step)

    def _environments(self, text: str) -> list[dict[str, ModelValue]]:
        """The variables of a script: one set for each value of those that may have several.

        Those that the text names are combined; what else it may run sees each of their values once.
        """
        values = {**self.params.values, **self.env.values}
        values.pop("WORKSPACE", None)
        state = tuple(values.items())
        if state != self._state:
            self._state, self._known = state, {}
            several = {name: value.values for name, value in values.items() if isinstance(value, Choice)}
            self._several = {name: found for name, found in several.items() if len(found) > 1}
        named = tuple(name for name in self._several if name in text)
        key = named, _FOLLOWED.search(text) is not None
        if key not in self._known:
            self._known[key] = list(self._combined(values, named, followed=key[1]))
        return self._known[key]

    def _combined(
        self, values: dict[str, Value], named: tuple[str, ...], *, followed: bool
    ) -> Iterator[dict[str, ModelValue]]:
        rows = list(islice(product(*(self._several[name] for name in named)), CHOICES_LIMIT))
        count = len(rows)
        if followed:
            count = max(count, *(len(found) for found in self._several.values()), 1)
        for number in range(min(count, CHOICES_LIMIT)):
            row = dict(zip(named, rows[number % len(rows)], strict=True))
            others = {name: found[number % len(found)] for name, found in self._several.items()}
            chosen = {**values, **others, **row}
            yield {name: model_value(value) for name, value in chosen.items()}

    def note(self, name: str, arguments: Arguments) -> None:
        """Note a step of Jenkins with its inputs."""
        inputs, lines = inputs_of(arguments)
        location = arguments.location
        step = Step(location, "dsl", name, inputs=inputs, input_lines=lines, via=self.via())
        self.record.add(step)

    def secret(self, name: Value, location: Location) -> None:
        """Note a credential by its name, where the pipeline calls what is given it."""
        first, *way = (*self.via(), location)
        for one in possibilities(name):
            if isinstance(one, Text) and one.string.strip(HOLE):
                self.record.current.secrets.setdefault((one.string, first), tuple(way))

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
    if program in {"zsh", "ksh", "dash", "ash"} or HOLE in program:
        return "bash"
    return next((name for name in _INTERPRETERS if program.startswith(name)), f"unknown:{program}")
