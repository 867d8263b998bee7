"""Progress on stderr: a live line on a terminal, plain lines in CI, nothing with `--quiet`.

The layers below say `logging.getLogger("cipipe").info(...)` for people, and `.debug(...)` for every program
that runs.
"""

import contextlib
import logging
import os
import sys
from typing import TYPE_CHECKING

from cipipe.cli.words import message

if TYPE_CHECKING:
    from rich.status import Status

_LOGGER = logging.getLogger("cipipe")


def start(*, verbose: bool, quiet: bool) -> None:
    """Show what the logger "cipipe" says from now on."""
    stop()
    _LOGGER.propagate = False
    if quiet:
        _LOGGER.setLevel(logging.CRITICAL + 1)
        return
    _LOGGER.setLevel(logging.DEBUG if verbose else logging.INFO)
    _LOGGER.addHandler(_LiveLine() if _on_terminal() else _PlainLines())


def stop() -> None:
    """End the live line, so that other words can follow; does nothing the second time."""
    for handler in list(_LOGGER.handlers):
        if isinstance(handler, _PlainLines | _LiveLine):
            _LOGGER.removeHandler(handler)
            handler.close()


def _on_terminal() -> bool:
    terminal = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return terminal and not os.environ.get("CI")


class _PlainLines(logging.Handler):
    """One line for each message."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the message; a reader that went away stops nothing."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(message(record.getMessage()) + "\n")
            sys.stderr.flush()


class _LiveLine(logging.Handler):
    """What is going on now beside a spinner; the line before moves up, dimmed."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console  # noqa: PLC0415 - rich is for terminals alone

        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._status: Status | None = None
        self._current = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Show the message."""
        from rich.text import Text  # noqa: PLC0415

        said = message(record.getMessage())
        if self._status is None:
            self._status = self._console.status(Text(said))
            self._status.start()
        else:
            self._console.print(Text(self._current, style="dim"))
            self._status.update(Text(said))
        self._current = said

    def close(self) -> None:
        """Take the spinner away; the last message stays."""
        if self._status is not None:
            from rich.text import Text  # noqa: PLC0415

            self._status.stop()
            self._status = None
            self._console.print(Text(self._current, style="dim"))
        super().close()
