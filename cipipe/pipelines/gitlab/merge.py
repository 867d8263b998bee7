"""How GitLab puts a configuration together: deep merge, `!reference`, `extends`.

Source: GitLab's CI/CD YAML reference, `extends`, `include` and `!reference` tags.
"""

from cipipe.pipelines.gitlab.reading import Reading
from cipipe.pipelines.yaml_tree import Mapping, Node, Scalar, Sequence, place, scalars

MAX_EXTENDS = 11  # GitLab's own limit of levels
MAX_REFERENCES = 10  # GitLab's own limit of references in references


def merge(base: Node | None, over: Node, reading: Reading) -> Node:
    """`over` on top of `base`: mappings key by key, anything else replaced."""
    if not isinstance(base, Mapping) or not isinstance(over, Mapping) or over.tag == "!reference":
        return over
    if not reading.spend(len(base.values) + len(over.values)):
        return over
    result = Mapping(over.line, over.column, over.tag, over.source, dict(base.values), dict(base.keys))
    for name, value in over.values.items():
        result.values[name] = merge(base.values.get(name), value, reading)
        result.keys[name] = over.keys[name]
    return result


def dereference(node: Node, root: Mapping, reading: Reading, depth: int = 0) -> Node:
    """The node with its `!reference` tags replaced by what they name; shared where there are none."""
    if isinstance(node, Scalar):
        return node
    if isinstance(node, Sequence):
        if node.tag == "!reference":
            return _target(node, root, reading, depth)
        items = [dereference(item, root, reading, depth) for item in node.items]
        if all(new is old for new, old in zip(items, node.items, strict=True)):
            return node
        reading.spend(len(items))
        return Sequence(items, node.line, node.column, node.tag, node.source)
    values = {name: dereference(value, root, reading, depth) for name, value in node.values.items()}
    if all(values[name] is node.values[name] for name in values):
        return node
    reading.spend(len(values))
    return Mapping(node.line, node.column, node.tag, node.source, values, node.keys)


def _target(node: Sequence, root: Mapping, reading: Reading, depth: int) -> Node:
    path = [scalar.value for scalar in scalars(node)]
    empty = Sequence([], node.line, node.column, None, node.source)
    if depth >= MAX_REFERENCES or not reading.spend(1):
        reading.problem(
            place(node), f"!reference {path}: references more than {MAX_REFERENCES} deep or in a circle"
        )
        return empty
    found: Node | None = root
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    if found is None:
        if not reading.opaque:
            reading.problem(place(node), f"!reference {path} is not in the configuration")
        return empty
    return dereference(found, root, reading, depth + 1)


def extend(name: str, root: Mapping, reading: Reading) -> Mapping | None:
    """A job with all that it extends; None when it is not a mapping."""
    return _extended(name, root, reading, ())


def _extended(name: str, root: Mapping, reading: Reading, path: tuple[str, ...]) -> Mapping | None:
    if name in reading.extended:
        return reading.extended[name]
    job = root.get(name)
    if not isinstance(job, Mapping):
        return None
    result: Node | None = None
    for parent in scalars(job.get("extends")):
        if parent.value in (*path, name) or len(path) >= MAX_EXTENDS:
            reading.problem(
                place(parent), f"extends: {parent.value} is in a circle or more than {MAX_EXTENDS} deep"
            )
            continue
        inherited = _extended(parent.value, root, reading, (*path, name))
        if inherited is None:
            if not reading.opaque:
                reading.problem(place(parent), f"extends: the job {parent.value} is not in the configuration")
            continue
        result = merge(result, inherited, reading)
    merged = merge(result, job, reading)
    if not isinstance(merged, Mapping):
        return None
    reading.extended[name] = merged
    return merged
