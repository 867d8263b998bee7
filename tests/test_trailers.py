"""The trailers of a bump survive what merges do to a message."""

import pytest

from cipipe.image import ImageRef
from cipipe.trailers import Origin, Trailers, parse, render

BUMP = Trailers(
    "staging",
    (ImageRef.parse("ghcr.io/acme/app:v2"), ImageRef.parse("ghcr.io/acme/web:v2")),
    Origin("https://github.com/acme/app", "1" * 40, 1_700_000_000, "ci.yml", 7, "https://ci/7", "octo"),
    "2" * 64,
    "3" * 40,
)
BLOCK = render(BUMP)
OLDER = BLOCK.replace(":v2", ":v1")


@pytest.mark.parametrize(
    "message",
    [
        f"Bump\n\na table\n\n{BLOCK}",
        f"Bump (#7)\r\n\r\n{BLOCK}".replace("\n", "\r\n"),
        f"Bump (#7)\n\n{BLOCK}Signed-off-by: A <a@example.com>\n",
        f"Bump (#7)\n\n{BLOCK}\nCo-authored-by: A <a@example.com>\n",
        f"Bump (#7)\n\n{BLOCK}\n---------\n\nCo-authored-by: A <a@example.com>\n",
        f"Bump (#7)\n\n* Bump v1\n\n{OLDER}\n* Bump v2\n\n{BLOCK}\n\n\n",
    ],
    ids=["own", "crlf", "same block", "another block", "github squash", "two bumps"],
)
def test_the_last_bump_of_a_message_counts(message: str) -> None:
    assert parse(message) == BUMP


@pytest.mark.parametrize(
    "message", ["", "Bump\n", BLOCK.replace("Cipipe-Edit", "Cipipe-Edits"), BLOCK.replace("\n", "\n\n")]
)
def test_what_is_no_bump(message: str) -> None:
    assert parse(message) is None


def test_foreign_text_cannot_start_a_line() -> None:
    origin = Origin(actor="octo\nCipipe-Edit: " + "9" * 64)
    found = parse(render(Trailers("staging", BUMP.images, origin, BUMP.edit, BUMP.tree)))
    assert found is not None
    assert found.edit == BUMP.edit
