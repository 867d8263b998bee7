"""Objects kept between runs (`--cache-dir`): only a store of what can be fetched again.

No more than objects and the last known tips are kept, never configuration, hooks or attributes. Every run
has its own private repository, which uses the kept objects as its object folder: runs at the same time cannot
lock or confuse each other, for objects are only ever added. What is read is checked by its id. A store that
fails in any way is thrown away.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cipipe.git.url import Remote

_FORMAT = "v1"
_MOST_PACKS = 100  # each run adds two or three; many make every look-up slow, and a cold run is cheap
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class State:
    """The tips that the store holds with their history, which ends at the commits in `shallow`."""

    tips: tuple[str, ...]
    shallow: tuple[str, ...]


class Cache:
    """The store of one remote repository below the cache folder."""

    def __init__(self, root: Path, remote: Remote) -> None:
        name = hashlib.sha256(remote.url.encode()).hexdigest()[:32]
        self._folder = root / f"cipipe-{_FORMAT}-{name}"
        self.objects = self._folder / "objects"
        self._state = self._folder / "state.json"

    def open(self) -> State | None:
        """What is known, or None for a store that is new, too full, or not plainly one."""
        state = self._load()
        packs = self.objects / "pack"
        if state is None or sum(1 for _ in packs.glob("*.pack")) > _MOST_PACKS:
            self.discard()
            packs.mkdir(parents=True, mode=0o700)
        for pointer in ("alternates", "http-alternates"):
            (self.objects / "info" / pointer).unlink(missing_ok=True)
        return state

    def save(self, state: State) -> None:
        """Remember `state`; a reader at the same time sees the old or the new one, whole."""
        if not self._folder.is_dir():
            return  # another run threw it away
        text = json.dumps({"tips": state.tips, "shallow": state.shallow})
        descriptor, name = tempfile.mkstemp(dir=self._folder)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(name).replace(self._state)

    def discard(self) -> None:
        """Throw the store away; another run that is using it starts over by itself."""
        grave = self._folder.with_name(f"{self._folder.name}.{os.urandom(8).hex()}")
        with contextlib.suppress(FileNotFoundError):
            self._folder.replace(grave)
            if grave.is_symlink() or not grave.is_dir():
                grave.unlink()
            shutil.rmtree(grave, ignore_errors=True)

    def _load(self) -> State | None:
        if any(path.is_symlink() for path in (self._folder, self.objects, self.objects / "pack")):
            return None
        try:
            known = json.loads(self._state.read_text())
            state = State(tuple(known["tips"]), tuple(known["shallow"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not all(_ID.fullmatch(str(each)) for each in (*state.tips, *state.shallow)):
            return None
        return state if (self.objects / "pack").is_dir() else None
