"""What a reader collects while it walks: jobs, their steps in order, and problems."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from cipipe.groovy.source import Text
from cipipe.groovy.values import Arguments, Function, Handle, Items, Table, Value, possibilities
from cipipe.pipelines.model import Job, Problem, Step, Unknown
from cipipe.pipelines.model import Value as ModelValue
from cipipe.results import Location


@dataclass(slots=True)
class OpenJob:
    """A job that is being filled."""

    name: str
    location: Location
    steps: list[Step] = field(default_factory=list)
    secrets: dict[tuple[str, Location], tuple[Location, ...]] = field(default_factory=dict)
    _seen: dict[tuple[object, ...], int] = field(default_factory=dict)
    _different: int = 0

    def add(self, step: Step) -> None:
        """Add a step, unless nothing but steps that were there already came since it was added last.

        A closure that many branches run says the same over and over; what a new step before it changes
        (a cluster that is made, another context) is still seen.
        """
        key = _identity(step)
        last = self._seen.get(key)
        if last == self._different:
            return
        self._different += last is None
        self._seen[key] = self._different
        self.steps.append(step)


class Record:
    """Jobs in the order in which they begin."""

    def __init__(self, name: str, location: Location) -> None:
        self.jobs = [OpenJob(name, location)]
        self.current = self.jobs[0]
        self.problems: dict[Problem, None] = {}
        self.added = 0  # steps, those that were there already too

    def add(self, step: Step) -> None:
        """Add a step to the present job."""
        self.added += 1
        self.current.add(step)

    @contextmanager
    def job(self, name: str, location: Location) -> Iterator[None]:
        """Steps go to a job of their own: another agent, another workspace."""
        outer = self.current
        self.current = OpenJob(name, location)
        self.jobs.append(self.current)
        yield
        self.current = outer

    def done(self, branches: tuple[str, ...] | None) -> tuple[Job, ...]:
        """The jobs that do something."""
        return tuple(
            Job(
                job.name,
                job.location,
                tuple(job.steps),
                branches=branches,
                secrets=tuple(job.secrets),
                ways=job.secrets,
            )
            for job in self.jobs
            if job.steps or job.secrets
        )


def _identity(step: Step) -> tuple[object, ...]:
    script = step.script
    run = (script.text, script.shell, script.lines[0], script.via) if script else None
    env, inputs = tuple(step.env.items()), tuple(step.inputs.items())
    return step.kind, step.name, step.location, step.via, run, step.working_directory, env, inputs


def model_value(value: Value) -> ModelValue:
    """A value as the model has it: text (holes and all) or unknown."""
    first = possibilities(value)[0] if possibilities(value) else None
    if isinstance(first, Text):
        return first.string
    if isinstance(first, bool):
        return "true" if first else "false"
    if isinstance(first, int | float):
        return str(first)
    if isinstance(first, Items) and all(isinstance(v, Text) for v in first.values):
        return "\n".join(v.string for v in first.values if isinstance(v, Text))
    if isinstance(first, Unknown):
        return first
    return Unknown(first.name if isinstance(first, Handle) else "not a text")


def inputs_of(arguments: Arguments) -> tuple[Mapping[str, ModelValue], Mapping[str, tuple[Location, ...]]]:
    """A step's inputs, positional ones by number, maps in it flattened, and the lines of its texts."""
    values: dict[str, Value] = {}
    position = 0
    for value in arguments.positional:
        if isinstance(value, Table):
            values.update(value.entries)
        elif not isinstance(value, Function):
            values[str(position)] = value
            position += 1
    values.update(arguments.named)
    inputs = {name: model_value(value) for name, value in values.items() if not isinstance(value, Function)}
    lines = {
        name: text.script("", arguments.location).lines
        for name, value in values.items()
        if isinstance(text := possibilities(value)[0], Text) and text.pieces
    }
    return inputs, lines
