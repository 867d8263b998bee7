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
        self._folder = root.absolute() / f"cipipe-{_FORMAT}-{name}"  # git runs in another folder
        self.objects = self._folder / "objects"
        self._state = self._folder / "state.json"

    def open(self) -> State | None:
        """What is known, or None for a store that is new, too full or broken; raises OSError.

        A store without a state is not thrown away: another run may be filling it just now.
        """
        packs = self.objects / "pack"
        try:
            state = self._load()
            fits = sum(1 for _ in packs.glob("*.pack")) <= _MOST_PACKS
        except (ValueError, KeyError, TypeError):
            state, fits = None, False
        if not fits:
            state = None
            self.discard()
        packs.mkdir(parents=True, mode=0o700, exist_ok=True)
        for pointer in ("alternates", "http-alternates"):
            (self.objects / "info" / pointer).unlink(missing_ok=True)
        return state

    def save(self, state: State) -> None:
        """Remember `state`; a reader at the same time sees the old or the new one, whole. Raises OSError."""
        text = json.dumps({"tips": state.tips, "shallow": state.shallow})
        descriptor, name = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
            Path(name).replace(self._state)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

    def discard(self) -> None:
        """Throw the store away; another run that is using it starts over by itself. Raises OSError."""
        grave = self._folder.with_name(f"{self._folder.name}.{os.urandom(8).hex()}")
        with contextlib.suppress(FileNotFoundError):
            self._folder.replace(grave)
            if grave.is_symlink() or not grave.is_dir():
                grave.unlink()
            shutil.rmtree(grave, ignore_errors=True)

    def _load(self) -> State | None:
        """The state, or None where there is none yet; raises what is wrong with it."""
        if any(path.is_symlink() for path in (self._folder, self.objects, self.objects / "pack")):
            raise ValueError("a link stands in the place of a folder")
        try:
            known = json.loads(self._state.read_text())
        except FileNotFoundError:
            return None
        state = State(tuple(known["tips"]), tuple(known["shallow"]))
        if not all(_ID.fullmatch(str(each)) for each in (*state.tips, *state.shallow)):
            raise ValueError("the state holds what is no id")
        if not (self.objects / "pack").is_dir():
            raise ValueError("the objects are gone")
        return state
