"""From a file's bytes to documents: as YAML, as YAML between template actions, else line by line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import yaml

from cipipe.errors import ManifestError
from cipipe.manifests import shadow, tree
from cipipe.manifests.tree import Document, Node

LARGEST = 8 * 2**20  # bytes; the largest public bundles of custom resource definitions have about 4 MiB
MOST = 10_000  # documents of one file

_SEPARATOR = re.compile(rb"^---(?=[ \t\r\n]|$)", re.MULTILINE)
_BRACKETS = re.compile(rb"[\[{](?:\s*[\[{]){%d}" % tree.DEEPEST)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a file: its documents, or None where no reader takes it.

    `text` is the shadow that was read, `start` the offset of its first byte, `refusal` what libyaml said.
    """

    start: int
    text: str
    documents: tuple[Document, ...] | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A manifest: its bytes and what they say."""

    file: str
    data: bytes
    chunks: tuple[Chunk, ...]

    def line(self, offset: int) -> int:
        """The line, from 1, of the byte at `offset`."""
        return self.data.count(b"\n", 0, offset) + 1

    def documents(self) -> Iterator[tuple[Document, int, int]]:
        """Every document that could be read, with the span that it stands in."""
        for chunk in self.chunks:
            documents = chunk.documents or ()
            starts = [document.start for document in documents]
            yield from zip(documents, starts, [*starts[1:], chunk.start + len(chunk.text)], strict=False)

    def roots(self) -> Iterator[Node]:
        """The root of every document that could be read."""
        for document, _, _ in self.documents():
            yield document.root


def read(file: str, data: bytes) -> Text:
    """Read a manifest. Raises `ManifestError` for one that is too large, too deep or no text."""
    if len(data) > LARGEST:
        raise ManifestError(
            f"the file has {len(data)} bytes; at most {LARGEST} are read",
            file=file,
            hint="split the file, or leave it out of the path",
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        raise ManifestError("the file is UTF-16 or binary", file=file, line=1, hint="save it as UTF-8")
    if data.startswith(b"version https://git-lfs"):
        raise ManifestError(
            "the file is a Git LFS pointer", file=file, line=1, hint="keep manifests out of LFS"
        )
    if data.count(b"\n---") > MOST:
        raise ManifestError(f"the file has more than {MOST} documents", file=file, hint="split the file")
    if bomb := _BRACKETS.search(data):
        raise _too_deep(file, data, bomb.start())
    start = len(shadow.BOM) if data.startswith(shadow.BOM) else 0
    try:
        whole = _read_chunk(data, start, len(data))
        if whole.documents is not None:
            return Text(file, data, (whole,))
        starts = [start, *(match.start() for match in _SEPARATOR.finditer(data, start + 1)), len(data)]
        chunks = (_read_chunk(data, a, b) for a, b in pairwise(starts))
        return Text(file, data, tuple(chunks))
    except tree.TooDeepError as deep:
        raise _too_deep(file, data, deep.offset) from None


def _too_deep(file: str, data: bytes, offset: int) -> ManifestError:
    line = data.count(b"\n", 0, offset) + 1
    return ManifestError(f"the file nests deeper than {tree.DEEPEST} levels", file=file, line=line)


def _read_chunk(data: bytes, start: int, end: int) -> Chunk:
    """Read a part of a file as it stands, else with its template actions taken out."""
    refusal = ""
    part = data[start:end]
    for candidate in (part, shadow.without_actions(part)) if b"{{" in part or b"{%" in part else (part,):
        text = shadow.shadow(candidate)
        try:
            return Chunk(start, text, tuple(tree.parse(text, start)))
        except yaml.YAMLError as problem:
            refusal = str(getattr(problem, "problem", None) or problem)
    return Chunk(start, shadow.shadow(part), None, refusal)


def read_embedded(text: Text, node: Node) -> tuple[Node, ...]:
    """The roots of the YAML in a literal block scalar, with the scalar for their parent; none in other text.

    The content keeps its indentation: YAML's is relative, so all of it reads as it does without.
    """
    start = text.data.find(b"\n", node.start, node.end) + 1
    if node.style != "|" or not start:
        return ()
    try:
        documents = _read_chunk(text.data, start, node.end).documents or ()
    except tree.TooDeepError as deep:
        raise _too_deep(text.file, text.data, deep.offset) from None
    for document in documents:
        document.root.parent = node
    return tuple(document.root for document in documents)
