"""`demo`: a real bump in repositories that it makes on this machine; nothing but Git is needed."""

import urllib.parse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cipipe import trigger
from cipipe.config import load
from cipipe.delivery import deliver
from cipipe.errors import UsageError
from cipipe.git.folder import private_folder
from cipipe.git.runner import Git
from cipipe.git.url import Remote
from cipipe.proc import Deadline
from cipipe.results import DeliveriesOutcome
from cipipe.tasks import Options, Task

_KEPT = ("PATH", "HOME", "TMPDIR")  # a CI's variables would make it that CI's run
_IDENTITY = "cipipe demo <demo@users.noreply.invalid>"
_TIME = "1767225600 +0000"  # 2026-01-01, so that every demo makes the same commits
_MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  replicas: 2
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
        - name: shop
          image: ghcr.io/acme/shop:v1  # moved by cipipe alone
          ports:
            - containerPort: 8080
"""
_CONFIG = """\
version: 1
images:
  shop:
    repository: ghcr.io/acme/shop
environments:
  staging:
    repo: {repo}
    branch: main
    path: manifests/staging
    source_branches: [main]
forge:
  kind: none
"""


def demo(folder: Path, environ: Mapping[str, str]) -> DeliveriesOutcome:
    """Make `folder` with an environment repository and an application repository, and bump `shop` to v2.

    Raises `UsageError` where `folder` holds something already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", hint="name a folder that does not exist yet")
    environ = {name: environ[name] for name in _KEPT if name in environ}
    infra, shop = folder / "infra.git", folder / "shop"
    remote = Remote.parse(f"file://{urllib.parse.quote(str(infra.resolve()))}")
    config = _CONFIG.format(repo=remote)
    with private_folder(environ) as private:
        git = Git(environ, private, Deadline(60))
        _make(git, infra, {"manifests/staging/shop.yaml": _MANIFEST}, bare=True)
        _make(git, shop, {"cipipe.yaml": config}, bare=False)
    loaded = load(config.encode(), str(shop / "cipipe.yaml"))
    refs, started = (loaded.image_ref("shop=v2"),), trigger.detect(environ, shop)
    environment = loaded.environment("staging")
    names = {refs[0].normalized: "shop"}
    delivery = deliver(Task(environment, remote, "none", refs, names, started, Options()))
    return DeliveriesOutcome(
        "demo", dry_run=False, deliveries=(replace(delivery, notes=_next(folder, delivery.branch)),)
    )


def _make(git: Git, folder: Path, files: Mapping[str, str], *, bare: bool) -> None:
    """A repository with one commit on `main`."""
    folder.mkdir(parents=True)
    repository = folder if bare else folder / ".git"
    repository.mkdir(exist_ok=True)
    git.run(
        "init",
        "--quiet",
        "--initial-branch=main",
        "--template=",
        *(["--bare"] if bare else []),
        repository=repository,
    )
    stream = f"commit refs/heads/main\ncommitter {_IDENTITY} {_TIME}\ndata 5\nBegin\n"
    for path, text in files.items():
        stream += f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n"
    git.run("fast-import", "--quiet", repository=repository, stdin=stream.encode())
    if not bare:
        for path, text in files.items():
            (folder / path).write_text(text)
        git.run("read-tree", "HEAD", repository=repository)


def _next(folder: Path, branch: str | None) -> tuple[str, ...]:
    return (
        f"The environment's repository is {folder / 'infra.git'}; its branch main has not moved.",
        f"A reviewer would see: git -C {folder / 'infra.git'} diff main {branch}",
        f"Bump once more:       cd {folder / 'shop'} && cipipe bump --env staging --image shop=v3",
        "With a repository of yours: write a cipipe.yaml like the one in that folder, and set CIPIPE_TOKEN.",
    )
