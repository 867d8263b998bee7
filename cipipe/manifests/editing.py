"""The edit as a whole: files and refs in, new bytes and changes out, all or none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cipipe.errors import ManifestError, NothingMatched
from cipipe.image import ImageRef
from cipipe.manifests import plan, search
from cipipe.manifests.field import Field, Slot
from cipipe.manifests.plain import is_retyped
from cipipe.manifests.plan import Found, Match, Narrowing
from cipipe.manifests.reading import Text, read
from cipipe.manifests.tree import Node
from cipipe.manifests.verify import verify
from cipipe.results import Change


@dataclass(frozen=True, slots=True)
class Edit:
    """What an edit makes of some files.

    `contents` has the new bytes of each file that changes, `changes` the fields that move, `held` those that
    are right already; `notes` are sentences for the reader.
    """

    contents: dict[str, bytes]
    changes: tuple[Change, ...]
    held: tuple[Change, ...]
    notes: tuple[str, ...]


def edit(  # noqa: PLR0913 - by name only
    files: Mapping[str, bytes],
    refs: Sequence[ImageRef],
    *,
    container: str | None = None,
    key: str | None = None,
    names: Mapping[str, ImageRef] | None = None,
    digests: Mapping[ImageRef, str] | None = None,
) -> Edit:
    """Give every field of `refs` in `files` (path -> bytes) its tag and digest.

    `container` and `key` narrow; `names` are the configured image names, for markers; `digests` are for what
    `needs_digest` asked, and go to pinned fields alone. Raises `ImageError` for
    refs that contradict each other, `ManifestError` for what cannot be edited safely, `NothingMatched` when
    one of the refs has no field.
    """
    wanted = plan.check_wanted(refs, key)
    by_file = [
        (found, [_pinned(match, digests or {}) for match in matched])
        for found, matched in _matched(files, wanted, Narrowing(container, key, names))
    ]
    contents: dict[str, bytes] = {}
    changes: list[Change] = []
    held: list[Change] = []
    notes: list[str] = []
    for found, matched in by_file:
        replacements = _replacements(found, matched)
        for match in _once(matched):
            old, new = str(match.field.ref), str(plan.held_after(match.field, match.wanted))
            field = match.field
            change = Change(field.file, field.line, field.path, field.kind, old, new)
            moves = any(slot.text != text for slot, text in plan.texts(match))
            (changes if moves else held).append(change)
        moving = [(slot, text) for slot, text in replacements if slot.text != text]
        if moving:
            contents[found.text.file] = _splice(found.text, moving)
            notes += _followers(found.text, moving)
    return Edit(contents, tuple(changes), tuple(held), tuple(notes))


def _pinned(match: Match, digests: Mapping[ImageRef, str]) -> Match:
    wanted = match.wanted
    if wanted.digest is not None or wanted not in digests or not plan.is_pinned(match.field):
        return match
    return Match(match.field, wanted.with_tag(wanted.tag, digests[wanted]))


def needs_digest(
    files: Mapping[str, bytes],
    refs: Sequence[ImageRef],
    *,
    container: str | None = None,
    key: str | None = None,
    names: Mapping[str, ImageRef] | None = None,
) -> tuple[ImageRef, ...]:
    """Those of `refs` without a digest that a pinned field asks one of; raises what `edit` raises."""
    wanted = plan.check_wanted(refs, key)
    asked: dict[ImageRef, None] = {}
    for _, matched in _matched(files, wanted, Narrowing(container, key, names)):
        for match in matched:
            if match.wanted.digest is None and plan.is_pinned(match.field):
                if not match.wanted.repository:
                    plan.texts(match)  # a tag alone names no repository to ask: this says so
                asked[match.wanted] = None
    return tuple(asked)


def running(
    files: Mapping[str, bytes],
    names: Sequence[ImageRef] = (),
    configured: Mapping[str, ImageRef] | None = None,
) -> tuple[Field, ...]:
    """The fields of `files` with the refs that they hold now; with `names`, only those repositories.

    `configured` are the configured image names, for markers. What a kustomization sets counts instead of the
    manifests' own text. Raises `ManifestError` for a file that no reader may be given.
    """
    fields: list[Field] = []
    may_hold = search.Search(names)
    for file, data in files.items():
        if not names or may_hold(data):
            found = plan.find(read(file, data), configured, may_hold if names else None)
            known = [*names, *(configured or {}).values()]
            fields += [
                plan.named(field, known)
                for field in found.fields
                if field.problem is None and field.kind != "key"
            ]
    replaced = {field.renamed for field in fields if field.renamed} | {
        field.names[0] for field in fields if field.renamed and field.names
    }
    kept = [field for field in fields if field.renamed or not field.names or field.names[0] not in replaced]
    wanted = {name.normalized for name in names}
    return tuple(f for f in kept if not wanted or wanted.intersection(f.names))


def _matched(
    files: Mapping[str, bytes], refs: Sequence[ImageRef], narrowing: Narrowing
) -> list[tuple[Found, list[Match]]]:
    """The fields to edit, by file. Raises `NothingMatched` when a ref has none."""
    result = []
    may_hold = search.Search(refs, key=narrowing.key)
    for file, data in files.items():
        if may_hold(data):
            found = plan.find(read(file, data), narrowing.names, may_hold)
            result.append((found, plan.matches(found, refs, narrowing)))
    set_elsewhere = {m.wanted for _, matched in result for m in matched if m.field.renamed}
    result = [
        (found, [m for m in matched if not (_is_untagged(m.field) and m.wanted in set_elsewhere)])
        for found, matched in result
    ]
    seen = {match.wanted for _, matched in result for match in matched}
    if missing := [ref for ref in refs if ref not in seen]:
        raise _nothing(missing, files.values(), narrowing)
    return [(found, matched) for found, matched in result if matched]


def _is_untagged(field: Field) -> bool:
    """An image line without a tag, which a kustomization gives one."""
    return field.renamed is None and field.inline is not None and not field.ref.tag and not field.ref.digest


def _nothing(missing: Sequence[ImageRef], contents: Iterable[bytes], narrowing: Narrowing) -> NothingMatched:
    what = ", ".join(ref.name or str(ref) for ref in missing)
    where = f" in a container '{narrowing.container}'" if narrowing.container is not None else ""
    where += f" at '{narrowing.key}'" if narrowing.key is not None else ""
    near = search.nearest(contents, missing)
    hint = (
        f"near names are: {', '.join(near)}" if near else "look at the path, and at how the manifests name it"
    )
    return NothingMatched(f"no field holds {what}{where}", hint=hint)


def _once(matched: Sequence[Match]) -> list[Match]:
    """One match for each place that moves: aliases and merge keys show a place more than once."""
    places = {tuple(s.start for s in match.field.slots()): match for match in reversed(matched)}
    return sorted(places.values(), key=lambda match: match.field.slots()[0].start)


def _replacements(found: Found, matched: Sequence[Match]) -> list[tuple[Slot, str]]:
    """The new text of each scalar. Raises `ManifestError` where another field wants other text for one."""
    chosen: dict[int, tuple[Slot, str, Field]] = {}
    for match in matched:
        for slot, text in plan.texts(match):
            other = chosen.setdefault(slot.start, (slot, text, match.field))
            if other[1] != text:
                raise _shared(found, other[2], match.field)
    selected = {plan.identity(match.field) for match in matched}
    for field in found.fields:
        for slot in field.slots():
            moved = chosen.get(slot.start)
            if moved is not None and moved[1] != slot.text and plan.identity(field) not in selected:
                raise _shared(found, moved[2], field)
    return [(slot, text) for slot, text, _ in chosen.values()]


def _shared(found: Found, field: Field, other: Field) -> ManifestError:
    lines = [
        line for node in _users(found.text, field) if (line := found.text.line(node.start)) != field.line
    ]
    also = f" (aliases on line {', '.join(map(str, sorted(set(lines))))})" if lines else ""
    return ManifestError(
        f"line {field.line} serves {_served(field)} and {_served(other)}{also}, and would move for both",
        file=field.file,
        line=field.line,
        hint="write the tag out where the alias stands",
    )


def _served(field: Field) -> str:
    return field.names[0] + (f" (container '{field.container}')" if field.container else "")


def _users(text: Text, field: Field) -> list[Node]:
    """The aliases that stand for a field's text, or for a mapping that holds it."""
    holders = {id(node) for slot in field.slots() for node in slot.node.ancestors()}
    nodes = [node for root in text.roots() for node in root.walk()]
    return [node for node in nodes if node.kind == "alias" and node.target and id(node.target) in holders]


def _followers(text: Text, moving: Sequence[tuple[Slot, str]]) -> list[str]:
    """A sentence for each alias whose value moves with its anchor."""
    holders = {id(node) for slot, _ in moving for node in slot.node.ancestors()}
    aliases = [
        node
        for root in text.roots()
        for node in root.walk()
        if node.kind == "alias" and node.target and id(node.target) in holders
    ]
    return [f"{text.file}:{text.line(node.start)}: the alias *{node.anchor} follows" for node in aliases]


def _splice(text: Text, moving: Sequence[tuple[Slot, str]]) -> bytes:
    """The new bytes of a file, verified."""
    moving = sorted(moving, key=lambda move: move[0].start)
    pieces = [_piece(text, slot, new) for slot, new in moving]
    after, done = [], 0
    for start, end, new in pieces:
        after += [text.data[done:start], new]
        done = end
    result = b"".join([*after, text.data[done:]])
    _check_invariant(text, result, pieces)
    verify(text, result, _expected(text, moving, pieces))
    return result


def _piece(text: Text, slot: Slot, new: str) -> tuple[int, int, bytes]:
    """The span that moves and its new bytes, with quotes where a reader would re-type the new text."""
    old, plain = slot.text, not slot.node.style
    in_json = plain and _is_json(text)
    if plain and (in_json or is_retyped(new)) and slot.node.tag is None:
        blank = b" " if slot.start == slot.end else b""
        return slot.start, slot.end, blank + b'"' + new.encode() + b'"'
    if slot.start == slot.end and plain:
        return slot.start, slot.end, b" " + new.encode()
    name = len(_common_name(old, new))
    return slot.start + name, slot.end, new[name:].encode()


def _common_name(old: str, new: str) -> str:
    """The name that both refs start with, up to its tag's colon; nothing of two bare tags."""
    for mark in (":", "@"):
        start, _, _ = new.partition("@")
        head = start[: start.rfind(":") + 1] if mark == ":" and ":" in start[start.rfind("/") + 1 :] else ""
        if head and old.startswith(head):
            return head
    head = new.partition("@")[0]
    return head if "@" in new and old.startswith(head + "@") else ""


def _is_json(text: Text) -> bool:
    return text.file.endswith(".json")


def _check_invariant(text: Text, after: bytes, pieces: Sequence[tuple[int, int, bytes]]) -> None:
    """`after` is `text` with each span replaced and nothing else: read from the end, unlike it was made."""
    tail, rest = len(after), len(text.data)
    for start, end, new in reversed(pieces):
        kept = rest - end
        tail -= kept
        if after[tail : tail + kept] != text.data[end:rest] or after[tail - len(new) : tail] != new:
            raise ManifestError("the edit moved other bytes", file=text.file, line=text.line(start))
        tail -= len(new)
        rest = start
    if after[:tail] != text.data[:rest]:
        raise ManifestError("the edit moved other bytes", file=text.file, line=1)


def _expected(
    text: Text, moving: Sequence[tuple[Slot, str]], pieces: Sequence[tuple[int, int, bytes]]
) -> dict[int, str]:
    """The value that each scalar has after the edit; text held in a block scalar moves within its value."""
    values: dict[int, str] = {}
    for (slot, new), piece in zip(reversed(moving), reversed(pieces), strict=True):
        start = slot.node.value.rfind(slot.text) if slot.text else 0
        rest = slot.node.value[start + len(slot.text) :] if slot.text else ""
        values[id(slot.node)] = slot.node.value[:start] + new + rest
        for node in slot.node.ancestors():
            if node.kind == "scalar" and node is not slot.node:
                values[id(node)] = _moved_in_block(text, node, values.get(id(node), node.value), piece)
    return values


def _moved_in_block(text: Text, node: Node, value: str, piece: tuple[int, int, bytes]) -> str:
    """The value of a literal block scalar when a span of one of its lines is replaced."""
    start, end, new = piece
    first = text.data.find(b"\n", node.start, node.end) + 1
    row = text.data.count(b"\n", first, start)
    line_start = text.data.rfind(b"\n", 0, start) + 1
    line_end = text.data.find(b"\n", line_start, node.end)
    raw = text.data[line_start : line_end if line_end >= 0 else node.end].rstrip(b"\r")
    indent = len(raw) - len(node.value.split("\n")[row])
    begin, stop = start - line_start - indent, end - line_start - indent
    lines = value.split("\n")
    lines[row] = lines[row][:begin] + new.decode() + lines[row][stop:]
    return "\n".join(lines)
