"""The cluster as judge: what real kustomize and helm render changes in the image lines and nowhere else."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from cipipe.cli.main import run
from tests.oracle.render import Render, Tool, argocd, flux, helm, images, kustomize

FIXTURES = Path(__file__).parent / "fixtures"
OLD_DIGEST = "sha256:" + "1" * 64
NEW_DIGEST = "sha256:" + "2" * 64
CHART, STAGING, PROD = "helm/chart", "helm/envs/staging.yaml", "helm/envs/prod.yaml"

# Each is a valid tag that some YAML reader would take for a number, a date, a boolean or null in plain style.
RETYPED_TAGS = (
    "1.10", "1e3", "1e10", "72044e0", "1234567e8", "0123", "0o7", "0x1f", "0b1", "1_000", "12345678", "190e9",
    "2026-01-01", "yes", "no", "on", "y", "N", "true", "False", "null", "NULL", "0", "1.", "__",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """`set-image PATHS --image IMAGE`, and how many images of each rendering move; none move in `still`.

    The moved ones are then IMAGE, or `result` where the fixture writes the name in another way.
    """

    name: str
    paths: tuple[str, ...]
    image: str
    moved: tuple[tuple[Render, int], ...]
    still: tuple[Render, ...] = ()
    result: str | None = None


def _pinned(name: str) -> str:
    return f"{name}@{NEW_DIGEST}"


CASES = (
    Case(
        "an overlay's newTag moves that environment alone",
        ("kustomize/overlays/staging",),
        "ghcr.io/acme/shop:v2",
        moved=((kustomize("kustomize/overlays/staging"), 2),),
        still=(kustomize("kustomize/overlays/prod"), kustomize("kustomize/base")),
    ),
    Case(
        "an overlay is matched by the mirror that newName names",
        ("kustomize/overlays/prod",),
        "registry.acme.example:5000/mirror/shop:v2",
        moved=((kustomize("kustomize/overlays/prod"), 2),),
        still=(kustomize("kustomize/overlays/staging"),),
    ),
    Case(
        "an overlay's digest",
        ("kustomize/overlays/prod",),
        _pinned("envoyproxy/envoy:v1.32.0"),
        moved=((kustomize("kustomize/overlays/prod"), 1),),
        result=_pinned("envoyproxy/envoy"),
    ),
    Case(
        "a tag gets its digest beside it",
        ("kustomize/overlays/staging",),
        _pinned("ghcr.io/acme/shop:v2"),
        moved=((kustomize("kustomize/overlays/staging"), 2),),
        still=(kustomize("kustomize/overlays/prod"),),
    ),
    Case(
        "a base moves every overlay that does not say otherwise",
        ("kustomize/base",),
        "envoyproxy/envoy:v1.32.0",
        moved=((kustomize("kustomize/overlays/staging"), 1), (kustomize("kustomize/overlays/edge"), 1)),
        still=(kustomize("kustomize/overlays/prod"),),
    ),
    Case(
        "a base moves the short and the long form of one name",
        ("kustomize/base",),
        "python:3.13",
        moved=((kustomize("kustomize/overlays/edge"), 2),),
        result="docker.io/library/python:3.13",
    ),
    Case(
        "a component's image",
        ("kustomize/components",),
        "ghcr.io/acme/agent:1.10",
        moved=((kustomize("kustomize/overlays/staging"), 1),),
        still=(kustomize("kustomize/overlays/prod"),),
    ),
    Case(
        "a strategic merge patch that pins",
        ("kustomize/overlays/edge",),
        _pinned("ghcr.io/acme/shop:v2"),
        moved=((kustomize("kustomize/overlays/edge"), 1),),
        still=(kustomize("kustomize/overlays/prod"),),
    ),
    Case(
        "CRLF, a byte order mark, flow style, anchors, JSON, no last newline",
        ("awkward",),
        "nginx:1.27",
        moved=((kustomize("awkward"), 7),),
    ),
    Case(
        "an environment's values",
        (STAGING,),
        "ghcr.io/acme/shop:v2",
        moved=((helm(CHART, STAGING), 1),),
        still=(helm(CHART), helm(CHART, PROD)),
    ),
    Case(
        "values with a digest, CRLF and no last newline",
        (PROD,),
        _pinned("ghcr.io/acme/shop:v2"),
        moved=((helm(CHART, PROD), 1),),
        still=(helm(CHART, STAGING),),
    ),
    Case(
        "imageTag beside imageRepository",
        (PROD,),
        "ghcr.io/acme/jobs:1.10",
        moved=((helm(CHART, PROD), 1),),
        still=(helm(CHART),),
    ),
    Case(
        "a key that ends in Image",
        ("helm",),
        "ghcr.io/acme/worker:v2",
        moved=((helm(CHART), 1), (helm(CHART, STAGING), 1), (helm(CHART, PROD), 1)),
    ),
    Case(
        "a mapping below a key that ends in Image",
        (f"{CHART}/values.yaml",),
        "docker.io/acme/cassandra:5.1",
        moved=((helm(CHART), 1),),
    ),
    Case(
        "a full ref, but not the text that quotes it",
        ("helm",),
        "ghcr.io/acme/migrations:v2",
        moved=((helm(CHART), 1),),
    ),
    Case(
        "registry, repository and name join",
        (f"{CHART}/values.yaml",),
        "ghcr.io/acme/agent:1.0",
        moved=((helm(CHART, PROD), 1),),
    ),
    Case(
        "a plain image line in a template",
        (f"{CHART}/templates",),
        "busybox:1.37",
        moved=((helm(CHART, STAGING), 1),),
    ),
    Case(
        "the images of an Application's kustomize",
        ("argocd/apps/guestbook.yaml",),
        "ghcr.io/acme/guestbook:v2",
        moved=((argocd("argocd/apps/guestbook.yaml"), 1),),
        still=(kustomize("argocd/guestbook"),),
    ),
    Case(
        "an Application's kustomize image without an equals sign",
        ("argocd/apps/guestbook.yaml",),
        "redis:7.4",
        moved=((argocd("argocd/apps/guestbook.yaml"), 1),),
    ),
    Case(
        "an Application's helm parameters",
        ("argocd/apps/parameters.yaml",),
        "ghcr.io/acme/shop:v2",
        moved=((argocd("argocd/apps/parameters.yaml"), 1),),
    ),
    Case(
        "a full ref in an Application's helm parameters",
        ("argocd/apps/parameters.yaml",),
        "ghcr.io/acme/worker:v2",
        moved=((argocd("argocd/apps/parameters.yaml"), 1),),
    ),
    Case(
        "an Application's valuesObject",
        ("argocd/apps/values-object.yaml",),
        "ghcr.io/acme/shop:v2",
        moved=((argocd("argocd/apps/values-object.yaml"), 1),),
    ),
    Case(
        "an Application's values block",
        ("argocd/apps/values-block.yaml",),
        "ghcr.io/acme/shop:1.10",
        moved=((argocd("argocd/apps/values-block.yaml"), 1),),
    ),
    Case(
        "an ApplicationSet's template",
        ("argocd/sets",),
        "ghcr.io/acme/shop:v2",
        moved=((argocd("argocd/sets/shops.yaml"), 1),),
    ),
    Case(
        "a HelmRelease's values, with an alias that follows",
        ("flux",),
        _pinned("ghcr.io/acme/shop:v2"),
        moved=((flux("flux/release.yaml"), 2),),
    ),
    Case(
        "a HelmRelease's split name under an update marker of another tool",
        ("flux",),
        "ghcr.io/acme/agent:1.0",
        moved=((flux("flux/release.yaml"), 1),),
    ),
)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURES, tmp_path / "infra"))


def _set_image(repository: Path, paths: tuple[str, ...], image: str) -> None:
    assert run(["set-image", *(str(repository / path) for path in paths), "--image", image, "--quiet"]) == 0


def _moved(before: str, after: str) -> list[tuple[str, str]]:
    """Every rendered line that differs, as (old, new), once it is sure that no line came or went."""
    old, new = before.splitlines(), after.splitlines()
    assert len(old) == len(new)
    return [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_only_the_image_lines_move(case: Case, repository: Path, tool: Tool) -> None:
    renders = [render for render, _ in case.moved]
    before = [render(repository, tool) for render in renders]
    still = [render(repository, tool) for render in case.still]

    _set_image(repository, case.paths, case.image)

    after = [render(repository, tool) for render in renders]
    assert [render(repository, tool) for render in case.still] == still
    for (_, count), old, new in zip(case.moved, before, after, strict=True):
        lines = _moved(old, new)
        assert len(lines) == count
        assert all("image: " in line for pair in lines for line in pair)
        changed = [images(new)[where] for where, image in images(old).items() if images(new)[where] != image]
        assert len(changed) == count
        assert set(changed) <= {case.image, case.result}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_second_run_changes_no_byte(case: Case, repository: Path) -> None:
    _set_image(repository, case.paths, case.image)
    once = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}
    _set_image(repository, case.paths, case.image)
    assert {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()} == once


@pytest.mark.parametrize("tag", RETYPED_TAGS)
def test_no_reader_takes_the_tag_for_anything_but_text(tag: str, repository: Path, tool: Tool) -> None:
    edited: tuple[tuple[str, Render], ...] = (
        ("kustomize/overlays/staging", kustomize("kustomize/overlays/staging")),
        (STAGING, helm(CHART, STAGING)),
        ("argocd/apps/values-object.yaml", argocd("argocd/apps/values-object.yaml")),
        ("argocd/apps/values-block.yaml", argocd("argocd/apps/values-block.yaml")),
    )
    for path, _ in edited:
        _set_image(repository, (path,), f"ghcr.io/acme/shop:{tag}")
    for path, render in edited:
        assert f"ghcr.io/acme/shop:{tag}" in images(render(repository, tool)).values(), path
