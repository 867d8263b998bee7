"""`make TARGET`: the recipes of the target and of what it needs (layer 1; GNU make manual).

Variables that are constant, prerequisites, includes, `$(MAKE)`, `-C`, pattern rules and `$(call …)` are
understood; what most other functions would give is not known.
"""

import posixpath
import re
from dataclasses import replace

from cipipe.pipelines.model import HOLE, Script
from cipipe.results import Location
from cipipe.shell import unresolved
from cipipe.shell.calls import Call, Result
from cipipe.shell.follow.makefile import ASSIGNMENT, MOST_REFERENCES, Makefile, expand, read, rule_of
from cipipe.shell.interpreter import Interpreter
from cipipe.shell.session import in_repository

_NAMES = ("GNUmakefile", "makefile", "Makefile")
_DRY = re.compile(r"-[a-zA-BD-HJ-NP-V]*n[a-z]*|--dry-run|--just-print|--recon|-q|--question")
_MOST_TARGETS = 300  # needs inside each other
_MOST_WAYS = 2  # other values of a variable that are tried


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
        makefile = Makefile(base, given, variables={"MAKE": "make", "CURDIR": base, "SHELL": "/bin/sh"})
        read(run.session, makefile, path, 0)
        makefile.variables.update(given)
        for target in targets or makefile.first.split():
            _target(run, makefile, target, call)
        _unread(run, call, makefile, path, targets)
        if makefile.references > MOST_REFERENCES:
            run.problem(call, f"{path} has more references than can be followed")
        return Result.UNKNOWN
    wanted = posixpath.join(directory, posixpath.dirname(name))
    unresolved.elsewhere(run, call, wanted, name or "Makefile", targets)
    return Result.UNKNOWN


def _unread(run: Interpreter, call: Call, makefile: Makefile, path: str, targets: list[str]) -> None:
    """An include outside of the repository, or one that is missing and may have the target."""
    if makefile.outside:
        run.problem(call, f"{path} includes {makefile.outside[0]}, which is outside of the repository")
    elif makefile.missing and any(rule_of(makefile, target) is None for target in targets):
        include = makefile.missing[0].replace(HOLE, "…")
        run.problem(call, f"{path} includes {include}, which is not in the repository")


def _arguments(call: Call) -> tuple[str, str, list[str], dict[str, str]]:
    directory = name = ""
    targets: list[str] = []
    given: dict[str, str] = {}
    words = list(call.argv[1:])
    while words:
        word = words.pop(0)
        variable = ASSIGNMENT.fullmatch(word)
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


def _target(run: Interpreter, makefile: Makefile, target: str, call: Call, depth: int = 0) -> None:
    rule = rule_of(makefile, target)
    if rule is None or target in makefile.done:
        return
    if depth > _MOST_TARGETS:
        run.problem(call, f"targets that need each other more than {_MOST_TARGETS} deep")
        return
    makefile.done.add(target)
    for need in rule.needs:
        _target(run, makefile, need, call, depth + 1)
    key = f"make {makefile.folder} {target}"
    if not rule.recipe or run.inside(key):
        return
    with run.within(key):
        chunks = [rule.recipe] if makefile.one_shell else [[line] for line in rule.recipe]
        for chunk in chunks:
            places = tuple(place for line, place in chunk for _ in range(line.count("\n") + 1))
            lines = [line.lstrip("\t@-+ ").replace("\n\t", "\n") for line, _ in chunk]
            for text in _texts(makefile, lines, target):
                state = call.state.fork()
                state.directories = (makefile.folder,)
                state.functions, state.aliases = {}, {}
                script = Script(text, "sh", places or (Location("Makefile", 1),))
                run.run(script, replace(call, env={}), state, apart=True)
                call.state.files = state.files


def _texts(makefile: Makefile, lines: list[str], target: str) -> list[str]:
    """The recipe's text, once for each value that conditions leave to its variables."""
    ways = max((len(values) for values in makefile.others.values()), default=0)
    usual = makefile.variables
    texts = []
    for way in range(min(ways, _MOST_WAYS) + 1):
        others = {
            name: values[way - 1] for name, values in makefile.others.items() if way and len(values) >= way
        }
        makefile.variables = {**usual, **others}
        texts.append("\n".join(expand(line, makefile, target) for line in lines))
    makefile.variables = usual
    return list(dict.fromkeys(texts))
