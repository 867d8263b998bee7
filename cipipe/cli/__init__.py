"""The command line: click options -> one flow -> one report -> exit code (layer 4)."""

from cipipe.cli.main import run

__all__ = ["run"]
