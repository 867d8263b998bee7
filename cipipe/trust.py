"""Whose word counts: waivers and configuration come from the base, so no change waives itself (layer 2)."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cipipe import ci, config
from cipipe.errors import GitError, MissingToolError

CONFIG = "cipipe.yaml"


def settings(
    root: Path, base: str | None, environ: Mapping[str, str]
) -> tuple[config.Config | None, tuple[str, ...]]:
    """The configuration as the base has it (None: there is none), and what there is to say about that.

    The base is `base`; in CI the pull request's target, or the commit that was pushed; at a terminal the
    files as they are. Raises GitError when a base that was asked for cannot be had.
    """
    run = ci.detect(environ)
    target = ci.target_branch(environ)
    ref = (
        base
        or (f"refs/heads/{target}" if target else None)
        or (run.commit if run.service != "terminal" else None)
    )
    if ref is None:
        return _load(_here(root)), ()
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), None)
    if top is None and base is None:
        return _without_waivers(_load(_here(root))), (f"no waiver counts: {root} is in no Git repository",)
    top = top or root
    from cipipe.git import base_ref  # noqa: PLC0415 - most runs at a terminal ask Git nothing

    try:
        return _load(base_ref.show(top, ref, (root.relative_to(top) / CONFIG).as_posix(), environ)), ()
    except (GitError, MissingToolError) as problem:
        if base:
            raise
        return _without_waivers(_load(_here(root))), (f"no waiver counts: {problem.message}",)


def _here(root: Path) -> bytes | None:
    file = root / CONFIG
    return file.read_bytes() if file.is_file() and not file.is_symlink() else None


def _load(content: bytes | None) -> config.Config | None:
    return config.load(content, CONFIG) if content is not None else None


def _without_waivers(found: config.Config | None) -> config.Config | None:
    if found is None:
        return None
    return replace(found, gate=replace(found.gate, waivers=()))
