"""`set-image`: the edit on local files; no Git, no network."""

import logging
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cipipe import manifests
from cipipe.diff import unified
from cipipe.errors import ImageError, NothingMatched, UsageError
from cipipe.image import ImageRef
from cipipe.results import SetImageOutcome

_log = logging.getLogger("cipipe")

_PIECE = 65_536  # bytes; most manifests are read in one
_SAMPLE = 2_000_000  # bytes of other files that are kept for the names in a hint
_NO_MANIFESTS = frozenset({".git", ".github", ".gitlab", ".circleci", "node_modules"})


@dataclass(frozen=True, slots=True)
class Options:
    """How the edit is narrowed and what becomes of it; `check` and `dry_run` write nothing."""

    container: str | None = None
    key: str | None = None
    diff: bool = False
    check: bool = False
    dry_run: bool = False


def set_image(
    paths: Sequence[str], refs: Sequence[ImageRef], options: Options, names: Mapping[str, ImageRef]
) -> SetImageOutcome:
    """Give each field of `refs` in the files and folders `paths` its tag; `names` are those of `cipipe.yaml`.

    Files are replaced whole, all or none. Raises `UsageError` for a path that cannot be read or written,
    `NothingMatched` where there is no manifest or no field, and what the edit raises.
    """
    for ref in refs:
        if ref.tag is None and ref.digest is None:
            raise ImageError(f"'{ref}' has no tag", hint=f"write {ref}:TAG")
    before = _read(paths, refs, options.key)
    edit = manifests.edit(before, refs, container=options.container, key=options.key, names=names)
    before = {file: before[file] for file in edit.contents}
    if not (options.check or options.dry_run):
        _write_all(before, edit.contents)
    shown = options.diff or options.dry_run
    return SetImageOutcome(
        "changed" if edit.changes else "unchanged",
        edit.changes,
        check=options.check,
        dry_run=options.dry_run,
        diff=unified(before, edit.contents) if shown else "",
        notes=edit.notes,
    )


def _read(paths: Sequence[str], refs: Sequence[ImageRef], key: str | None) -> dict[str, bytes]:
    """The files that can hold a field, and some of the others for the names that a hint gives."""
    files: dict[str, bytes] = {}
    seen: set[str] = set()
    count = sample = 0
    may_hold = manifests.Search(refs, key=key)
    for file in (file for path in paths for file in _files(path)):
        count += 1
        data = _content(file)
        if may_hold(data):
            real = os.path.realpath(file)
            if real not in seen:
                seen.add(real)
                files[file] = data
        elif sample < _SAMPLE:
            sample += len(data)
            files[file] = data
    if not count:
        hint = "manifests end in .yaml, .yml, .json or .tpl; a file that is named is read whatever its name"
        raise NothingMatched(f"no manifest in {', '.join(paths)}", hint=hint)
    _log.info("searched %d file%s", count, "" if count == 1 else "s")
    return files


def _files(path: str) -> Iterator[str]:
    """A file that is named, or the manifests in a folder; links in a folder are not followed."""
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as problem:
        raise UsageError(f"cannot read it: {_reason(problem)}", file=path) from None
    if not stat.S_ISDIR(mode):
        if not stat.S_ISREG(mode):
            raise UsageError(
                "it is neither a file nor a folder", file=path, hint="name a file that can be replaced"
            )
        yield path
        return
    folders = [path]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as problem:
            raise UsageError(f"cannot read the folder: {_reason(problem)}", file=folder) from None
        inner = []
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _NO_MANIFESTS:
                    inner.append(entry.path)
            elif manifests.is_manifest(entry.name) and entry.is_file(follow_symlinks=False):
                yield entry.path
        folders.extend(reversed(inner))


def _content(file: str) -> bytes:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            data = os.read(descriptor, _PIECE)
            if len(data) < _PIECE:
                return data
            pieces = [data]
            while data := os.read(descriptor, 2**20):
                pieces.append(data)
            return b"".join(pieces)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as problem:
        raise UsageError(f"cannot read it: {_reason(problem)}", file=file) from None


def _write_all(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
    """Replace the files: all are written beside the old ones first, then each takes its place."""
    waiting: dict[str, str] = {}
    done: list[str] = []
    try:
        for file, data in after.items():
            waiting[file] = _write_beside(os.path.realpath(file), data)
        for file in list(waiting):
            _check_unchanged(file, before[file])
            Path(waiting[file]).replace(os.path.realpath(file))
            del waiting[file]
            done.append(file)
    except BaseException as problem:
        for file in done:
            with suppress(OSError):
                target = os.path.realpath(file)
                Path(_write_beside(target, before[file])).replace(target)
        if isinstance(problem, OSError):
            raise UsageError(f"cannot write it: {_reason(problem)}", file=problem.filename or "") from None
        raise
    finally:
        for temporary in waiting.values():
            with suppress(OSError):
                Path(temporary).unlink()


def _check_unchanged(file: str, before: bytes) -> None:
    if _content(file) != before:
        raise UsageError("the file has changed meanwhile", file=file, hint="run it again")


def _write_beside(file: str, data: bytes) -> str:
    """A new file in the same folder, with the mode of the old one."""
    folder, name = os.path.split(file)
    mode = stat.S_IMODE(Path(file).stat().st_mode)
    if not os.access(file, os.W_OK):
        raise PermissionError(13, "it is read-only", file)
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{name[:100]}.", suffix=".cipipe", dir=folder)
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, file) from None
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(data)
            os.fchmod(target.fileno(), mode)
    except BaseException:
        Path(temporary).unlink()
        raise
    return temporary


def _reason(problem: OSError | ValueError) -> str:
    return (isinstance(problem, OSError) and problem.strerror) or str(problem)
