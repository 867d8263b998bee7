"""Finding `cipipe.yaml`, and the tokens of its environments."""

import os
from pathlib import Path

import pytest

from cipipe.cli import configuration
from cipipe.errors import ConfigError, UsageError

TEXT = "version: 1\nenvironments:\n  eu-west: {branch: main, path: a, source_branches: [main]}\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a folder `a/b`, which is the current one."""
    (tmp_path / "repository/.git").mkdir(parents=True)
    (tmp_path / "repository/a/b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repository/a/b")
    return tmp_path / "repository"


@pytest.mark.parametrize(
    ("folder", "shown"), [("", "../../cipipe.yaml"), ("a", "../cipipe.yaml"), ("a/b", "cipipe.yaml")]
)
def test_found_upwards_to_the_root(repository: Path, folder: str, shown: str) -> None:
    (repository / folder / "cipipe.yaml").write_text(TEXT)
    assert configuration.read(None).file == shown


def test_the_nearest_counts(repository: Path) -> None:
    (repository / "cipipe.yaml").write_text("nonsense: 1")
    (repository / "a/cipipe.yaml").write_text(TEXT)
    assert configuration.read(None).file == "../cipipe.yaml"


def test_never_found_above_the_root(repository: Path) -> None:
    (repository.parent / "cipipe.yaml").write_text(TEXT)
    with pytest.raises(ConfigError, match=r"no cipipe.yaml from .*/a/b up to .*/repository") as caught:
        configuration.read(None)
    assert "cipipe init" in (caught.value.hint or "")


def test_a_linked_worktree_is_a_root(repository: Path) -> None:
    (repository / "cipipe.yaml").write_text(TEXT)
    (repository / "a/.git").write_text("gitdir: elsewhere")
    with pytest.raises(ConfigError, match=r"up to .*/a$"):
        configuration.read(None)


def test_outside_a_repository_only_the_current_folder_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "cipipe.yaml").write_text(TEXT)
    monkeypatch.chdir(tmp_path / "below")
    with pytest.raises(ConfigError, match=r"no cipipe\.yaml in"):
        configuration.read(None)
    monkeypatch.chdir(tmp_path)
    assert configuration.read(None).file == "cipipe.yaml"


def test_named(repository: Path) -> None:
    (repository / "other.yaml").write_text(TEXT)
    assert configuration.read("../../other.yaml").environment("eu-west").path == ("a",)


def test_what_is_no_file(repository: Path) -> None:
    os.mkfifo(repository / "pipe")
    for name, message in [
        ("missing.yaml", "No such file"),
        ("..", "this is no file"),
        ("../../pipe", "this is no file"),
    ]:
        with pytest.raises(ConfigError, match=message) as caught:
            configuration.read(name)
        assert caught.value.file == name


def test_errors_name_the_file_and_line(repository: Path) -> None:
    (repository / "cipipe.yaml").write_text("version: 1\nimage: {}\n")
    with pytest.raises(ConfigError) as caught:
        configuration.read(None)
    assert (caught.value.file, caught.value.line, caught.value.hint) == (
        "../../cipipe.yaml",
        2,
        "did you mean 'images'?",
    )


def test_a_token_of_no_environment_is_refused(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "cipipe.yaml").write_text(TEXT)
    monkeypatch.setenv("CIPIPE_TOKEN_EU_WEST", "canary")
    configuration.read(None)
    monkeypatch.setenv("CIPIPE_TOKEN_EU_WESR", "canary")
    with pytest.raises(UsageError, match="CIPIPE_TOKEN_EU_WESR is the token of no") as caught:
        configuration.read(None)
    assert caught.value.hint == "did you mean 'CIPIPE_TOKEN_EU_WEST'?"
    assert "canary" not in str(caught.value)
