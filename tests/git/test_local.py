"""The checkout is only read: facts of real clones, and nothing of a poisoned one runs."""

import os
import subprocess
from pathlib import Path

import pytest

from cipipe import secrets
from cipipe.git.local import Checkout
from tests.git.poison import poison
from tests.servers.origin import Origin

ENVIRON = {"PATH": os.environ["PATH"]}


def _clone(origin: Origin, folder: Path, *options: str) -> Path:
    subprocess.run(["git", "clone", "-q", *options, origin.url, str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    made = Origin.create(tmp_path / "origin.git", {"a": b"1"})
    for number in range(3):
        made.commit({"a": b"%d" % number}, date=1_700_000_100 + number)
    return made


def test_facts(origin: Origin, tmp_path: Path) -> None:
    folder = _clone(origin, tmp_path / "clone")
    (folder / "deep/er").mkdir(parents=True)
    newest, *_, oldest = origin.log()
    with Checkout.find(folder / "deep/er", ENVIRON) or pytest.fail("not found") as checkout:
        assert checkout.root == folder
        assert (checkout.head.id, checkout.head.committed) == (newest, 1_700_000_102)  # type: ignore[union-attr]  # shown by the test
        assert checkout.branch == "main"
        assert checkout.remote_url == origin.url
        assert checkout.commit_time(oldest) == 1_700_000_000
        assert checkout.commit_time("--help") is None
        assert checkout.is_ancestor(oldest, newest) is True
        assert checkout.is_ancestor(newest, oldest) is False
        assert checkout.is_ancestor(newest, "1" * 40) is None
        assert checkout.is_ancestor("--all", newest) is None


def test_the_address_has_no_credentials(origin: Origin, tmp_path: Path) -> None:
    folder = _clone(origin, tmp_path / "clone")
    origin_ = "https://gitlab-ci-token:glcbt-canary@gitlab.example.com/acme/app.git"
    subprocess.run(["git", "remote", "set-url", "origin", origin_], cwd=folder, check=True)
    with Checkout.find(folder, ENVIRON) or pytest.fail("not found") as checkout:
        assert checkout.remote_url == "https://gitlab.example.com/acme/app.git"
    assert secrets.redact(origin_) == origin_.replace("glcbt-canary", "***")


def test_shallow_and_partial_clones_do_not_deny(origin: Origin, tmp_path: Path) -> None:
    newest, second, *_, oldest = origin.log()
    shallow_clone = _clone(origin, tmp_path / "s", "--depth=2")
    with Checkout.find(shallow_clone, ENVIRON) or pytest.fail("not found") as shallow:
        assert shallow.is_ancestor(second, newest) is True
        assert shallow.is_ancestor(newest, second) is None
        assert shallow.is_ancestor(oldest, newest) is None
    origin.git("config", "uploadpack.allowFilter", "true")
    partial = _clone(origin, tmp_path / "p", "--filter=blob:none")
    with Checkout.find(partial, ENVIRON) or pytest.fail("not found") as checkout:
        assert checkout.is_ancestor(second, newest) is None


def test_detached_empty_and_none(origin: Origin, tmp_path: Path) -> None:
    folder = _clone(origin, tmp_path / "clone")
    subprocess.run(["git", "checkout", "-q", "--detach"], cwd=folder, check=True)
    with Checkout.find(folder, ENVIRON) or pytest.fail("not found") as checkout:
        assert checkout.branch is None
        assert checkout.head
    subprocess.run(["git", "init", "-q", str(tmp_path / "empty")], check=True, capture_output=True)
    with Checkout.find(tmp_path / "empty", ENVIRON) or pytest.fail("not found") as checkout:
        assert checkout.head is None
        assert checkout.remote_url is None
    assert Checkout.find(tmp_path, ENVIRON) is None


def test_nothing_of_a_poisoned_checkout_runs(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _clone(origin, tmp_path / "clone")
    mark = tmp_path / "ran"
    environ = ENVIRON | poison(folder / ".git", tmp_path / "evil", mark, path=folder / "bin")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    newest, *_, oldest = origin.log()
    with Checkout.find(folder, environ) or pytest.fail("not found") as checkout:
        assert checkout.root == folder
        assert checkout.head
        assert checkout.branch == "main"
        assert checkout.remote_url == origin.url
        assert checkout.is_ancestor(oldest, newest) is True
    assert not mark.exists(), mark.read_text()
