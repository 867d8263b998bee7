"""`cipipe set-image` over a folder of manifests, against `git grep -lF` and one write."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import repositories
from benchmarks.measure import Budget, Place, Result, count, timed

NUMBER = 41
IMAGE = f"ghcr.io/acme/{repositories.application(NUMBER)}"


def run(megabytes: int, *, runs: int, work: Path) -> tuple[Result, Result]:
    """(cipipe, git grep), in turn over the same files, which one write of the old tag resets."""
    ours, theirs = Result(f"cipipe set-image, {megabytes} MB"), Result("git grep -lF + one write")
    with TemporaryDirectory(dir=work) as folder:
        files = _write(Path(folder), megabytes * 1_000_000)
        changed = Path(folder, repositories.path(NUMBER, "staging"))
        old = changed.read_bytes()
        # The peer's folder is a repository, as it has to be; ours reads the same files and needs none.
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True, env=Place(work).environment())
        contenders = (
            (ours, "cipipe", ["set-image", folder, "--image", f"{IMAGE}:v2", "--quiet"]),
            (theirs, "benchmarks.peers", ["set-image", folder, IMAGE, "v2"]),
        )
        for timing in range(runs + 1):
            for result, module, arguments in contenders:
                if timing == 0:
                    count(result, module, arguments, Place(work))
                else:
                    timed(result, [sys.executable, "-m", module, *arguments], Place(work))
                assert changed.read_bytes() == old.replace(f"{IMAGE}:v1".encode(), f"{IMAGE}:v2".encode())
                changed.write_bytes(old)
        for result in (ours, theirs):
            result.files = files
    return ours, theirs


def budgets(ours: Result, theirs: Result) -> list[Budget]:
    """Within 2x, and without Git."""
    ratio = ours.median / theirs.median
    return [
        Budget("set-image against git grep <= 2x", f"{ratio:.2f}x", held=ratio <= 2),
        Budget("set-image starts no git command", str(ours.commands), held=ours.commands == 0),
    ]


def _write(folder: Path, size: int) -> int:
    written = number = 0
    while written < size:
        for environment_name in repositories.ENVIRONMENTS:
            file = folder / repositories.path(number, environment_name)
            file.parent.mkdir(parents=True, exist_ok=True)
            written += file.write_bytes(repositories.manifest(number, environment_name).encode())
        number += 1
    return number * len(repositories.ENVIRONMENTS)
