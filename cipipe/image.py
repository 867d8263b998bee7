"""Image refs: the grammar and normalisation of github.com/distribution/reference (layer 0).

A ref is parsed once, at the edge, and never split as text later. What is accepted, and how it compares, is
what `reference.ParseNormalizedNamed` and, for digests, github.com/opencontainers/go-digest's `Validate`
say, so that Docker, containerd and the kubelet read a ref as cipipe does.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

from cipipe.errors import ImageError

_DEFAULT_REGISTRY = "docker.io"
_LEGACY_REGISTRY = "index.docker.io"
_OFFICIAL = "library/"
_LONGEST_REPOSITORY = (
    255  # reference.RepositoryNameTotalLengthMax, counted after normalisation and without the registry
)
_LONGEST_SHOWN = 100

_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REGISTRY = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_TAG = r"\w[\w.-]{0,127}"

_TAG_PATTERN = re.compile(_TAG, re.ASCII)
_COMPONENT_PATTERN = re.compile(_COMPONENT, re.ASCII)
_REGISTRY_PATTERN = re.compile(_REGISTRY, re.ASCII)
_NAME_PATTERN = re.compile(rf"(?:({_REGISTRY})/)?({_COMPONENT}(?:/{_COMPONENT})*)", re.ASCII)
_IDENTIFIER_PATTERN = re.compile(r"[a-f0-9]{64}", re.ASCII)
_HEX_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_LOWER_HEX_PATTERN = re.compile(r"[a-f0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class ImageRef:
    """`registry/repository:tag@digest`, as written.

    `registry` is None where none is written. `repository` is empty only in a ref of a tag alone, which
    `parse(…, tag_alone=True)` reads.
    """

    registry: str | None
    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str, *, tag_alone: bool = False) -> Self:
        """The ref that `text` spells; with `tag_alone`, `:tag`, `:tag@digest` and `@digest` are refs too.

        Raises `ImageError`, which says what is wrong and at which character (from 1).
        """
        head, at, digest = text.partition("@")
        name, tag = _split_tag(head)
        if tag_alone and not name and (at or tag is not None):
            registry, repository = None, ""
        else:
            registry, repository = _parse_name(name, text)
        if tag is not None:
            check_tag(tag)
        if at:
            check_digest(digest)
        return cls(registry, repository, tag, digest if at else None)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag is not None else ""
        digest = f"@{self.digest}" if self.digest is not None else ""
        return f"{self.name}{tag}{digest}"

    @property
    def name(self) -> str:
        """Registry and repository as written."""
        return self.repository if self.registry is None else f"{self.registry}/{self.repository}"

    @property
    def normalized(self) -> str:
        """The name that refs are compared by: `nginx` is `docker.io/library/nginx`."""
        return "/".join(filter(None, _normalize(self.name)))

    @property
    def familiar(self) -> str:
        """The shortest name that means the same: `docker.io/library/nginx` is `nginx`."""
        registry, path = _normalize(self.name)
        if registry != _DEFAULT_REGISTRY:
            return self.normalized
        short = path.removeprefix(_OFFICIAL)
        return path if "/" in short else short

    def same_repository(self, other: "ImageRef") -> bool:
        """Whether both name one repository, in whatever form."""
        return self.normalized == other.normalized

    def with_tag(self, tag: str | None, digest: str | None = None) -> "ImageRef":
        """The same name with another tag and digest. Raises `ImageError`."""
        if tag is not None:
            check_tag(tag)
        if digest is not None:
            check_digest(digest)
        return replace(self, tag=tag, digest=digest)


def check_tag(tag: str) -> None:
    """Raise `ImageError` unless `tag` is 1 to 128 of `[A-Za-z0-9_.-]` and starts with none of `.-`."""
    if _TAG_PATTERN.fullmatch(tag):
        return
    if not tag:
        raise ImageError("the tag is empty", hint="write NAME:TAG")
    if len(tag) > 128:
        raise ImageError(f"the tag {_shown(tag)} has {len(tag)} characters; at most 128 are allowed")
    if tag[0] in ".-":
        raise ImageError(
            f"the tag {_shown(tag)} starts with {tag[0]!r}", hint="a tag starts with a letter, a digit or '_'"
        )
    position = next(
        i for i, character in enumerate(tag, 1) if not re.fullmatch(r"[\w.-]", character, re.ASCII)
    )
    raise ImageError(
        f"the tag {_shown(tag)} has {tag[position - 1]!r} at character {position}",
        hint="a tag is made of ASCII letters, digits, '_', '.' and '-'",
    )


def check_digest(digest: str) -> None:
    """Raise `ImageError` unless `digest` is sha256, sha384 or sha512 in lower-case hex, as in go-digest."""
    algorithm, _, encoded = digest.partition(":")
    wanted = _HEX_DIGITS.get(algorithm)
    if wanted is None:
        known = ", ".join(_HEX_DIGITS)
        raise ImageError(
            f"the digest {_shown(digest)} has no known algorithm",
            hint=f"write ALGORITHM:HEX; known are {known}",
        )
    if len(encoded) == wanted and _LOWER_HEX_PATTERN.fullmatch(encoded):
        return
    if len(encoded) != wanted:
        raise ImageError(
            f"the digest {_shown(digest)} has {len(encoded)} characters after '{algorithm}:', not {wanted}"
        )
    start = len(algorithm) + 1
    position = next(i for i in range(start, len(digest)) if digest[i] not in "0123456789abcdef")
    raise ImageError(
        f"the digest {_shown(digest)} has {digest[position]!r} at character {position + 1}",
        hint="the digits are 0-9 and lower-case a-f",
    )


def _split_tag(head: str) -> tuple[str, str | None]:
    """Name and tag: a colon before the last slash is a port's."""
    start = head.rfind("/") + 1
    colon = head.find(":", start)
    if colon < 0 or head.startswith(
        "[", start
    ):  # an IPv6 host without a repository, which the name's grammar refuses
        return head, None
    return head[:colon], head[colon + 1 :]


def _parse_name(name: str, text: str) -> tuple[str | None, str]:
    """Registry and repository as written; `text` is the whole ref, for messages."""
    if not text:
        raise ImageError(
            "the image ref is empty", hint="write REPOSITORY:TAG, for example ghcr.io/acme/app:v2"
        )
    if _IDENTIFIER_PATTERN.fullmatch(text):
        raise ImageError(f"{_shown(text)} is an image id, not a name")
    registry, path = _normalize(name)
    match = _NAME_PATTERN.fullmatch(f"{registry}/{path}" if registry else path)
    if match is None:
        raise _name_error(name, text)
    if len(match[2]) > _LONGEST_REPOSITORY:
        raise ImageError(
            f"the repository of {_shown(text)} has {len(match[2])} characters",
            hint=f"at most {_LONGEST_REPOSITORY} are allowed",
        )
    head, rest = _split_registry(name)
    if head is None or not match[1]:
        return None, name
    return head, rest


def _name_error(name: str, text: str) -> ImageError:
    """What is wrong with a name that the grammar refuses."""
    start = f"the image ref {_shown(text)}"
    registry, path = _split_registry(name)
    if not name:
        return ImageError(f"{start} has no repository before its tag or digest")
    if "://" in name:
        return ImageError(f"{start} is a URL", hint="leave out the scheme: REGISTRY/REPOSITORY:TAG")
    if registry is not None and not _REGISTRY_PATTERN.fullmatch(registry):
        return ImageError(f"{start} has a registry {_shown(registry)} that is no host with an optional port")
    position = len(name) - len(path)
    for component in path.split("/"):
        if not _COMPONENT_PATTERN.fullmatch(component):
            return _component_error(component, position, start)
        position += len(component) + 1
    return ImageError(f"{start} is not REGISTRY/REPOSITORY:TAG@DIGEST")


def _component_error(component: str, position: int, start: str) -> ImageError:
    """What is wrong with a part of a repository; `position` is its index in the ref."""
    if not component:
        return ImageError(f"{start} has an empty part at character {position + 1}")
    fault = _first_fault(component)
    message = f"{start} has {component[fault]!r} at character {position + fault + 1}"
    if _COMPONENT_PATTERN.fullmatch(component.lower()):
        return ImageError(message, hint="a repository is lower-case")
    hint = "a part of a repository is [a-z0-9]+, joined by one of '.', '_', '__' or dashes"
    return ImageError(f"{message}, where no repository can have it", hint=hint)


def _first_fault(component: str) -> int:
    """The index of the first character that cannot stand where it stands."""
    longest = _COMPONENT_PATTERN.match(component)
    return min(longest.end() if longest else 0, len(component) - 1)


def _split_registry(name: str) -> tuple[str | None, str]:
    """Registry and path: a first part with a dot, colon or capital, and `localhost`, is a registry."""
    head, slash, rest = name.partition("/")
    if slash and (head == "localhost" or "." in head or ":" in head or head.lower() != head):
        return head, rest
    return None, name


@lru_cache(maxsize=4096)
def _normalize(name: str) -> tuple[str, str]:
    """Registry and path in full form, as `splitDockerDomain` has them.

    A first part with a dot that is no host (`a_b.example/app`) is part of the path; the registry is then "".
    """
    head, path = _split_registry(name)
    registry = _DEFAULT_REGISTRY if head in {None, _LEGACY_REGISTRY} else head
    assert registry is not None  # noqa: S101 - for the type checker
    if registry == _DEFAULT_REGISTRY and "/" not in path:
        path = _OFFICIAL + path
    if not _REGISTRY_PATTERN.fullmatch(registry):
        return "", f"{registry}/{path}"
    return registry, path


def _shown(text: str) -> str:
    """`text` quoted for a message, escaped, and cut where it is long."""
    return repr(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…")
