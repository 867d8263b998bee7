"""The ASCII shadow of a file: of equal length, so that a parser's index of a character is a byte's offset.

libyaml counts code points, so its marks name bytes only in ASCII. The shadow also lets through what a strict
reader refuses and an edit need not care about: Latin-1 and control characters in comments.
"""

import re

BOM = b"\xef\xbb\xbf"

_PRINTABLE = bytes(c if c in b"\t\n\r" or 0x20 <= c < 0x7F else ord("_") for c in range(256))
_LINE_BREAKS = ((b"\xc2\x85", b" \n"), (b"\xe2\x80\xa8", b"  \n"), (b"\xe2\x80\xa9", b"  \n"))  # NEL, LS, PS
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_COMMENT = re.compile(rb"\{\{[-~]?\s{0,9}/\*")
_HOLE = b"\x01"
_ONLY_HOLES = re.compile(rb"^[ \t\r\x01]+$", re.MULTILINE)
_NOT_NEWLINE = re.compile(rb"[^\n]")
_PLACEHOLDERS = (b"{{", b"{%", b"${", b"$(")


def shadow(data: bytes) -> str:
    """`data` as ASCII of equal length.

    Unicode's own line breaks, which YAML 1.1 and Kubernetes' reader know, become blanks and a newline. A
    JSON escape of a surrogate, which libyaml refuses, becomes `______`.
    """
    if not data.isascii():
        for line_break, ascii_break in _LINE_BREAKS:
            data = data.replace(line_break, ascii_break)
    if b"\\u" in data:
        data = _SURROGATE.sub(b"______", data)
    return data.translate(_PRINTABLE).decode("ascii")


def without_actions(data: bytes) -> bytes:
    """`data` with every template action replaced by text of equal length that is no syntax.

    A line of actions alone becomes blank, an action beside other text `_`.
    """
    data = _dig(data.replace(_HOLE, b"_"), b"{{", b"}}")  # Go's
    data = _dig(data, b"{%", b"%}")  # Jinja's
    data = _ONLY_HOLES.sub(lambda line: line[0].replace(_HOLE, b" "), data)
    return data.replace(_HOLE, b"_")


def _dig(data: bytes, opening: bytes, closing: bytes) -> bytes:
    """`data` with holes for what stands between `opening` and `closing`; newlines stay."""
    pieces, done = [], 0
    while (start := data.find(opening, done)) >= 0:
        inside = data.find(b"*/", start) if _COMMENT.match(data, start) else start + len(opening)
        end = data.find(closing, inside) if inside >= 0 else -1
        if end < 0:
            break
        end += len(closing)
        pieces += [data[done:start], _NOT_NEWLINE.sub(_HOLE, data[start:end])]
        done = end
    return b"".join([*pieces, data[done:]])


def is_templated(text: bytes) -> bool:
    """Whether `text` holds a placeholder of Go templates, Jinja, a shell or Flux."""
    return any(mark in text for mark in _PLACEHOLDERS)
