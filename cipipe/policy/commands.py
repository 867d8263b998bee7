"""One command by the catalogue: which tool, which verb, and what it does to a cluster.

Words are texts in which `HOLE` stands for what cannot be known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cipipe.pipelines.model import HOLE
from cipipe.policy.catalogue import ANY, Effect, Tool, Verb, program, tools

_OFF = frozenset({"none", "false", "0", "$false"})
_HELP = frozenset({"help", "version", "completion", "--version"})


@dataclass(frozen=True, slots=True)
class Use:
    """A use of a catalogued tool. `dry` says that a flag makes it change nothing, `why` what is not known."""

    tool: str
    verb: str
    effect: Effect
    dry: bool = False
    why: str = ""
    when: str | None = None
    words: tuple[str, ...] = ()
    flags: tuple[tuple[str, str | None], ...] = ()

    def flag(self, *names: str) -> str | None:
        """The last value of one of the flags `names`; "" for one without a value, None when there is none."""
        values = [value or "" for name, value in self.flags if name in names]
        return values[-1] if values else None


def classify(words: Sequence[str]) -> Use | None:
    """What the command `words` uses; None when its program is not in the catalogue."""
    if not words:
        return None
    name = program(words[0])
    arguments = list(words[1:])
    first = next((word for word in arguments if not word.startswith("-")), None)
    if first and f"{name} {first}" in tools():
        arguments = arguments[arguments.index(first) + 1 :]
        name = f"{name} {first}"
        arguments = arguments[1:] if arguments[:1] == ["--"] else arguments
    tool = tools().get(name)
    if tool is None and name.startswith("kubectl-"):
        tool, arguments = tools()["kubectl"], [*name.split("-")[1:], *arguments]
    return _use(tool, arguments) if tool else None


def _use(tool: Tool, arguments: Sequence[str]) -> Use:
    words, flags = _parse(tool, arguments)
    if tool.anywhere:
        verb, effect, why = _goal(tool, words)
    else:
        verb, effect, why = _verb(tool, words)
    dry, doubt = _is_dry(tool, verb, flags)
    if doubt and effect == "mutate":
        effect, why = "unknown", doubt
    return Use(tool.name, " ".join(verb), effect, dry, why, tool.when, tuple(words), tuple(flags))


def _parse(tool: Tool, arguments: Sequence[str]) -> tuple[list[str], list[tuple[str, str | None]]]:
    """Words and flags; what follows `--` belongs to another program."""
    words: list[str] = []
    flags: list[tuple[str, str | None]] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            break
        if not argument.startswith("-") or argument == "-":
            words.append(argument)
            continue
        name, equals, value = argument.partition("=")
        if equals:
            flags.append((name, value))
        else:
            flags.append((name, next(rest, None) if name in tool.values else None))
    return words, flags


def _verb(tool: Tool, words: list[str]) -> tuple[Verb, Effect, str]:
    """The verb, its effect, and what is not known about it."""
    while words and set(words[0]) == {HOLE} and words[1:] and _is_verb(tool, words[1:]):
        words = words[1:]  # options in a variable before the verb
    if not words:
        return (), tool.verbs.get(ANY, "read"), ""
    if HOLE in words[0]:
        return (), "unknown", "its verb cannot be known"
    verb, effect = tool.effect(tuple(word.split("/")[0] for word in words) if tool.paths else tuple(words))
    after = words[len(verb) : len(verb) + 1]
    if after and HOLE in after[0] and any(other != effect for other in tool.continues(verb)):
        return verb, "unknown", "its verb cannot be known"
    if effect == "unknown" and words[0] in _HELP:
        effect = "read"
    return (
        verb,
        effect,
        f"{tool.name} has no verb '{words[0]}' that is known here" if effect == "unknown" else "",
    )


def _is_verb(tool: Tool, words: list[str]) -> bool:
    return words[0] in {verb[0] for verb in tool.verbs} or set(words[0]) == {HOLE}


def _goal(tool: Tool, words: list[str]) -> tuple[Verb, Effect, str]:
    """The first goal or task that is catalogued, with its plug-in's full name or without."""
    for word in words:
        parts = word.split(":")
        goal = parts[-1].split("@", maxsplit=1)[0]
        prefixes = {part.replace("-maven-plugin", "") for part in parts[:-1]}
        short = {"kubernetes": "k8s", "openshift": "oc"}
        for name in (word, goal, *(f"{short.get(prefix, prefix)}:{goal}" for prefix in prefixes)):
            if tool.verbs.get((name,)) == "mutate":
                return (name,), "mutate", ""
    return (), "read", ""


def _is_dry(tool: Tool, verb: Verb, flags: Sequence[tuple[str, str | None]]) -> tuple[bool, str]:
    """Whether the flags make the verb harmless, and what is not known about that."""
    fitting = {flag for at, names in tool.dry.items() if verb[: len(at)] == at for flag in names}
    dry, doubt = False, ""
    for name, value in flags:
        if name in fitting:
            doubt = f"the value of {name} cannot be known" if value and HOLE in value else ""
            dry = not (value and value.lower() in _OFF) and not doubt
    needed = tool.needs.get(verb) or (tool.needs.get(ANY) if tool.verbs.get(ANY) else None)
    if needed and not any(name in needed for name, _ in flags):
        dry = True
    return dry, "" if dry else doubt
