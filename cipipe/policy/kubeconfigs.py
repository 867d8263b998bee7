"""Kubeconfigs that commands write: whose they are, and what is in them."""

from cipipe.policy import access
from cipipe.policy.catalogue import program
from cipipe.policy.clusters import Clusters
from cipipe.shell import Command


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
