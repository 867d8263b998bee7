"""A script that a person names: judged as one that CI runs."""

import posixpath

from cipipe.pipelines.model import WORKSPACE, Files, Job, Pipeline, Script, Step
from cipipe.results import Location

_SHELLS = {
    ".bash": "bash",
    ".bat": "cmd",
    ".cjs": "node",
    ".cmd": "cmd",
    ".js": "node",
    ".mjs": "node",
    ".ps1": "pwsh",
    ".py": "python",
    ".sh": "bash",
    ".ts": "node",
    ".zsh": "bash",
}
_INTERPRETERS = ("python", "node", "pwsh", "bash", "zsh", "ksh", "dash", "ash", "sh")
_RUNNERS = {
    "makefile": "make -f {}",
    "gnumakefile": "make -f {}",
    "justfile": "just -f {}",
    "taskfile.yml": "task -t {}",
    "taskfile.yaml": "task -t {}",
}


def claims(path: str) -> bool:  # noqa: ARG001 - a script is a pipeline only when a person names it
    """No name alone makes a script a pipeline."""
    return False


def sniffs(path: str, content: bytes) -> bool:
    """Whether the file is something that CI can run."""
    return posixpath.basename(path).lower() in _RUNNERS or shell_of(path, content) is not None


def shell_of(path: str, content: bytes) -> str | None:
    """The language of a script by its first line, else by its name; None when neither tells."""
    first = content.split(b"\n", 1)[0].decode("utf-8", "replace")
    if first.startswith("#!"):
        words = [posixpath.basename(word) for word in first[2:].split() if not word.startswith("-")]
        program = next((word for word in words if word != "env"), "")
        for name in _INTERPRETERS:
            if program.startswith(name):
                return {"zsh": "bash", "ksh": "bash", "dash": "sh", "ash": "sh"}.get(name, name)
        return f"unknown:{program}"
    return _SHELLS.get(posixpath.splitext(path)[1].lower())


def read(path: str, content: bytes, files: Files) -> Pipeline:  # noqa: ARG001 - the protocol of readers
    """A pipeline of one job that runs the script."""
    runner = _RUNNERS.get(posixpath.basename(path).lower())
    if runner is not None:
        text, shell = runner.format(f"{WORKSPACE}/{path}"), "sh"
    else:
        text, shell = content.decode("utf-8", "replace"), shell_of(path, content) or "unknown:" + path
    count = 1 if runner else text.count("\n") + 1
    lines = tuple(Location(path, number, 1) for number in range(1, count + 1))
    step = Step(lines[0], "run", "", Script(text, shell, lines))
    return Pipeline(path, "script", (Job(path, lines[0], (step,)),))
