"""The facts document: what the rules judge, versioned and small (DESIGN section 9).

A fact is made of closed-vocabulary values and short printable ASCII text; equal facts are one, with many
places. Rules see facts alone; findings name an id, and the places say where that is.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from cipipe.results import Location

VERSION = 1
_LONGEST = 120

Kind = Literal["command", "credential", "environment", "problem", "pull", "review", "setting"]
Field = str | int  # of which bool is one
# Every fact of a kind carries exactly these keys besides its id: a rule that asks for another is silent.
KINDS: Mapping[Kind, tuple[str, ...]] = {
    "command": ("what", "tool", "verb", "effect", "target", "dry", "form", "protected"),
    "credential": ("what", "how", "target", "protected"),
    "environment": ("name", "known", "protected"),
    "problem": ("what", "protected"),
    "pull": (
        "number",
        "environment",
        "protected",
        "approvals",
        "head",
        "merges",
        "commits_known",
    ),
    "review": (
        "person",
        "approves",
        "current",
        "writes",
        "author",
        "committer",
        "pusher",
        "actor",
        "bot",
        "same_target",
    ),
    "setting": ("strict", "config"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fact was found: the call site, the way to the definition, the command, more words."""

    location: Location
    via: tuple[Location, ...] = ()
    command: str | None = None
    detail: str | None = None

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "file": self.location.file,
            "line": self.location.line,
            "column": self.location.column,
            "via": [{"file": place.file, "line": place.line} for place in self.via],
            "command": self.command,
            "detail": self.detail,
        }


@dataclass(slots=True)
class Facts:
    """The facts under way; `add` in any order, then `document`."""

    places: dict[str, list[Place]] = field(default_factory=dict)
    _facts: dict[Kind, dict[tuple[Field, ...], str]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )
    _counts: Counter[Kind] = field(default_factory=Counter)

    def add(self, kind: Kind, place: Place | None, **fields: Field) -> None:
        """Add a fact; one that is there already gets another place. Raises `KeyError` for a missing field."""
        values = tuple(_clean(fields[key]) for key in KINDS[kind])
        self._add(kind, values, [place] if place else [])

    def merge(self, later: "Facts") -> None:
        """Add what was found behind this, as if all had been added here."""
        for kind, known in later._facts.items():
            for values, identifier in known.items():
                self._add(kind, values, later.places[identifier])

    def _add(self, kind: Kind, values: tuple[Field, ...], places: Iterable[Place]) -> None:
        known = self._facts[kind]
        identifier = known.setdefault(values, f"{kind}-{len(known) + 1}")
        kept = self.places.setdefault(identifier, [])
        for place in places:
            if place not in kept[-1:]:
                kept.append(place)
                self._counts[kind] += 1

    def count(self, kind: Kind) -> int:
        """How many places facts of the kind have."""
        return self._counts[kind]

    def document(self, nonce: str) -> dict[str, object]:
        """The document without its places."""
        facts = {
            kind: [
                {"id": identifier, **dict(zip(KINDS[kind], values, strict=True))}
                for values, identifier in known.items()
            ]
            for kind, known in self._facts.items()
        }
        return {"version": VERSION, "nonce": nonce, "facts": facts}

    def text(self, nonce: str) -> str:
        """The document as the engines get it."""
        return json.dumps(self.document(nonce), ensure_ascii=False)

    def complete(self, nonce: str) -> dict[str, object]:
        """The document with its places, as `cipipe facts` prints it."""
        places = {key: [place.document() for place in places] for key, places in self.places.items()}
        return {**self.document(nonce), "places": places}


def _clean(value: Field) -> Field:
    """Text that both engines read alike: printable ASCII, no quotes, backslashes, percent signs."""
    if isinstance(value, int):
        return value
    text = re.sub(r"[^ !#$&()*+,./0-9:;<=>?@A-Z\[\]^_a-z{|}~'-]", "?", value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
