"""What one run of the gate shares between all its scripts: parsed trees, the repository's files (layer 1)."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field

from cipipe.pipelines.model import HOLE, WORKSPACE, FileRefused, Files
from cipipe.shell.parser import parse
from cipipe.shell.syntax import Tree

LARGEST = 1_000_000  # characters of a script that are read; a megabyte takes half a second
STEPS = 2_000_000  # commands that a whole run may go through
_CACHED = 4_000_000  # characters whose trees are kept; a tree is some 20 times its text

_DEPLOY_TOOLS = frozenset({"kubectl", "helm", "oc", "argocd", "flux", "helmfile", "kustomize", "kapp"})


class NoFiles:
    """A repository without files."""

    slug = ""

    def read(self, path: str) -> bytes | None:  # noqa: ARG002 - the protocol's shape
        """There is none."""
        return None

    def list(self, prefix: str) -> tuple[str, ...]:  # noqa: ARG002 - the protocol's shape
        """There are none."""
        return ()


@dataclass(slots=True)
class Session:
    """Make one for a run and hand it to every `resolve`.

    `images` maps a container image's repository (without registry) to the program that is its entrypoint,
    "" for none. `tools` are the programs that a command word with an unset variable in it
    (`kube${X}ctl`) is compared with. `parsed` counts the texts that went through the parser. `resolved`
    keeps what scripts that many ways lead to do.
    """

    files: Files = field(default_factory=NoFiles)
    images: Mapping[str, str] = field(default_factory=dict)
    tools: frozenset[str] = _DEPLOY_TOOLS
    parsed: int = 0
    steps: int = STEPS
    refused: dict[str, str] = field(default_factory=dict)
    followed: dict[str, None] = field(default_factory=dict)
    resolved: dict[object, object] = field(default_factory=dict, repr=False)
    _trees: dict[tuple[str, tuple[str, ...]], Tree] = field(default_factory=dict, repr=False)
    _kept: int = 0
    _texts: dict[str, str | None] = field(default_factory=dict, repr=False)
    _names: dict[str, list[str]] | None = field(default=None, repr=False)

    def tree(self, text: str, holes: tuple[str, ...] = ()) -> Tree:
        """The tree of a script, parsed once."""
        key = (text, holes)
        tree = self._trees.get(key)
        if tree is None:
            if self._kept > _CACHED:
                self._trees.clear()
                self._kept = 0
            tree = parse(text, holes)
            self.parsed += 1
            self._kept += len(text)
            self._trees[key] = tree
        return tree

    def read(self, path: str) -> str | None:
        """The text of a file of the repository; None where there is none, or it is not text.

        `refused` says why a file that is there is not read.
        """
        if path not in self._texts:
            self._texts[path] = self._read(path)
            if self._texts[path] is not None:
                self.followed[path] = None
        return self._texts[path]

    def _read(self, path: str) -> str | None:
        if HOLE in path or not path or path == ".":
            return None
        try:
            data = self.files.read(path)
        except FileRefused as error:
            self.refused[path] = error.why
            return None
        if data is None or b"\0" in data[:8192]:
            return None
        if len(data) > LARGEST:
            self.refused[path] = f"larger than {LARGEST:,} bytes"
            return None
        return data.decode(errors="replace").removeprefix("\ufeff").replace(HOLE, "?")

    def ending(self, suffix: str) -> list[str]:
        """The files of the repository whose path ends with `suffix` ("/scripts/deploy.sh")."""
        if self._names is None:
            self._names = {}
            for path in self.files.list(""):
                self._names.setdefault(path.rsplit("/", 1)[-1], []).append(path)
        wanted = suffix.lstrip("/")
        same_name = self._names.get(wanted.rsplit("/", 1)[-1], [])
        return [path for path in same_name if path == wanted or path.endswith("/" + wanted)]

    def matching(self, pattern: str) -> list[str]:
        """The files of the repository that a shell pattern fits; the path itself when it has no wildcards."""
        if not any(c in pattern for c in "*?["):
            return [pattern] if self.read(pattern) is not None else []
        return [path for path in self.files.list("") if fnmatch.fnmatchcase(path, pattern[:200])]


def in_repository(path: str) -> str | None:
    """The path relative to the repository of an absolute one; None for what is outside."""
    if path == WORKSPACE:
        return ""
    return path[len(WORKSPACE) + 1 :] if path.startswith(WORKSPACE + "/") else None
