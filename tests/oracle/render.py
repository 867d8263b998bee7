"""How each puller turns a repository into what the cluster gets, by real kustomize and helm."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

Tool = Callable[[str], str]
Render = Callable[[Path, Tool], str]
"""(repository, tool) -> the rendered manifests."""


def _run(*argv: str, cwd: Path, document: object = None) -> str:
    done = subprocess.run(
        argv,
        cwd=cwd,
        input=None if document is None else json.dumps(document),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def kustomize(folder: str) -> Render:
    """`kustomize build FOLDER`."""
    return lambda root, tool: _run(tool("kustomize"), "build", folder, cwd=root)


def helm(chart: str, *values: str) -> Render:
    """`helm template` of CHART with the values files of an environment."""
    files = [f"--values={file}" for file in values]
    return lambda root, tool: _run(tool("helm"), "template", "shop", chart, *files, cwd=root)


def flux(release: str) -> Render:
    """What Flux's helm-controller renders for a HelmRelease whose chart lies in the same repository."""

    def render(root: Path, tool: Tool) -> str:
        spec = yaml.safe_load((root / release).read_bytes())["spec"]
        chart = spec["chart"]["spec"]["chart"]
        return _run(tool("helm"), "template", "shop", chart, "--values=-", cwd=root, document=spec["values"])

    return render


def argocd(application: str) -> Render:
    """What Argo CD's repository server renders for an Application, or for an ApplicationSet's template."""

    def render(root: Path, tool: Tool) -> str:
        spec = yaml.safe_load((root / application).read_bytes())["spec"]
        spec = spec["template"]["spec"] if "template" in spec else spec
        sources = spec.get("sources") or [spec["source"]]
        return "---\n".join(
            _argocd_helm(root, tool, source) if "helm" in source else _argocd_kustomize(root, tool, source)
            for source in sources
        )

    return render


def _argocd_helm(root: Path, tool: Tool, source: Mapping[str, Any]) -> str:
    options = source["helm"]
    values = options.get("valuesObject") or yaml.safe_load(options.get("values", "{}"))
    parameters = [
        f"--set{'-string' if parameter.get('forceString') else ''}={parameter['name']}={parameter['value']}"
        for parameter in options.get("parameters", ())
    ]
    return _run(
        tool("helm"), "template", "shop", source["path"], "--values=-", *parameters, cwd=root, document=values
    )


def _argocd_kustomize(root: Path, tool: Tool, source: Mapping[str, Any]) -> str:
    options, program = source["kustomize"], tool("kustomize")
    with TemporaryDirectory() as folder:  # Argo CD edits its own checkout
        checkout = Path(shutil.copytree(root / source["path"], Path(folder) / "checkout"))
        _run(program, "edit", "set", "nameprefix", options["namePrefix"], cwd=checkout)
        _run(program, "edit", "set", "image", *options["images"], cwd=checkout)
        return _run(program, "build", cwd=checkout)


def images(rendered: str) -> dict[str, str]:
    """Every image that the cluster would run: kind, object, list, position and container -> the image."""
    return {
        f"{position} {document['kind']} {where}": image
        for position, document in enumerate(yaml.safe_load_all(rendered))
        if document
        for where, image in _images(document, "")
    }


def _images(node: object, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"containers", "initContainers", "ephemeralContainers"}:
                yield from (
                    (f"{where}.{key}[{container['name']}]", container["image"]) for container in value
                )
            else:
                yield from _images(value, f"{where}.{key}")
    elif isinstance(node, list):
        for position, value in enumerate(node):
            yield from _images(value, f"{where}[{position}]")
