"""What a reader of GitHub files carries along: the file at hand, the way to it, what is known there."""

import posixpath
from dataclasses import dataclass, field, replace

from cipipe.pipelines import yaml_tree
from cipipe.pipelines.github.evaluate import Scope
from cipipe.pipelines.model import FileRefused, Files, Problem, Value
from cipipe.pipelines.yaml_tree import Mapping, Node, YamlRefused
from cipipe.results import Location

MAX_STEPS = 20_000


@dataclass(slots=True)
class Reading:
    """What gathers while one pipeline is read through all of its files."""

    files: Files
    problems: list[Problem] = field(default_factory=list)
    followed: dict[str, None] = field(default_factory=dict)
    secrets: dict[tuple[str, Location], None] = field(default_factory=dict)
    roots: dict[str, Mapping | None] = field(default_factory=dict)
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """A place in one of the files: `via` leads from the pipeline's call site to `file`.

    `scope` is what texts see; `conditions` is what an `if:` may rely on, for a value that a person chooses
    at the start of a run decides nothing beforehand.
    """

    reading: Reading
    file: str
    scope: Scope
    conditions: Scope
    via: tuple[Location, ...] = ()
    shell: str = "bash"
    directory: Value | None = None

    def at(self, node: Node) -> Location:
        """Where a node of this file is written."""
        return Location(self.file, node.line, node.column)

    def own(self, name: str, *files: str) -> str:
        """`owner/name/path@ref` as `./path` where it is one of `files` of this very repository."""
        parts = name.partition("@")[0].split("/", 2)
        path = posixpath.normpath(parts[2]) if len(parts) > 2 else "."
        if name.startswith((".", "docker:")) or len(parts) < 2 or path.startswith(("..", "/")):
            return name
        files_of = self.reading.files
        try:
            here = any(files_of.read(posixpath.normpath(posixpath.join(path, file))) for file in files)
        except FileRefused:
            here = True
        return f"./{path}" if here and files_of.slug.lower() == "/".join(parts[:2]).lower() else name

    def problem(self, place: Location, message: str) -> None:
        """Note what cannot be read or followed."""
        call = self.via[0] if self.via else place
        via = (*self.via[1:], place) if self.via else ()
        self.reading.problems.append(Problem(call, message, via))

    def note_secrets(self, holes: tuple[str, ...], place: Location) -> None:
        """Note the secrets among the names of holes."""
        for hole in holes:
            if hole.startswith("secrets."):
                self.reading.secrets[hole.removeprefix("secrets."), place] = None

    def spend(self, node: Node, steps: int = 1) -> bool:
        """Count a job or a step; False, and once a problem, when they are too many."""
        before = self.reading.steps
        self.reading.steps += steps
        if before <= MAX_STEPS < self.reading.steps:
            self.problem(self.at(node), f"more than {MAX_STEPS} jobs and steps; the rest is not read")
        return self.reading.steps <= MAX_STEPS

    def follow(self, path: str, call: Location, what: str) -> Mapping | None:
        """The root of another file that `call` names; None, and a problem, where it cannot be read."""
        reading = self.reading
        if path not in reading.roots:
            reading.roots[path] = None
            content = self.read_file(path, call, what)
            if content is None:
                return None
            root: Node
            try:
                root = yaml_tree.read(content)[0].root
            except (YamlRefused, IndexError) as error:
                where = Location(
                    path, *((error.line, error.column) if isinstance(error, YamlRefused) else (1, 1))
                )
                why = error.why if isinstance(error, YamlRefused) else "it is empty"
                replace(self, via=(*self.via, call)).problem(where, f"{what} {path} cannot be read: {why}")
                return None
            reading.roots[path] = root if isinstance(root, Mapping) else None
        followed = reading.roots[path]
        if followed is not None:
            reading.followed[path] = None
        return followed

    def read_file(self, path: str, call: Location, what: str) -> bytes | None:
        """The content of another file; None, and a problem, where it cannot be read."""
        try:
            content = self.reading.files.read(path)
        except FileRefused as error:
            self.problem(call, f"{what} {error.path} is not read: {error.why}")
            return None
        if content is None:
            self.problem(call, f"{what} {path} is not in the repository")
        return content
