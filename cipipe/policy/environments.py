"""The environments that a pipeline names to cipipe: by option, variable, or input of our front ends."""

import re
from collections.abc import Iterator, Mapping, Sequence

from cipipe.pipelines.model import Step, Value
from cipipe.policy.catalogue import program

_OPTIONS = {
    "bump": ("--env",),
    "promote": ("--from", "--to"),
    "run": ("--env",),
    "protect": ("--env",),
    "gate": (),
}
_VARIABLE = re.compile(r"CIPIPE_(?:BUMP_ENV|RUN_ENV|PROTECT_ENV|PROMOTE_FROM|PROMOTE_TO)\Z", re.ASCII)
_INPUTS = frozenset({"env", "environment", "environments", "from", "to"})
_OURS = re.compile(
    r"(?:^|/)cipipe(?:[/@]|$)|^\./actions/(?:bump|promote|run|protect)$|^cipipe[A-Z.\w]*$", re.ASCII
)


def named_by_command(words: Sequence[str], env: Mapping[str, Value]) -> Iterator[str]:
    """The environments that a call of cipipe names."""
    arguments = list(words[1:])
    if re.fullmatch(r"python[\d.]*", program(words[0])) and arguments[:2] == ["-m", "cipipe"]:
        arguments = arguments[2:]
    elif program(words[0]) != "cipipe":
        return
    verb = next((word for word in arguments if not word.startswith("-")), "")
    if verb not in _OPTIONS:
        return
    for word, after in zip(arguments, (*arguments[1:], ""), strict=True):
        option, equals, value = word.partition("=")
        if option in _OPTIONS[verb]:
            yield value if equals else after
    for name, given in env.items():
        if _VARIABLE.match(name) and name.startswith(f"CIPIPE_{verb.upper()}_") and isinstance(given, str):
            yield from given.split()


def named_by_step(step: Step) -> Iterator[str]:
    """The environments that one of our actions, library steps or templates is given."""
    if step.kind not in {"uses", "dsl", "template"} or not _OURS.search(step.name):
        return
    for name, value in step.inputs.items():
        if name.lower() in _INPUTS and isinstance(value, str):
            yield from value.split()
