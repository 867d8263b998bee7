"""What every test gets: a clean environment, and the outside tools it asks for."""

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

_KEPT = frozenset({"PATH", "TMPDIR", "VIRTUAL_ENV", "JAVA_HOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"})
_KEPT_PREFIXES = ("PYTEST_", "COVERAGE_", "TESTS_")
_TOOLS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cipipe-tools"
_VERSIONS = Path(__file__).parent / "tools" / "versions.txt"
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
_NO_SKIP = os.environ.get("TESTS_NO_SKIP", "") not in {"", "0"}


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No CI, no Git identity, no credentials, no home of the person who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - _KEPT:
            if not name.startswith(_KEPT_PREFIXES):
                patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("LANG", "C.UTF-8")
        yield


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """`tool("helm")`: the absolute path of a program; the test skips, or in CI fails, where there is none."""
    versions = dict(line.split()[:2] for line in _VERSIONS.read_text().splitlines() if line[0] != "#")
    search = f"{os.environ['PATH']}:/usr/sbin:/sbin"

    def find(name: str) -> str:
        built = _TOOLS / f"{name}-{versions.get(name)}" / name
        path = str(built) if built.exists() else shutil.which(name, path=search)
        if path is None:
            pytest.skip(f"needs {name}, which is not installed here (tests/run brings it where it can)")
        return path

    return find


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With TESTS_NO_SKIP a skipped test has failed: a missing tool must not make CI green."""
    return _without_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself."""
    return _without_skip((yield))


def _without_skip(report: Report) -> Report:
    if _NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and skipping is forbidden here: {report.longreprtext}"
    return report
