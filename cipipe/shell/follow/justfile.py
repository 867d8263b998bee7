"""`just RECIPE` (just.systems): the lines of a recipe and of what it needs (layer 1)."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cipipe.pipelines.model import HOLE, Script
from cipipe.results import Location
from cipipe.shell.calls import Call, Result
from cipipe.shell.files import kind_of
from cipipe.shell.follow.reach import first_file, plain_words, run_in
from cipipe.shell.interpreter import Interpreter
from cipipe.shell.session import Session

_NAMES = ("justfile", "Justfile", ".justfile")
_RECIPE = re.compile(r"@?([A-Za-z_][\w-]*)((?:\s(?:[^:'\"]|'[^']*'|\"[^\"]*\")*)?):(?!=)\s*(.*)")
_VARIABLE = re.compile(r"(?:export\s+)?([A-Za-z_][\w-]*)\s*:=\s*(.*)")
_ALIAS = re.compile(r"alias\s+([\w-]+)\s*:=\s*([\w:-]+)")
_IMPORT = re.compile(r"(?:import|!include)\??\s+['\"]?([^'\"#]+?)['\"]?\s*$")
_MODULE = re.compile(r"mod\??\s+([\w-]+)(?:\s+['\"]([^'\"]+)['\"])?\s*$")
_NEED = re.compile(r"\(\s*([\w:-]+)([^()]*)\)|([A-Za-z_][\w:-]*)")
_PARAMETER = re.compile(r"([*+$]*)([A-Za-z_][\w-]*)(?:=('[^']*'|\"[^\"]*\"|\S+))?")
_TERM = re.compile(r"\s*(?:'([^']*)'|\"([^\"]*)\"|([A-Za-z_][\w-]*)(\([^()]*\))?|(`[^`]*`))\s*(?:[+/]|$)")
_TEMPLATE = re.compile(r"\{\{((?:[^{}]|\}(?!\})|\{(?!\{))*+)\}\}")
_LISTS = frozenset({"-n", "--dry-run", "--list", "-l", "--show", "-s", "--summary", "--evaluate", "--fmt"})
_VALUES = frozenset({"-f", "--justfile", "-d", "--working-directory", "--shell"})
_DEEPEST = 12


@dataclass(slots=True)
class _Recipe:
    parameters: str
    needs: str
    path: str
    body: list[tuple[str, Location]] = field(default_factory=list)


@dataclass(slots=True)
class _Book:
    session: Session
    recipes: dict[str, _Recipe] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    first: str = ""


def just(run: Interpreter, call: Call) -> Result:
    """`just VARIABLE=VALUE… RECIPE ARGUMENT…`."""
    run.emit(call)
    if _LISTS & set(call.argv):
        return Result.UNKNOWN
    words, given = plain_words(call, _VALUES)
    overrides = {}
    while words and re.fullmatch(r"[\w-]+=.*", words[0]):
        name, _, value = words.pop(0).partition("=")
        overrides[name] = value
    named = given.get("-f", given.get("--justfile", ""))
    found = first_file(run, call, (named,) if named else _NAMES, words[:1], upwards=not named)
    if found is not None:
        book = _Book(run.session)
        _read(book, found[0], "", 0)
        book.variables |= overrides
        wanted = words or [book.first]
        if book.missing and wanted[0].replace("::", " ") not in book.recipes:
            run.problem(call, f"{found[0]} includes {book.missing[0]}, which is not in the repository")
        _recipe(run, call, book, wanted)
    return Result.UNKNOWN


def _read(book: _Book, path: str, module: str, depth: int) -> None:
    """Read a justfile; the recipes of a module have its name and a blank before their own."""
    text = book.session.read(path) or ""
    body: list[tuple[str, Location]] | None = None
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if line[:1] in (" ", "\t") or (not line.strip() and body):
            if body is not None:
                body.append((line, Location(path, number, len(line) - len(line.lstrip()) + 1)))
            continue
        if included := _IMPORT.match(line):
            _include(book, path, (included[1],), module, depth)
        elif inner := _MODULE.match(line):
            names = (
                (inner[2],)
                if inner[2]
                else tuple(f"{inner[1]}{end}" for end in (".just", "/mod.just", "/justfile", "/.justfile"))
            )
            _include(book, path, names, f"{module}{inner[1]} ", depth)
        elif alias := _ALIAS.match(line):
            book.recipes.setdefault(module + alias[1], _Recipe("", alias[2], path))
        elif variable := _VARIABLE.match(line):
            book.variables[variable[1]] = _value(variable[2].split(" #")[0], book.variables)
        elif (recipe := _RECIPE.match(line)) and not line.startswith("#"):
            body = []
            book.first = book.first or recipe[1]
            book.recipes[module + recipe[1]] = _Recipe(recipe[2], recipe[3].split("#")[0], path, body)
        elif line.strip() and not line.startswith(("#", "[")):
            body = None


def _include(book: _Book, path: str, names: tuple[str, ...], module: str, depth: int) -> None:
    for name in names:
        other = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
        if book.session.read(other) is not None:
            if depth < _DEEPEST:
                _read(book, other, module, depth + 1)
            return
    book.missing.append(names[0])


def _value(expression: str, variables: dict[str, str]) -> str:
    """The value of strings and variables that are joined; what functions and commands give is not known."""
    text, at = "", 0
    while at < len(expression):
        term = _TERM.match(expression, at)
        if term is None:
            return HOLE
        default = re.fullmatch(r"\(\s*[^,]*,\s*(?:'([^']*)'|\"([^\"]*)\")\s*\)", term[4] or "")
        if default is not None and term[3] in ("env", "env_var_or_default"):
            text += default[1] or default[2] or ""
        elif term[4] or term[5]:
            text += HOLE
        elif term[3]:
            text += variables.get(term[3], HOLE)
        else:
            text += term[1] or term[2] or ""
        text += "/" if term[0].rstrip().endswith("/") else ""
        at = term.end()
    return text


def _recipe(run: Interpreter, call: Call, book: _Book, words: list[str]) -> None:
    name, rest = words[0].replace("::", " "), words[1:]
    while name not in book.recipes and rest and any(key.startswith(f"{name} ") for key in book.recipes):
        name, rest = f"{name} {rest[0]}", rest[1:]
    recipe = book.recipes.get(name)
    key = f"just {recipe.path if recipe else ''} {name}"
    if recipe is None or run.inside(key):
        return
    variables = dict(book.variables)
    for kind, parameter, default in _PARAMETER.findall(recipe.parameters):
        usual = _value(default, variables) if default else "" if "*" in kind else HOLE
        taken = rest if "*" in kind or "+" in kind else rest[:1]
        variables[parameter] = " ".join(taken) or usual
        rest = rest[len(taken) :]
    module = name.rpartition(" ")[0]
    with run.within(key):
        before, _, after = recipe.needs.partition("&&")
        for need in _needs(before, module, variables):
            _recipe(run, call, book, need)
        _body(run, call, recipe, variables)
        for need in _needs(after, module, variables):
            _recipe(run, call, book, need)
    if rest:
        _recipe(run, call, book, rest)


def _needs(text: str, module: str, variables: dict[str, str]) -> Iterator[list[str]]:
    """The recipes that a recipe names, with their arguments."""
    for called, arguments, plain in _NEED.findall(text):
        name = called or plain
        own = f"{module} {name}" if module and "::" not in name else name
        yield [own, *(_value(word, variables) for word in re.findall(r"'[^']*'|\"[^\"]*\"|\S+", arguments))]


def _body(run: Interpreter, call: Call, recipe: _Recipe, variables: dict[str, str]) -> None:
    folder = posixpath.dirname(recipe.path)
    filled = [
        (_TEMPLATE.sub(lambda m: _value(m[1].strip(), variables), line), place) for line, place in recipe.body
    ]
    indent = min((len(line) - len(line.lstrip()) for line, _ in filled if line.strip()), default=0)
    lines = [(line[indent:], place) for line, place in filled]
    if lines and lines[0][0].startswith("#!"):
        text = "\n".join(line for line, _ in lines)
        kind = kind_of("recipe", text)
        if kind is not None:
            run_in(run, call, Script(text, kind, tuple(place for _, place in lines)), folder)
        return
    at = 0
    while at < len(lines):
        start = at
        while lines[at][0].endswith("\\") and at + 1 < len(lines):
            at += 1
        at += 1
        text = "\n".join(line for line, _ in lines[start:at]).lstrip("@-")
        run_in(run, call, Script(text, "sh", tuple(place for _, place in lines[start:at])), folder)
