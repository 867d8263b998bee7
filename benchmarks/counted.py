"""Run a module as a program and count what it starts and leaves.

    python -m benchmarks.counted REPORT MODULE ARGUMENT…

An audit hook sees every program that starts, and every temporary folder right before it goes, so that the
measured program's environment and PATH stay what they are.
"""

import json
import runpy
import sys
from pathlib import Path
from typing import Any


class Counts:
    """Git commands started, and the largest folder that was removed at the end."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.files = 0
        self.disk = 0  # bytes

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """One audit event of CPython."""
        if event == "subprocess.Popen":
            argv = [str(part) for part in arguments[1]]
            if Path(argv[0]).name == "git":
                self.commands.append(" ".join(argv[1:]))
        elif event == "shutil.rmtree":
            sizes = [path.lstat().st_size for path in Path(arguments[0]).rglob("*") if not path.is_dir()]
            if len(sizes) > self.files:
                self.files, self.disk = len(sizes), sum(sizes)


def main() -> None:
    """Count a run, and end as it ends."""
    report, module = Path(sys.argv[1]), sys.argv[2]
    counts = Counts()
    sys.argv = [module, *sys.argv[3:]]
    sys.addaudithook(counts.hear)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        report.write_text(
            json.dumps({"commands": counts.commands, "files": counts.files, "disk": counts.disk})
        )


if __name__ == "__main__":
    main()
