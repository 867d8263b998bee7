"""The types of `cipipe.yaml` (DESIGN section 4): the reader, the JSON schema and the docs follow from them.

A new key is one field here.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from cipipe.backends import FORGES
from cipipe.config.kinds import NotInFile, Number, OneOf, OneOrMany, Text
from cipipe.errors import ConfigError, ImageError, UsageError
from cipipe.hints import near_miss
from cipipe.image import ImageRef

Delivery = Literal["pull-request", "push"]

_Line = Annotated[str, Text()]
_Lines = Annotated[str, Text(lines=True, longest=20_000)]
_Slug = Annotated[
    str, Text("[a-z0-9][a-z0-9-]*", "lower-case letters, digits and hyphens, and start without a hyphen", 100)
]
_ImageName = Annotated[
    str,
    Text(
        "[A-Za-z0-9][A-Za-z0-9._-]*", "letters, digits and '.', '_', '-', and start with none of these", 100
    ),
]
_LineNumbers = Annotated[Mapping[str, int], NotInFile("lines")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that this repository builds."""

    name: Annotated[str, NotInFile("name")]
    repository: Annotated[_Line, "Where the image is pushed: registry and repository, without a tag."]
    context: Annotated[_Line, "The build context, a folder."] = "."
    dockerfile: Annotated[_Line, "The Dockerfile, from the context."] = "Dockerfile"
    lines: _LineNumbers = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestSettings:
    """What a pull request is opened with."""

    labels: Annotated[tuple[_Line, ...], "Labels to set."] = ()
    reviewers: Annotated[
        tuple[_Line, ...], "People, or teams as `organisation/team`, asked for a review."
    ] = ()
    assignees: Annotated[tuple[_Line, ...], "People it is assigned to."] = ()
    draft: Annotated[bool, "Open it as a draft."] = False
    auto_merge: Annotated[
        bool, "Let the forge merge it when its checks pass; never on a protected branch."
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredCheck:
    """A check that the forge must ask for before a merge."""

    name: Annotated[_Line, "The check's name (GitHub: its context)."]
    app: Annotated[
        Annotated[int, Number(1, 2**53)] | _Line | None, "The app that must report it: its id, or its slug."
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forge:
    """The service that holds the manifest repository; found from the repository's host where left out."""

    kind: Annotated[
        Annotated[str, OneOf(tuple(FORGES))] | None,
        f"Which forge it is: {', '.join(FORGES)}. Left out: found from the host.",
    ] = None
    api_url: Annotated[
        Annotated[str, Text("https?://.+", "an http(s) URL")] | None,
        "Its API's URL, where the host alone does not tell.",
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A named target: repository + branch + path of manifests."""

    name: Annotated[str, NotInFile("name")]
    repo: Annotated[
        _Line | None, "The manifest repository's URL. Left out: the repository that holds this file."
    ] = None
    branch: Annotated[_Line, "The branch of the manifest repository."]
    path: Annotated[
        tuple[_Line, ...],
        OneOrMany(),
        "A folder, a file or a list of them; nothing else is changed. `{image}` stands for the image's name.",
    ]
    source_branches: Annotated[
        tuple[_Line, ...],
        "Branches of the application repository that may be bumped here; globs, in which `**` crosses '/'.",
    ] = ()
    source_tags: Annotated[
        tuple[_Line, ...], "Tags of the application repository that may be bumped here; globs."
    ] = ()
    delivery: Annotated[
        Delivery,
        "How a change comes in: `pull-request` (the default), or `push`, never on a protected branch.",
    ] = "pull-request"
    protected: Annotated[
        bool, "Reached by an approved pull request alone, with refs of `promotes` alone."
    ] = False
    promotes: Annotated[_Slug | None, "The environment whose running refs enter this one."] = None
    approvals: Annotated[
        Annotated[int, Number(0, 100)], "How many people must approve. Left out: 1 when protected, else 0."
    ] = 0
    pull_request: Annotated[PullRequestSettings, "What its pull requests are opened with."] = (
        PullRequestSettings()
    )
    code_owners: Annotated[bool, "A code owner must approve."] = False
    required_checks: Annotated[tuple[RequiredCheck, ...], "Checks that must pass before a merge."] = ()
    forge: Annotated[Forge, "The forge of this environment. Left out: the one at the top."] = Forge()
    lines: _LineNumbers = field(default_factory=dict, compare=False, repr=False)

    @property
    def token_variable(self) -> str:
        """The environment variable that holds this environment's own token."""
        return "CIPIPE_TOKEN_" + self.name.upper().replace("-", "_")

    def line(self, key: str = "") -> int:
        """The line of `key`, or of the whole environment."""
        return self.lines.get(key, self.lines.get("", 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A finding accepted on purpose, for a time."""

    rule: Annotated[_Slug, "The rule's id."]
    file: Annotated[_Line, "The file it is accepted in, from the repository's root; it may be a glob."]
    reason: Annotated[_Line, "Why."]
    expires: Annotated[dt.date, "The last day it counts, as YYYY-MM-DD."]
    line: Annotated[int, NotInFile("line")] = field(default=1, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Settings of `cipipe gate`."""

    ephemeral_clusters: Annotated[
        bool, "Deploying to a kind, k3d or minikube cluster made in the same job is fine."
    ] = True
    bots: Annotated[tuple[_Line, ...], "Machine users, whose approvals do not count."] = ()
    waivers: Annotated[tuple[Waiver, ...], "Findings accepted on purpose."] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole file."""

    version: Annotated[Literal[1], "The version of this format: 1."]
    images: Annotated[Mapping[_ImageName, Image], "The images that this repository builds, by name."] = field(
        default_factory=dict
    )
    test: Annotated[
        tuple[_Lines, ...], OneOrMany(), "Commands of `cipipe run` that must succeed before the build."
    ] = ()
    environments: Annotated[Mapping[_Slug, Environment], "Where images are deployed, by name."] = field(
        default_factory=dict
    )
    forge: Annotated[Forge, "The forge of every environment that has none of its own."] = Forge()
    gate: Annotated[Gate, "Settings of the policy gate."] = Gate()
    file: Annotated[str, NotInFile("file")] = "cipipe.yaml"

    def environment(self, name: str) -> Environment:
        """The environment `name`; raise `ConfigError` with the nearest name when there is none."""
        if name not in self.environments:
            raise ConfigError(
                f"no environment '{name}'", file=self.file, hint=near_miss(name, self.environments)
            )
        return self.environments[name]

    def repository_of(self, text: str) -> ImageRef:
        """The repository that `text` means: a name under `images:`, or a repository itself, without a tag.

        Raise `UsageError` for a tag and `ImageError` for what the grammar refuses.
        """
        ref = ImageRef.parse(self.images[text].repository if text in self.images else text)
        if ref.tag is not None or ref.digest is not None:
            raise UsageError(f"'{text}' has a tag or digest", hint=f"write {ref.name}")
        return ref

    def image_ref(self, text: str) -> ImageRef:
        """The ref that `--image` means: `NAME=TAG` of a configured image, or a full ref as it stands.

        TAG may carry a digest (`v2@sha256:...`) or be one (`@sha256:...`). Raise `UsageError` for an unknown
        NAME and `ImageError` for what the grammar refuses.
        """
        name, equals, tag = text.partition("=")
        if not equals:
            return ImageRef.parse(text)
        if name not in self.images:
            hint = (
                near_miss(name, self.images)
                if self.images
                else "write the full ref, or name it under 'images:'"
            )
            raise UsageError(f"{self.file} has no image '{name}'", hint=hint)
        if not tag:
            raise ImageError(f"'{text}' has no tag", hint=f"write {name}=TAG")
        return ImageRef.parse(f"{self.images[name].repository}{'' if tag.startswith('@') else ':'}{tag}")
