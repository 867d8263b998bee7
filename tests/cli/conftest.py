"""A real command line: a process of its own, with streams of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
Cipipe = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def cipipe(tmp_path: Path) -> Cipipe:
    """`cipipe("schema", env={...})`: run it in an empty folder; `python=(...)` for a script."""

    def run(
        *arguments: str,
        env: dict[str, str] | None = None,
        python: tuple[str, ...] = ("-m", "cipipe"),
        cwd: Path = tmp_path,
        stdout: Any = subprocess.PIPE,
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-W", "error", *python, *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            cwd=cwd,
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )

    return run
