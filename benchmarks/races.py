"""Many bumps at once, each of another image, each with a pull request of its own at a fake GitHub."""

import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Budget, Place, Result, at_most, execute
from tests.fakes.github import GitHubFake
from tests.fakes.state import Hosted
from tests.servers.git_http import GitServer
from tests.servers.origin import Content

SECONDS = 20.0
_TOKEN = "a-token-of-the-benchmark"  # noqa: S105 - of a fake
_ENVIRONMENTS = ("staging", "test")
_CONFIGURATION = """\
version: 1
forge: {{kind: github, api_url: '{api}'}}
environments:
  staging: {{repo: '{repo}', branch: main, path: 'staging/{{image}}.yaml', source_branches: [main]}}
  test: {{repo: '{repo}', branch: main, path: 'test/{{image}}.yaml', source_branches: [main]}}
"""


def run(bumps: int, *, at_once: int, work: Path) -> tuple[Result, list[Budget]]:
    """`bumps` processes, `at_once` of them at a time; the wall time of all, and what they left behind."""
    found = Result(f"{bumps} bumps with a pull request, {at_once} at once")
    with (
        TemporaryDirectory(dir=work) as folder,
        GitServer(credentials=("x-access-token", _TOKEN)) as server,
        GitHubFake(_TOKEN) as api,
    ):
        origin = server.repository("acme/infra.git", _manifests(bumps))
        hosted = api.host(Hosted("acme/infra", origin))
        configuration = _CONFIGURATION.format(api=api.api_url, repo=origin.url)
        (Path(folder) / "cipipe.yaml").write_text(configuration)
        place = Bumper(Path(folder))
        execute([sys.executable, "-m", "cipipe", "--version"], place)  # fills the bytecode caches
        begun, before = time.perf_counter(), _processor()
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(place.bump, range(bumps)))
        found.seconds.append(time.perf_counter() - begun)
        processor = _processor() - before
        found.requests = len(server.requests) + len(api.requests)
        found.down = server.bytes_sent()
        pushes = sum(request.path.endswith("git-receive-pack") for request in server.requests)
        opened = sum(request.method == "POST" for request in api.requests)
        branches = len(origin.branches()) - 1
        pulls = len(hosted.opened())
    left = {"branches": branches, "pull requests": pulls, "pushes": pushes, "openings": opened}
    budgets = [
        Budget(f"{what} = {bumps}", str(number), held=number == bumps) for what, number in left.items()
    ]
    used = f"{processor / bumps:.2f} s"
    budgets.append(Budget("processor time of one bump, with the server's Git", used, held=True))
    return found, [*budgets, at_most("wall time", found.seconds[0], SECONDS, " s")]


def _processor() -> float:
    """Seconds of all processes that ended, which other work on the machine does not lengthen."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Bumper(Place):
    """Where they run, with the token."""

    def environment(self, run: int = 2) -> dict[str, str]:
        """The pipeline's facts, and the token."""
        return {**super().environment(run), "CIPIPE_TOKEN": _TOKEN}

    def bump(self, number: int) -> None:
        """One bump of an image and environment that no other one touches."""
        arguments = ["--env", _environment(number), "--image", f"ghcr.io/acme/s{number}:v2", "--quiet"]
        execute([sys.executable, "-m", "cipipe", "bump", *arguments], self)


def _environment(number: int) -> str:
    return _ENVIRONMENTS[number % len(_ENVIRONMENTS)]


def _manifests(bumps: int) -> dict[str, Content]:
    text = (
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: app\n      image: ghcr.io/acme/s{}:v1\n"
    )
    return {f"{_environment(number)}/s{number}.yaml": text.format(number).encode() for number in range(bumps)}
