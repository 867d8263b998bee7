"""Secrets never reach a reader: what came in as a secret goes out as `***` (layer 0).

Only `learn` adds to what is known; the edges call it for every credential that they read, before they use it.
"""

import base64
import urllib.parse

_known: set[str] = set()
_SHORTEST = 4  # shorter values stand in ordinary text by chance, and hiding them would garble every report


def learn(secret: str) -> None:
    """Hide `secret` from now on, in the forms that tools print it in: plain, URL-quoted, base64."""
    if len(secret) < _SHORTEST:
        return
    _known.add(secret)
    _known.add(urllib.parse.quote(secret, safe=""))
    _known.add(base64.b64encode(secret.encode()).decode())
    _known.add(base64.urlsafe_b64encode(secret.encode()).decode())


def learn_basic(username: str, secret: str) -> None:
    """Hide `secret`, and the Basic credentials made of it (RFC 7617)."""
    learn(secret)
    _known.add(base64.b64encode(f"{username}:{secret}".encode()).decode())


def redact(text: str) -> str:
    """`text` with `***` for every known secret."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
