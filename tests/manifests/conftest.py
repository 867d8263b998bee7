"""What the tests of the edit share: one call, and readers that know nothing of cipipe."""

from collections.abc import Callable

import pytest

from cipipe.image import ImageRef
from cipipe.manifests import Edit, edit

Editor = Callable[..., Edit]


@pytest.fixture
def edited() -> Editor:
    """Edit one file: `edited("values.yaml", text, "acme/app:v2", key=…)`."""

    def run(
        file: str, text: str | bytes, *refs: str, container: str | None = None, key: str | None = None
    ) -> Edit:
        data = text if isinstance(text, bytes) else text.encode()
        wanted = [ImageRef.parse(ref, tag_alone=key is not None) for ref in refs]
        return edit({file: data}, wanted, container=container, key=key)

    return run
