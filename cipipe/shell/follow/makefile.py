"""Makefiles: variables, rules and includes, and the expansion of their texts (layer 1; GNU make manual)."""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from cipipe.pipelines.model import HOLE, WORKSPACE
from cipipe.results import Location
from cipipe.shell.session import Session

ASSIGNMENT = re.compile(r"(?:export\s+|override\s+)*([\w.-]+)\s*(\?=|:{1,3}=|\+=|!=|=)\s*(.*)", re.DOTALL)
_RULE = re.compile(r"([^:=#\t][^:=#]*+)::?(?!=)\s*([^;]*)(?:;(.*))?$", re.DOTALL)
_REFERENCE = re.compile(
    r"\$\$|\$\(([\w.-]+)\)|\$\{([\w.-]+)\}|\$([@<^?*+%|])|\$([A-Za-z1-9])"
    r"|\$\(((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*+\))*+\))*+\))*+)\)"
    r"|\$\{([a-z-]+\s(?:[^{}]|\{[^{}]*\})*)\}"
)
_CONDITIONS = ("ifeq", "ifneq", "ifdef", "ifndef", "else", "endif")
_INCLUDE = re.compile(r"\s*[-s]?include\s+")
_PRINTED = re.compile(r"\$\((?:[^()]|\([^()]*\))*\)")
_DEEPEST = 12
MOST_REFERENCES = 20_000  # to replace in one run of make: variables that double each other


@dataclass(slots=True)
class Rule:
    """What a target needs, and the lines of its recipe, each with its place."""

    needs: list[str] = field(default_factory=list)
    recipe: list[tuple[str, Location]] = field(default_factory=list)


@dataclass(slots=True)
class Makefile:
    """A Makefile with its includes; `given` are the variables of the command line.

    `missing` are the includes that cannot be read and `outside` those that lead out of the repository;
    `others` are the values that a variable has in another branch of a condition.
    """

    folder: str
    given: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    rules: dict[str, Rule] = field(default_factory=dict)
    references: int = 0
    calling: list[str] = field(default_factory=list)
    first: str = ""
    one_shell: bool = False
    conditions: int = 0
    others: dict[str, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


_OF_WORDS: dict[str, Callable[[list[str]], list[str]]] = {
    "firstword": lambda words: words[:1],
    "lastword": lambda words: words[-1:],
    "dir": lambda words: [word[: word.rfind("/") + 1] or "./" for word in words],
    "notdir": lambda words: [word[word.rfind("/") + 1 :] for word in words],
}


def read(session: Session, makefile: Makefile, path: str, depth: int) -> None:
    """Read the file at `path` into `makefile`; `depth` counts includes."""
    text = session.read(path)
    if text is None or depth > _DEEPEST or path in makefile.files:
        return
    makefile.files.add(path)
    makefile.variables["MAKEFILE_LIST"] = f"{WORKSPACE}/{path}"
    current: list[Rule] = []
    lines = text.replace("\r\n", "\n").split("\n")
    at = 0
    define = ""
    while at < len(lines):
        start = at
        while _continues(lines[at]) and at + 1 < len(lines):
            at += 1
        at += 1
        line = _joined(lines[start:at])
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
            _include(session, makefile, line, path, depth)
            current = []
        else:
            bare = line.split(" #")[0]
            opened = _line(makefile, bare, path, start + 1)
            goes_on = not bare.strip() or line.startswith("#") or bare.strip().startswith(_CONDITIONS)
            current = opened or (current if goes_on else [])


def _continues(line: str) -> bool:
    return line.endswith("\\") and not line.endswith("\\\\")


def _joined(lines: list[str]) -> str:
    """One logical line: a recipe's stays as written, for the shell joins it."""
    if lines[0].startswith("\t"):
        return "\n".join(lines)
    first, *rest = (line.removesuffix("\\") if _continues(line) else line for line in lines)
    return " ".join([first, *(line.strip() for line in rest)])


def _include(session: Session, makefile: Makefile, line: str, path: str, depth: int) -> None:
    names = expand(_INCLUDE.sub("", line.split(" #", maxsplit=1)[0]), makefile, "").split()
    for name in names:
        near = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
        if near.startswith("/"):  # from `$(dir $(lastword $(MAKEFILE_LIST)))`
            near = posixpath.relpath(near, WORKSPACE)
        found = session.matching(near) or session.matching(name)
        for other in found:
            read(session, makefile, other, depth + 1)
        if not found and near.startswith(".."):
            makefile.outside.append(name)
        elif not found and not line.lstrip().startswith(("-", "s")):
            makefile.missing.append(name)


def _line(makefile: Makefile, line: str, path: str, number: int) -> list[Rule]:
    """Read an assignment or the head of a rule."""
    stripped = line.strip()
    if stripped.startswith(_CONDITIONS) and not stripped.startswith("else"):
        makefile.conditions += -1 if stripped.startswith("endif") else 1
    if not stripped or stripped.startswith((*_CONDITIONS, "#", "vpath", "unexport")):
        return []
    assignment = ASSIGNMENT.fullmatch(stripped)
    if assignment is not None:
        _assign(makefile, assignment)
        return []
    found = _RULE.match(stripped)
    if found is None:
        return []
    rules = []
    for target in _names(found[1], makefile, ""):
        rule = makefile.rules.setdefault(target, Rule())
        needs = ASSIGNMENT.fullmatch(found[2].strip())
        if needs is None:
            rule.needs += _names(found[2].replace("|", " "), makefile, target)
        if found[3]:
            rule.recipe.append((found[3].strip(), Location(path, number, 1)))
        makefile.one_shell = makefile.one_shell or target == ".ONESHELL"
        if not makefile.first and not target.startswith(".") and "%" not in target:
            makefile.first = target
        rules.append(rule)
    return rules


def _names(text: str, makefile: Makefile, target: str) -> list[str]:
    """The files and targets that a text names; what a command would print in them is not known."""
    return _PRINTED.sub(HOLE, expand(text, makefile, target)).split()


def _assign(makefile: Makefile, found: re.Match[str]) -> None:
    name, operator, value = found[1], found[2], found[3]
    if name in makefile.given:
        return
    old = makefile.variables.get(name)
    if makefile.conditions and old is not None and operator in ("=", ":=", "?="):
        makefile.others.setdefault(name, []).append(value if operator == "?=" else old)
    if name == ".DEFAULT_GOAL":
        makefile.first = value
    if operator == "!=":
        makefile.variables[name] = HOLE
    elif operator == "+=" and old is not None:
        makefile.variables[name] = f"{old} {value}"
    elif operator != "?=" or old is None:
        # what is expanded now must not be once more: `$$` keeps what the shell is to expand
        now = operator.startswith(":")
        makefile.variables[name] = expand(value, makefile, "").replace("$", "$$") if now else value


def expand(text: str, makefile: Makefile, target: str, depth: int = 0) -> str:
    """Make's references replaced; `$$` becomes `$`, what is not known a hole."""

    def one(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        makefile.references += 1
        if makefile.references > MOST_REFERENCES:
            return HOLE
        if found[3]:
            return target if found[3] == "@" else HOLE
        name = found[1] or found[2] or found[4]
        if not name:
            return _function(found[5] or found[6], makefile, target)
        value = makefile.variables.get(name)
        text = HOLE
        if value is not None and depth <= _DEEPEST:
            text = expand(value, makefile, target, depth + 1)
        if text == HOLE and name.isidentifier():
            return f"${{{name}}}"  # the environment may have it, and its name tells something
        return text

    return _REFERENCE.sub(one, text)[: 1 << 16]


def _function(text: str, makefile: Makefile, target: str) -> str:
    name, _, rest = text.partition(" ")
    if name in ("call", "shell"):
        printed = f"$({expand(rest, makefile, target, _DEEPEST - 1)})"
        return printed if name == "shell" else _call(rest, makefile, target)
    parts = _arguments(rest)
    if name == "foreach" and len(parts) > 2:
        body = ",".join(parts[2:])
        return expand(re.sub(rf"\$[({{]{re.escape(parts[0].strip())}[)}}]", HOLE, body), makefile, target, 1)
    if name in ("if", "or"):
        known = (expand(part, makefile, target, 1) for part in parts)
        first = next(known)
        chosen = (first, *known) if name == "or" else list(known)[not first.strip() :]
        return next((part for part in chosen if part.strip() or name == "if"), "")
    if name in ("strip", "abspath", "realpath", "sort"):
        return expand(rest, makefile, target, 1).strip()
    if name in _OF_WORDS:
        words = expand(rest, makefile, target, 1).split()
        return " ".join(_OF_WORDS[name](words)) if words and HOLE not in words else HOLE
    return "" if name in ("info", "warning", "error", "eval") else HOLE


def _arguments(text: str) -> list[str]:
    """The arguments of a function: parted by commas that stand in no brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _call(text: str, makefile: Makefile, target: str) -> str:
    """`$(call NAME,ARGUMENT…)`: the variable with its `$(1)`, `$(2)`… replaced."""
    name, *given = (part.strip() for part in expand(text, makefile, target, 1).split(","))
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
        return expand(filled, makefile, target, 1)
    finally:
        makefile.calling.pop()


def rule_of(makefile: Makefile, target: str) -> Rule | None:
    """The rule that makes a target: its own, or that of a pattern."""
    rule = makefile.rules.get(target)
    if rule is None:
        rule = next((r for name, r in makefile.rules.items() if "%" in name and _fits(name, target)), None)
    return rule


def _fits(pattern: str, target: str) -> bool:
    before, _, after = pattern.partition("%")
    return target.startswith(before) and target.endswith(after) and len(target) >= len(before) + len(after)
