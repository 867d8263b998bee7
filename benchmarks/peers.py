"""What people do today to move a tag: clone, work tree, YAML library, commit, push.

    python -m benchmarks.peers full|shallow|sparse URL PATH REPOSITORY TAG
    python -m benchmarks.peers set-image FOLDER REPOSITORY TAG

The shapes are those of public tools: a clone into a temporary folder, ruamel.yaml's round trip over each file
that holds the image, `git commit`, `git push`. PATH is a file, or a folder that is searched.
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

CLONES = {
    "full": ["--single-branch"],
    "shallow": ["--depth=1"],
    "sparse": ["--depth=1", "--filter=blob:none", "--sparse"],
}


def bump(shape: str, url: str, path: str, repository: str, tag: str) -> None:
    """Clone in `shape`, set `repository` to `tag` in every container below `path`, push a branch."""
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder) / "checkout"
        _git(Path(folder), "clone", *CLONES[shape], url, str(checkout))
        target = checkout / path
        if shape == "sparse":
            known = path.endswith(".yaml")
            _git(checkout, "sparse-checkout", "set", str(Path(path).parent) if known else path)
        files = [target] if target.is_file() else _holding(checkout, path, repository)
        for file in files:
            _round_trip(file, repository, tag)
        _git(checkout, "commit", "--all", "--message", f"Set {repository} to {tag}")
        _git(checkout, "push", "--force", "origin", f"HEAD:refs/heads/bump/{tag}")


def set_image(folder: str, repository: str, tag: str) -> None:
    """`git grep -lF`, and one write of bytes for each file found."""
    found = _git(Path(folder), "grep", "--untracked", "-lF", f"{repository}:").split()
    for name in found:
        file = Path(folder, name)
        file.write_bytes(
            file.read_bytes().replace(f"{repository}:v1".encode(), f"{repository}:{tag}".encode())
        )


def _holding(checkout: Path, path: str, repository: str) -> list[Path]:
    return [
        checkout / name for name in _git(checkout, "grep", "-lF", f"{repository}:", "--", path).splitlines()
    ]


def _round_trip(file: Path, repository: str, tag: str) -> None:
    from ruamel.yaml import YAML  # noqa: PLC0415 - set-image's peer does without

    yaml = YAML()
    documents = list(yaml.load_all(file.read_text()))
    for document in documents:
        template = document.get("spec", {}).get("template", {})
        for container in template.get("spec", {}).get("containers", []):
            if container["image"].rpartition(":")[0] == repository:
                container["image"] = f"{repository}:{tag}"
    text = io.StringIO()
    yaml.dump_all(documents, text)
    file.write_text(text.getvalue())


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Bench", "-c", "user.email=bench@example.com")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    if sys.argv[1] == "set-image":
        set_image(*sys.argv[2:])
    else:
        bump(*sys.argv[1:])
