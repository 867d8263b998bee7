"""Every (before, after) pair of docs/edit.md, run."""

import re
from pathlib import Path

import pytest

from tests.manifests.conftest import Editor

PAGE = Path(__file__).parents[2] / "docs" / "edit.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("before", "after"), list(zip(BLOCKS[::2], BLOCKS[1::2], strict=True)))
def test_the_examples(before: str, after: str, edited: Editor) -> None:
    file = re.match(r"# ([\w.]+)", before)
    ref = re.search(r"--image (\S+)", before)

    result = edited(file[1] if file else "a.yaml", before, ref[1] if ref else "ghcr.io/acme/app:v2")

    assert list(result.contents.values()) == [after.encode()]
