"""Which text a YAML reader would take for something other than a string when it stands without quotes.

The union of YAML 1.1 (PyYAML, Ruby, go-yaml v2), YAML 1.2's core schema and go-yaml v3, which hands text
without its underscores to `strconv.ParseInt(text, 0, 64)`: what any of them re-types gets quotes.
"""

import re

_WORDS = frozenset(
    form
    for word in ("y", "yes", "n", "no", "true", "false", "on", "off", "null")
    for form in (word, word.capitalize(), word.upper())
) | {"", "~", "=", "<<"}
_NUMBER = re.compile(
    r"""[-+]?(?:
      [0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9_]+)?   # integers, octal ones too, and floats
    | \.[0-9_]+(?:[eE][-+]?[0-9_]+)?
    | 0[xX][0-9a-fA-F_]+ | 0[oO][0-7_]+ | 0[bB][01_]+
    | [0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?       # base 60 of YAML 1.1
    | \.(?:inf|Inf|INF|nan|NaN|NAN)
    )""",
    re.VERBOSE | re.ASCII,
)
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:[Tt ].*)?", re.ASCII)


def is_retyped(text: str) -> bool:
    """Whether some reader takes plain `text` for a number, date, boolean or null."""
    return text in _WORDS or bool(_NUMBER.fullmatch(text) or _DATE.fullmatch(text))
