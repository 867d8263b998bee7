"""`rules`, `only` and `except`: whether a job can run at all, and the branches that it runs on.

Source: GitLab's CI/CD YAML reference, `rules`, `only`.
"""

import re

from cipipe.pipelines.gitlab.variables import expand
from cipipe.pipelines.model import HOLE, Value
from cipipe.pipelines.yaml_tree import Mapping, Node, Scalar, Sequence, scalars

_BRANCH = re.compile(
    r"""\$\{?CI_COMMIT_(?:BRANCH|REF_NAME)\}?\s*==\s*(?:"([^"]*)"|'([^']*)'|(\$\{?\w+\}?))""", re.ASCII
)
_KEYWORDS = frozenset(
    {"api", "branches", "chat", "external", "external_pull_requests", "merge_requests", "pipelines"}
    | {"pushes", "schedules", "tags", "triggers", "web"}
)


def never_runs(job: Mapping) -> bool:
    """Whether the rules leave the job out of every pipeline: none can match before a plain `when: never`."""
    rules = job.get("rules")
    if not isinstance(rules, Sequence):
        return False
    for rule in rules.items:
        if not isinstance(rule, Mapping) or not _is(rule.get("when"), "never"):
            return False
        if not rule.values.keys() & {"if", "changes", "exists"}:
            return True
    return True


def branches(job: Mapping, values: dict[str, Value]) -> tuple[str, ...] | None:
    """The branches that rules or `only` name; None when the job may run on others too."""
    rules = job.get("rules")
    if isinstance(rules, Sequence):
        return _of_rules(rules, values)
    only = job.get("only")
    refs = only.get("refs") if isinstance(only, Mapping) else only
    names = [expand(scalar.value, values) for scalar in scalars(refs)]
    if not names or any(name in _KEYWORDS or name.startswith("/") or HOLE in name for name in names):
        return None
    return tuple(name.partition("@")[0] for name in names)


def _of_rules(rules: Sequence, values: dict[str, Value]) -> tuple[str, ...] | None:
    found: list[str] = []
    for rule in rules.items:
        if not isinstance(rule, Mapping):
            return None
        if _is(rule.get("when"), "never"):
            continue
        condition = rule.get("if")
        named = _named(condition.value, values) if isinstance(condition, Scalar) else None
        if named is None:
            return None
        found += named
    return tuple(dict.fromkeys(found)) or None


def _named(condition: str, values: dict[str, Value]) -> list[str] | None:
    """The branches of a condition, every alternative of which must name one."""
    found: list[str] = []
    for alternative in condition.split("||"):
        match = _BRANCH.search(alternative)
        if match is None:
            return None
        name = expand(match[1] or match[2] or match[3] or "", values)
        if not name or HOLE in name:
            return None
        found.append(name)
    return found


def _is(node: Node | None, text: str) -> bool:
    return isinstance(node, Scalar) and node.value == text
