"""`make TARGET`: the recipes of the target and of what it needs (layer 1; GNU make manual).

Variables that are constant, prerequisites, includes, `$(MAKE)`, `-C`, pattern rules and `$(call …)` are
understood; what most other functions would give is not known.
"""

import posixpath
import re
from dataclasses import dataclass, field, replace

from cipipe.pipelines.model import HOLE, Script
from cipipe.results import Location
from cipipe.shell import unresolved
from cipipe.shell.calls import Call, Result
from cipipe.shell.interpreter import Interpreter
from cipipe.shell.session import in_repository

_NAMES = ("GNUmakefile", "makefile", "Makefile")
_ASSIGNMENT = re.compile(r"(?:export\s+|override\s+)*([\w.-]+)\s*(\?=|:{1,3}=|\+=|!=|=)\s*(.*)", re.DOTALL)
_RULE = re.compile(r"([^:=#\t][^:=#]*?)\s*::?(?!=)\s*([^;]*)(?:;(.*))?$", re.DOTALL)
_REFERENCE = re.compile(
    r"\$\$|\$\(([\w.-]+)\)|\$\{([\w.-]+)\}|\$([@<^?*+%|])|\$([A-Za-z1-9])|\$\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)"
)
_INCLUDE = re.compile(r"\s*[-s]?include\s+")
_DRY = re.compile(r"-[a-zA-BD-HJ-NP-V]*n[a-z]*|--dry-run|--just-print|--recon|-q|--question")
_DEEPEST = 12
_MOST_REFERENCES = 20_000  # to replace in one run of make: variables that double each other
_MOST_TARGETS = 300  # needs inside each other


@dataclass(slots=True)
class _Rule:
    needs: list[str] = field(default_factory=list)
    recipe: list[tuple[str, Location]] = field(default_factory=list)


@dataclass(slots=True)
class _Makefile:
    folder: str
    given: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    rules: dict[str, _Rule] = field(default_factory=dict)
    references: int = 0
    calling: list[str] = field(default_factory=list)
    first: str = ""
    one_shell: bool = False


def make(run: Interpreter, call: Call) -> Result:
    """Follow `make`."""
    run.emit(call)
    if any(_DRY.fullmatch(word) for word in call.argv[1:]):
        return Result.UNKNOWN
    directory, name, targets, given = _arguments(call)
    for folder in call.state.directories:
        base = posixpath.normpath(posixpath.join(folder, directory))
        places = [
            in_repository(posixpath.normpath(posixpath.join(base, n))) for n in ([name] if name else _NAMES)
        ]
        path = next((p for p in places if p is not None and run.session.read(p) is not None), None)
        if path is None:
            continue
        makefile = _Makefile(
            base, given, variables={"MAKE": "make", "CURDIR": base, "SHELL": "/bin/sh", "MAKEFILE_LIST": path}
        )
        _read(run, makefile, path, 0)
        makefile.variables.update(given)
        for target in targets or [makefile.first]:
            _target(run, makefile, target, call)
        if makefile.references > _MOST_REFERENCES:
            run.problem(call, f"{path} has more references than can be followed")
        return Result.UNKNOWN
    wanted = posixpath.join(directory, name)
    if unresolved.leads_out(call, wanted):
        run.problem(call, f"{wanted} leads out of the repository")
    return Result.UNKNOWN


def _arguments(call: Call) -> tuple[str, str, list[str], dict[str, str]]:
    directory = name = ""
    targets: list[str] = []
    given: dict[str, str] = {}
    words = list(call.argv[1:])
    while words:
        word = words.pop(0)
        variable = _ASSIGNMENT.fullmatch(word)
        if word.startswith("-"):
            key, _, value = word.partition("=")
            if key in ("--directory", "--file", "--makefile"):
                value = value or (words.pop(0) if words else "")
            elif re.fullmatch(r"-[a-zA-Z]*[CfIoW]", word):
                value = words.pop(0) if words else ""
                key = "-" + word[-1]
            elif word[:2] in ("-C", "-f"):
                key, value = word[:2], word[2:]
            elif word in ("-j", "-l") and words and words[0].isdigit():
                words.pop(0)
            directory = posixpath.join(directory, value) if key in ("-C", "--directory") else directory
            name = value if key in ("-f", "--file", "--makefile") else name
        elif variable is not None:
            given[variable[1]] = variable[3]
        else:
            targets.append(word)
    return directory, name, targets, given


def _read(run: Interpreter, makefile: _Makefile, path: str, depth: int) -> None:
    text = run.session.read(path)
    if text is None or depth > _DEEPEST:
        return
    current: list[_Rule] = []
    lines = text.replace("\r\n", "\n").split("\n")
    at = 0
    define = ""
    while at < len(lines):
        start = at
        line = lines[at]
        while line.endswith("\\") and not line.endswith("\\\\") and at + 1 < len(lines):
            at += 1
            line = line + "\n" + lines[at] if line.startswith("\t") else line[:-1] + " " + lines[at].strip()
        at += 1
        if line.startswith("define "):
            define = line.split()[1].rstrip("=")
            makefile.variables[define] = ""
            continue
        if define:
            if line.startswith("endef"):
                define = ""
            else:
                before = makefile.variables[define]
                line = line.lstrip("\t @+")
                makefile.variables[define] = f"{before}\n{line}" if before else line
            continue
        if line.startswith("\t"):
            column = len(line) - len(line.lstrip("\t@-+ ")) + 1
            for rule in current:
                rule.recipe.append((line, Location(path, start + 1, column)))
            continue
        if _INCLUDE.match(line):
            _include(run, makefile, line, path, depth)
            current = []
        else:
            bare = line.split(" #")[0]
            read = _line(makefile, bare, path, start + 1)
            current = read or (current if not bare.strip() or line.startswith("#") else [])


def _include(run: Interpreter, makefile: _Makefile, line: str, path: str, depth: int) -> None:
    for name in _expand(_INCLUDE.sub("", line), makefile, "").split():
        near = run.session.matching(posixpath.normpath(posixpath.join(posixpath.dirname(path), name)))
        for other in near or run.session.matching(name):
            _read(run, makefile, other, depth + 1)


def _line(makefile: _Makefile, line: str, path: str, number: int) -> list[_Rule]:
    """Read an assignment or the head of a rule."""
    stripped = line.strip()
    if not stripped or stripped.startswith(
        ("#", "ifeq", "ifneq", "ifdef", "ifndef", "else", "endif", "vpath", "unexport")
    ):
        return []
    assignment = _ASSIGNMENT.fullmatch(stripped)
    if assignment is not None:
        _assign(makefile, assignment)
        return []
    found = _RULE.match(stripped)
    if found is None:
        return []
    rules = []
    for target in _expand(found[1], makefile, "").split():
        rule = makefile.rules.setdefault(target, _Rule())
        needs = _ASSIGNMENT.fullmatch(found[2].strip())
        if needs is None:
            rule.needs += _expand(found[2].replace("|", " "), makefile, target).split()
        if found[3]:
            rule.recipe.append((found[3].strip(), Location(path, number, 1)))
        makefile.one_shell = makefile.one_shell or target == ".ONESHELL"
        if not makefile.first and not target.startswith(".") and "%" not in target:
            makefile.first = target
        rules.append(rule)
    return rules


def _assign(makefile: _Makefile, found: re.Match[str]) -> None:
    name, operator, value = found[1], found[2], found[3]
    if name in makefile.given:
        return
    old = makefile.variables.get(name)
    if operator == "!=":
        makefile.variables[name] = HOLE
    elif operator == "+=" and old is not None:
        makefile.variables[name] = f"{old} {value}"
    elif operator != "?=" or old is None:
        makefile.variables[name] = _expand(value, makefile, "") if operator.startswith(":") else value


def _expand(text: str, makefile: _Makefile, target: str, depth: int = 0) -> str:
    """Make's references replaced; `$$` becomes `$`, what is not known a hole."""

    def one(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        makefile.references += 1
        if makefile.references > _MOST_REFERENCES:
            return HOLE
        if found[3]:
            return target if found[3] == "@" else HOLE
        name = found[1] or found[2] or found[4]
        if not name:
            return _function(found[5], makefile, target)
        value = makefile.variables.get(name)
        if value is None:
            return f"${{{name}}}" if name.isidentifier() else HOLE  # the environment's, which the shell knows
        return HOLE if depth > _DEEPEST else _expand(value, makefile, target, depth + 1)

    return _REFERENCE.sub(one, text)[: 1 << 16]


def _function(text: str, makefile: _Makefile, target: str) -> str:
    name, _, rest = text.partition(" ")
    if name == "call":
        return _call(rest, makefile, target)
    if name in ("info", "warning"):
        return ""
    if name == "shell":
        return f"$({_expand(rest, makefile, target, _DEEPEST - 1)})"
    if name in ("strip", "abspath", "realpath", "sort"):
        return _expand(rest, makefile, target, 1).strip()
    if name in ("or",):
        return next((part for part in _expand(rest, makefile, target, 1).split(",") if part.strip()), "")
    return HOLE


def _call(text: str, makefile: _Makefile, target: str) -> str:
    """`$(call NAME,ARGUMENT…)`: the variable with its `$(1)`, `$(2)`… replaced."""
    name, *given = (part.strip() for part in _expand(text, makefile, target, 1).split(","))
    body = makefile.variables.get(name)
    if body is None or name in makefile.calling:
        return HOLE
    filled = re.sub(
        r"\$(?:\((\d)\)|\{(\d)\}|([1-9]))",
        lambda found: (
            given[at - 1] if 0 < (at := int(found[1] or found[2] or found[3])) <= len(given) else ""
        ),
        body,
    )
    makefile.references += len(filled) // 64
    makefile.calling.append(name)
    try:
        return _expand(filled, makefile, target, 1)
    finally:
        makefile.calling.pop()


def _target(run: Interpreter, makefile: _Makefile, target: str, call: Call) -> None:
    rule = makefile.rules.get(target)
    if rule is None:
        rule = next((r for name, r in makefile.rules.items() if "%" in name and _fits(name, target)), None)
    if rule is None or target in makefile.done or len(makefile.done) > _MOST_TARGETS:
        return
    makefile.done.add(target)
    for need in rule.needs:
        _target(run, makefile, need, call)
    key = f"make {makefile.folder} {target}"
    if not rule.recipe or run.inside(key):
        return
    with run.within(key):
        chunks = [rule.recipe] if makefile.one_shell else [[line] for line in rule.recipe]
        for chunk in chunks:
            text = "\n".join(
                _expand(line.lstrip("\t@-+ ").replace("\n\t", "\n"), makefile, target) for line, _ in chunk
            )
            places = tuple(place for line, place in chunk for _ in range(line.count("\n") + 1))
            state = call.state.fork()
            state.directories = (makefile.folder,)
            state.functions, state.aliases = {}, {}
            run.run(
                Script(text, "sh", places or (Location("Makefile", 1),)),
                replace(call, env={}),
                state,
                apart=True,
            )
            call.state.files = state.files


def _fits(pattern: str, target: str) -> bool:
    before, _, after = pattern.partition("%")
    return target.startswith(before) and target.endswith(after) and len(target) >= len(before) + len(after)
