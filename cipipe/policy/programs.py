"""Programs that deploy to whatever their files say: Terraform, Pulumi, Ansible. What do the files say?"""

import posixpath
import re
from collections.abc import Iterator, Sequence

from cipipe.pipelines.model import HOLE
from cipipe.policy.catalogue import Effect
from cipipe.policy.commands import Use
from cipipe.shell.session import Session, in_repository

_TERRAFORM = re.compile(
    r'^[ \t]*+(?:(?:provider|resource|data|module)[ \t]*+)?"?(?:provider[ \t]+)?'
    r'"(?:kubernetes|helm|kubectl|argocd|flux|kustomization)"'
    r'|^[ \t]*+resource[ \t]+"(?:kubernetes_|helm_release|kubectl_|argocd_|flux_bootstrap|kustomization_)',
    re.MULTILINE,
)
_PULUMI = re.compile(
    r"@pulumi/kubernetes|pulumi[-_]kubernetes|pulumi\.kubernetes|type:\s*kubernetes:|Pulumi\.Kubernetes"
)
_ANSIBLE = re.compile(
    r"\b(?:kubernetes\.core\.|community\.kubernetes\.|community\.okd\.|redhat\.openshift\.|openshift_v1|k8s_\w+:)"
    r"|^[ \t]*+-?[ \t]*+(?:k8s|helm|k8s_raw|openshift_raw):"
    r"|\bkubectl\s+(?:apply|create|delete|set|rollout|scale|patch|replace)|\bhelm\s+(?:upgrade|install)",
    re.MULTILINE,
)
_MOST_FILES = 200
_NOT_FOUND = "its files are not in the repository"


def effect(use: Use, words: Sequence[str], directory: str, session: Session) -> tuple[Effect, str]:
    """What `use` does to a cluster by the files that it reads, and what is not known."""
    folder = in_repository(directory) if HOLE not in directory else None
    if use.when == "ansible":
        return _ansible(use, words, folder, session)
    wanted, suffixes = (
        (_TERRAFORM, (".tf", ".tf.json", ".tofu", ".hcl")) if use.when == "terraform" else (_PULUMI, ())
    )
    chosen = _folder_flag(use)
    if folder is not None and chosen is not None:
        folder = (
            None if HOLE in chosen else posixpath.normpath(posixpath.join(folder, chosen)).removeprefix(".")
        )
    texts = list(_texts(folder or "", suffixes, session, deep=folder is None))
    if any(wanted.search(text) for text in texts):
        return (
            ("mutate", "")
            if folder is not None
            else ("unknown", "the folder that it works in cannot be known")
        )
    if texts and (suffixes or _is_project(folder or "", session)):
        return "read", ""
    return "unknown", _NOT_FOUND


def _folder_flag(use: Use) -> str | None:
    chosen = use.flag("-chdir", "--terragrunt-working-dir", "--working-dir", "-C", "--cwd")
    if (
        chosen is None
        and use.words[1:]
        and not use.words[1].endswith((".tfplan", ".plan", "plan", ".out"))
        and use.when == "terraform"
    ):
        return use.words[1] if "/" in use.words[1] else None
    return chosen


def _is_project(folder: str, session: Session) -> bool:
    return any(
        posixpath.basename(path) in {"Pulumi.yaml", "Pulumi.yml"} for path in session.files.list(folder)
    )


def _texts(folder: str, suffixes: tuple[str, ...], session: Session, *, deep: bool) -> Iterator[str]:
    """The texts of the folder's files; for a program (no suffixes) those below it too."""
    prefix = f"{folder}/" if folder else ""
    read = 0
    for path in session.files.list(folder):
        below = path.removeprefix(prefix)
        if suffixes and (
            not path.endswith(suffixes) or ("/" in below and not deep and "modules/" not in below)
        ):
            continue
        if "node_modules/" in path or read >= _MOST_FILES:
            continue
        if not suffixes and not path.endswith(
            (".json", ".yaml", ".yml", ".txt", ".toml", ".mod", ".py", ".ts", ".js", ".go", ".csproj", ".cs")
        ):
            continue
        read += 1
        text = session.read(path)
        if text is not None:
            yield text


def _ansible(use: Use, words: Sequence[str], folder: str | None, session: Session) -> tuple[Effect, str]:
    module = use.flag("-m", "--module-name")
    if use.tool == "ansible":
        arguments = " ".join(words)
        deploys = module and re.search(r"k8s|kubernetes|helm|openshift", module)
        return ("mutate", "") if deploys or _ANSIBLE.search(arguments) else ("read", "")
    found = False
    for playbook in use.words:
        path = posixpath.normpath(posixpath.join(folder or "", playbook))
        text = session.read(path) if folder is not None and HOLE not in playbook else None
        if text is None:
            continue
        found = True
        if _ANSIBLE.search(text) or any(
            _ANSIBLE.search(inner) for inner in _roles(text, posixpath.dirname(path), session)
        ):
            return "mutate", ""
    return ("read", "") if found else ("unknown", _NOT_FOUND)


def _roles(playbook: str, folder: str, session: Session) -> Iterator[str]:
    """The tasks of the roles that a playbook names."""
    names = set(re.findall(r"[\w.-]+", playbook))
    tasks = [
        path for path in session.files.list("") if "/tasks/" in path and path.endswith((".yml", ".yaml"))
    ]
    for path in tasks[:_MOST_FILES]:
        role = path.split("/tasks/")[0].rsplit("/", 1)[-1]
        if role in names and (text := session.read(path)) is not None:
            yield text
    for name in re.findall(r"(?:include_tasks|import_tasks|import_playbook):\s*['\"]?([\w./-]+)", playbook)[
        :_MOST_FILES
    ]:
        text = session.read(posixpath.normpath(posixpath.join(folder, name)))
        if text is not None:
            yield text
