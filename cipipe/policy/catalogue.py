"""The catalogue of tools (policies/data/tools.yaml): which verb of which program does what to a cluster."""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cipipe.policy import shipped

Effect = Literal["mutate", "read", "credentials", "unknown"]
Verb = tuple[str, ...]

ANY: Verb = ("*",)
_FIELDS: dict[str, Effect] = {"reads": "read", "credentials": "credentials", "mutates": "mutate"}
_KEYS = frozenset({"names", "like", "values", "dry", "needs", "anywhere", "paths", "when", "other", *_FIELDS})


@dataclass(frozen=True, slots=True)
class Tool:
    """One program: its verbs with their effects, flags that take a value, and flags that make it harmless.

    `dry` and `needs` map a verb (`()` in `dry`: every verb) to flags. `when` names the check of the working
    directory without which a verb says nothing about a cluster.
    """

    name: str
    verbs: Mapping[Verb, Effect]
    values: frozenset[str]
    dry: Mapping[Verb, frozenset[str]]
    needs: Mapping[Verb, frozenset[str]]
    anywhere: bool
    paths: bool
    when: str | None
    other: Effect
    longest: int  # words of its longest verb

    def effect(self, words: Verb) -> tuple[Verb, Effect]:
        """The longest verb at the start of `words`, and what it does."""
        for length in range(min(len(words), self.longest), 0, -1):
            effect = self.verbs.get(words[:length])
            if effect:
                return words[:length], effect
        return (), self.verbs.get(ANY, self.other)

    def continues(self, verb: Verb) -> Iterator[Effect]:
        """The effects of the verbs that begin with `verb` and go on."""
        return (self.verbs[v] for v in self.verbs if len(v) > len(verb) and v[: len(verb)] == verb)


@functools.cache
def tools() -> Mapping[str, Tool]:
    """Every tool by each of its names; of two words ("k3s kubectl"), a program and its argument."""
    entries = shipped.data("tools")
    catalogue: dict[str, Tool] = {}
    for name, entry in entries.items():
        unknown = set(entry) - _KEYS
        if unknown:
            raise ValueError(f"policies/data/tools.yaml: {name}: unknown key {sorted(unknown)[0]}")
        tool = _tool(name, [entries[entry["like"]], entry] if "like" in entry else [entry])
        for known_as in (name, *entry.get("names", ())):
            catalogue[known_as] = tool
    return catalogue


def _tool(name: str, entries: list[Mapping[str, Any]]) -> Tool:
    verbs: dict[Verb, Effect] = {}
    for entry in entries:
        for field, effect in _FIELDS.items():
            verbs.update((tuple(verb.split()), effect) for verb in entry.get(field) or ())
    return Tool(
        name=name,
        verbs=verbs,
        values=frozenset(flag for entry in entries for flag in entry.get("values") or ()),
        dry=_flags_by_verb(flag for entry in entries for flag in entry.get("dry") or ()),
        needs=_flags_by_verb(flag for entry in entries for flag in entry.get("needs") or ()),
        anywhere=entries[-1].get("anywhere", False),
        paths=entries[-1].get("paths", False),
        when=entries[-1].get("when"),
        other=next((entry["other"] for entry in reversed(entries) if "other" in entry), "read"),
        longest=max((len(verb) for verb in verbs), default=0),
    )


def _flags_by_verb(texts: Iterator[str]) -> Mapping[Verb, frozenset[str]]:
    """`VERB:FLAG` by verb; a flag alone stands under `()`."""
    flags: dict[Verb, frozenset[str]] = {}
    for text in texts:
        verb, _, flag = text.rpartition(":")
        key = tuple(verb.split())
        flags[key] = flags.get(key, frozenset()) | {flag}
    return flags


_VERSIONED = re.compile(r"([a-z0-9][a-z0-9-]*?)[-_.]?v?[0-9][a-z0-9._-]*", re.ASCII)
_PLATFORM = re.compile(r"([a-z0-9][a-z0-9-]*?)[-_.](?:linux|darwin|windows)[a-z0-9._-]*", re.ASCII)
_LONGEST_NAME = 100  # characters; matching a version is quadratic in them
_EXTENSION = re.compile(r"\.(?:exe|cmd|bat)\Z", re.ASCII)


@functools.lru_cache(maxsize=10_000)
def program(word: str) -> str:
    """The name of the program that the command word `word` runs: no folder, no extension, no version."""
    name = _EXTENSION.sub("", re.split(r"[/\\]", word)[-1].lower())
    if name in tools() or name in clusters() or len(name) > _LONGEST_NAME:
        return name
    for pattern in (_PLATFORM, _VERSIONED):
        match = pattern.fullmatch(name)
        if match and match[1] in tools():
            return match[1]
    return name


@dataclass(frozen=True, slots=True)
class ClusterMaker:
    """A program that makes a cluster for the job (policies/data/clusters.yaml)."""

    name: str
    cloud: bool
    nested: bool
    create: frozenset[Verb]
    delete: frozenset[Verb]
    credentials: frozenset[Verb]
    kubeconfig: frozenset[Verb]
    context: str
    name_flags: frozenset[str]
    positional: bool
    default: str


@functools.cache
def clusters() -> Mapping[str, ClusterMaker]:
    """The programs that make clusters, by name."""

    def verbs(entry: Mapping[str, Any], field: str) -> frozenset[Verb]:
        return frozenset(tuple(verb.split()) for verb in entry.get(field) or ())

    return {
        name: ClusterMaker(
            name=name,
            cloud=entry.get("cloud", False),
            nested=entry.get("nested", False),
            create=verbs(entry, "create"),
            delete=verbs(entry, "delete"),
            credentials=verbs(entry, "credentials"),
            kubeconfig=verbs(entry, "kubeconfig"),
            context=entry.get("context", "{name}"),
            name_flags=frozenset(entry.get("name") or ()),
            positional=entry.get("positional", False),
            default=entry.get("default", ""),
        )
        for name, entry in shipped.data("clusters").items()
    }
