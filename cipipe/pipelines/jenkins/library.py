"""Scripts of the repository that a pipeline uses: `vars/`, `src/`, `resources/` and files that are loaded."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from cipipe.groovy import tree
from cipipe.groovy.parser import Parsed, parse
from cipipe.groovy.source import Source
from cipipe.groovy.values import Scope, Unit
from cipipe.pipelines.model import WORKSPACE, FileRefused, Files, Problem
from cipipe.results import Location

SIZE_LIMIT = 1_000_000  # characters of one Groovy file; real ones have a tenth of it at most
_VARS = re.compile(r"(?:^|.*/)vars/(\w+)\.groovy")
_SRC = re.compile(r"(?:^|.*/)src/((?!main/|test/)(?:\w+/)*\w+)\.groovy")


class Library:
    """Finds and reads the scripts; what cannot be read is among `problems`."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.followed: list[str] = []
        self.problems: list[Problem] = []
        self._units: dict[str, Unit] = {}
        self._steps, self._classes = _index(files.list(""))

    def step(self, name: str) -> Unit | None:
        """The script `vars/NAME.groovy`."""
        path = self._steps.get(name)
        return self._unit(path, name) if path else None

    def class_unit(self, name: str, unit: Unit) -> tuple[Unit, tree.Class | None] | None:
        """A class by the name that a script uses: of the script itself, imported, or beside it."""
        for kind in _classes(parse(unit.source).body):
            if kind.name == name:
                return unit, kind
        full = unit.imports.get(name, name)
        candidates = [full, *(path[:-1] + name for path in unit.imports.values() if path.endswith(".*"))]
        for candidate in candidates:
            path = self._classes.get(candidate)
            if path is None and "." not in candidate:
                path = next((p for key, p in self._classes.items() if key.endswith(f".{candidate}")), None)
            if path is not None and (found := self._unit(path, name)) is not None:
                short = candidate.rpartition(".")[2]
                kinds = [kind for kind in _classes(parse(found.source).body) if kind.name == short]
                return found, kinds[0] if kinds else None
        return None

    def _unit(self, path: str, name: str) -> Unit | None:
        if path not in self._units:
            text = self.read(path)
            if text is None:
                return None
            self._units[path] = self.unit(parse(Source(path, text)), name)
        return self._units[path]

    def unit(self, parsed: Parsed, name: str) -> Unit:
        """A script as something that can be called; its faults become problems."""
        for fault in parsed.faults:
            self.problems.append(
                Problem(parsed.source.locate(fault.offset), f"Groovy that cannot be read: {fault.message}")
            )
        unit = Unit(name, parsed.source, methods(parsed.body), Scope({}))
        unit.imports = {node.name: node.path for node in parsed.body if isinstance(node, tree.Import)}
        return unit

    def read(self, path: str) -> str | None:
        """A file's text; None when it is not there, or is refused, which is a problem."""
        try:
            content = self.files.read(path)
        except FileRefused as refused:
            self.problems.append(Problem(Location(path, 1), f"the file is not read: {refused.why}"))
            return None
        if content is None:
            return None
        if len(content) > SIZE_LIMIT:
            self.problems.append(Problem(Location(path, 1), "the file is too large to follow"))
            return None
        if path not in self.followed:
            self.followed.append(path)
        return decode(content)

    def resource(self, name: str) -> tuple[str, str] | None:
        """Path and text of a resource of the library."""
        for path in (
            f"resources/{name}",
            *(p for p in self.files.list("") if p.endswith(f"/resources/{name}")),
        ):
            text = self.read(path)
            if text is not None:
                return path, text
        return None


@lru_cache(maxsize=1)
def _index(paths: tuple[str, ...]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The steps and the classes of the files, by name: the same for every pipeline of a repository."""
    steps: dict[str, str] = {}
    classes: dict[str, str] = {}
    for path in sorted(paths, key=lambda p: (p.count("/"), p), reverse=True):
        if match := _VARS.fullmatch(path):
            steps[match[1]] = path
        elif match := _SRC.fullmatch(path):
            classes[match[1].replace("/", ".")] = path
    return steps, classes


def decode(content: bytes) -> str:
    """Groovy text as Jenkins reads it."""
    return content.decode("utf-8", "replace").replace("\r\n", "\n")


def methods(body: Iterable[tree.Node]) -> dict[str, list[tree.Method]]:
    """The methods that statements or members define, by name."""
    found: dict[str, list[tree.Method]] = {}
    for node in body:
        if isinstance(node, tree.Method):
            found.setdefault(node.name, []).append(node)
    return found


def _classes(body: Iterable[tree.Node]) -> list[tree.Class]:
    return [node for node in body if isinstance(node, tree.Class)]


def inside(path: str, folder: str) -> str | None:
    """A path of the workspace relative to the repository; None when it is outside or not known."""
    path = (
        path.removeprefix(f"{WORKSPACE}/") if path.startswith(WORKSPACE) else f"{folder}/{path}".lstrip("/")
    )
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts) or None
