"""Build files whose tasks are blocks of text: Rakefile, build.gradle, Earthfile, magefiles (layer 1).

They are not parsed as the languages that they are: the block of a task is found by its brackets or indent,
and what it starts by the call that starts it.
"""

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from cipipe.pipelines.model import HOLE, Script
from cipipe.results import Location
from cipipe.shell.calls import Call, Result
from cipipe.shell.follow.reach import first_file, plain_words, run_in
from cipipe.shell.interpreter import Handler, Interpreter

_STRING = r"""(?:'((?:[^'\\\n]|\\.)*+)'|"((?:[^"\\\n]|\\.)*+)")"""
_STRINGS = re.compile(_STRING)
_RAKE_TASK = re.compile(r"(\s*)(?:multi)?(task|namespace)\b[ (]*:?['\"]?([\w:-]+)(.*)")
_RAKE_END = re.compile(r"(\s*)(?:end\b|\})")
_RAKE_RUN = re.compile(
    rf"(?:\b(?:sh|system|exec|spawn)\b|%x)[ (]*({_STRING}(?:\s*,\s*{_STRING})*)|`([^`\n]+)`"
)
_RAKE_CALL = re.compile(r"\[['\"]([\w:-]+)['\"]\]\.(?:invoke|execute)")
_GRADLE_TASK = re.compile(
    r"^[ \t]*(?:val\s+\w+\s+by\s+)?tasks?[. ]*(?:(?:register|create|named|creating|registering)\b(?:<\w+>)?)?"
    r"[ (]*"
    r"['\"]?(\w+)['\"]?[^\n{]*\{",
    re.MULTILINE,
)
_GRADLE_RUN = re.compile(rf"\b(?:commandLine|setCommandLine)\b[^'\"\n]*({_STRING}(?:\s*,\s*{_STRING})*)")
_GRADLE_EXECUTABLE = re.compile(
    rf"\bexecutable\b[ (=]*{_STRING}[\s\S]{{0,300}}?\bargs\b[^'\"\n]*({_STRING}(?:\s*,\s*{_STRING})*)"
)
_GRADLE_NEED = re.compile(r"\b(?:dependsOn|finalizedBy)\b([^\n]*)")
_GROOVY_EXECUTE = re.compile(rf"{_STRING}\.execute\(")
_EARTHLY_TARGET = re.compile(r"([a-z][\w-]*):\s*(?:#.*)?$")
_EARTHLY_LINE = re.compile(r"\s+(RUN|BUILD|FROM|COPY|DO)\b((?:\s+--[\w-]+(?:=\S+)?)*)\s+(.*)")
_MAGE_FUNCTION = re.compile(r"^func (?:\([^)]*\) )?(\w+)\(", re.MULTILINE)
_MAGE_RUN = re.compile(
    r"\b(?:sh\.(?:Run|RunV|RunWith|RunWithV|Exec|Output)|exec\.Command(?:Context)?)\(([^()]*)\)"
)
_MAGE_CALL = re.compile(r"\b(\w+)\b")
_MOST_TASKS = 200
_LONGEST_BLOCK = 5_000  # characters of a task of Gradle


@dataclass(frozen=True, slots=True)
class _Block:
    """A task: the names of what it needs, and its text at an offset of the file."""

    needs: tuple[str, ...]
    start: int
    text: str


def _follow(
    run: Interpreter, file: tuple[str, str], blocks: dict[str, _Block], names: Sequence[str]
) -> Iterator[tuple[_Block, Location]]:
    """The blocks of the names, after those that they need."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[tuple[_Block, Location]]:
        block = blocks.get(name)
        if block is None or name in done or len(done) > _MOST_TASKS or run.inside(f"task {file[0]} {name}"):
            return
        done.add(name)
        for need in block.needs:
            yield from visit(need)
        with run.within(f"task {file[0]} {name}"):
            yield block, Location(file[0], file[1].count("\n", 0, block.start) + 1)

    for name in names:
        yield from visit(name)


def _joined(strings: str) -> str:
    """The words of a list of strings as one command; one string is a command by itself."""
    words = [re.sub(r"#\{[^}]*\}|\$\{[^}]*\}", HOLE, a or b) for a, b in _STRINGS.findall(strings)]
    if len(words) == 1:
        return words[0]
    return " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)


def _start(run: Interpreter, call: Call, path: str, text: str, line: int) -> None:
    folder = path.rpartition("/")[0]
    run_in(run, call, Script(text, "sh", (Location(path, line),) * (text.count("\n") + 1)), folder)


def rake(run: Interpreter, call: Call) -> Result:
    """`rake NAME…`: what the tasks of the Rakefile start."""
    run.emit(call)
    plain, given = plain_words(call, frozenset({"-f", "--rakefile", "-C"}))
    names = [re.sub(r"\[.*", "", word) for word in plain if "=" not in word] or ["default"]
    named = given.get("-f", given.get("--rakefile", ""))
    found = first_file(
        run, call, [named] if named else ["Rakefile", "rakefile", "Rakefile.rb"], names, upwards=True
    )
    files = [found] if found is not None else []
    for path in run.session.matching("lib/tasks/*.rake") if found is not None else ():
        files.append((path, run.session.read(path) or ""))
    for file in files:
        blocks = _rake_blocks(file[1])
        for block, place in _follow(run, file, blocks, names):
            for one in _RAKE_RUN.finditer(block.text):
                line = place.line + block.text.count("\n", 0, one.start())
                _start(run, call, file[0], _joined(one[1]) if one[1] else one[len(one.groups())], line)
    return Result.UNKNOWN


def _rake_blocks(text: str) -> dict[str, _Block]:
    blocks: dict[str, _Block] = {}
    spaces: list[tuple[int, str]] = []
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    ends: dict[int, list[int]] = {}
    for i, line in enumerate(lines):
        if closed := _RAKE_END.match(line):
            ends.setdefault(len(closed[1]), []).append(i)
    for i, line in enumerate(lines):
        head = _RAKE_TASK.match(line)
        if head is None:
            continue
        indent = len(head[1])
        while spaces and spaces[-1][0] >= indent:
            spaces.pop()
        name = ":".join([*(space for _, space in spaces), head[3].rstrip(":")])
        if head[2] == "namespace":
            spaces.append((indent, head[3].rstrip(":")))
            continue
        closing = ends.get(indent, [])
        found = bisect.bisect_right(closing, i)
        end = closing[found] if found < len(closing) else i
        has_body = re.search(r"\bdo\b|\{\s*(?:\||$)", head[4]) is not None
        body = "\n".join(lines[i : end + 1]) if has_body else line
        needs = head[4].partition("=>")[2] or (
            head[4].partition(":")[2] if line.strip().endswith("]") else ""
        )
        named = re.findall(r"[\w:-]+", needs.partition(" do")[0])
        called = _RAKE_CALL.findall(body)
        blocks[name] = _Block((*(one.strip(":") for one in named), *called), starts[i], body)
    return blocks


def gradle(run: Interpreter, call: Call) -> Result:
    """`gradle TASK…`: what tasks of build.gradle start; the tasks of plug-ins are in the catalogue."""
    run.emit(call)
    plain, given = plain_words(call, frozenset({"-p", "--project-dir", "-b", "--build-file", "-x"}))
    folder = given.get("-p", given.get("--project-dir", "."))
    for name in plain:
        *inner, task = name.strip(":").split(":")
        names = [f"{folder}/{'/'.join(inner)}/{file}" for file in ("build.gradle", "build.gradle.kts")]
        found = first_file(run, call, names)
        if found is None:
            continue
        for block, place in _follow(run, found, _gradle_blocks(found[1]), [task]):
            for pattern in (_GRADLE_RUN, _GRADLE_EXECUTABLE, _GROOVY_EXECUTE):
                for one in pattern.finditer(block.text):
                    line = place.line + block.text.count("\n", 0, one.start())
                    _start(run, call, found[0], _joined(one[0]), line)
    return Result.UNKNOWN


def _gradle_blocks(text: str) -> dict[str, _Block]:
    blocks: dict[str, _Block] = {}
    for head in islice(_GRADLE_TASK.finditer(text), _MOST_TASKS):
        depth, at = 1, head.end()
        while at < len(text) and depth and at - head.end() < _LONGEST_BLOCK:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        body = text[head.start() : at]
        needs = " ".join(_GRADLE_NEED.findall(body))
        blocks[head[1]] = _Block(tuple(re.findall(r"\w+", needs)), head.start(), body)
    return blocks


def earthly(run: Interpreter, call: Call) -> Result:
    """`earthly +TARGET`: the RUN lines of the target and of what it builds on."""
    run.emit(call)
    for word in call.argv[1:]:
        folder, plus, target = word.partition("+")
        if not plus or word.startswith("-"):
            continue
        found = first_file(run, call, [f"{folder or '.'}/Earthfile"], [target])
        if found is None:
            continue
        for block, place in _follow(run, found, _earthly_blocks(found[1]), [target]):
            body = re.sub(r"\\\n\s*", " ", block.text)
            for line in filter(None, map(_EARTHLY_LINE.match, body.split("\n"))):
                if line[1] == "RUN":
                    at = block.text.find(line[3][:30])
                    _start(run, call, found[0], line[3], place.line + block.text.count("\n", 0, max(at, 0)))
    return Result.UNKNOWN


def _earthly_blocks(text: str) -> dict[str, _Block]:
    blocks: dict[str, _Block] = {}
    heads = [(m.start(), m) for m in re.finditer(r"^.*$", text, re.MULTILINE) if _EARTHLY_TARGET.match(m[0])]
    for (start, head), after in zip(heads, [*(at for at, _ in heads[1:]), len(text)], strict=False):
        body = text[start:after]
        needs = tuple(re.findall(r"(?<![\w./])\+([a-z][\w-]*)", body))
        blocks[head[0].partition(":")[0]] = _Block(needs, start, body)
    return blocks


def mage(run: Interpreter, call: Call) -> Result:
    """`mage TARGET…`: what the functions of the magefiles start."""
    run.emit(call)
    plain, given = plain_words(call, frozenset({"-d", "-w", "-t"}))
    folder = given.get("-d", ".")
    found = first_file(run, call, [f"{folder}/magefile.go", f"{folder}/magefiles/magefile.go"], plain)
    if found is None:
        return Result.UNKNOWN
    text = found[1]
    heads = list(_MAGE_FUNCTION.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    bodies = {
        head[1].lower(): (head.start(), text[head.start() : end])
        for head, end in zip(heads, ends, strict=False)
    }
    blocks = {
        name: _Block(
            tuple(set(map(str.lower, _MAGE_CALL.findall(body))) & bodies.keys() - {name}), start, body
        )
        for name, (start, body) in bodies.items()
    }
    for block, place in _follow(run, found, blocks, [word.rpartition(":")[2].lower() for word in plain]):
        for one in _MAGE_RUN.finditer(block.text):
            words = [word for word in re.findall(r'"((?:[^"\\\n]|\\.)*+)"', one[1]) if word]
            if words:
                quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
                _start(run, call, found[0], quoted, place.line + block.text.count("\n", 0, one.start()))
    return Result.UNKNOWN


HANDLERS: dict[str, Handler] = {
    "rake": rake,
    **dict.fromkeys(("gradle", "gradlew"), gradle),
    "earthly": earthly,
    "mage": mage,
}
