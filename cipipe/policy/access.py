"""Ways to a cluster besides its tools: requests to its API, kubeconfigs that are written, secrets by name."""

import fnmatch
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from urllib.parse import urlsplit

from cipipe.pipelines.model import HOLE
from cipipe.policy import shipped
from cipipe.policy.catalogue import Effect, program

_WRITING = frozenset({"post", "put", "patch", "delete"})
_METHOD_FLAGS = frozenset({"-x", "--request", "-method", "--method"})
_BODY_FLAGS = re.compile(
    r"(?:-d|--data(?:-\w+)?|-F|--form(?:-string)?|-T|--upload-file|--json|--post-data|--post-file|--body-data|--body-file|-Body|-InFile)(?:=.*)?\Z",
    re.ASCII,
)
_CLIENTS = frozenset(
    {
        "curl",
        "wget",
        "http",
        "https",
        "xh",
        "xhs",
        "invoke-restmethod",
        "invoke-webrequest",
        "irm",
        "iwr",
        "httpie",
    }
)
_KUBECONFIG = re.compile(
    r"(?:\A|/)(?:\.kube/[\w.\ue000-]*config[\w.\ue000-]*|[\w.\ue000-]*kube[-_.]?config[\w.\ue000-]*|\.kube/config/[^/]*)\Z",
    re.ASCII | re.IGNORECASE,
)
_SECRET_IN_IT = re.compile(r"token:|client-key-data:|client-certificate-data:|password:|\bexec:", re.ASCII)
_OWN = re.compile(
    r"k3s\.yaml|/var/snap/microk8s/|/etc/kubernetes/admin\.conf|rke2\.yaml|/var/lib/k0s/pki/admin\.conf"
    r"|://[\w-]*k3s[\w-]*[:/]"  # a service of the job
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request to an API that a cluster has."""

    effect: Effect
    url: str
    method: str


@functools.cache
def _paths() -> tuple[tuple[str, ...], tuple[str, ...]]:
    data = shipped.data("api")
    return tuple(data["deploys"]), tuple(data["credentials"])


def request(words: Sequence[str]) -> Request | None:
    """The request to a cluster's API that the command makes; None for every other one."""
    if program(words[0]) not in _CLIENTS:
        return None
    method, body, urls = "", False, []
    for word, after in zip_longest(words[1:], words[2:], fillvalue=""):
        flag, equals, value = word.partition("=")
        if flag.lower() in _METHOD_FLAGS:
            method = (value if equals else after).lower()
        elif word.startswith("-X") and len(word) > 2:
            method = word[2:].lower()
        elif word.lower() in _WRITING and not word.islower():
            method = word.lower()
        elif _BODY_FLAGS.match(word):
            body = True
        elif "/" in word and not word.startswith("-"):
            urls.append(word)
    asks = not method and {"-G", "--get"} & set(words)  # curl puts the data into the URL
    writes = method in _WRITING or (body and method in {"", HOLE} and not asks)
    if not writes and HOLE not in method:
        return None
    return next(
        (
            Request(effect if writes else "unknown", url, method or "post")
            for url in urls
            if (effect := _effect(url))
        ),
        None,
    )


def _effect(url: str) -> Effect | None:
    try:
        path = urlsplit(url if "//" in url else f"//{url}").path
    except ValueError:
        path = url
    if not path.startswith("/"):
        path = "/" + path
    found = re.search(r"/(?:api/v1|apis|oapi/v1|k8s/clusters|v3/projects?)/", path)
    if found is None:
        return None
    path = path[found.start() :]
    deploys, credentials = _paths()
    if any(fnmatch.fnmatchcase(path, pattern) for pattern in deploys):
        return "mutate"
    argo = re.search(r"argo", url, re.IGNORECASE)
    return (
        "credentials" if argo and any(fnmatch.fnmatchcase(path, pattern) for pattern in credentials) else None
    )


def is_kubeconfig(path: str | None) -> bool:
    """Whether a file of this path is a kubeconfig by its name."""
    return bool(
        path
        and _KUBECONFIG.search(path)
        and not path.lower().endswith((".md", ".sh", ".tpl", ".txt", ".go", ".py"))
    )


def is_own_kubeconfig(path: str) -> bool:
    """Whether it is where a cluster of the job (k3s, MicroK8s, kubeadm) leaves its kubeconfig."""
    return bool(_OWN.search(path))


def holds_access(text: str | None) -> bool:
    """Whether the text of a kubeconfig gives access; one that is not known is taken to."""
    return text is None or HOLE in text or bool(_SECRET_IN_IT.search(text))


@functools.cache
def _names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    data = shipped.data("names")
    return tuple(data["credentials"]), tuple(data["harmless"])


@functools.cache
def is_credential_name(name: str) -> bool:
    """Whether a secret, variable or credential of this name holds access to a cluster."""
    plain = re.sub(r"[-. ]", "_", name).upper()
    credentials, harmless = _names()
    if any(fnmatch.fnmatchcase(plain, pattern) for pattern in harmless):
        return False
    return any(fnmatch.fnmatchcase(plain, pattern) for pattern in credentials)
