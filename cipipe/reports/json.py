"""JSON, as DESIGN section 3 writes it down."""

import json

from cipipe.results import Outcome


def render(outcome: Outcome) -> str:
    """`outcome` as one JSON document."""
    return json.dumps(outcome.document(), indent=2, ensure_ascii=False)
