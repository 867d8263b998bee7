"""Which files are worth reading, by bytes: a parser sees only those that can hold a field."""

import difflib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from cipipe.image import ImageRef
from cipipe.manifests import shadow
from cipipe.manifests.marker import MARK

_SUFFIXES = (".yaml", ".yml", ".json", ".tpl", ".gotmpl", ".tmpl", ".j2")
_NAMES = frozenset({"Kustomization"})
_ESCAPES = (b"\\x", b"\\u", b"\\U", b"\\/", b"\\\n", b"\\\r")
_UTF_16 = frozenset({b"\xff\xfe", b"\xfe\xff"})
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(/)|\r?\n[ \t]*)")
_REGISTRY_KEY = b"egistry"
_REPOSITORY_KEY = b"epository"
_IN_PARTS = re.compile(rb"(?:[rR]egistry|[rR]epository)[\"']?[ \t]*:")
_NAMED = re.compile(
    rb"(?:[iI]mage|[rR]epository|newName|\bname)[\"']?[ \t]*:[ \t]+[\"']?([\w./:@\[\]-]+)", re.ASCII
)


def is_manifest(path: str) -> bool:
    """Whether a file in a folder is read: YAML, JSON and templates of them, by the end of its name."""
    name = path.rpartition("/")[2]
    return name.endswith(_SUFFIXES) or name in _NAMES


def needles(refs: Sequence[ImageRef], *, key: str | None = None) -> tuple[bytes, ...]:
    """Bytes of which every file that can hold a field has at least one; `Search` looks more closely."""
    if key is not None:
        return (_last_key(key),)
    paths = dict.fromkeys(_path(ref) for ref in refs)
    return (*paths, MARK, _REGISTRY_KEY, _REPOSITORY_KEY, *_ESCAPES)


def may_hold(data: bytes, refs: Sequence[ImageRef], *, key: str | None = None) -> bool:
    """Whether a file has a repository's path (whole, in parts or escaped) or a marker."""
    return Search(refs, key=key)(data)


class Search:
    """`may_hold` for many files."""

    def __init__(self, refs: Sequence[ImageRef], *, key: str | None = None) -> None:
        self._paths = tuple(dict.fromkeys(_path(ref) for ref in refs)) if key is None else (_last_key(key),)
        self._parts = tuple(tuple(path.split(b"/")) for path in self._paths) if key is None else ()

    def __call__(self, data: bytes) -> bool:
        """Whether a file can hold a field."""
        for path in self._paths:
            if path in data:
                return True
        if data[:2] in _UTF_16:
            return self(data.decode("utf-16", "replace").replace("\0", "").encode())
        if MARK in data:
            return True
        if b"\\" in data and any(escape in data for escape in _ESCAPES):
            unescaped = _unescape(data)
            if any(path in unescaped for path in self._paths):
                return True
        if _REGISTRY_KEY in data or _REPOSITORY_KEY in data:
            return self._holds_parts(data) and bool(_IN_PARTS.search(data))
        return False

    def _holds_parts(self, data: bytes) -> bool:
        return any(all(part in data for part in parts) for parts in self._parts)


def _unescape(data: bytes) -> bytes:
    def character(escape: re.Match[bytes]) -> bytes:
        digits = escape[1] or escape[2] or escape[3]
        if digits:
            code = int(digits, 16)
            return chr(code).encode("utf-8", "replace") if code < 0x110000 else b"_"
        return escape[4] or b""

    return _ESCAPE.sub(character, data)


def _last_key(key: str) -> bytes:
    names = [step for step in parse_path(key) if not step.isdigit()]
    return names[-1].encode() if names else b""


def _path(ref: ImageRef) -> bytes:
    """What a ref in any form has in common: its path, without Docker Hub's `library/`."""
    return (ref.normalized.partition("/")[2] or ref.normalized).removeprefix("library/").encode()


def parse_path(key: str) -> tuple[str, ...]:
    """The steps of a dotted path: `a.b[0]`, `a.b.0`, and `\\.` for a dot in a key."""
    steps, step = [], ""
    escaped = False
    for character in key.replace("[", ".").replace("]", ""):
        if escaped or character not in {".", "\\"}:
            step += character
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            steps.append(step)
            step = ""
    return tuple(part for part in [*steps, step] if part)


def mentions(text: str, ref: ImageRef) -> bool:
    """Whether `text` names the repository of `ref` among other things, in one of its forms."""
    return bool(_mention(ref.normalized, ref.familiar).search(text))


@lru_cache(maxsize=256)
def _mention(normalized: str, familiar: str) -> re.Pattern[str]:
    path = normalized.partition("/")[2]
    forms = {normalized, familiar, path if normalized.startswith("docker.io/") else normalized}
    if normalized.startswith("docker.io/"):
        forms |= {f"docker.io/{familiar}", f"index.docker.io/{familiar}", f"index.docker.io/{path}"}
    names = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    start, end = r"(?<![A-Za-z0-9._/:-])", r"(?![A-Za-z0-9_/]|[.-]+[A-Za-z0-9])"
    return re.compile(rf"{start}(?:{names}){end}|(?<=[}})]/){re.escape(path)}{end}", re.ASCII)


def nearest(contents: Iterable[bytes], refs: Sequence[ImageRef]) -> list[str]:
    """The names in `contents` that are most like those of `refs`, for a hint."""
    names: set[str] = set()
    for data in contents:
        names.update(
            match[1].decode("ascii", "replace") for match in _NAMED.finditer(shadow.shadow(data).encode())
        )
    plain = {re.sub(r"(@.*|:[^/]*)$", "", name) for name in names}
    near: dict[str, None] = {}
    for ref in refs:
        last = {name.rpartition("/")[2]: name for name in sorted(plain)}
        found = difflib.get_close_matches(ref.name, sorted(plain), n=3, cutoff=0.6)
        alike = difflib.get_close_matches(ref.name.rpartition("/")[2], last, n=2, cutoff=0.75)
        found += [last[name] for name in alike]
        near.update(dict.fromkeys(found))
    return list(near)[:4]
