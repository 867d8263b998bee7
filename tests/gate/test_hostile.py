"""Hostile repositories end soon, and what they hide is found or said to be unresolved: never silence."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cipipe import reading
from cipipe.policy.facts import Facts
from cipipe.worktree import Worktree
from tests.gate import cases, hostile
from tests.gate.hostile import DEPLOY, GITLAB, JENKINS, WORKFLOW, workflow

HANGS = 5  # seconds; it is two on a machine of its own
# Those that take more than half a second run with TESTS_LONG=1 only.
LONG = frozenset(
    """100,000 steps|20,000 jobs|20,000 jobs of GitLab|100,000 lines of a job|50,000 steps of Jenkins|10,000 stages
blank lines of Groovy|eval inside itself|3,000 clusters|3,000 kubeconfigs|dollars of Groovy|splits of Groovy
a text of Groovy that never ends|closures on lists of Groovy|libraries that fan out|iex in iex|deep evals
a fan of composite actions|references that multiply|a chain of reusable workflows|quotes of PowerShell
a sum of Groovy|a chain of indexes of Groovy|a chain of calls of Groovy|semicolons|an AWS document
parallel of Groovy|slashes of Groovy|ampersands of cmd|eval of long texts|arguments that double""".replace(
        "\n", "|"
    ).split("|")
)


def judged(root: Path) -> tuple[set[str], Facts]:
    facts = reading.collect(reading.Repository(Worktree(root)), None).facts
    return {rule for rule, _, _ in cases.placed(facts)}, facts


@pytest.mark.parametrize(
    "name", sorted(hostile.CASES.keys() - (frozenset() if os.environ.get("TESTS_LONG") else LONG))
)
def test_nothing_is_lost_in_silence(name: str, tmp_path: Path) -> None:
    case = hostile.CASES[name]()
    hostile.write(case, tmp_path / "r")
    started = time.process_time()
    rules, _ = judged(tmp_path / "r")
    assert time.process_time() - started < HANGS
    if case.says == "deny":
        assert "direct-deploy" in rules
    elif case.says == "said":
        assert rules & {"direct-deploy", "unresolved-command"}


def test_the_long_ones_are_there() -> None:
    assert hostile.CASES.keys() >= LONG


@pytest.mark.parametrize(
    "content",
    [
        workflow(DEPLOY).encode("utf-16"),
        workflow(DEPLOY).encode("utf-16-be"),
        workflow(DEPLOY).encode("utf-32"),
        workflow(DEPLOY).replace("hidden", "\0").encode(),
        workflow(DEPLOY).replace("hidden", "h\xe9").encode("latin-1"),
        b"\x7fELF" + bytes(range(256)) * 50,
        b"\x1f\x8b\x08" + bytes(range(256)),
        b"",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"%YAML 9.9\n---\njobs: {}\n",
        b"--- !!python/object/apply:os.system [touch /tmp/x]\n",
        b"<<: *a\n",
    ],
)
@pytest.mark.parametrize("path", [WORKFLOW, GITLAB])
def test_a_pipeline_that_is_no_text_is_a_finding(content: bytes, path: str, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_bytes(content)
    rules, _ = judged(tmp_path)
    assert "unresolved-command" in rules


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + workflow(DEPLOY).encode(),
        workflow(DEPLOY).replace("\n", "\r\n").encode(),
        workflow(DEPLOY).replace("\n", "\r").encode(),
    ],
    ids=["BOM", "CRLF", "CR"],
)
def test_odd_line_ends_hide_nothing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / WORKFLOW).parent.mkdir(parents=True)
    (tmp_path / WORKFLOW).write_bytes(content)
    assert "direct-deploy" in judged(tmp_path)[0]


@pytest.mark.parametrize(
    "content",
    [
        DEPLOY.encode("utf-16"),
        b"kube\0ctl apply -f x\n",
        b"# \xff\xfe\n" + DEPLOY.encode(),
        b"\xef\xbb\xbf" + DEPLOY.encode(),
        f"echo a\r{DEPLOY}\r".encode(),
        f"echo a\r\n{DEPLOY}\r\n".encode(),
    ],
)
def test_scripts_in_odd_bytes_hide_nothing(content: bytes, tmp_path: Path) -> None:
    hostile.write(hostile.Hostile({WORKFLOW: workflow("bash a.sh"), "a.sh": content}), tmp_path / "r")
    assert judged(tmp_path / "r")[0] & {"direct-deploy", "unresolved-command"}


def _special(kind: str, file: Path, outside: Path) -> None:
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(os.path.relpath(file))
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "out":
        (outside / "x").write_text(DEPLOY)
        file.symlink_to(outside / "x")
    elif kind == "relative":
        file.symlink_to("../" * 20 + "etc/passwd")
    elif kind == "loop":
        file.symlink_to(file.name)
    elif kind == "dangling":
        file.symlink_to("nowhere")
    elif kind == "proc":
        file.symlink_to("/proc/self/environ")
    else:
        file.mkdir()


KINDS = ["fifo", "socket", "device", "out", "relative", "loop", "dangling", "proc", "folder"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_script_that_is_no_file_of_the_repository(kind: str, tmp_path: Path) -> None:
    hostile.write(hostile.Hostile({WORKFLOW: workflow("bash ./a.sh\n. ./a.sh")}), tmp_path / "r")
    _special(kind, tmp_path / "r" / "a.sh", tmp_path)
    assert "unresolved-command" in judged(tmp_path / "r")[0]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "folder"])
@pytest.mark.parametrize("path", [WORKFLOW, GITLAB, JENKINS])
def test_a_pipeline_that_is_no_file_of_the_repository(kind: str, path: str, tmp_path: Path) -> None:
    root = tmp_path / "r"
    (root / path).parent.mkdir(parents=True)
    _special(kind, root / path, tmp_path)
    assert judged(root)[0] == {"unresolved-command"}


def test_folders_that_are_links(tmp_path: Path) -> None:
    hostile.write(
        hostile.Hostile({WORKFLOW: workflow("bash a/a/a/s.sh\nbash d/x.sh"), "s.sh": DEPLOY}), tmp_path / "r"
    )
    (tmp_path / "x.sh").write_text(DEPLOY)
    (tmp_path / "r" / "a").symlink_to(".")
    (tmp_path / "r" / "d").symlink_to("..")
    assert judged(tmp_path / "r")[0] == {"direct-deploy", "unresolved-command"}


NAMES = [
    "a\nb",
    "\x1b[31mred",
    "::error::x",
    "a%0Ab",
    "x" * 240,
    "é\u202e",
    "a'b\"c`d$(e)",
    "-rf",
    "a\x7f",
    " ",
]


@pytest.mark.parametrize("output", ["text", "json", "github", "gitlab", "sarif", "junit"])
def test_names_of_files_say_nothing_to_terminals_and_runners(output: str, tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for name in NAMES:
        (folder / f"{name}.yml").write_text(workflow(DEPLOY))
    (folder / os.fsdecode(b"\xff\xfe.yml")).write_text(workflow(DEPLOY))
    done = subprocess.run(  # noqa: PLW1510 - its exit code is what is tested
        [sys.executable, "-m", "cipipe", "gate", str(tmp_path), "--engine", "embedded", "--output", output],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    assert not set(done.stdout + done.stderr) & {0x00, 0x1B}
    text = done.stdout.decode()
    if output in {"json", "gitlab", "sarif"}:
        json.loads(text)
    if output == "json":
        assert len(json.loads(text)["findings"]) == len(NAMES) + 1
    if output == "github":
        assert len(text.splitlines()) == len(NAMES) + 1
