"""What a forge said, and what it is to be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What a forge said to one question: the HTTP status, and the JSON document (None for none)."""

    status: int
    document: Any = None

    @property
    def message(self) -> str:
        """The forge's own words for a refusal."""
        said = self.document.get("message") if isinstance(self.document, dict) else None
        return said if isinstance(said, str) else ""


Facts = Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a forge's settings; `path` is below the repository's own, `says` is for people."""

    method: str
    path: str
    body: Mapping[str, object] | None
    says: str
