"""A repository in memory, and short forms of what readers give."""

from collections.abc import Callable, Mapping

import pytest

from cipipe.pipelines.model import FileRefused, Files, Pipeline

LIMIT = 5_000_000


class MemoryFiles:
    """Files by path; refuses what the real implementation refuses."""

    slug = ""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self.files = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}

    def read(self, path: str) -> bytes | None:
        if path.startswith(("/", "../")):
            raise FileRefused(path, "it is outside of the repository")
        content = self.files.get(path)
        if content is not None and len(content) > LIMIT:
            raise FileRefused(path, "it is too large")
        return content

    def list(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted(path for path in self.files if path.startswith(prefix)))


@pytest.fixture(scope="session")
def repository() -> Callable[[Mapping[str, str | bytes]], Files]:
    """`repository({path: text})`: a repository that holds these files."""
    return MemoryFiles


@pytest.fixture(scope="session")
def runs() -> Callable[[Pipeline], list[str]]:
    """`runs(pipeline)`: each line of its scripts as `file:line:column text`, each other step in short."""

    def short(pipeline: Pipeline) -> list[str]:
        found: list[str] = []
        for step in (step for job in pipeline.jobs for step in job.steps):
            if step.script is None:
                found.append(f"{step.location.file}:{step.location.line} {step.kind} {step.name}")
                continue
            offset = 0
            for line in step.script.text.split("\n"):
                place = step.script.locate(offset)
                if line.strip():
                    found.append(f"{place.file}:{place.line}:{place.column} {line}")
                offset += len(line) + 1
        return found

    return short
