"""The pieces of a word, and the fields that they make (layer 1; bash manual, "Word Splitting")."""

from collections.abc import Sequence

from cipipe.pipelines.model import Open

Fields = tuple[str, ...]
Piece = str | Fields  # text of a word; a tuple is `"$@"`, where each item is a field of its own


class Split(str):
    """Text of an unquoted expansion: split into fields at `IFS`."""

    __slots__ = ()


class OpenSplit(Split, Open):
    """The same, of a value that is open."""

    __slots__ = ()


def flat(piece: Piece) -> str:
    """The piece as one text."""
    return str(piece) if isinstance(piece, str) else " ".join(piece)


def joined(pieces: Sequence[Piece]) -> str:
    """One text of several pieces."""
    text = "".join(map(flat, pieces))
    return Open(text) if any(isinstance(piece, Open) for piece in pieces) else text


def like(value: Piece, made: Piece) -> Piece:
    """What was made of a value, which is open where the value is."""
    return Open(made) if isinstance(value, Open) and isinstance(made, str) else made


def unquoted(value: Piece) -> Piece:
    """The value of an expansion without quotes."""
    if not isinstance(value, str):
        return tuple(value)
    return OpenSplit(value) if isinstance(value, Open) else Split(value)


def assemble(pieces: Sequence[Piece], separators: str) -> Fields:
    """Fields of the pieces of one word; unquoted text that is empty gives none."""
    fields: list[str] = []
    current: str | None = None
    for piece in pieces:
        if isinstance(piece, Split):
            for i, item in enumerate(_split(piece, separators)):
                if i and current is not None:
                    fields.append(current)
                    current = None
                if item:
                    current = _behind(current, Open(item) if isinstance(piece, Open) else item)
        elif isinstance(piece, str):
            current = _behind(current, piece)
        else:
            for i, item in enumerate(piece):
                if i and current is not None:
                    fields.append(current)
                    current = None
                current = _behind(current, item)
    if current is not None:
        fields.append(current)
    return tuple(fields)


def _behind(current: str | None, item: str) -> str:
    if current is None:
        return item
    text = current + item
    return Open(text) if isinstance(item, Open) or isinstance(current, Open) else text


def _split(text: str, separators: str) -> list[str]:
    if not separators:
        return [str(text)]
    plain = str(text)
    for separator in separators[1:]:
        plain = plain.replace(separator, separators[0])
    return plain.split(separators[0])
