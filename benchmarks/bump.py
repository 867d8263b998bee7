"""A bump over HTTP on loopback, against clones with a work tree."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import repositories
from benchmarks.measure import Budget, Place, Result, at_most, count, execute, timed, times_faster
from tests.servers.git_http import GitServer
from tests.servers.origin import Origin

NUMBER = 41
"""The application whose tag moves."""
IMAGE = f"ghcr.io/acme/{repositories.application(NUMBER)}"
KNOWN = repositories.path(NUMBER, "staging")


@dataclass(frozen=True)
class Contender:
    """`arguments` may hold {url}, {path}, {config}, {cache} and {tag}.

    A `warm` one has run once before, with another tag, on the same repository and cache.
    """

    name: str
    module: str
    arguments: tuple[str, ...]
    warm: bool = False

    def filled(self, **values: object) -> list[str]:
        """The arguments of one run."""
        return [argument.format(**values) for argument in self.arguments]


_BUMP = ("bump", "--config", "{config}", "--env", "staging", "--image", f"{IMAGE}:{{tag}}", "--quiet")
CIPIPE = Contender("cipipe bump", "cipipe", _BUMP)
CACHED = Contender("cipipe bump --cache-dir, again", "cipipe", (*_BUMP, "--cache-dir", "{cache}"), warm=True)
_PEER = ("{url}", "{path}", IMAGE, "{tag}")
SHALLOW = Contender("shallow clone, work tree, ruamel", "benchmarks.peers", ("shallow", *_PEER))
SPARSE = Contender("sparse partial clone, ruamel", "benchmarks.peers", ("sparse", *_PEER))
FULL = Contender("full clone, work tree, ruamel", "benchmarks.peers", ("full", *_PEER))
CONTENDERS = (CIPIPE, CACHED, SPARSE, SHALLOW, FULL)


def run(
    manifests: int, *, known: bool, runs: int, work: Path, contenders: Sequence[Contender] = CONTENDERS
) -> dict[Contender, Result]:
    """Each contender counted once and timed `runs` times in turn, on fresh copies of the same repository."""
    found = {contender: Result(contender.name) for contender in contenders}
    known_path = KNOWN if known else "staging"
    with TemporaryDirectory(dir=work) as folder:
        place = _checkout(Path(folder) / "source", work)
        repository = _bumped_before(repositories.bare(manifests), Path(folder), place)
        for timing in range(runs + 1):
            for contender, result in found.items():
                with _round(repository, contender, known_path, place) as (server, arguments):
                    if timing == 0:
                        count(result, contender.module, arguments, place, server)
                    else:
                        timed(result, [sys.executable, "-m", contender.module, *arguments], place)
    return found


def _checkout(folder: Path, work: Path) -> Place:
    """The application's repository, in which a pipeline's step stands."""
    source = Origin.create(folder.with_suffix(".git"), {"Dockerfile": b"FROM scratch\n"})
    subprocess.run(["git", "clone", "--quiet", source.url, str(folder)], check=True, capture_output=True)
    commit = source.tip("main")
    assert commit
    return Place(work, folder, commit)


def _bumped_before(repository: Path, folder: Path, place: Place) -> Path:
    """The repository after an earlier run's bump, as it stands from the second on: its order is compared."""
    with GitServer() as server:
        origin = server.adopt("acme/infra.git", repositories.copy(repository, folder / "bumped.git"))
        config = folder / "push.yaml"
        config.write_text(_CONFIG.format(url=origin.url, path=KNOWN).replace("pull-request", "push"))
        arguments = CIPIPE.filled(config=config, tag="v1.9")
        execute([sys.executable, "-m", "cipipe", *arguments], place, run=1)
    subprocess.run(["git", "repack", "-adq"], cwd=folder / "bumped.git", check=True)
    return folder / "bumped.git"


@contextmanager
def _round(
    repository: Path, contender: Contender, path: str, place: Place
) -> Iterator[tuple[GitServer, list[str]]]:
    with TemporaryDirectory(dir=place.work) as folder, GitServer() as server:
        origin = server.adopt("acme/infra.git", repositories.copy(repository, Path(folder) / "origin.git"))
        config = Path(folder) / "cipipe.yaml"
        config.write_text(_CONFIG.format(url=origin.url, path=path))
        values = {"url": origin.url, "path": path, "config": config, "cache": Path(folder) / "cache"}
        if contender.warm:
            arguments = contender.filled(**values, tag="v2")
            execute([sys.executable, "-m", contender.module, *arguments], place)
        yield server, contender.filled(**values, tag="v3")
        (branch,) = origin.branches().keys() - {"main"}
        assert f"image: {IMAGE}:v3\n".encode() in origin.read(KNOWN, branch)


_CONFIG = """\
version: 1
environments:
  staging:
    repo: {url}
    branch: main
    path: {path}
    source_branches: ["*"]
    delivery: pull-request
forge: {{kind: none}}
"""


def count_budgets(manifests: int, *, known: bool, found: Mapping[Contender, Result]) -> list[Budget]:
    """The promises of DESIGN section 12 on counts, which no other load on the machine moves."""
    cold, cached = found[CIPIPE], found[CACHED]
    if not known:
        return [at_most("again with --cache-dir: kB down", cached.down / 1000, 60)]
    checked = [
        at_most("git commands started", cold.commands, 10),
        at_most("files on disk", cold.files, 25),
        at_most("requests", cold.requests, 8),
        at_most("requests when a bump branch is replaced", cached.requests, 8),
    ]
    return [*checked, at_most("MB down", cold.down / 1e6, 0.4)] if manifests <= 10_000 else checked


def time_budgets(
    manifests: int, *, known: bool, found: Mapping[Contender, Result], ram_disk: bool
) -> list[Budget]:
    """The promises on wall time, as ratios in the same run."""
    cold, shallow = found[CIPIPE], found[SHALLOW]
    if not known:
        return [
            times_faster("against a shallow clone", shallow, cold, 1),
            times_faster("again with --cache-dir: against the cold run", cold, found[CACHED], 2),
        ]
    least = (3 if ram_disk else 6) if manifests <= 10_000 else 15
    return [times_faster("against a shallow clone", shallow, cold, least)]
