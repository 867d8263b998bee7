"""Readers: pipeline files -> the model of what runs (layer 1)."""

from collections.abc import Iterable
from importlib import import_module
from typing import Protocol, cast

from cipipe.pipelines.model import FileRefused, Files, Pipeline, Platform, Problem
from cipipe.results import Location

READERS = {
    "github": "cipipe.pipelines.github",
    "gitlab": "cipipe.pipelines.gitlab",
    "jenkins": "cipipe.pipelines.jenkins",
    "script": "cipipe.pipelines.scripts",
}

GITLAB_ENTRY = ".gitlab-ci.yml"

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
    """The pipelines at `paths`, else those that are found.

    What another pipeline was read through and nothing else starts is left out: it is judged where it is
    called. A path that a person names is read whatever its name.
    """
    found = [_read(path, files) for path in discover(files)] if paths is None else []
    named = [_read(path, files) for path in paths or ()]
    followed = {path for pipeline in found for path in pipeline.followed if path != pipeline.file}
    kept = [pipeline for pipeline in found if not (pipeline.called and pipeline.file in followed)]
    return (*kept, *named)


def _read(path: str, files: Files) -> Pipeline:
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
