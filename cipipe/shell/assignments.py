"""Assignments of plain variables, arrays and maps (layer 1)."""

from collections.abc import Mapping, Sequence

from cipipe.pipelines.model import HOLE
from cipipe.shell.expand import Expander
from cipipe.shell.state import Alternatives, Single, State
from cipipe.shell.syntax import AnyWord, Assignment, Parameter, Word

_MOST_ITEMS = 4096

KUBECONFIG = "KUBECONFIG"

Restore = dict[str, tuple[Single, ...] | None]


def prefix(
    expander: Expander, assignments: Sequence[Assignment], state: State
) -> tuple[Mapping[str, str], Restore]:
    """The environment that a command gets for itself, and what to put back behind it."""
    env = {name: v for name in state.exported if isinstance(v := state.variables.get(name, ("",))[0], str)}
    restore: Restore = {}
    for assignment in assignments:
        restore[assignment.name] = state.variables.get(assignment.name)
        assign(expander, assignment, state)
        value = (state.get(assignment.name) or ("",))[0]
        env[assignment.name] = value if isinstance(value, str) else HOLE
    return env, restore


def declare(expander: Expander, assignment: Assignment, words: Sequence[AnyWord], state: State) -> None:
    """`export A=b`, `local -n ref=name`, `declare -A map=(…)`."""
    options = "".join(word[1:] for word in words[1:] if isinstance(word, str) and word.startswith("-"))
    if "n" in options and words[0] != "export":
        state.references[assignment.name] = expander.text(assignment.value, state)[0]
        return
    assign(expander, assignment, state, associative="A" in options)
    if words[0] == "export" or "x" in options:
        state.exported |= {assignment.name}


def assign(expander: Expander, assignment: Assignment, state: State, *, associative: bool = False) -> None:
    """Give a variable its value."""
    name = assignment.name
    old = state.get(name)
    if assignment.array is not None:
        state.set(name, [_array(expander, assignment, state, associative=associative)])
        return
    values = expander.text(assignment.value, state)
    if assignment.index is not None:
        state.set(name, [_with_item(old, assignment, values[0])])
    elif assignment.append:
        olds = [value for value in old or ("",) if isinstance(value, str)] or [""]
        state.set(name, [before + value for before in olds for value in values])
    else:
        state.set(name, values)
        if name == "PATH":
            _search(values, state)


def handed(assignment: Assignment, state: State) -> str | None:
    """The variable that alone is assigned, where nothing in the pipeline sets it: it comes from outside."""
    word = assignment.value
    part = word.parts[0] if isinstance(word, Word) and len(word.parts) == 1 else None
    if not isinstance(part, Parameter) or part.operator or not part.name.isidentifier():
        return None
    return part.name if state.get(part.name) is None else None


def _array(
    expander: Expander, assignment: Assignment, state: State, *, associative: bool
) -> tuple[str, ...] | Mapping[str, str]:
    old = state.get(assignment.name)
    keyed = [item for item in assignment.array or () if isinstance(item, Assignment)]
    if associative or (keyed and not all((item.index or "").isdigit() for item in keyed)):
        return {(item.index or "").strip("\"'"): expander.text(item.value, state)[0] for item in keyed}
    items: list[str] = []
    if assignment.append and isinstance(old, tuple) and old:
        items += old[0] if isinstance(old[0], tuple) else (str(old[0]),)
    for item in assignment.array or ():
        if isinstance(item, Assignment):
            items.append(expander.text(item.value, state)[0])
        else:
            items += expander.fields(item, state)[0]
    return tuple(items[:_MOST_ITEMS])


def _search(values: Alternatives, state: State) -> None:
    """`PATH` got folders: those where the pipeline may have its own programs."""
    folders: list[str] = []
    for folder in values[0].split(":"):
        if folder and folder[0] != HOLE and not folder.startswith(("/usr", "/bin", "/sbin", "/opt")):
            folders += state.paths(folder)
    state.search = tuple(dict.fromkeys((*folders, *state.search)))[:20]


def _with_item(old: object, assignment: Assignment, value: str) -> tuple[str, ...] | Mapping[str, str]:
    """An array or map with one item set."""
    key = (assignment.index or "").strip("\"' ")
    known = old[0] if isinstance(old, tuple) and old else ()
    if key.startswith("${#") and not isinstance(known, Mapping):  # `list[${#list[@]}]=item`
        key = str(len(known) if isinstance(known, tuple) else 1)
    if isinstance(known, Mapping) or not key.isdigit():
        items = dict(known) if isinstance(known, Mapping) else {}
        items[key] = items.get(key, "") + value if assignment.append else value
        return items
    listed = list(known) if isinstance(known, tuple) else [str(known)]
    at = min(int(key), _MOST_ITEMS)
    listed += [""] * (at + 1 - len(listed))
    listed[at] = value
    return tuple(listed)
