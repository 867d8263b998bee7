"""Backslash escapes of `$'…'`, `echo -e` and `printf` (layer 1)."""

import re

_NAMED = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "e": "\x1b",
    "E": "\x1b",
}
_ESCAPE = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|c(.)|(.))", re.DOTALL
)
_ECHO_OCTAL = re.compile(r"\\0([0-7]{1,3})")
_LARGEST = 0x10FFFF


def decode_ansi_c(text: str, start: int) -> tuple[str, int]:
    """The value of `$'…'` whose content begins at `start`, and the offset behind its closing quote.

    A quote that is not closed ends with the text.
    """
    end = start
    size = len(text)
    while end < size and text[end] != "'":
        end += 2 if text[end] == "\\" else 1
    return unescape(text[start:end]), min(end + 1, size)


def unescape(text: str) -> str:
    r"""`text` with `\n`, `\x6b`, `\153`, `\u006b` and their kin replaced; unknown ones stay as written."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def unescape_echo(text: str) -> str:
    r"""The same for `echo -e` and `printf %b`, where octal is `\0153`."""
    return unescape(_ECHO_OCTAL.sub(r"\\\1", text)) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    hexadecimal = found[1] or found[2] or found[3]
    if hexadecimal:
        code = int(hexadecimal, 16)
        return chr(code) if code <= _LARGEST else ""
    if found[4]:
        return chr(int(found[4], 8) & 0xFF)
    if found[5]:
        return chr(ord(found[5]) & 0x1F)
    c = found[6]
    return _NAMED.get(c, c if c in "\\'\"?" else found[0])
