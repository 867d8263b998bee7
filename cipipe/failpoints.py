"""Points where a test kills cipipe, to see that the next run mends all (CIPIPE_FAILPOINT)."""

import os
import signal

NAMES = ("fetched", "edited", "committed", "pushed", "proposed", "labelled")


def reach(name: str) -> None:
    """End this process by SIGKILL when `CIPIPE_FAILPOINT` names this point."""
    assert name in NAMES  # noqa: S101 - a test goes through NAMES
    if os.environ.get("CIPIPE_FAILPOINT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
