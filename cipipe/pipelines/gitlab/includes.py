"""`include`: the files that make one configuration.

Source: GitLab's CI/CD YAML reference, `include`.
"""

import posixpath
import re
from collections.abc import Iterator

from cipipe import globs
from cipipe.pipelines.gitlab.inputs import Inputs, bind, interpolate, split
from cipipe.pipelines.gitlab.merge import merge
from cipipe.pipelines.gitlab.reading import Reading
from cipipe.pipelines.model import Step
from cipipe.pipelines.yaml_tree import Document, Mapping, Node, Scalar, Sequence, place, scalars
from cipipe.results import Location

MAX_INCLUDES = 150  # GitLab's own limit

_KINDS = ("local", "template", "component", "remote", "project", "artifact")
_OWN = re.compile(r"\$\{?CI_PROJECT_PATH\}?")
_OWN_COMPONENT = re.compile(r"\$\{?CI_SERVER_(?:FQDN|HOST)\}?/\$\{?CI_PROJECT_PATH\}?/([^@]+)@.*")


def load(documents: list[Document], reading: Reading, given: Inputs, path: tuple[str, ...]) -> Mapping | None:
    """The configuration of a file, all that it includes below it; `path` are the files that lead here."""
    declared, content = split(documents)
    if content is None or (isinstance(content, Scalar) and not content.value):
        return None
    if declared is not None:
        bound, missing = bind(declared, given)
        if missing and len(path) > 1:
            reading.problem(
                place(declared), f"the include does not give the input {missing[0]}, which is required"
            )
        content = interpolate(content, bound)
    if not isinstance(content, Mapping):
        reading.problem(place(content), "the file holds no mapping")
        return None
    base: Node | None = None
    for entry in _entries(content.get("include")):
        for included in _include(entry, reading, path):
            base = merge(base, included, reading)
    merged = merge(base, content, reading)
    return merged if isinstance(merged, Mapping) else None


def _entries(node: Node | None) -> list[Node]:
    if node is None:
        return []
    return list(node.items) if isinstance(node, Sequence) and node.tag is None else [node]


def _include(entry: Node, reading: Reading, path: tuple[str, ...]) -> Iterator[Mapping]:
    for target, call, inputs in targets(entry, reading):
        if target in path:
            reading.problem(call, f"the include {target} includes itself")
            continue
        reading.includes += 1
        if reading.includes > MAX_INCLUDES:
            reading.problem(call, f"more than {MAX_INCLUDES} includes; the rest is not read")
            return
        documents = reading.documents(target, call, "the include")
        if documents is not None:
            config = load(documents, reading, inputs, (*path, target))
            if config is not None:
                yield config


def targets(entry: Node, reading: Reading) -> Iterator[tuple[str, Location, Inputs]]:
    """The local files of an entry of `include`; anything else becomes a template step of the reading."""
    if isinstance(entry, Scalar):
        if entry.value.startswith(("http://", "https://")):
            _opaque("remote", entry.value, place(entry), {}, reading)
        else:
            for path in _expand(entry, reading):
                yield path, place(entry), {}
        return
    if not isinstance(entry, Mapping) or _never(entry.get("rules")):
        return
    kind = next((name for name in _KINDS if entry.get(name) is not None), None)
    if kind is None:
        reading.problem(place(entry), "an include that names no file")
        return
    given = entry.get("inputs")
    inputs = given.values if isinstance(given, Mapping) else {}
    for node in scalars(entry.get("file") if kind == "project" and entry.get("file") else entry.get(kind)):
        for path in _own_files(kind, node, entry, reading):
            yield path, place(node), inputs


def _own_files(kind: str, node: Scalar, entry: Mapping, reading: Reading) -> list[str]:
    """The files of this repository that an entry names."""
    if kind == "local":
        return _expand(node, reading)
    name = node.value
    project = entry.get("project")
    if kind == "project" and isinstance(project, Scalar):
        if _OWN.fullmatch(project.value):
            return _expand(node, reading)
        name = f"{project.value}/{node.value.lstrip('/')}"
    if kind == "component" and (own := _OWN_COMPONENT.fullmatch(node.value)):
        for path in (f"templates/{own[1]}.yml", f"templates/{own[1]}/template.yml"):
            if path in reading.files.list("templates"):
                return [path]
    given = entry.get("inputs")
    values = given.values if isinstance(given, Mapping) else {}
    inputs = {key: value.value for key, value in values.items() if isinstance(value, Scalar)}
    _opaque(kind, name, place(node), inputs, reading)
    return []


def _opaque(kind: str, name: str, call: Location, inputs: dict[str, str], reading: Reading) -> None:
    reading.opaque = True
    if kind == "artifact":
        reading.problem(call, f"a pipeline that a job makes while it runs ({name}) cannot be read beforehand")
        return
    via = reading.way(call.file)
    reading.templates.append(Step(call, "template", name, inputs={"include": kind, **inputs}, via=via))


def _never(rules: Node | None) -> bool:
    """Whether the rules of an include leave it out of every pipeline."""
    if not isinstance(rules, Sequence) or not rules.items:
        return False
    first = rules.items[0]
    when = first.get("when") if isinstance(first, Mapping) else None
    plain = isinstance(first, Mapping) and first.values.keys() == {"when"}
    return plain and isinstance(when, Scalar) and when.value == "never"


def _expand(node: Scalar, reading: Reading) -> list[str]:
    """The paths of a local include, which may hold `*` and `**`."""
    written = node.value.strip()
    path = posixpath.normpath(written.lstrip("/") or ".")
    if path.startswith(".."):
        reading.problem(place(node), f"the include {written} is outside of the repository")
        return []
    if "$" in written:
        reading.problem(place(node), f"the include {written} holds a variable")
        return []
    if "*" not in path:
        return [path]
    first, last = path.split("*", 1)[0], path.rsplit("*", 1)[1]
    glob = globs.only_stars(path)
    found = [
        name
        for name in reading.files.list("")
        if name.startswith(first) and name.endswith(last) and globs.matches(glob, name)
    ]
    if not found:
        reading.problem(place(node), f"the include {written} matches no file")
    return found
