"""What a container made from a Dockerfile starts (the last stage only).

Source: Dockerfile reference: FROM, COPY, ADD, ENTRYPOINT, CMD.
"""

import json
import posixpath
import re
import shlex
from dataclasses import dataclass, field

from cipipe.pipelines.model import WORKSPACE

_INSTRUCTION = re.compile(r"[ \t]*(FROM|COPY|ADD|ENTRYPOINT|CMD|WORKDIR)[ \t]+(.*)", re.IGNORECASE)


@dataclass(slots=True)
class Dockerfile:
    """`entrypoint` and `command` are shell text; `copies` maps paths of the image to the build folder's."""

    image: str = ""
    from_line: int = 1
    entrypoint: str | None = None
    entrypoint_line: int = 1
    command: str = ""
    workdir: str = "/"
    copies: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def parse(text: str) -> "Dockerfile":
        """Read what matters; anything else is passed over."""
        found = Dockerfile()
        for number, line in _lines(text):
            match = _INSTRUCTION.match(line)
            if match is None:
                continue
            name, rest = match[1].upper(), match[2].strip()
            if name == "FROM":
                words = [word for word in rest.split() if not word.startswith("--")]
                found = Dockerfile(image=words[0] if words else "", from_line=number)
            elif name == "WORKDIR":
                found.workdir = posixpath.join(found.workdir, rest)
            elif name == "CMD":
                found.command = _program(rest)
            elif name == "ENTRYPOINT":
                found.entrypoint, found.entrypoint_line = _program(rest), number
            else:
                found.copy(rest)
        return found

    def copy(self, rest: str) -> None:
        """Note a COPY or ADD from the build folder."""
        words = [word for word in _words(rest) if not word.startswith("--")]
        if "--from" in rest or len(words) < 2:
            return
        *sources, target = words
        target_path = posixpath.join(self.workdir, target)
        for source in sources:
            into = target.endswith("/") or target in {".", "./"} or len(sources) > 1
            name = posixpath.basename(source.rstrip("/"))
            path = posixpath.join(target_path, name) if into and name not in {"", "."} else target_path
            self.copies[posixpath.normpath(path)] = posixpath.normpath(source.lstrip("/") or ".")

    def local(self, program: str, path: str) -> str:
        """The command with its program's path in the image replaced by the one in the repository."""
        first, _, rest = program.partition(" ")
        folder = posixpath.join(WORKSPACE, posixpath.dirname(path))
        absolute = posixpath.normpath(posixpath.join(self.workdir, first))
        for target, source in self.copies.items():
            if absolute == target or (absolute.startswith(target.rstrip("/") + "/") and target != absolute):
                inside = posixpath.join(source, posixpath.relpath(absolute, target))
                where = posixpath.normpath(posixpath.join(folder, inside))
                return f"{where} {rest}".strip()
        return program


def _lines(text: str) -> "list[tuple[int, str]]":
    joined: list[tuple[int, str]] = []
    held = ""
    begin = 1
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        begin = begin if held else number
        if line.rstrip().endswith("\\"):
            held += line.rstrip()[:-1] + " "
            continue
        joined.append((begin, held + line))
        held = ""
    return joined


def _words(rest: str) -> list[str]:
    if rest.startswith("["):
        try:
            listed = json.loads(rest)
        except ValueError:
            return rest.split()
        return [str(word) for word in listed] if isinstance(listed, list) else []
    return rest.split()


def _program(rest: str) -> str:
    if not rest.startswith("["):
        return rest
    words = _words(rest)
    if len(words) == 3 and words[1] == "-c":
        return words[2]
    return shlex.join(words)
