"""Which cluster a command of a job would reach: one that the job made for itself, or a real one.

A job starts at a real cluster. A maker (kind, minikube, k3d…) turns the current context of its kubeconfig
to its own cluster; fetched credentials, another context, another kubeconfig or a server turn it back.
"""

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from cipipe.pipelines.model import HOLE, WORKSPACE, Unknown, Value
from cipipe.policy.catalogue import ClusterMaker, Verb, clusters, program
from cipipe.policy.commands import Use

Target = Literal["cluster", "ephemeral"]

_DEFAULT = ""
_UNKNOWN = "?"
_WILDCARDS = frozenset("*?[")
_CONTEXT = ("--context", "--kube-context", "--kubeconfig-context", "--argocd-context", "--kubecontext")
_KUBECONFIG = ("--kubeconfig",)
_SERVER = ("--server", "-s", "--kube-apiserver")
_LOCAL_SERVER = re.compile(
    r"(?:\w+://)?(?:localhost|127\.|0\.0\.0\.0|\[::1\]|host\.docker\.internal)", re.ASCII
)
_NODE = re.compile(r"(?:\A|/)(?:rancher/k3s|kindest/node)(?:[:@]|\Z)")  # images that are a cluster
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
_ACCOUNT_TOOLS = frozenset(
    {
        "az",
        "gcloud",
        "aws",
        "doctl",
        "ibmcloud",
        "eksctl",
        "kops",
        "oci",
        "linode-cli",
        "civo",
        "scw",
        "exo",
        "yc",
        "rancher",
    }
)
_CLOUD_VERB = re.compile(r"get-credentials|update-kubeconfig|kubeconfig|get-token|config\Z", re.ASCII)


class Clusters:
    """The clusters of one job, in the order of its commands.

    `allowed` is `gate.ephemeral_clusters`; `deleted` holds the cloud clusters that the job deletes again (see
    `deleted_in`), as (program, name).
    """

    def __init__(self, *, allowed: bool = True, deleted: frozenset[tuple[str, str]] = frozenset()) -> None:
        self._allowed = allowed
        self._deleted = deleted
        self._contexts: dict[str, None] = {}  # their names or globs, as they were made
        self._globs: dict[str, None] = {}  # those among them: few, whatever the number of clusters
        self._ephemeral: dict[str, bool] = {}
        self._before_k3s: tuple[dict[str, None], dict[str, bool]] | None = None

    def make(self, contexts: Sequence[str], kubeconfig: Value | None = None) -> None:
        """A cluster was made; `contexts` are globs of its context's name."""
        self._contexts |= dict.fromkeys(contexts)
        self._globs |= dict.fromkeys(glob for glob in contexts if not _WILDCARDS.isdisjoint(glob))
        self._ephemeral[_path(kubeconfig)] = True

    def run(
        self,
        words: Sequence[str],
        env: Mapping[str, Value],
        *,
        trapped: bool = False,
        output: str | None = None,
    ) -> bool:
        """Follow a command that makes, deletes or connects a cluster of its own; whether it was one.

        `output` is the file that it prints to: a kubeconfig, where it prints one.
        """
        name = program(words[0])
        if self._installed(name, words, env):
            return True
        if name in _SHELLS and self._before_k3s is not None and _joins(words, env):
            self._contexts, self._ephemeral = self._before_k3s
            self._before_k3s = None
            return False
        maker = clusters().get(name)
        if maker is None:
            return False
        plain, values = _split(words[1:], maker)
        if _starts(plain, maker.create):
            return self._create(maker, plain, values, env)
        if _starts(plain, maker.delete) and not maker.cloud and not trapped:
            context = maker.context.format(name=_name(maker, plain, values, maker.delete))
            if context in self._contexts:
                del self._contexts[context]
                if not self._contexts:
                    self._ephemeral.clear()
        if _starts(plain, maker.kubeconfig) and self._contexts:
            self._ephemeral |= {_UNKNOWN: True, _path(output or HOLE): True}
        return not maker.cloud

    def _installed(self, name: str, words: Sequence[str], env: Mapping[str, Value]) -> bool:
        """Whether a command installs a cluster here, or starts one in a container."""
        if any("get.k3s.io" in word for word in words) and "K3S_URL" not in env:
            self._before_k3s = dict(self._contexts), dict(self._ephemeral)
            self.make(["default"])
        elif name == "snap" and {"install", "microk8s"} <= set(words):
            self.make(["microk8s*"])
        elif name in {"docker", "podman", "nerdctl"} and "run" in words and any(map(_NODE.search, words)):
            self.make(["default"])
        else:
            return False
        return True

    def _create(
        self, maker: ClusterMaker, plain: Verb, values: Mapping[str, str], env: Mapping[str, Value]
    ) -> bool:
        name = _name(maker, plain, values, maker.create)
        if maker.cloud and not self._is_own(maker, name):
            return False
        context = f"*{name}*" if maker.cloud else maker.context.format(name=name)
        self.make([context], values.get("--kubeconfig", env.get("KUBECONFIG")))
        return True

    def _is_own(self, maker: ClusterMaker, name: str) -> bool:
        return (maker.name, name) in self._deleted or (maker.name, "*") in self._deleted

    def owns(self, words: Sequence[str]) -> bool:
        """Whether a command (create, delete, credentials) is about a cluster of the job's own."""
        maker = clusters().get(program(words[0]))
        if maker is None or not self._allowed:
            return False
        plain, values = _split(words[1:], maker)
        if not maker.cloud:
            return not maker.nested and _starts(plain, (*maker.create, *maker.delete))
        for verbs in (maker.create, maker.delete, maker.credentials):
            if _starts(plain, verbs):
                return self._is_own(maker, _name(maker, plain, values, verbs))
        return False

    def target(self, use: Use, env: Mapping[str, Value]) -> Target:
        """Which cluster `use` reaches."""
        if not self._allowed or use.tool in _ACCOUNT_TOOLS:
            return "cluster"
        server = use.flag(*_SERVER) if use.tool in {"kubectl", "oc", "helm", "argocd"} else None
        if server and not _LOCAL_SERVER.match(server):
            return "cluster"
        context = use.flag(*_CONTEXT)
        if context:
            return "ephemeral" if self._is_made(context) else "cluster"
        path = _path(use.flag(*_KUBECONFIG) or env.get("KUBECONFIG"))
        return "ephemeral" if self._ephemeral.get(path) else "cluster"

    def local_server(self, url: str) -> Target:
        """Which cluster a request to `url` reaches: a local port is the job's own, when it made one."""
        own = self._allowed and any(self._ephemeral.values()) and _LOCAL_SERVER.match(url)
        return "ephemeral" if own else "cluster"

    def configure(self, words: Sequence[str], env: Mapping[str, Value], flag: str | None = None) -> None:
        """Follow `kubectl config …`: a context that the job did not make turns to a real cluster."""
        path = _path(flag or env.get("KUBECONFIG"))
        verb = words[1] if words[1:] else ""
        if verb in {"use-context", "use"} and words[2:]:
            self._ephemeral[path] = self._is_made(words[2])
        elif verb == "set-cluster":
            self._ephemeral[path] = False

    def connect(self, env: Mapping[str, Value], *, own: bool = False, path: Value | None = None) -> None:
        """Credentials were put into the kubeconfig; `own`: of a cluster that the job made."""
        self._ephemeral[_path(path or env.get("KUBECONFIG"))] = own
        self._ephemeral[_UNKNOWN] = own

    def copied(self, source: Value | None, path: str) -> bool:
        """The kubeconfig `source` was copied to `path`; whether it is the job's own cluster's."""
        own = bool(self._allowed and self._ephemeral.get(_path(source)))
        self._ephemeral[_path(path)] = own
        return own

    @property
    def has_own(self) -> bool:
        """Whether the job has a cluster of its own."""
        return self._allowed and bool(self._contexts)

    def _is_made(self, context: str) -> bool:
        return context in self._contexts or any(
            fnmatch.fnmatchcase(context, glob) for glob in self._globs if glob in self._contexts
        )


def _joins(words: Sequence[str], env: Mapping[str, Value]) -> bool:
    """Whether the installer of k3s joins a cluster that is there (docs.k3s.io/installation/configuration)."""
    given = env.get("INSTALL_K3S_EXEC")
    arguments = [*words[1:], *(given.split() if isinstance(given, str) else ())]
    return "K3S_URL" in env or any(a == "agent" or a.partition("=")[0] == "--server" for a in arguments)


def deleted_in(commands: Iterable[Sequence[str]]) -> frozenset[tuple[str, str]]:
    """The cloud clusters that a job both creates and deletes, as (program, name)."""
    created: set[tuple[str, str]] = set()
    deleted: set[tuple[str, str]] = set()
    for words in commands:
        maker = clusters().get(program(words[0])) if words else None
        if maker is None or not maker.cloud:
            continue
        plain, values = _split(words[1:], maker)
        for verbs, found in ((maker.create, created), (maker.delete, deleted)):
            if _starts(plain, verbs):
                found.add((maker.name, _name(maker, plain, values, verbs)))
    return frozenset(created & deleted)


def _split(arguments: Sequence[str], maker: ClusterMaker) -> tuple[Verb, Mapping[str, str]]:
    """Words, and the values of the flags that matter."""
    plain: list[str] = []
    values: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if not argument.startswith("-"):
            plain.append(argument)
        elif equals:
            values[name] = value
        elif name in maker.name_flags or name == "--kubeconfig":
            values[name] = next(rest, "")
        elif name.startswith("--"):
            values[name] = ""
    return tuple(plain), values


def _starts(plain: Verb, verbs: Iterable[Verb]) -> bool:
    return any(plain[: len(verb)] == verb for verb in verbs)


def _name(maker: ClusterMaker, plain: Verb, values: Mapping[str, str], verbs: Iterable[Verb]) -> str:
    """The name of the cluster: by flag, by position after the verb, or the program's default."""
    for flag in maker.name_flags:
        if flag in values:
            return values[flag]
    if maker.positional:
        for verb in verbs:
            if plain[: len(verb)] == verb and plain[len(verb) :]:
                return plain[len(verb)]
    return maker.default


def _path(value: Value | None) -> str:
    """The key of a kubeconfig: the default one, one by its path, or one that cannot be known."""
    if value is None:
        return _DEFAULT
    if isinstance(value, Unknown) or value == HOLE:
        return _UNKNOWN
    if value.endswith((".kube/config", "k3s.yaml")):
        return _DEFAULT
    return posixpath.normpath(value).removeprefix(f"{WORKSPACE}/")
