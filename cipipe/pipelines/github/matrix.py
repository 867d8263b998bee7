"""`strategy.matrix`: the combinations that a job runs for.

Source: GitHub's workflow syntax, `jobs.<job_id>.strategy.matrix`.
"""

import re
from collections.abc import Iterator
from itertools import islice, product

from cipipe.pipelines.github.evaluate import OPEN, Choices
from cipipe.pipelines.github.frame import Frame
from cipipe.pipelines.github.functions import compare
from cipipe.pipelines.github.partial import Data, Options
from cipipe.pipelines.github.texts import plain
from cipipe.pipelines.yaml_tree import Mapping, Node, Scalar, Sequence

MAX_COMBINATIONS = 256  # GitHub's own limit
MAX_JOBS = 24

_USE = re.compile(r"matrix(?:\.([\w-]+)|\[\s*'([^']*)'\s*\])?")
_HARMLESS = frozenset({"name", "runs-on", "strategy", "timeout-minutes", "continue-on-error", "if"})

Combination = dict[str, Data]


def contexts(job: Mapping, frame: Frame) -> list[dict[str, Data]]:
    """The `matrix` contexts of a job: one for each combination of the keys that its commands use.

    The other keys are `Options`, and so is every key when the combinations are too many to judge one by one.
    """
    strategy = job.get("strategy")
    node = strategy.get("matrix") if isinstance(strategy, Mapping) else None
    if node is None:
        return [{}]
    data = plain(node, frame.scope, Choices())
    if not isinstance(data, dict):
        return [{OPEN: None}]
    combinations = list(islice(_combinations(data), MAX_COMBINATIONS + 1))
    used = _used(job)
    keys = list(dict.fromkeys(key for combination in combinations for key in combination))
    together = [key for key in keys if used is None or key in used]
    distinct = {repr([c.get(key) for key in together]): c for c in combinations}
    if len(distinct) > MAX_JOBS:
        together, distinct = [], {"": {}}
    options = {key: _options(combinations, key) for key in keys if key not in together}
    opened: Combination = {} if _is_closed(data) else {OPEN: None}
    return [
        {**options, **{key: c[key] for key in together if key in c}, **opened} for c in distinct.values()
    ] or [{OPEN: None}]


def _options(combinations: list[Combination], key: str) -> Data:
    found = {repr(c[key]): c[key] for c in combinations if key in c}
    return Options(tuple(found.values()))


def _is_closed(data: Combination) -> bool:
    return all(isinstance(value, list) for value in data.values())


def _combinations(data: Combination) -> Iterator[Combination]:
    axes = {key: value for key, value in data.items() if key not in {"include", "exclude"}}
    lists = [value if isinstance(value, list) else [value] for value in axes.values()]
    excludes, includes = _entries(data.get("exclude")), _entries(data.get("include"))
    base = [dict(zip(axes, chosen, strict=True)) for chosen in islice(product(*lists), MAX_COMBINATIONS)]
    base = [c for c in base if c and not any(_matches(c, entry, entry) for entry in excludes)]
    extra: list[Combination] = []
    added = [dict(c) for c in base]
    for entry in includes:
        original = [key for key in entry if key in axes]
        fits = [at for at, c in enumerate(base) if _matches(c, entry, original)]
        for at in fits:
            added[at].update(entry)
        if not fits:
            extra.append(entry)
    yield from added
    yield from extra


def _entries(node: Data) -> list[Combination]:
    if not isinstance(node, list):
        return []
    return [entry for entry in node[:MAX_COMBINATIONS] if isinstance(entry, dict)]


def _matches(combination: Combination, entry: Combination, keys: "list[str] | Combination") -> bool:
    return all(key in combination and _equal(combination[key], entry[key]) for key in keys)


def _equal(left: Data, right: Data) -> bool:
    return left == right or compare("==", left, right) is True


def _used(job: Mapping) -> set[str] | None:
    """The keys that commands and variables use; None when they may use all."""
    found: set[str] = set()
    nodes: list[Node] = [value for key, value in job.values.items() if key not in _HARMLESS]
    while nodes:
        node = nodes.pop()
        if isinstance(node, Scalar):
            for match in _USE.finditer(node.value) if "matrix" in node.value else ():
                key = match[1] or match[2]
                if not key:
                    return None
                found.add(key)
        elif isinstance(node, Sequence):
            nodes += node.items
        else:
            nodes += _inside(node)
    return found


def _inside(node: Mapping) -> list[Node]:
    uses = node.get("uses")
    if uses is None and "run" not in node.values:
        return list(node.values.values())
    remote = isinstance(uses, Scalar) and not uses.value.startswith("./")
    passed = _HARMLESS | {"with"} if remote else _HARMLESS
    return [inner for key, inner in node.values.items() if key not in passed]
