"""Command lines that are handed to a step which is not known here: what else than to run them would it do?"""

import re
from collections.abc import Iterator

from cipipe.groovy.source import Text
from cipipe.groovy.values import Arguments, Items, Value, possibilities
from cipipe.pipelines.jenkins import names
from cipipe.pipelines.jenkins.context import Context, written_at
from cipipe.pipelines.jenkins.scripts import run_words

_TOOL = r"(?:kubectl|oc|helm3?|helmfile|argocd|flux|kapp|skaffold|kustomize|istioctl|linkerd)"
_COMMAND = re.compile(
    rf"(?m)^[ \t]*(?:\w+=\S*[ \t]+|sudo[ \t]+|time[ \t]+)*(?:[\w./-]*/)?{_TOOL}[ \t]+\S+[ \t]+\S"
)
_BEGINS = re.compile(r"\s*(?:#|[\w.]+=|[a-z./$(\[][^\n]*(?<![:.!?])(?:\n|\Z))")  # a script, not a sentence
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_EVERY = (
    names.KNOWN
    | names.ONCE
    | names.PLAIN
    | names.QUIET
    | names.DESCRIBING
    | names.BINDINGS
    | names.PARAMETERS
)


def run_handed(context: Context, name: str, arguments: Arguments) -> bool:
    """Note the command lines of cluster tools among a step's arguments; whether there were any.

    A step that by its name only says something does not run them, nor does a block for which a text is a
    title. A step that is named like a tool is that tool with these words.
    """
    base, _, last = name.rpartition(".")
    words = {word.lower() for word in _WORDS.findall(last)}
    if name in _EVERY or words & names.SAYS or (base and not words & names.RUNS):
        return False
    before = context.record.added
    for value in _given(arguments):
        for one in possibilities(value):
            if isinstance(one, Text):
                _run(context, name, one, arguments)
            elif isinstance(one, Items):
                _run_list(context, name, one, arguments)
    return context.record.added != before


def _given(arguments: Arguments) -> Iterator[Value]:
    if not arguments.closures():
        yield from arguments.positional
    plain = arguments.normalized()
    yield from (value for key, value in plain.named.items() if key.lower() in names.GIVEN)


def _run(context: Context, name: str, text: Text, arguments: Arguments) -> None:
    if name in names.TOOLS:
        text = written_at(f"{name} ", arguments.location) + text
    if _BEGINS.match(text.string) and _COMMAND.search(text.string):
        context.run_script(text, "sh", arguments.site)


def _run_list(context: Context, name: str, listed: Items, arguments: Arguments) -> None:
    first = listed.values[0] if listed.values else None
    if isinstance(first, Text) and re.fullmatch(_TOOL, first.string):
        run_words(context, listed, arguments.site)
        return
    for value in listed.values:
        if isinstance(value, Text):
            _run(context, name, value, arguments)
