"""Scripts, repositories in memory, and what runs there."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from cipipe.pipelines.model import HOLE, Script, script_at
from cipipe.results import Location
from cipipe.shell import Resolved, Scope, Session, resolve

DEPLOYS = frozenset({"kubectl", "helm", "argocd", "kubernetes-api"})
Resolve = Callable[..., Resolved]


class Repository:
    """Files in memory."""

    slug = ""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def read(self, path: str) -> bytes | None:
        """The content."""
        return self.files[path].encode() if path in self.files else None

    def list(self, prefix: str) -> tuple[str, ...]:
        """The paths below a folder."""
        return tuple(sorted(p for p in self.files if not prefix or p.startswith(f"{prefix}/")))


@pytest.fixture(scope="session")
def run() -> Resolve:
    """`run(text, files=…, variables=…)`: what a script runs whose first line is line 10 of ci.yml."""

    def resolved(
        text: str,
        *,
        files: Mapping[str, str] | None = None,
        language: str = "bash",
        variables: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        holes: Sequence[str] = (),
    ) -> Resolved:
        session = Session(files=Repository(files or {}))
        script = script_at(text, language, Location("ci.yml", 10, 1), block=True)
        script = Script(script.text, language, script.lines, holes=tuple(holes))
        return resolve(script, Scope(session=session, variables=variables or {}, arguments=tuple(arguments)))

    return resolved


@pytest.fixture(scope="session")
def deploys(run: Resolve) -> Callable[..., list[str]]:
    """The deploy commands of a script, in order, words joined; what is not known is `?`."""

    def found(text: str, **options: object) -> list[str]:
        commands = run(text, **options).commands
        return [
            " ".join((command.argv[0].rsplit("/", 1)[-1], *command.argv[1:])).replace(HOLE, "?")
            for command in commands
            if command.argv[0].rsplit("/", 1)[-1] in DEPLOYS
        ]

    return found
