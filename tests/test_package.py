"""What a user installs: the wheel has every module, the licence and the command, and needs no checkout."""

import os
import subprocess
import sys
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

import cipipe

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout and laid out as pip would."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("cipipe-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_has_every_module(installed: Path) -> None:
    package = Path(cipipe.__file__).parent
    modules = {path.relative_to(package) for path in package.rglob("*.py")}
    assert {
        path.relative_to(installed / "cipipe") for path in (installed / "cipipe").rglob("*.py")
    } == modules


def test_the_wheel_says_what_it_is(installed: Path) -> None:
    (information,) = installed.glob("*.dist-info")
    distribution = PathDistribution(information)
    (command,) = distribution.entry_points.select(group="console_scripts")
    assert (command.name, command.value) == ("cipipe", "cipipe.__main__:main")
    assert distribution.version == cipipe.__version__
    assert (information / "licenses" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_wheel_runs_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    run = [sys.executable, "-m", "cipipe", "--version"]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(run, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == f"cipipe, version {cipipe.__version__}"
    where = [sys.executable, "-c", "import cipipe; print(cipipe.__file__)"]
    done = subprocess.run(where, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str(installed / "cipipe" / "__init__.py")
