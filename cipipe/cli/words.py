"""Foreign text on its way to a terminal or a CI's log: no secret, no control sequence, no line of its own."""

import re

from cipipe import secrets

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]|\r(?!\n)")
_NEXT_LINE = "\n  | "  # a continued line must not start a workflow command ("::error::") of a CI's log


def printable(text: str) -> str:
    """`text` without secrets; control and direction characters become escapes, line ends and tabs stay."""
    lines = secrets.redact(text).replace("\r\n", "\n")
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], lines)


def message(text: str) -> str:
    """`text` as one message: the lines after the first are marked as its own."""
    return printable(text).rstrip("\n").replace("\n", _NEXT_LINE)
