"""The programs that the resolver knows more of than their words, and languages of scripts (layer 1)."""

from collections.abc import Mapping

from cipipe.shell import builtins, carriers, containers, wrappers
from cipipe.shell.follow import (
    blocks,
    compose,
    declared,
    images,
    interpreters,
    justfile,
    make,
    monorepo,
    node,
    npm,
    python,
    taskfile,
    toxini,
    windows,
)
from cipipe.shell.interpreter import Handler, Language

HANDLERS: Mapping[str, Handler] = {
    **builtins.HANDLERS,
    **wrappers.HANDLERS,
    **carriers.HANDLERS,
    **containers.HANDLERS,
    **interpreters.HANDLERS,
    **monorepo.HANDLERS,
    **blocks.HANDLERS,
    **declared.HANDLERS,
    "make": make.make,
    "gmake": make.make,
    "npm": npm.npm,
    "yarn": npm.npm,
    "pnpm": npm.npm,
    "bun": npm.npm,
    "npm exec": wrappers.subcommand,
    "task": taskfile.task,
    "go-task": taskfile.task,
    "just": justfile.just,
    "tox": toxini.tox,
    "docker build": images.build,
    "compose up": compose.compose_up,
    "compose service": compose.compose_service,
    "pwsh": windows.pwsh,
    "powershell": windows.pwsh,
}

LANGUAGES: Mapping[str, Language] = {
    "python": python.python,
    "node": node.node,
    "pwsh": windows.powershell,
    "cmd": windows.cmd,
}
