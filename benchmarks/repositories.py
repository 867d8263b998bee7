"""The manifest repositories that benchmarks work on: made once by fast-import, kept in a temporary folder."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

ENVIRONMENTS = ("staging", "prod")
PER_FOLDER = 20
HISTORY = 200
"""Commits, each of which moved one tag."""

_MANIFEST = """\
# {name} in {environment}; owned by team {team:03d}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: {environment}
  labels:
    app.kubernetes.io/name: {name}
    app.kubernetes.io/part-of: team-{team:03d}
    app.kubernetes.io/managed-by: gitops
spec:
  replicas: {replicas}
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
        app.kubernetes.io/part-of: team-{team:03d}
      annotations:
        checksum/config: {checksum}
    spec:
      serviceAccountName: {name}
      securityContext: {{runAsNonRoot: true, seccompProfile: {{type: RuntimeDefault}}}}
      containers:
        - name: {name}
          image: ghcr.io/acme/{name}:{tag}
          ports:
            - {{name: http, containerPort: 8080}}
          envFrom:
            - configMapRef: {{name: {name}}}
          readinessProbe:
            httpGet: {{path: /ready, port: http}}
            periodSeconds: 5
          resources:
            requests: {{cpu: {cpu}m, memory: {memory}Mi}}
            limits: {{memory: {memory}Mi}}
        - name: proxy
          image: envoyproxy/envoy:v1.31.0
          args: ["--service-node", "{name}", "--service-cluster", "{environment}"]
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: {environment}
spec:
  selector:
    app.kubernetes.io/name: {name}
  ports:
    - {{name: http, port: 80, targetPort: http}}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  namespace: {environment}
data:
  LOG_LEVEL: info
  UPSTREAM: http://app-{upstream:06d}.{environment}.svc.cluster.local
  KEY_ID: {key[0]}
  PINNED_CERTIFICATES: |
    {key[1]}
    {key[2]}
    {key[3]}
    {key[4]}
    {key[5]}
"""


def application(number: int) -> str:
    """The name of an application; its image is ghcr.io/acme/<name>."""
    return f"app-{number:06d}"


def path(number: int, environment: str) -> str:
    """Where an application's manifest lies."""
    return f"{environment}/team-{number // PER_FOLDER:04d}/{application(number)}.yaml"


def manifest(number: int, environment: str, tag: str = "v1") -> str:
    """About 2 kB: a Deployment with a sidecar, a Service, a ConfigMap; a third of it does not compress."""
    scattered = number * 2654435761 % 2**32
    return _MANIFEST.format(
        name=application(number),
        environment=environment,
        team=number // PER_FOLDER,
        tag=tag,
        replicas=1 + scattered % 5,
        checksum=f"{scattered:08x}{number:08x}",
        cpu=50 + scattered % 900,
        memory=64 + scattered % 1000,
        upstream=scattered % 1000,
        key=[sha256(f"{environment}/{number}/{part}".encode()).hexdigest() for part in range(6)],
    )


def bare(manifests: int) -> Path:
    """A packed bare repository with that many manifests, half of them in each environment."""
    target = Path(tempfile.gettempdir()) / f"cipipe-benchmarks-{os.getuid()}" / f"{manifests}-manifests.git"
    if not target.exists():
        making = target.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        _git(making, "init", "--quiet", "--bare", "--template=", "--initial-branch=main")
        for setting in ("http.receivepack", "uploadpack.allowFilter"):
            _git(making, "config", setting, "true")
        _git(making, "config", "gc.auto", "0")
        _fast_import(making, manifests)
        _git(making, "gc", "--quiet")
        making.rename(target)
    return target


def copy(repository: Path, target: Path) -> Path:
    """A copy of a bare repository for one run; it shares files, since Git never writes to one in place."""
    link = os.link if repository.stat().st_dev == target.parent.stat().st_dev else shutil.copy2
    return Path(shutil.copytree(repository, target, copy_function=link))


def _stream(manifests: int) -> Iterator[bytes]:
    yield _commit("Import")
    for number in range(manifests // len(ENVIRONMENTS)):
        for environment in ENVIRONMENTS:
            yield _file(number, environment, "v1")
    for change in range(HISTORY):
        number = change * 7919 % (manifests // len(ENVIRONMENTS))
        yield _commit(f"Set {application(number)} to v1.{change}")
        yield _file(number, ENVIRONMENTS[change % 2], f"v1.{change}")


def _commit(message: str) -> bytes:
    who = b"Bench <bench@example.com> 1700000000 +0000"
    text = message.encode()
    return b"commit refs/heads/main\nauthor %s\ncommitter %s\ndata %d\n%s\n" % (who, who, len(text), text)


def _file(number: int, environment: str, tag: str) -> bytes:
    data = manifest(number, environment, tag).encode()
    return b"M 100644 inline %s\ndata %d\n%s\n" % (path(number, environment).encode(), len(data), data)


def _fast_import(repository: Path, manifests: int) -> None:
    with subprocess.Popen(
        ["git", "fast-import", "--quiet"], cwd=repository, stdin=subprocess.PIPE
    ) as process:
        assert process.stdin
        process.stdin.writelines(_stream(manifests))
    assert process.returncode == 0


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True)
