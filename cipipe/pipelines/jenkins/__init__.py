"""Reader of Jenkinsfiles and of the steps and scripts of shared libraries."""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from cipipe.groovy import tree
from cipipe.groovy.iterate import WorkExceeded
from cipipe.groovy.parser import Parsed, parse
from cipipe.groovy.source import Piece, Source
from cipipe.groovy.values import Arguments, Site, Unit
from cipipe.pipelines.jenkins.host import Jenkins
from cipipe.pipelines.jenkins.library import SIZE_LIMIT, Library, decode
from cipipe.pipelines.jenkins.record import Record
from cipipe.pipelines.model import Files, Pipeline, Problem
from cipipe.results import Location

_NAME = re.compile(r"(?i)(?:.*[._-])?jenkinsfile(?:[._-][^/]*)?|[^/]*jenkinsfile|[^/]*\.jenkins")
_NO_PIPELINE = re.compile(r"(?i).*\.(?:md|adoc|rst|html|png|svg|ya?ml|json|lock|sh|py)")
_OTHER = re.compile(r"(?:^|/)(?:tests?|main|buildSrc|spec|node_modules)/")
_TOO_DEEP = "the pipeline is nested too deep to follow"
_BRANCH = re.compile(r"(?:BRANCH_NAME|GIT_BRANCH|BRANCH|CHANGE_TARGET|branch|branchName)")


def claims(path: str) -> bool:
    """A Jenkinsfile by its name, or a Groovy script that is no source or test of an application."""
    name = path.rpartition("/")[2]
    if path.endswith(".groovy"):
        return not _OTHER.search(path)
    return _NAME.fullmatch(name) is not None and _NO_PIPELINE.fullmatch(name) is None


def sniffs(path: str, content: bytes) -> bool:
    """A file of any name that begins like a pipeline."""
    return (
        path.endswith(".groovy")
        or re.search(rb"(?m)^[ \t]*(?:pipeline|node|podTemplate)\b[^\n]*\{", content) is not None
    )


def read(
    path: str, content: bytes, files: Files, judged: AbstractSet[tuple[str, int]] = frozenset()
) -> Pipeline:
    """The jobs of a Jenkinsfile; of a library's script, what each of its methods but those `judged` does."""
    start = Location(path, 1)
    if len(content) > SIZE_LIMIT:
        return Pipeline(path, "jenkins", (), (Problem(start, "the file is too large to follow"),))
    library = Library(files)
    parsed = parse(Source(path, decode(content)))
    record = Record(path, start)
    unit = library.unit(parsed, path.rpartition("/")[2].removesuffix(".groovy"))
    host = Jenkins(path, unit, library, record)
    called = path.endswith(".groovy") and not _is_pipeline(parsed.body)
    host.context.evaluator.ran.update(judged)
    try:
        _walk(host, parsed, called=called)
    except WorkExceeded:
        record.problems[Problem(start, "the pipeline is more than can be followed")] = None
    except RecursionError:
        record.problems[Problem(start, _TOO_DEEP)] = None
    problems = (*library.problems, *record.problems)
    branches = tuple(dict.fromkeys(_branches(parsed.body))) or None
    jobs, evaluator = record.done(branches), host.context.evaluator
    ran = frozenset(evaluator.ran - judged)
    return Pipeline(path, "jenkins", jobs, problems, tuple(library.followed), called, evaluator.worked, ran)


def _is_pipeline(body: Iterable[tree.Node]) -> bool:
    names = {
        node.target.name
        for node in body
        if isinstance(node, tree.Call) and isinstance(node.target, tree.Name)
    }
    return bool(names & {"pipeline", "node", "podTemplate", "stage"})


def _walk(host: Jenkins, parsed: Parsed, *, called: bool) -> None:
    evaluator, unit = host.context.evaluator, host.context.main
    for node in parsed.body:
        if isinstance(node, tree.Annotation) and node.name == "Library":
            host.context.foreign_library = True
    try:
        evaluator.statements(parsed.body, unit.scope)
    except RecursionError:
        host.abandon(Problem(unit.source.locate(0), _TOO_DEEP))
    if not called:
        return
    for name in _outer_first(unit.methods):
        for method in unit.methods[name]:
            if (method.source.file, method.at) not in evaluator.ran:
                _enter(host, unit, name, method)
    for node in parsed.body:
        if isinstance(node, tree.Class):
            _walk_class(host, node)


def _outer_first(methods: Mapping[str, list[tree.Method]]) -> list[str]:
    """The names of methods, those first that no other one calls: what they call is judged from there."""
    called: set[str] = set()
    for name, overloads in methods.items():
        called |= {other for method in overloads for other in _called(method.body)} - {name}
    own = [name for name in methods if not name.startswith("super.")]
    return sorted(own, key=lambda name: (name != "call", name in called))


def _called(body: list[tree.Node]) -> Iterable[str]:
    for node in _nodes(body):
        if isinstance(node, tree.Call) and isinstance(node.target, tree.Name):
            yield node.target.name
        elif isinstance(node, tree.Call) and isinstance(node.target, tree.Property):
            yield from [node.target.name] if isinstance(node.target.name, str) else []


def _nodes(body: list[tree.Node]) -> Iterable[tree.Node]:
    """All nodes of statements, at any depth."""
    pending: list[object] = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, tree.Node):
            yield node
            pending += [
                getattr(node, slot) for base in type(node).__mro__ for slot in getattr(base, "__slots__", ())
            ]
        elif isinstance(node, list | tuple):
            pending += node


def _enter(host: Jenkins, unit: Unit, name: str, method: tree.Method) -> None:
    site = Site(unit.source.locate(method.at), unit.source, method.at, method.at)
    try:
        host.context.evaluator.invoke(unit, name, Arguments([], {}, site), entry=True)
    except RecursionError:
        host.abandon(Problem(site.location, _TOO_DEEP))


def _walk_class(host: Jenkins, kind: tree.Class) -> None:
    evaluator = host.context.evaluator
    found = host.context.library.class_unit(kind.name, host.context.main)
    if found is None or found[1] is None:
        return
    made = host.object_of(found)
    for name in _outer_first(made.methods):
        for method in made.methods[name]:
            if (method.source.file, method.at) not in evaluator.ran:
                _enter(host, made, name, method)


def _branches(body: list[tree.Node]) -> Iterable[str]:
    """Names of branches that conditions compare the build's branch with."""
    for node in _nodes(body):
        if isinstance(node, tree.Operation) and node.operators[0] in {"==", "==~", "=~"}:
            texts = [_text(operand) for operand in node.operands]
            if any(_names_branch(operand) for operand in node.operands):
                yield from (text.removeprefix("origin/") for text in texts if text)
        if (
            isinstance(node, tree.Call)
            and isinstance(node.target, tree.Name)
            and node.target.name == "branch"
        ):
            yield from (text for argument in node.arguments if (text := _text(argument.value)))


def _text(node: tree.Node) -> str | None:
    if isinstance(node, tree.String) and all(isinstance(part, Piece) for part in node.parts):
        return "".join(part.text for part in node.parts if isinstance(part, Piece))
    return None


def _names_branch(node: tree.Node) -> bool:
    name = node.name if isinstance(node, tree.Name | tree.Property) else ""
    if isinstance(node, tree.String):
        return any(not isinstance(part, Piece) and _BRANCH.search(part[1]) is not None for part in node.parts)
    return isinstance(name, str) and _BRANCH.fullmatch(name) is not None
