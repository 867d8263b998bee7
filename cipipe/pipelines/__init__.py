"""Readers: pipeline files -> the model of what runs (layer 1)."""

import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Protocol, cast

from cipipe.pipelines.model import FileRefused, Files, Pipeline, Platform, Problem
from cipipe.pipelines.turns import in_turn, part
from cipipe.results import Location

READERS = {
    "github": "cipipe.pipelines.github",
    "gitlab": "cipipe.pipelines.gitlab",
    "jenkins": "cipipe.pipelines.jenkins",
    "script": "cipipe.pipelines.scripts",
}

GITLAB_ENTRY = ".gitlab-ci.yml"

LIBRARY_WORK = 1_200_000  # nodes of Groovy that library steps without a caller may take; some 6 s

_RUNS = re.compile(
    rb"(?i)\b(?:sh|bat|pwsh|powershell|execute|exec|ProcessBuilder|evaluate|load|libraryResource|step|oc|helm|flux)\b"
    rb"|kube|openshift|argocd|terraform|ansible"
)
_FOREIGN = ("node_modules/", "vendor/", "third_party/", ".git/")


class Reader(Protocol):
    """What a module of `READERS` offers."""

    def claims(self, path: str) -> bool:
        """Whether the platform takes a file of this name for one of its own, wherever PATH points."""

    def sniffs(self, path: str, content: bytes) -> bool:
        """Whether a file that a person named, but no name claims, is one of the platform's."""

    def read(self, path: str, content: bytes, files: Files) -> Pipeline:
        """The pipeline; what cannot be read is among its problems."""


def reader(platform: str) -> Reader:
    """The reader of a platform."""
    return cast("Reader", import_module(READERS[platform]))


def discover(files: Files) -> tuple[str, ...]:
    """The files of the repository that are pipelines, or are called by them."""
    claims = [reader(platform).claims for platform in READERS]
    found = [
        path
        for path in files.list("")
        if any(claim(path) for claim in claims)
        and not any(path.startswith(folder) or f"/{folder}" in path for folder in _FOREIGN)
    ]
    if GITLAB_ENTRY in found:  # what it does not include, GitLab does not run
        gitlab = reader("gitlab").claims
        found = [path for path in found if path == GITLAB_ENTRY or not gitlab(path)]
    return tuple(found)


def read_all(files: Files, paths: Iterable[str] | None = None) -> tuple[Pipeline, ...]:
    """The pipelines at `paths`, whatever their names, else those that are found."""
    if paths is not None:
        return tuple(read(path, files) for path in paths)
    kept = outermost(filter(None, read_each(files, in_turn(files, discover(files)))))
    return (*kept, *uncalled(files, kept))


def read_each(files: Files, paths: Iterable[str]) -> Iterator[Pipeline | None]:
    """The pipeline of each path, in turn.

    None for a part of a shared library that one before was read through: it is judged where it is called.
    When parts that nobody calls have taken `LIBRARY_WORK`, each further one that runs something is a problem.
    """
    through: set[str] = set()
    work = 0
    for path in paths:
        is_part = part(path) is not None
        beyond = is_part and work > LIBRARY_WORK
        if (is_part and path in through) or (beyond and not _runs(path, files)):
            yield None
        elif beyond:
            why = "it is not read: the shared library is more than one run follows; name the file to judge it"
            yield Pipeline(path, "jenkins", (), (Problem(Location(path, 1), why),), called=True)
        else:
            pipeline = read(path, files)
            work += pipeline.work if is_part else 0
            through.update(pipeline.followed)
            yield pipeline


def _runs(path: str, files: Files) -> bool:
    """Whether a part of a library may run something itself, and not only through other parts."""
    try:
        return _RUNS.search(files.read(path) or b"") is not None
    except FileRefused:
        return True


def uncalled(files: Files, read: Iterable[Pipeline]) -> Iterator[Pipeline]:
    """What is left of the parts of shared libraries that pipelines were read through.

    A method of theirs that none of these runs is for pipelines of other repositories: it is judged by itself.
    """
    found = list(read)
    ran = {method for pipeline in found for method in pipeline.ran}
    itself = {pipeline.file for pipeline in found}
    through = {path for pipeline in found for path in pipeline.followed if part(path) is not None}
    work = 0
    for path in in_turn(files, sorted(through - itself)):
        if work > LIBRARY_WORK or not _runs(path, files):
            continue
        content = files.read(path) or b""
        pipeline: Pipeline = import_module(READERS["jenkins"]).read(path, content, files, ran)
        work += pipeline.work
        ran |= pipeline.ran
        yield pipeline


def outermost(read: Iterable[Pipeline]) -> tuple[Pipeline, ...]:
    """Those that are no part of another: what another one was read through and nothing else starts.

    Of those that lead to each other the first one stays.
    """
    found = list(read)
    followed = {path for pipeline in found for path in pipeline.followed if path != pipeline.file}
    kept: list[Pipeline] = []
    through: set[str] = set()
    for pipeline in sorted(found, key=lambda one: one.called and one.file in followed):
        if not (pipeline.called and pipeline.file in through):
            kept.append(pipeline)
            through.update(pipeline.followed)
    return tuple(kept)


def read(path: str, files: Files) -> Pipeline:
    """The pipeline of one file; a name that no platform claims is known by its content."""
    platform = _platform_by_name(path)
    try:
        content = files.read(path)
    except FileRefused as error:
        problem = Problem(Location(path, 1, 1), f"the file is not read: {error.why}")
        return Pipeline(path, platform or "script", (), (problem,))
    if content is None:
        problem = Problem(Location(path, 1, 1), "the file is not in the repository")
        return Pipeline(path, platform or "script", (), (problem,))
    if platform is None:
        sniffed = (name for name in READERS if reader(name).sniffs(path, content))
        platform = cast("Platform", next(sniffed, "script"))
    return reader(platform).read(path, content, files)


def _platform_by_name(path: str) -> Platform | None:
    return next((cast("Platform", name) for name in READERS if reader(name).claims(path)), None)
