"""The trailers of a bump survive what merges do to a message."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    "text",
    [
        "@team",
        "Closes #1",
        "fixes GH-1",
        "/approve",
        "!1 ~bug %v2 &3 $4",
        "```\n/close",
        "[x](//y)",
        "a%40b",
        "<b>",
    ],
)
@pytest.mark.parametrize("start", ["", "https://ci.example.com/job/"])
def test_foreign_text_is_nothing_that_a_forge_reads(text: str, start: str) -> None:
    origin = Origin(pipeline=start + text, run_url=start + text, actor=start + text)
    block = render(Trailers("staging", BUMP.images, origin, BUMP.edit, BUMP.tree))
    for line in block.splitlines():
        name, _, value = line.partition(": ")
        assert name == "Cipipe-Image" or re.fullmatch(r"[\w.%/:-]+", value, re.ASCII), line
    found = parse(block)
    assert found is not None
    read = (start + text).replace("\n", " ")
    assert found.origin == Origin(pipeline=read, run_url=read, actor=read)


@settings(max_examples=50)
@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=500))
def test_a_value_is_read_as_it_was_written(text: str) -> None:
    found = parse(render(Trailers("staging", BUMP.images, Origin(actor=text), BUMP.edit, BUMP.tree)))
    assert found is not None
    assert found.origin.actor == text
