"""The functions and comparisons of GitHub expressions; None is "not known before the run".

Source: GitHub's "Evaluate expressions in workflows and actions".
"""

import json
import operator
import re
from collections.abc import Callable

from cipipe.pipelines.github.partial import Data, Partial
from cipipe.pipelines.model import HOLE

_ORDER = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FORMAT = re.compile(r"\{\{|\}\}|\{(\d+)\}")


def text_of(value: Data) -> Partial:
    """The text that a value becomes inside of other text."""
    if isinstance(value, Partial):
        return value
    if value is None:
        return Partial("", ())
    if isinstance(value, bool):
        return Partial("true" if value else "false", ())
    if isinstance(value, str):
        return Partial(value, ())
    if isinstance(value, (int, float)):
        return Partial(f"{value:.15g}", ())
    return Partial("Array" if isinstance(value, list) else "Object", ())


def truth(value: Data) -> bool | None:
    """Whether a value counts as true; None where that is not known."""
    if isinstance(value, Partial):
        return True if value.text.replace(HOLE, "") else None
    if isinstance(value, (list, dict)):
        return True
    return bool(value) and value == value  # noqa: PLR0124 - NaN is false


def compare(sign: str, left: Data, right: Data) -> bool | None:
    """GitHub's loose comparison: unlike types as numbers, strings without regard to case."""
    if isinstance(left, Partial) or isinstance(right, Partial):
        return None
    if isinstance(left, str) and isinstance(right, str):
        return bool(_ORDER[sign](left.upper(), right.upper()))
    if isinstance(left, (list, dict)) or isinstance(right, (list, dict)):
        return None
    return bool(_ORDER[sign](_number(left), _number(right)))


def _number(value: Data) -> float:
    if value is None:
        return 0.0
    if isinstance(value, (bool, int, float)):
        return float(value)
    text = str(value).strip()
    try:
        return float(text) if text else 0.0
    except ValueError:
        return float("nan")


def _contains(where: Data, what: Data) -> bool | None:
    if isinstance(where, list):
        found = [compare("==", item, what) for item in where]
        return True if True in found else None if None in found else False
    if isinstance(where, dict):
        return None
    inner, outer = text_of(what), text_of(where)
    if inner.holes:
        return None
    if inner.text.casefold() in outer.text.casefold():
        return True
    return None if outer.holes else False


def _starts_with(where: Data, what: Data) -> bool | None:
    outer, inner = text_of(where), text_of(what)
    if outer.holes or inner.holes:
        return None
    return outer.text.casefold().startswith(inner.text.casefold())


def _ends_with(where: Data, what: Data) -> bool | None:
    outer, inner = text_of(where), text_of(what)
    if outer.holes or inner.holes:
        return None
    return outer.text.casefold().endswith(inner.text.casefold())


def _format(template: Data, *arguments: Data) -> Data:
    outer = text_of(template)
    if outer.holes:
        return None
    parts, at = [], 0
    for match in _FORMAT.finditer(outer.text):
        parts.append(Partial(outer.text[at : match.start()], ()))
        parts.append(text_of(arguments[int(match[1])]) if match[1] else Partial(match[0][0], ()))
        at = match.end()
    parts.append(Partial(outer.text[at:], ()))
    return Partial.join(parts)


def _join(values: Data, separator: Data = ",") -> Data:
    if isinstance(values, Partial):
        return None
    between = text_of(separator)
    parts: list[Partial] = []
    for value in values if isinstance(values, list) else [values]:
        parts += [between, text_of(value)] if parts else [text_of(value)]
    return Partial.join(parts)


def _from_json(text: Data) -> Data:
    outer = text_of(text)
    if outer.holes:
        return None
    value: Data = json.loads(outer.text)
    return value


def _to_json(value: Data) -> Data:
    return None if isinstance(value, Partial) else json.dumps(value, indent=2)


FUNCTIONS: dict[str, Callable[..., Data]] = {
    "always": lambda: True,
    "contains": _contains,
    "endswith": _ends_with,
    "format": _format,
    "fromjson": _from_json,
    "join": _join,
    "startswith": _starts_with,
    "success": lambda: True,
    "tojson": _to_json,
}
