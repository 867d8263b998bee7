"""What the steps of a job run, with what earlier steps and jobs have written for them (layer 1)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter

from cipipe.pipelines import holes
from cipipe.pipelines.model import Job, Problem, Script, Step, Unknown, Value
from cipipe.policy import actions
from cipipe.policy.carried import scripts
from cipipe.policy.catalogue import program
from cipipe.shell import Command, Scope, Session, resolve
from cipipe.shell.state import Alternatives

Known = dict[str, tuple[str, ...]]  # what a name of an expression may stand for

_WORKFLOW_COMMAND = re.compile(r"::set-(output|env) name=([\w-]+)::(.*)", re.DOTALL)
_MOST_VALUES = 8


@dataclass(frozen=True, slots=True)
class Ran:
    """A step with what its scripts run."""

    step: Step
    commands: tuple[Command, ...] = ()
    remote: bool = False
    action: actions.Action | None = None


@dataclass(slots=True)
class Running:
    """A job on its way: `known` is what expressions may rely on, `problems` what cannot be known."""

    job: Job
    session: Session
    known: Known = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def steps(self) -> Iterator[Ran]:
        """Every step with its commands; what a step leaves (files, variables) is there for the next."""
        scope = Scope(session=self.session)
        for step in self.job.steps:
            action = actions.action(step) if step.kind == "uses" else None
            commands: list[Command] = []
            for script in scripts(step, action):
                written: Known = {}
                start = scope
                for filled, variables in self._ways(script, step):
                    directory = step.working_directory or ""
                    done = resolve(filled, replace(start, directory=directory, variables=variables))
                    commands += done.commands
                    self.problems += [found for found in done.problems if found not in self.problems]
                    _merge(written, {f"env.{name}": values for name, values in done.environment.items()})
                    outputs = {f"steps.{step.id}.outputs.{name}": v for name, v in done.outputs.items()}
                    _merge(written, {**outputs, **_commanded(done.commands, step.id)})
                    scope = done.scope
                self.known |= written
            self.known |= self._texts(step.outputs, f"steps.{step.id}.outputs.")
            yield Ran(step, tuple(dict.fromkeys(commands)), bool(action and action.remote), action)

    def outputs(self) -> Known:
        """The outputs of the job, once its steps have run."""
        return self._texts(self.job.outputs, "")

    def _ways(
        self, script: Script, step: Step
    ) -> Iterator[tuple[Script, Mapping[str, Value | Alternatives]]]:
        """The script and its variables for what is known; more than once where that has several values."""
        asked = {*script.holes, *_unknown(self.job.env), *_unknown(step.env)} & self.known.keys()
        left = {name[4:]: values for name, values in self.known.items() if name.startswith("env.")}
        for way in range(max((len(self.known[name]) for name in asked), default=1)):
            picked = {name: values[min(way, len(values) - 1)] for name, values in self.known.items()}
            given = holes.fill_values(self.job.env, picked)
            yield holes.fill(script, picked), {**given, **left, **holes.fill_values(step.env, picked)}

    def _texts(self, outputs: Mapping[str, Sequence[Script]], prefix: str) -> Known:
        found: Known = {}
        for name, ways in outputs.items():
            for script in ways:
                names = [known for known in script.holes if known in self.known]
                for way in range(max((len(self.known[known]) for known in names), default=1)):
                    picked = {n: self.known[n][min(way, len(self.known[n]) - 1)] for n in names}
                    _merge(found, {prefix + name: (holes.fill(script, picked).text,)})
        return found


def _unknown(values: Mapping[str, Value]) -> Iterator[str]:
    return (value.why for value in values.values() if isinstance(value, Unknown))


def _merge(into: Known, values: Mapping[str, tuple[str, ...]]) -> None:
    for name, found in values.items():
        into[name] = tuple(dict.fromkeys((*into.get(name, ()), *found)))[:_MOST_VALUES]


def _commanded(commands: Sequence[Command], step: str) -> Known:
    """What `echo "::set-output name=NAME::VALUE"` has set."""
    found: Known = {}
    for command in commands:
        if program(command.argv[0]) in {"echo", "printf"}:
            for line in " ".join(command.argv[1:]).split("\n"):
                if said := _WORKFLOW_COMMAND.match(line):
                    prefix = "env." if said[1] == "env" else f"steps.{step}.outputs."
                    _merge(found, {prefix + said[2]: (said[3],)})
    return found


def in_order(jobs: Sequence[Job]) -> list[Job]:
    """The jobs, each behind those whose outputs it needs."""
    if not any(job.outputs for job in jobs):
        return list(jobs)
    needs: dict[str, set[str]] = {}
    for job in jobs:
        needs.setdefault(job.name, set()).update(job.needs)
    try:
        order = {name: at for at, name in enumerate(TopologicalSorter(needs).static_order())}
    except CycleError:
        return list(jobs)
    return sorted(jobs, key=lambda job: order[job.name])


def needed(job: Job, done: Mapping[str, Known]) -> Known:
    """What the expressions of a job know of the jobs before it."""
    return {
        f"{context}.{name.rpartition(' / ')[2]}.outputs.{output}": values
        for name in job.needs
        for output, values in done.get(name, {}).items()
        for context in ("needs", "jobs")
    }


def note_outputs(done: dict[str, Known], job: Job, outputs: Known) -> None:
    """Note the outputs of a job, which may run once for each combination of its matrix."""
    _merge(done.setdefault(job.name, {}), outputs)
