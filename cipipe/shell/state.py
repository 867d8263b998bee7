"""What a shell knows while it runs: variables, functions, files written (layer 1).

All texts may hold `HOLE`. A variable has a tuple of alternatives: the values that it may have where ways of
running meet again. Their number is bounded; beyond it one `HOLE` stands for all.
"""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cipipe.pipelines.model import HOLE, WORKSPACE, Script
from cipipe.results import Location
from cipipe.shell.frame import ExhaustedError
from cipipe.shell.syntax import Node

MOST_ALTERNATIVES = 8
_MOST_FUNCTIONS = 8
_MOST_DIRECTORIES = 4
LONGEST_TEXT = 1 << 16  # longer values are not commands, and doubling a variable must not fill the memory

Single = str | tuple[str, ...] | Mapping[str, str]  # a plain variable, an array, an associative array
Alternatives = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FunctionValue:
    """A function: its body, and the script that holds it. Each definition is its own."""

    body: Node
    script: Script
    start: int


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that the pipeline made. `text` is what is in it, None when not known.

    `link` is the command or path that it is a copy of or link to, `url` where it was downloaded from,
    `lines` where its text is written, `source` its path where it is a file of the repository.
    """

    text: str | None = None
    link: str | None = None
    url: str | None = None
    lines: tuple[Location, ...] = ()
    source: str | None = None


@dataclass(slots=True)
class State:
    """The state of one shell process; `directories` are the folders that it may be in.

    `strayed` says that `cd ..` has led out of the repository to where they are now, `unsure` that a text
    which is not known ran in this shell, and may have set any variable.
    """

    variables: dict[str, tuple[Single, ...]] = field(default_factory=dict)
    functions: dict[str, tuple[FunctionValue | None, ...]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    files: dict[str, WrittenFile] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    exported: frozenset[str] = frozenset()
    directories: tuple[str, ...] = (WORKSPACE,)
    strayed: bool = False
    unsure: bool = False
    arguments: tuple[str, ...] = ()
    name: str = "bash"
    search: tuple[str, ...] = ()

    def fork(self) -> "State":
        """A state that may go its own way."""
        return State(
            dict(self.variables),
            dict(self.functions),
            dict(self.aliases),
            dict(self.files),
            dict(self.references),
            self.exported,
            self.directories,
            self.strayed,
            self.unsure,
            self.arguments,
            self.name,
            self.search,
        )

    def become(self, states: "list[State]") -> None:
        """This state is from now on whatever any of `states` may be."""
        first = states[0]
        for other in states[1:]:
            first = _joined(first, other)
        self.variables = first.variables
        self.functions = first.functions
        self.aliases = first.aliases
        self.files = first.files
        self.references = first.references
        self.exported = first.exported
        self.directories = first.directories
        self.strayed = first.strayed
        self.unsure = first.unsure
        self.arguments = first.arguments
        self.search = first.search

    def get(self, name: str) -> tuple[Single, ...] | None:
        """The values that the variable may have; None when nothing here has set it."""
        return self.variables.get(self.references.get(name, name))

    def set(self, name: str, values: Iterable[Single]) -> None:
        """Give a variable its possible values."""
        self.variables[self.references.get(name, name)] = bounded(values)

    def paths(self, path: str) -> tuple[str, ...]:
        """The absolute paths that `path` may mean."""
        if path.startswith(("/", HOLE)):
            return (posixpath.normpath(path),)
        return tuple(posixpath.normpath(posixpath.join(folder, path)) for folder in self.directories)

    def written(self, path: str) -> WrittenFile | None:
        """The file that was made at `path` before, if one was."""
        return next((self.files[p] for p in self.paths(path) if p in self.files), None)


def _either(a: WrittenFile, b: WrittenFile) -> WrittenFile:
    """What two ways of running have made of a file: the beginning that they share, and then both ends."""
    if not a.text or not b.text or a.text.startswith(b.text):
        return a if a.text or a.link or a.url else b
    shared = posixpath.commonprefix([a.text, b.text]).rfind("\n") + 1
    first = b.text.count("\n", 0, shared)
    text = a.text + b.text[shared:]
    if len(text) > LONGEST_TEXT:
        return a
    return WrittenFile(text, a.link, a.url, (*a.lines, *b.lines[first:]), a.source)


def bounded(values: Iterable[Single]) -> tuple[Single, ...]:
    """The distinct values, none too long, or one `HOLE` when they are too many."""
    distinct: list[Single] = []
    for value in values:
        kept = HOLE if isinstance(value, str) and len(value) > LONGEST_TEXT else value
        if kept not in distinct:
            distinct.append(kept)
    return tuple(distinct) if len(distinct) <= MOST_ALTERNATIVES else (HOLE,)


def bounded_texts(values: Iterable[str]) -> Alternatives:
    """The same for plain texts."""
    distinct = dict.fromkeys(value if len(value) <= LONGEST_TEXT else HOLE for value in values)
    return tuple(distinct) if len(distinct) <= MOST_ALTERNATIVES else (HOLE,)


def _joined(a: State, b: State) -> State:
    state = a.fork()
    if a.variables != b.variables:
        for name in a.variables.keys() | b.variables.keys():
            mine, theirs = a.variables.get(name, ("",)), b.variables.get(name, ("",))
            if mine != theirs:
                state.variables[name] = bounded((*mine, *theirs))
    for name in a.functions.keys() | b.functions.keys():
        ours, others = a.functions.get(name, (None,)), b.functions.get(name, (None,))
        if ours != others:
            state.functions[name] = tuple(dict.fromkeys((*ours, *others)))
            if len(state.functions[name]) > _MOST_FUNCTIONS:
                raise ExhaustedError(f"{name} is more than {_MOST_FUNCTIONS} functions")
    state.aliases = {**b.aliases, **a.aliases}
    state.files = {**b.files, **a.files}
    for path in a.files.keys() & b.files.keys() if a.files != b.files else ():
        if a.files[path] != b.files[path]:
            state.files[path] = _either(a.files[path], b.files[path])
    state.references = {**b.references, **a.references}
    state.exported = a.exported | b.exported
    directories = tuple(dict.fromkeys((*a.directories, *b.directories)))
    state.directories = directories if len(directories) <= _MOST_DIRECTORIES else (HOLE,)
    state.strayed = a.strayed or b.strayed
    state.unsure = a.unsure or b.unsure
    state.search = tuple(dict.fromkeys((*a.search, *b.search)))
    return state
