"""How the model's annotations say what a value may be; the reader and the JSON schema both read them.

A plain string in an `Annotated` is the key's description.
"""

import re
from dataclasses import dataclass

CONTROL = r"[\u0000-\u001f\u007f-\u009f\u2028\u2029]"
CONTROL_IN_LINES = r"[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]"
_CONTROL, _CONTROL_IN_LINES = re.compile(CONTROL), re.compile(CONTROL_IN_LINES)


@dataclass(frozen=True, slots=True)
class Text:
    """A string of 1 to `longest` characters that fits `pattern` as a whole; `says` describes the pattern."""

    pattern: str | None = None
    says: str = ""
    longest: int = 1000
    lines: bool = False

    def problem(self, text: str) -> str | None:
        """Why `text` does not fit, or None."""
        if not text.strip():
            return "it is empty"
        if len(text) > self.longest:
            return f"it has more than {self.longest} characters"
        if (_CONTROL_IN_LINES if self.lines else _CONTROL).search(text):
            return "it holds a control character"
        if self.pattern and not re.fullmatch(self.pattern, text, re.ASCII):
            return f"it must be {self.says}"
        return None


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number within bounds, both included."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class OneOf:
    """A string out of few."""

    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OneOrMany:
    """A list that may be written without brackets where it has one item."""


@dataclass(frozen=True, slots=True)
class NotInFile:
    """No key: the reader fills it; `source` is `name` (the mapping's key), `line`, `lines` or `file`."""

    source: str
