"""What a script runs, as words, and where each command comes from (layer 1).

    resolved = resolve(script, Scope(session=Session(files=files, images=images)))
    for command in resolved.commands: …

Nothing is run: `docs/shell.md` says what is understood, and what becomes a problem.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cipipe.pipelines.model import HOLE, WORKSPACE, Problem, Script, Unknown, Value
from cipipe.results import Location
from cipipe.shell.calls import Command, Streams
from cipipe.shell.expand import HOME
from cipipe.shell.frame import ExhaustedError
from cipipe.shell.interpreter import Interpreter
from cipipe.shell.registry import HANDLERS, LANGUAGES
from cipipe.shell.session import LARGEST, Session
from cipipe.shell.state import MOST_ALTERNATIVES, Alternatives, State, WrittenFile

__all__ = ["Command", "Resolved", "Scope", "Session", "resolve"]

_RUNNER = "/runner"
_OF_ONE_SCRIPT = (f"{_RUNNER}/env", f"{_RUNNER}/output", f"{_RUNNER}/path", "/dev/fd/")
_ALWAYS = {
    "HOME": HOME,
    "PWD": WORKSPACE,
    "GITHUB_WORKSPACE": WORKSPACE,
    "CI_PROJECT_DIR": WORKSPACE,
    "WORKSPACE": WORKSPACE,
    "GITHUB_ENV": f"{_RUNNER}/env",
    "GITHUB_OUTPUT": f"{_RUNNER}/output",
    "GITHUB_PATH": f"{_RUNNER}/path",
    "GITHUB_STEP_SUMMARY": f"{_RUNNER}/summary",
    "RUNNER_TEMP": f"{_RUNNER}/temp",
    "TMPDIR": "/tmp",  # noqa: S108 - a name
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a script starts with. `directory` is where it runs, relative to the repository or absolute.

    `files` and `search` (folders of `PATH`) are what earlier scripts of the job have left: `Resolved.scope`.
    """

    session: Session = field(default_factory=Session)
    variables: Mapping[str, Value | Alternatives] = field(default_factory=dict)
    directory: Value = ""
    arguments: tuple[str, ...] = ()
    files: Mapping[str, WrittenFile] = field(default_factory=dict)
    search: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolved:
    """The commands in the order of running, and what cannot be known.

    `scope` is for the next script of the same job. `environment` is what went to `GITHUB_ENV`, `outputs` what
    went to `GITHUB_OUTPUT`: the values that each name may have.
    """

    commands: tuple[Command, ...]
    problems: tuple[Problem, ...]
    scope: Scope
    environment: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def resolve(script: Script, scope: Scope) -> Resolved:
    """What `script` runs. Never raises; what is too much to follow is a problem.

    A script that was reached by following is gone through once for each scope, however many ways lead to it.
    """
    if not script.via:
        return _resolve(script, scope)
    variables, files = frozenset(scope.variables.items()), frozenset(scope.files.items())
    key = (replace(script, via=()), variables, scope.directory, scope.arguments, files, scope.search)
    found = scope.session.resolved.get(key)
    if not isinstance(found, Resolved):
        found = scope.session.resolved[key] = _resolve(replace(script, via=()), scope)
    return replace(
        found,
        commands=tuple(_reached(command, script) for command in found.commands),
        problems=tuple(_reached(problem, script) for problem in found.problems),
    )


_Placed = TypeVar("_Placed", Command, Problem)


def _reached(found: _Placed, script: Script) -> _Placed:
    """What was found in a script, as the way to the script leads to it."""
    call, *way = script.via
    if not script.through and found.location.file == call.file:
        return found
    here: tuple[Location, ...] = () if found.location == call else (found.location,)
    return replace(found, location=call, via=(*way, *here, *found.via))


def _resolve(script: Script, scope: Scope) -> Resolved:
    run = Interpreter(scope.session, script, HANDLERS, LANGUAGES)
    state = _state(scope)
    try:
        if len(script.text) > LARGEST:
            run.syntax_problem(0, f"it is longer than {LARGEST:,} characters")
        else:
            run.top(script, state, Streams())
    except ExhaustedError as error:
        run.syntax_problem(0, f"not followed to its end: {error}")
    except RecursionError:
        run.syntax_problem(0, "not followed to its end: it is nested too deeply")
    environment = assignments(_written(state, "env"))
    outputs = assignments(_written(state, "output"))
    folders = tuple(line for line in _written(state, "path").split("\n") if line and HOLE not in line)
    files = {
        path: file
        for path, file in state.files.items()
        if not path.startswith((f"{_RUNNER}/env", "/dev/fd/", f"{_RUNNER}/output", f"{_RUNNER}/path"))
    }
    after = replace(
        scope,
        variables={**scope.variables, **environment},
        files=files,
        search=tuple(dict.fromkeys((*folders, *scope.search))),
    )
    return Resolved(tuple(run.commands), tuple(run.problems), after, environment, outputs)


def _state(scope: Scope) -> State:
    state = State({name: (value,) for name, value in _ALWAYS.items()}, exported=frozenset(scope.variables))
    for name, value in scope.variables.items():
        text = HOLE if isinstance(value, Unknown) else value
        state.variables[name] = text if isinstance(text, tuple) else (text,)
    state.files = dict(scope.files)
    state.search = scope.search
    state.arguments = scope.arguments
    if isinstance(scope.directory, Unknown):
        state.directories = (HOLE,)
    elif scope.directory:
        state.directories = state.paths(scope.directory)
        state.strayed = ".." in scope.directory.split("/")
        state.variables["PWD"] = state.directories
    return state


def _written(state: State, name: str) -> str:
    file = state.files.get(f"{_RUNNER}/{name}")
    return (file.text or "") if file is not None else ""


def assignments(text: str) -> dict[str, tuple[str, ...]]:
    """The values in GitHub's environment or output format: `NAME=VALUE`, or `NAME<<END` and lines.

    A name that is given several times, as where ways of running meet, may have each of the values.
    """
    values: dict[str, list[str]] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        name, arrow, delimiter = line.partition("<<")
        if arrow and "=" not in name:
            body = []
            for inner in lines:
                if inner == delimiter:
                    break
                body.append(inner)
            values.setdefault(name, []).append("\n".join(body))
            continue
        name, equals, value = line.partition("=")
        if equals and name and HOLE not in name:
            values.setdefault(name.strip(), []).append(value)
    return {name: tuple(dict.fromkeys(found))[:MOST_ALTERNATIVES] for name, found in values.items()}
