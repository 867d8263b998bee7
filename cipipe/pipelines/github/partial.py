"""Values of GitHub expressions, known or in part."""

from collections.abc import Iterable
from dataclasses import dataclass

from cipipe.pipelines.model import HOLE, Unknown, Value

MAX_TEXT = 1_000_000  # characters that expressions may make


@dataclass(frozen=True, slots=True)
class Partial:
    """A text with a `HOLE` for each name in `holes`, in order."""

    text: str
    holes: tuple[str, ...]

    @staticmethod
    def join(parts: Iterable["Partial"]) -> "Data":
        """The parts as one text; a plain string where nothing is unknown, a hole above `MAX_TEXT`."""
        listed = list(parts)
        if sum(len(part.text) for part in listed) > MAX_TEXT:
            return Partial(HOLE, ("a text that is too long",))
        text = "".join(part.text for part in listed)
        holes = tuple(name for part in listed for name in part.holes)
        return Partial(text, holes) if holes else text


@dataclass(frozen=True, slots=True)
class Options:
    """One of several values, which the run decides."""

    of: "tuple[Data, ...]"


Data = None | bool | int | float | str | list["Data"] | dict[str, "Data"] | Partial | Options


def to_value(partial: Partial) -> Value:
    """A value of the model."""
    return Unknown(partial.holes[0]) if partial.text == HOLE else partial.text
