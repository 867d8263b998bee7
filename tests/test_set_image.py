"""`cipipe set-image` on real files: what is written, what is said, and the exit code."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cipipe.cli import run

POD = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: {name}\n    image: ghcr.io/acme/app:{tag}\n"
V1, V2 = POD.format(name="a", tag="v1"), POD.format(name="a", tag="v2")
REF = "ghcr.io/acme/app:v2"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    for name in ("m/a.yaml", "m/sub/b.yml", "m/notes.txt", "m/.git/c.yaml", "m/.github/workflows/ci.yml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(V1)
    yield tmp_path
    left = [path.name for path in tmp_path.rglob("*.cipipe")]
    assert left == []


def _texts(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_folder_s_manifests_change_and_nothing_else(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "m/a.yaml").chmod(0o640)

    assert run(["set-image", "m", "--image", REF]) == 0

    changed = {path for path, text in _texts(folder).items() if text == V2}
    assert changed == {"m/a.yaml", "m/sub/b.yml"}
    assert (folder / "m/a.yaml").stat().st_mode & 0o777 == 0o640
    out = capsys.readouterr().out
    assert "changed 2 fields in 2 files" in out
    assert "m/a.yaml:6  ghcr.io/acme/app:v1 -> ghcr.io/acme/app:v2" in out


def test_a_file_is_read_whatever_its_name(folder: Path) -> None:
    assert run(["set-image", "m/notes.txt", "--image", REF, "--quiet"]) == 0
    assert (folder / "m/notes.txt").read_text() == V2


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["set-image", "m/a.yaml", "--image", REF, "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "command": "set-image",
        "status": "changed",
        "changes": [
            {
                "file": "m/a.yaml",
                "line": 6,
                "path": "spec.containers[0].image",
                "kind": "container",
                "old": "ghcr.io/acme/app:v1",
                "new": "ghcr.io/acme/app:v2",
            }
        ],
    }
    assert run(["set-image", "m/a.yaml", "--image", REF, "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "command": "set-image",
        "status": "unchanged",
        "changes": [],
    }


def test_check_is_exit_1_and_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = _texts(folder)

    assert run(["set-image", "m", "--image", REF, "--check", "--diff"]) == 1

    assert _texts(folder) == before
    out = capsys.readouterr().out
    assert "would change 2 fields" in out
    assert "-    image: ghcr.io/acme/app:v1\n+    image: ghcr.io/acme/app:v2\n" in out
    assert run(["set-image", "m", "--image", "ghcr.io/acme/app:v1", "--check"]) == 0


def test_a_dry_run_shows_the_diff_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _texts(folder)

    assert run(["set-image", "m/a.yaml", "--image", REF, "--dry-run"]) == 0

    assert _texts(folder) == before
    out = capsys.readouterr().out
    assert out.startswith("--- a/m/a.yaml\n+++ b/m/a.yaml\n@@ ")
    assert "would change 1 field" in out


def test_no_field_is_exit_3_with_the_nearest_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = _texts(folder)

    assert run(["set-image", "m", "--image", REF, "--image", "ghcr.io/acme/ap:v2", "--output", "json"]) == 3

    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "nothing-matched"
    assert "ghcr.io/acme/app" in error["hint"]
    assert _texts(folder) == before


def test_no_manifest_is_exit_3(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert run(["set-image", "empty", "--image", REF]) == 3


def test_what_cannot_be_edited_is_exit_2_and_no_file_is_touched(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "m/z.yaml").write_text(POD.format(name="z", tag="{{ .Values.tag }}"))
    before = _texts(folder)

    assert run(["set-image", "m", "--image", REF, "--output", "json"]) == 2

    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["file"], error["line"]) == ("m/z.yaml", 6)
    assert _texts(folder) == before


@pytest.mark.parametrize(
    "image", ["ghcr.io/acme/app", "ghcr.io/acme/app:v2#x", "ghcr.io/acme/app:v2\n", ":v2", "app=v2"]
)
def test_a_wrong_ref_is_exit_2_before_anything_is_read(image: str, folder: Path) -> None:
    before = _texts(folder)
    assert run(["set-image", "m", "--image", image]) == 2
    assert _texts(folder) == before


def test_a_missing_path_is_exit_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["set-image", "m/none.yaml", "--image", REF]) == 2
    assert "m/none.yaml: cannot read it: No such file" in capsys.readouterr().err


def test_an_unreadable_file_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["set-image", "/proc/self/mem", "--image", REF]) == 2
    assert "/proc/self/mem: cannot read it" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["/dev/zero", "pipe.yaml"])
def test_what_is_no_file_is_exit_2_and_not_waited_for(
    path: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(folder / "pipe.yaml")
    assert run(["set-image", path, "--image", REF]) == 2
    assert f"{path}: it is neither a file nor a folder" in capsys.readouterr().err


def test_a_ref_without_a_tag_is_refused_before_anything_is_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["set-image", "m/none.yaml", "--image", "ghcr.io/acme/app"]) == 2
    assert "'ghcr.io/acme/app' has no tag" in capsys.readouterr().err


def test_links_in_a_folder_are_not_followed(folder: Path) -> None:
    outside = folder / "outside.yaml"
    outside.write_text(V1)
    (folder / "m/link.yaml").symlink_to(outside)
    (folder / "m/loop").symlink_to(folder / "m")

    assert run(["set-image", "m", "--image", REF, "--quiet"]) == 0

    assert outside.read_text() == V1
    assert (folder / "m/link.yaml").is_symlink()


def test_a_link_that_is_named_stays_a_link(folder: Path) -> None:
    (folder / "link.yaml").symlink_to(folder / "m/a.yaml")

    assert run(["set-image", "link.yaml", "m/a.yaml", "--image", REF, "--quiet"]) == 0

    assert (folder / "link.yaml").is_symlink()
    assert (folder / "m/a.yaml").read_text() == V2


def test_a_failing_write_leaves_every_file_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _texts(folder)
    replace = Path.replace

    def full(self: Path, target: str) -> Path:
        if str(target).endswith("b.yml") and self.read_text() == V2:
            raise OSError(28, "No space left on device", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)

    assert run(["set-image", "m", "--image", REF]) == 2
    assert _texts(folder) == before
    assert "No space left on device" in capsys.readouterr().err


def test_container_and_key_narrow(folder: Path) -> None:
    (folder / "m/a.yaml").write_text(V1 + "  - name: b\n    image: ghcr.io/acme/app:v1\n")

    assert run(["set-image", "m/a.yaml", "--image", REF, "--container", "b", "--quiet"]) == 0
    assert (folder / "m/a.yaml").read_text() == V1 + "  - name: b\n    image: ghcr.io/acme/app:v2\n"
    assert run(["set-image", "m/a.yaml", "--image", REF, "--container", "c"]) == 3
    assert run(["set-image", "m/a.yaml", "--image", ":v3", "--key", "spec.containers[0].image"]) == 0
    assert (folder / "m/a.yaml").read_text().startswith(POD.format(name="a", tag="v3"))


def test_a_configured_name(folder: Path) -> None:
    (folder / "cipipe.yaml").write_text("version: 1\nimages: {app: {repository: ghcr.io/acme/app}}\n")

    assert run(["set-image", "m/a.yaml", "--image", "app=v2", "--quiet"]) == 0
    assert (folder / "m/a.yaml").read_text() == V2
    assert run(["set-image", "m/a.yaml", "--image", "ap=v2"]) == 2


def test_bytes_that_are_no_utf_8_are_kept(folder: Path) -> None:
    raw = V1.replace("\n", "\r\n").encode() + b"# caf\xe9"
    (folder / "m/a.yaml").write_bytes(raw)

    assert run(["set-image", "m/a.yaml", "--image", REF, "--diff"]) == 0
    assert (folder / "m/a.yaml").read_bytes() == raw.replace(b":v1", b":v2")
