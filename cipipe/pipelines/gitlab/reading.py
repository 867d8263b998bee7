"""What gathers while one GitLab configuration is read through all of its files."""

from dataclasses import dataclass, field

from cipipe.pipelines import yaml_tree
from cipipe.pipelines.model import FileRefused, Files, Problem, Step
from cipipe.pipelines.yaml_tree import Document, Mapping, YamlRefused
from cipipe.results import Location

MAX_COPIES = 300_000  # nodes made by merging and by references


@dataclass(slots=True)
class Reading:
    """`chains` has the way from the entry file to each included file; `start` is the way to the entry file.

    `opaque` says that a part of the configuration is in another place, so that a name that is not here is no
    error. `extended` are the jobs whose `extends` is done.
    """

    files: Files
    entry: str
    start: tuple[Location, ...] = ()
    chains: dict[str, tuple[Location, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    followed: dict[str, None] = field(default_factory=dict)
    templates: list[Step] = field(default_factory=list)
    extended: dict[str, Mapping] = field(default_factory=dict)
    opaque: bool = False
    copies: int = 0
    includes: int = 0

    def way(self, file: str) -> tuple[Location, ...]:
        """The call sites that lead to a file, from the pipeline on; () for the pipeline itself."""
        return self.chains.get(file, self.start)

    def problem(self, where: Location, message: str) -> None:
        """Note what cannot be read or followed."""
        way = self.way(where.file)
        call = way[0] if way else where
        self.problems.append(Problem(call, message, (*way[1:], where) if way else ()))

    def spend(self, nodes: int) -> bool:
        """Count nodes that are made; False, and once a problem, when they are too many."""
        before = self.copies
        self.copies += nodes
        if self.copies <= MAX_COPIES:
            return True
        if before <= MAX_COPIES:
            self.problem(
                Location(self.entry, 1, 1),
                f"all jobs together are more than {MAX_COPIES} nodes; the rest is not read",
            )
        return False

    def documents(self, path: str, call: Location, what: str) -> list[Document] | None:
        """The documents of another file that `call` names; None, and a problem, where it cannot be read."""
        try:
            content = self.files.read(path)
        except FileRefused as error:
            self.problem(call, f"{what} {error.path} is not read: {error.why}")
            return None
        if content is None:
            self.problem(call, f"{what} {path} is not in the repository")
            return None
        self.chains.setdefault(path, (*self.way(call.file), call))
        self.followed[path] = None
        return self.parse(path, content)

    def parse(self, path: str, content: bytes) -> list[Document] | None:
        """The documents of a file; None, and a problem, where it is not YAML."""
        try:
            documents = yaml_tree.read(content, path)
        except YamlRefused as error:
            self.problem(Location(path, error.line, error.column), f"the file cannot be read: {error.why}")
            return None
        return documents
