"""What a forge said, and what it is to be told."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cipipe.errors import ForgeError


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


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Around what reads documents: raises ForgeError where one has not the shape of the forge's API."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as problem:
        raise ForgeError(
            f"{what}: the forge's answer is not that of its API ({type(problem).__name__}: {problem!s:.80})",
            hint="look whether forge.kind and forge.api_url are right, and whether a proxy answers instead",
        ) from None
