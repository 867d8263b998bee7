"""The variables of a job: global, its own, of rules and of `parallel: matrix`, each expanded as GitLab does.

Source: GitLab's CI/CD YAML reference, `variables`, `rules:variables`, `parallel:matrix`.
"""

import re
from collections.abc import Iterator
from itertools import islice, product
from math import prod

from cipipe.pipelines.gitlab.reading import Reading
from cipipe.pipelines.model import HOLE, WORKSPACE, Open, Unknown, Value
from cipipe.pipelines.yaml_tree import Mapping, Node, Scalar, Sequence, place, scalars

MAX_COMBINATIONS = 200  # GitLab's own limit of parallel jobs
MAX_VARIANTS = 24
MAX_VALUE = 20_000

_COST = 15  # of a job, in nodes

_VARIABLE = re.compile(r"\$\$|\$\{(\w+)\}|\$(\w+)|%(\w+)%", re.ASCII)

Written = dict[str, str]


def written(node: Node | None) -> Written:
    """The values of a `variables` mapping, not expanded; `expand: false` is kept as it is by doubling `$`."""
    found: Written = {}
    for name, value in node.values.items() if isinstance(node, Mapping) else ():
        if isinstance(value, Scalar):
            found[name] = value.value
        elif isinstance(value, Mapping) and isinstance(inner := value.get("value"), Scalar):
            expand = value.get("expand")
            raw = isinstance(expand, Scalar) and expand.value == "false"
            found[name] = inner.value.replace("$", "$$") if raw else inner.value
    return found


def variants(root: Mapping, job: Mapping, inherited: Written, reading: Reading) -> list[dict[str, Value]]:
    """The variables of a job, once for each way in which rules and `parallel: matrix` may set them.

    Those of the whole pipeline are what the form of a run by hand offers: they are open.
    """
    own = written(job.get("variables"))
    workflow = root.get("workflow")
    of_workflow = _of_rules(workflow.get("rules")) if isinstance(workflow, Mapping) else []
    of_rules = _of_rules(job.get("rules"))
    cells = _matrix(job, reading)
    found: dict[str, dict[str, Value]] = {}
    for above, rule, cell in _together(of_workflow or [{}], of_rules or [{}], cells):
        merged = {**inherited, **above, **own, **rule, **cell}
        if not reading.spend(_COST + len(merged)):
            break
        values = expand_all(merged)
        for name in inherited.keys() - {*above, *own, *rule, *cell}:
            if isinstance(value := values[name], str):
                values[name] = Open(value)
        found.setdefault(repr(values), values)
    everything = list(found.values())
    if len(everything) <= MAX_VARIANTS:
        return everything
    return list(_covering(everything))


def _together(*ways: list[Written]) -> Iterator[tuple[Written, ...]]:
    """All combinations; where they are too many, each way with the first of the others."""
    if prod(map(len, ways)) <= MAX_COMBINATIONS:
        yield from product(*ways)
        return
    first = tuple(way[0] for way in ways)
    for at, way in enumerate(ways):
        for one in way:
            yield (*first[:at], one, *first[at + 1 :])


def _covering(everything: list[dict[str, Value]]) -> Iterator[dict[str, Value]]:
    """Few of the variants, in which every value of every variable comes up."""
    seen: set[tuple[str, str]] = set()
    for values in everything:
        pairs = {(name, repr(value)) for name, value in values.items()}
        if pairs - seen:
            seen |= pairs
            yield values


def _of_rules(rules: Node | None) -> list[Written]:
    found: list[Written] = []
    for rule in rules.items if isinstance(rules, Sequence) else ():
        if isinstance(rule, Mapping) and not _is(rule.get("when"), "never"):
            values = written(rule.get("variables"))
            if values not in found:
                found.append(values)
    return found


def _matrix(job: Mapping, reading: Reading) -> list[Written]:
    parallel = job.get("parallel")
    matrix = parallel.get("matrix") if isinstance(parallel, Mapping) else None
    found: list[Written] = []
    for entry in matrix.items if isinstance(matrix, Sequence) else ():
        if not isinstance(entry, Mapping):
            continue
        lists = [[scalar.value for scalar in scalars(value)] for value in entry.values.values()]
        cells = list(islice(product(*lists), MAX_COMBINATIONS + 1))
        if len(cells) > MAX_COMBINATIONS:
            reading.problem(
                place(entry), f"a matrix of more than {MAX_COMBINATIONS} jobs; the rest is not read"
            )
        found += [dict(zip(entry.values, cell, strict=True)) for cell in cells[:MAX_COMBINATIONS]]
    return found or [{}]


def expand_all(variables: Written) -> dict[str, Value]:
    """The variables with what they name put in; what is not known beforehand becomes a hole."""
    known = {"CI_PROJECT_DIR": WORKSPACE, **variables}
    done: dict[str, str] = {}
    values: dict[str, Value] = {}
    for name in known:
        text = _expanded(name, known, done, ())
        values[name] = Unknown(f"${name}") if text == HOLE else text
    return values


def _expanded(name: str, known: Written, done: dict[str, str], path: tuple[str, ...]) -> str:
    if name in done:
        return done[name]
    if name in path or name not in known or len(path) > 20:
        return HOLE

    def replace(match: re.Match[str]) -> str:
        inner = match[1] or match[2] or match[3]
        return _expanded(inner, known, done, (*path, name)) if inner else "$"

    text = _VARIABLE.sub(replace, known[name])
    done[name] = text if len(text) <= MAX_VALUE else HOLE
    return done[name]


def expand(text: str, values: dict[str, Value]) -> str:
    """A text outside of scripts (a name of an image or an environment) with its variables put in."""

    def replace(match: re.Match[str]) -> str:
        inner = match[1] or match[2] or match[3]
        value = values.get(inner, HOLE) if inner else "$"
        return value if isinstance(value, str) else HOLE

    return _VARIABLE.sub(replace, text)


def _is(node: Node | None, text: str) -> bool:
    return isinstance(node, Scalar) and node.value == text
