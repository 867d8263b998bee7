"""Kubeconfigs that commands write: whose they are, and what is in them."""

from itertools import pairwise

from cipipe.pipelines.model import HOLE, WORKSPACE
from cipipe.policy import access
from cipipe.policy.catalogue import program
from cipipe.policy.clusters import Clusters
from cipipe.shell import Command, Session

_OUTPUT = frozenset(
    {"-o", "-O", "--output", "--output-document", "-out", "--out", "-f", "--file", "--output-file"}
)
_SENDERS = {"aws": "cp", "gsutil": "cp", "scp": "", "rsync": "", "rclone": "copyto"}
_FETCHERS = frozenset(
    {"curl", "wget", "sops", "gpg", "gpg2", "openssl", "age", "base64", "az", "op", "vault"}
)


def written(command: Command) -> tuple[str | None, str | None]:
    """The file that the command writes, and the file of this machine that it comes from."""
    words = command.argv
    name = program(words[0])
    if name == "tee":
        return next((word for word in words[1:] if not word.startswith("-")), None), None
    if name in {"cp", "mv", "install", "ln"} and len(words) > 2:
        return words[-1], words[-2]
    if name in _SENDERS and len(words) > 2 and (not _SENDERS[name] or _SENDERS[name] in words):
        return (words[-1] if ":" not in words[-1] else None), None  # not to another machine
    if name in _FETCHERS and command.target is None:
        pairs = ((word.partition("="), after) for word, after in pairwise((*words[1:], "")))
        return next((value or after for (flag, _, value), after in pairs if flag in _OUTPUT), None), None
    return command.target, None


def gives_access(source: str, clusters: Clusters, session: Session) -> bool:
    """Whether a file that is copied to where a kubeconfig lies holds access, by its name or its text."""
    if HOLE in source or access.is_kubeconfig(source):
        return True
    if source == "/dev/null" or clusters.has_own or access.is_own_kubeconfig(source):
        return False
    return access.holds_access(session.read(source.removeprefix(f"{WORKSPACE}/").removeprefix("./")))


def comes_from_own(command: Command, source: str | None, clusters: Clusters) -> bool:
    """Whether what is written comes from a cluster that the job made."""
    if not clusters.has_own:
        return False
    feeders, one = [command.argv], command.producer
    while one is not None and len(feeders) < 5:
        feeders.append(one.argv)
        one = one.producer
    if source is not None:
        return access.is_own_kubeconfig(source) or clusters.copied(source, source)
    for words in feeders:
        if program(words[0]) in {
            "kind",
            "k3d",
            "k3s",
            "minikube",
            "microk8s",
            "microk8s.config",
            "kubectl",
            "kwokctl",
            "k0s",
            "vcluster",
        }:
            return True
        if any(access.is_own_kubeconfig(word) for word in words):
            return True
    return False


def content(command: Command) -> str | None:
    """What the command writes, where that is known."""
    if command.stdin_text is not None and program(command.argv[0]) in {"cat", "tee"}:
        return command.stdin_text
    if program(command.argv[0]) in {"echo", "printf"}:
        return " ".join(command.argv[1:])
    return None
