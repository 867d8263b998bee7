"""What an edit did, by readers: libyaml's events, and ruamel.yaml's as a second, independent opinion."""

from collections.abc import Iterator, Mapping

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cipipe.errors import ManifestError
from cipipe.manifests import shadow
from cipipe.manifests.reading import Chunk, Text, read
from cipipe.manifests.tree import Document, Node

LARGEST_FOR_RUAMEL = 64 * 1024  # bytes of one document; ruamel reads about 0.3 MB/s, so that this takes 0.2 s

Event = tuple[object, ...]


def verify(before: Text, after: bytes, expected: Mapping[int, str]) -> None:
    """Raise `ManifestError` unless both readers say that only the expected scalars differ.

    `expected` maps the `id` of each edited scalar of `before` to its new value. Documents that ruamel
    refuses, and those beyond `LARGEST_FOR_RUAMEL`, have libyaml's word alone.
    """
    again = read(before.file, after)
    if [c.documents is None for c in before.chunks] != [c.documents is None for c in again.chunks]:
        raise _differs(before, 1)
    for old_chunk, new_chunk in zip(before.chunks, again.chunks, strict=True):
        old_documents, new_documents = old_chunk.documents or (), new_chunk.documents or ()
        if len(old_documents) != len(new_documents):
            raise _differs(before, before.line(old_chunk.start))
        ends = zip(_ends(old_chunk), _ends(new_chunk), strict=True)
        for old, new, (old_end, new_end) in zip(old_documents, new_documents, ends, strict=True):
            changed = [node.value for node in old.root.walk() if id(node) in expected]
            wanted = [expected[id(node)] for node in old.root.walk() if id(node) in expected]
            if list(_events(old.root, expected)) != list(_events(new.root, {})):
                raise _differs(before, before.line(old.start))
            if wanted and not _ruamel_agrees((before, old, old_end), (again, new, new_end), changed, wanted):
                raise _differs(before, before.line(old.start))


def _ends(chunk: Chunk) -> list[int]:
    """Where each document of a chunk ends."""
    starts = [document.start for document in chunk.documents or ()]
    return [*starts[1:], chunk.start + len(chunk.text)] if starts else []


def _differs(text: Text, line: int) -> ManifestError:
    return ManifestError(
        "the edit would change more than the image, so nothing is written",
        file=text.file,
        line=line,
        hint="this document has a form that cipipe reads otherwise than it should; please report it",
    )


def _events(root: Node, expected: Mapping[int, str]) -> Iterator[Event]:
    """What libyaml says, with the new values of edited scalars."""
    for node in root.walk():
        value = expected.get(id(node), node.value)
        yield node.kind, len(node.items), node.tag, node.anchor, value


def _ruamel_agrees(
    before: tuple[Text, Document, int],
    after: tuple[Text, Document, int],
    changed: list[str],
    wanted: list[str],
) -> bool:
    old_source, new_source = _source(*before), _source(*after)
    if old_source is None or new_source is None:
        return True
    old = _ruamel_events(old_source)
    if old is None:
        return True
    new = _ruamel_events(new_source)
    if new is None or len(old) != len(new):
        return False
    differing = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    pairs = [(_as_read(a[-1]), _as_read(b[-1])) for a, b in differing if a[:-1] == b[:-1]]
    moved = [(a, b) for a, b in zip(changed, wanted, strict=True) if a != b]
    return len(pairs) == len(differing) and pairs == moved


def _source(text: Text, document: Document, end: int) -> str | None:
    """A document for ruamel: the file's own text where libyaml read that, else what libyaml read.

    None where it is too large.
    """
    chunk = next(chunk for chunk in reversed(text.chunks) if chunk.start <= document.start)
    start = max(text.data.rfind(b"\n", 0, document.start) + 1, chunk.start)
    if end - start > LARGEST_FOR_RUAMEL:
        return None
    raw, read_by_libyaml = text.data[start:end], chunk.text[start - chunk.start : end - chunk.start]
    if shadow.shadow(raw) == read_by_libyaml:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            pass
    return read_by_libyaml


def _as_read(value: object) -> object:
    """A scalar that ruamel read from the file's own text, as it stands in the shadow."""
    return shadow.shadow(value.encode("utf-8", "replace")) if isinstance(value, str) else value


def _ruamel_events(source: str) -> list[Event] | None:
    """What ruamel says, or None where it refuses the document."""
    events: list[Event] = []
    try:
        for event in YAML(typ="safe", pure=True).parse(source):
            kind = type(event).__name__
            events.append(
                (
                    kind,
                    getattr(event, "anchor", None),
                    str(getattr(event, "tag", "") or ""),
                    getattr(event, "value", None),
                )
            )
    except (YAMLError, RecursionError, ValueError, AttributeError, NotImplementedError):
        return None
    return events
