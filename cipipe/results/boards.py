"""What status returns: one board for each environment."""

from dataclasses import dataclass

from cipipe.errors import CipipeError


def age(seconds: int) -> str:
    """`seconds` in the largest unit that fits."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


@dataclass(frozen=True, slots=True)
class Held:
    """An image in an environment: its tags (several while it is mixed), its one digest, its files."""

    image: str
    tags: tuple[str, ...]
    digest: str | None
    files: tuple[str, ...]

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "image": self.image,
            "tags": list(self.tags),
            "digest": self.digest,
            "files": list(self.files),
        }


@dataclass(frozen=True, slots=True)
class Waiting:
    """A bump that is not merged: its branch, its pull request where the forge has one, its age in seconds.

    That is the age of the pull request, else of the commit.
    """

    branch: str
    images: tuple[str, ...]
    age: int
    number: int | None = None
    url: str | None = None
    title: str | None = None
    draft: bool = False

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "number": self.number,
            "url": self.url,
            "title": self.title,
            "draft": self.draft,
            "branch": self.branch,
            "images": list(self.images),
            "age": self.age,
        }


@dataclass(frozen=True, slots=True)
class Move:
    """What a promotion would change: `old` is None where the environment does not run the image."""

    image: str
    source: str
    old: str | None
    new: str

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {"image": self.image, "from": self.source, "old": self.old, "new": self.new}


@dataclass(frozen=True, slots=True)
class Board:
    """One environment on the board; `notes` are sentences for the reader."""

    environment: str
    images: tuple[Held, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    promotions: tuple[Move, ...] = ()
    error: CipipeError | None = None
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "environment": self.environment,
            "images": [image.document() for image in self.images],
            "pull_requests": [bump.document() for bump in self.waiting],
            "promotions": [move.document() for move in self.promotions],
            "error": self.error.document() if self.error else None,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class StatusOutcome:
    """What `status` returns: one board for each environment, in the order of the configuration."""

    environments: tuple[Board, ...]

    @property
    def exit_code(self) -> int:
        """The code of the first environment that could not be read."""
        return next((board.error.exit_code for board in self.environments if board.error), 0)

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {"command": "status", "environments": [board.document() for board in self.environments]}
