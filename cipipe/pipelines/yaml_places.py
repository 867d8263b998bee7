"""Where each run of a YAML scalar's value is written: block, folded, quoted and plain scalars alike."""

import re

from cipipe.pipelines.yaml_tree import BREAK, Scalar

Place = tuple[int, int, int]

_PROPERTIES = re.compile(r"(?:[!&]\S*\s+)*")
_END = "(?:\r\n|[\r\n\x85\u2028\u2029])"
_FOLD = f"[ \t]*{_END}(?:[ \t]*{_END})*[ \t]*"
_OTHER = "[^ \t\r\n\x85\u2028\u2029'\\\\]+|."
_TOKENS = {
    None: re.compile(f"{_FOLD}|{_OTHER}", re.DOTALL),
    "'": re.compile(f"{_FOLD}|''|{_OTHER}", re.DOTALL),
    '"': re.compile(rf"\\(?:x..|u.{{4}}|U.{{8}}|{_END}[ \t]*|.)|{_FOLD}|{_OTHER}", re.DOTALL),
}


def pieces(scalar: Scalar) -> list[Place]:
    """(offset in the value, line, column) of each run that is written in one piece, in order.

    The first offset is 0. What cannot be followed (a fold in a form not known here) is one piece at the
    scalar's start.
    """
    if scalar.style is None and scalar.end - scalar.start == len(scalar.value):
        return [(0, scalar.line, scalar.column)]
    match = _PROPERTIES.match(scalar.source.text, scalar.start)
    start = match.end() if match else scalar.start
    line = scalar.line + len(BREAK.findall(scalar.source.text, scalar.start, start))
    if scalar.style == "|":
        found = _literal(scalar, line)
    elif scalar.style == ">":
        found = _folded(scalar, line)
    else:
        found = _flow(scalar, start, line)
    if not found:
        return [(0, scalar.line, scalar.column)]
    if found[0][0]:
        found.insert(0, (0, *found[0][1:]))
    return found


def _literal(scalar: Scalar, header: int) -> list[Place]:
    offset, found = 0, []
    written = scalar.source.lines[header:]
    for number, (value, text) in enumerate(zip(scalar.value.split("\n"), written, strict=False), header + 1):
        if value or offset < len(scalar.value):
            lead = len(text) - len(value) if text.endswith(value) else len(text) - len(text.lstrip())
            found.append((offset, number, lead + 1))
        offset += len(value) + 1
    return found


def _folded(scalar: Scalar, header: int) -> list[Place]:
    offset, found = 0, []
    for number, written in enumerate(scalar.source.lines[header:], header + 1):
        if offset >= len(scalar.value.rstrip()):
            break
        text = written.strip()
        at = scalar.value.find(text, offset)
        if at < 0:
            break
        if text:
            found.append((at, number, len(written) - len(written.lstrip()) + 1))
            offset = at + len(text)
    return found


def _flow(scalar: Scalar, start: int, line: int) -> list[Place]:
    text = scalar.source.text
    quoted = scalar.style is not None
    begin = max(text.rfind(end, 0, start) for end in "\n\r\x85\u2028\u2029")
    column = start - begin + quoted
    found, offset = [(0, line, column)], 0
    for token in _TOKENS[scalar.style].finditer(text, start + quoted, scalar.end - quoted):
        raw = token.group()
        breaks = len(BREAK.findall(raw))
        if breaks:
            offset += 0 if raw[0] == "\\" else max(breaks - 1, 1)
            line += breaks
            column = len(raw) - max(raw.rfind(end) for end in "\n\r\x85\u2028\u2029")
        elif quoted and raw != "\\" and (raw == "''" or raw[0] == "\\"):
            offset += 1
            column += len(raw)
        else:
            offset += len(raw)
            column += len(raw)
            continue
        found.append((offset, line, column))
    return found if offset == len(scalar.value) else []
