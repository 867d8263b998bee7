"""From fields and wanted refs to replacements: which fields, which text, and why not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from cipipe.errors import ImageError, ManifestError
from cipipe.image import ImageRef
from cipipe.manifests import finders, lines, marker, search
from cipipe.manifests.field import Doubt, Field, Slot, format_path, parse_ref, slot
from cipipe.manifests.finders.parts import prefixed
from cipipe.manifests.reading import Text, read_embedded
from cipipe.manifests.tree import Node


@dataclass(frozen=True, slots=True)
class Narrowing:
    """A container's name and a dotted path to narrow to, and the configured names for markers."""

    container: str | None = None
    key: str | None = None
    names: Mapping[str, ImageRef] | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A field and the ref that it is to hold."""

    field: Field
    wanted: ImageRef


@dataclass(frozen=True, slots=True)
class Found:
    """All that the finders know of one file."""

    text: Text
    fields: tuple[Field, ...]
    doubts: tuple[Doubt, ...]


def find(
    text: Text,
    names: Mapping[str, ImageRef] | None = None,
    may_hold: Callable[[bytes], bool] | None = None,
) -> Found:
    """The fields and doubts of a file, in its documents that pass `may_hold`.

    A marker adds only what no finder knows.
    """
    found = list(finders.find_all(text, may_hold))
    for chunk in text.chunks:
        if chunk.documents is None:
            found += lines.find(text, chunk)
    known = {s.node.start for field in found if isinstance(field, Field) for s in field.slots()}
    for marked in marker.find(text, names or {}):
        if isinstance(marked, Doubt) or not any(s.node.start in known for s in marked.slots()):
            found.append(marked)
    fields = {identity(item): item for item in found if isinstance(item, Field)}
    return Found(text, tuple(fields.values()), tuple(item for item in found if isinstance(item, Doubt)))


def identity(field: Field) -> tuple[object, ...]:
    """What tells fields apart; one that a merge key brings into a mapping is found there once more."""
    return (field.names, field.container, *(s.start for s in field.slots()))


def matches(found: Found, refs: Sequence[ImageRef], narrowing: Narrowing) -> list[Match]:
    """The fields of a file that are to hold one of `refs`, in file order.

    Raises `ManifestError` for a place that holds one of the images in a form that no edit can serve.
    """
    selected: list[Match] = []
    targets = None if narrowing.key is None else _at_path(found.text, narrowing.key)
    for ref in refs:
        ranked = [(rank, field) for field in found.fields if (rank := _rank(field, ref)) is not None]
        renamed = any(rank == 0 and field.kind in {"kustomize", "argocd"} for rank, field in ranked)
        selected += [
            Match(_as_asked(field, ref, rank), ref)
            for rank, field in ranked
            if not (rank and renamed) and _is_inside(field, targets) and _fits(field, narrowing.container)
        ]
        if targets is not None:
            selected += _at_key(found, ref, targets)
        elif narrowing.container is None:
            _refuse_doubts(found, ref)
    return sorted(selected, key=lambda match: match.field.line)


def _rank(field: Field, ref: ImageRef) -> int | None:
    """0 where the field runs the ref's repository, 1 where it only answers to it, None otherwise."""
    if not ref.repository:
        return 0
    for rank, name in enumerate(field.names):
        if _answers(name, ref):
            return rank
    return None


def _answers(name: str, ref: ImageRef) -> bool:
    """Whether a field's name, in full or `*/` and the end of one, is that of the ref."""
    return name == ref.normalized or (name.startswith("*/") and f"/{ref.repository}".endswith(name[1:]))


def named(field: Field, known: Sequence[ImageRef]) -> Field:
    """A field that names only the last part of its repository, under the one of `known` that it means."""
    if not field.names or not field.names[0].startswith("*/"):
        return field
    ref = next((ref for ref in known if _answers(field.names[0], ref)), None)
    if ref is None:
        return field
    return replace(field, names=(ref.normalized,), ref=ref.with_tag(field.ref.tag, field.ref.digest))


def _as_asked(field: Field, ref: ImageRef, rank: int) -> Field:
    """The field under the name that it answered to, where its own is a guess (joined, or a loose marker)."""
    if not field.names or field.renamed is not None:
        return field
    if field.names[rank].startswith("*/"):
        named = ref
    elif rank:
        named = ImageRef.parse(field.names[rank])
    else:
        return field
    return replace(field, ref=named.with_tag(field.ref.tag, field.ref.digest))


def _fits(field: Field, container: str | None) -> bool:
    return container is None or field.container == container


def _is_inside(field: Field, targets: Sequence[Node] | None) -> bool:
    if targets is None:
        return True
    wanted = {node.start for node in targets}
    return any(node.start in wanted for s in field.slots() for node in s.node.ancestors())


def _refuse_doubts(found: Found, ref: ImageRef) -> None:
    for doubt in found.doubts:
        if search.mentions(doubt.text, ref) or any(_answers(name, ref) for name in doubt.names):
            raise ManifestError(
                f"{ref.familiar} stands in a value that {doubt.why}, which cannot be edited safely"
                if not doubt.why.startswith("stands")
                else f"{ref.familiar} {doubt.why} and cannot be edited safely",
                file=found.text.file,
                line=doubt.line,
                hint="write the image as a plain REPOSITORY:TAG, or name another place with --key",
            )


def _at_path(text: Text, key: str) -> list[Node]:
    """The nodes at a dotted path, in every document."""
    wanted = search.parse_path(key)
    nodes = []
    for root in text.roots():
        node: Node | None = root
        for step in wanted:
            node = _child(text, node, step) if node is not None else None
        if node is not None:
            nodes.append(node)
    return nodes


def _child(text: Text, node: Node, step: str) -> Node | None:
    """What stands at a key or index of `node`, in the YAML that a literal block scalar holds too."""
    node = next(iter(read_embedded(text, node)), node) if node.kind == "scalar" else node
    if node.kind == "mapping":
        found = [value for name, value in node.pairs() if name.resolved().value == step]
        return found[-1].resolved() if found else None
    if node.kind == "sequence" and step.isdigit() and int(step) < len(node.items):
        return node.items[int(step)].resolved()
    return None


def _at_key(found: Found, ref: ImageRef, targets: Sequence[Node]) -> list[Match]:
    """Plain scalars at the path that no finder knows: a whole ref, or a tag alone."""
    known = {s.node.start for field in found.fields for s in field.slots()}
    result = []
    for node in targets:
        place = slot(found.text, node)
        if node.start in known or (node.kind != "scalar" and place.problem != "is templated"):
            continue
        line, path = found.text.line(place.start), format_path(node.steps())
        whole = parse_ref(place.text) if "/" in place.text or ":" in place.text else None
        if whole is not None:
            if ref.repository and not whole.same_repository(ref):
                continue
            field = Field(found.text.file, line, path, "key", whole, (), inline=place, problem=place.problem)
        else:
            held = parse_ref(f"{ref.name or 'x'}:{place.text}") if place.text else ref.with_tag(None)
            held_ref = ImageRef(ref.registry, ref.repository, held.tag, held.digest) if held else ref
            problem = place.problem or (None if held else "holds no tag")
            field = Field(found.text.file, line, path, "key", held_ref, (), tag=place, problem=problem)
        result.append(Match(field, ref))
    return result


def is_pinned(field: Field) -> bool:
    """Whether a digest decides what the field runs."""
    return field.ref.digest is not None


def texts(match: Match) -> list[tuple[Slot, str]]:
    """The new text of each slot of a field. Raises `ManifestError` where there is no safe one."""
    field, wanted = match.field, match.wanted
    if field.problem is not None:
        raise _refusal(field, f"{_names(field)} {field.problem}, so that it cannot be edited safely")
    if wanted.digest is None and is_pinned(field):
        raise _refusal(
            field,
            f"{_names(field)} is pinned by a digest, and {wanted} has none",
            hint=f"give the digest too: {wanted}@sha256:…",
        )
    if field.inline is not None:
        name = field.inline.text[: len(field.ref.name)]
        return [(field.inline, f"{name}{_suffix(wanted)}")]
    return _split_texts(field, wanted)


def _suffix(wanted: ImageRef) -> str:
    tag = f":{wanted.tag}" if wanted.tag is not None else ""
    return tag + (f"@{wanted.digest}" if wanted.digest is not None else "")


def _split_texts(field: Field, wanted: ImageRef) -> list[tuple[Slot, str]]:
    if field.tag is None or (wanted.tag is None and not field.tag.text and field.digest is not None):
        if wanted.digest is None or field.digest is None:
            raise _refusal(field, f"{_names(field)} has no place for a tag", hint="write a tag key beside it")
        return [(field.digest, _digest_text(field.digest, wanted.digest))]
    if wanted.tag is None:
        hint = f"give the tag too: {wanted.name}:TAG@{wanted.digest}"
        raise _refusal(field, f"{_names(field)} has a tag, and {wanted} has none", hint=hint)
    if wanted.digest is None:
        return [(field.tag, wanted.tag)]
    if field.digest is None or (field.digest.node.label == "sha" and not field.digest.text):
        return [(field.tag, f"{wanted.tag}@{wanted.digest}")]
    return [(field.tag, wanted.tag), (field.digest, _digest_text(field.digest, wanted.digest))]


def _digest_text(place: Slot, digest: str) -> str:
    """A bare hexadecimal `sha` stays bare."""
    return digest if prefixed(place.text) == place.text or not place.text else digest.partition(":")[2]


def held_after(field: Field, wanted: ImageRef) -> ImageRef:
    """What the field holds once it has `wanted`: its own name, and a tag where it has a place for one."""
    tag = wanted.tag if field.inline is not None or field.tag is not None else None
    return replace(field.ref, tag=tag, digest=wanted.digest)


def _names(field: Field) -> str:
    return f"the {field.kind} field of {field.ref.name or 'the key'}"


def _refusal(field: Field, message: str, hint: str | None = None) -> ManifestError:
    return ManifestError(message, file=field.file, line=field.line, hint=hint)


def check_wanted(refs: Sequence[ImageRef], key: str | None) -> tuple[ImageRef, ...]:
    """The refs, each once. Raises `ImageError` for one without tag and digest, and for two of one name."""
    distinct: dict[str, ImageRef] = {}
    for ref in refs:
        if ref.tag is None and ref.digest is None:
            raise ImageError(f"{ref} has neither tag nor digest", hint=f"write {ref}:TAG")
        if not ref.repository and key is None:
            raise ImageError(f"{ref} names no repository", hint="a tag alone needs --key")
        other = distinct.setdefault(ref.normalized, ref)
        if (other.tag, other.digest) != (ref.tag, ref.digest):
            raise ImageError(f"{other} and {ref} are two refs of one repository")
    return tuple(distinct.values())
