"""What the runners of targets share: their words, the file that they read, the scripts in it (layer 1)."""

import posixpath
from collections.abc import Sequence
from dataclasses import replace

from cipipe.pipelines import yaml_tree
from cipipe.pipelines.model import WORKSPACE, Script
from cipipe.pipelines.yaml_places import pieces
from cipipe.pipelines.yaml_tree import Mapping, Node, Scalar, YamlRefused
from cipipe.pipelines.yaml_tree import Sequence as Items
from cipipe.results import Location
from cipipe.shell import unresolved
from cipipe.shell.calls import Call
from cipipe.shell.interpreter import Interpreter
from cipipe.shell.session import in_repository


def plain_words(call: Call, values: frozenset[str]) -> tuple[list[str], dict[str, str]]:
    """Words that are no options, and the values of options."""
    words = list(call.argv[1:])
    plain: list[str] = []
    given: dict[str, str] = {}
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            break
        if not word.startswith("-"):
            plain.append(word)
        elif equals:
            given[name] = value
        elif word in values and words:
            given[word] = words.pop(0)
    return plain, given


def first_file(
    run: Interpreter, call: Call, names: Sequence[str], targets: Sequence[str] = (), *, upwards: bool = False
) -> tuple[str, str] | None:
    """The path and text of the first of the files, here or (`upwards`) in a folder above.

    Where there is none, it is a problem as `unresolved.elsewhere` says; `targets` are what is asked of it.
    """
    for directory in call.state.directories:
        folder = directory
        while in_repository(folder) is not None or folder == directory:
            for name in names:
                path = in_repository(posixpath.normpath(posixpath.join(folder, name)))
                text = run.session.read(path) if path is not None else None
                if path is not None and text is not None:
                    return path, text
            if not upwards or folder == WORKSPACE:
                break
            folder = posixpath.dirname(folder)
    unresolved.elsewhere(run, call, posixpath.dirname(names[0]), posixpath.basename(names[0]), targets)
    return None


def run_in(
    run: Interpreter, call: Call, script: Script, folder: str, arguments: tuple[str, ...] = ()
) -> None:
    """Run a script that a file of targets holds, in a folder of the repository."""
    state = call.state.fork()
    state.directories = (posixpath.normpath(posixpath.join(WORKSPACE, folder)),)
    state.functions, state.aliases = {}, {}
    state.arguments = arguments
    run.run(script, replace(call, env={}), state, apart=True)
    call.state.files = state.files


def scalar_script(scalar: Scalar, path: str, text: str) -> Script:
    """The script of a scalar of the file at `path`; `text` is its value, perhaps with variables put in."""
    places = tuple((offset, Location(path, line, column)) for offset, line, column in pieces(scalar))
    lines = (Location(path, scalar.line, scalar.column),) * (text.count("\n") + 1)
    return Script(text, "sh", lines, pieces=places if text == scalar.value else ())


def yaml_root(run: Interpreter, call: Call, path: str, text: str) -> Mapping | None:
    """The mapping that a YAML file holds; None, and perhaps a problem, where it holds none."""
    try:
        documents = yaml_tree.read(text.encode(), path)
    except YamlRefused as error:
        run.problem(call, f"{path} cannot be read: {error.why}")
        return None
    root = documents[0].root if documents else None
    return root if isinstance(root, Mapping) else None


def items(node: Node | None) -> list[Node]:
    """The items of a list, or the one thing in its place."""
    if node is None:
        return []
    return list(node.items) if isinstance(node, Items) else [node]
