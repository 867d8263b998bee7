"""Programs that run a command in a container: docker and its kin (layer 1)."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cipipe.pipelines.model import HOLE
from cipipe.shell.calls import Call, Result
from cipipe.shell.carriers import stdin_script
from cipipe.shell.files import child
from cipipe.shell.interpreter import Handler, Interpreter
from cipipe.shell.session import in_repository

_RUN_VALUES = frozenset(
    [
        "-v",
        "--volume",
        "-e",
        "--env",
        "--env-file",
        "-w",
        "--workdir",
        "-u",
        "--user",
        "--name",
        "--network",
        "--net",
        "-p",
        "--publish",
        "--entrypoint",
        "--mount",
        "-h",
        "--hostname",
        "--platform",
        "-l",
        "--label",
        "-m",
        "--memory",
        "--cpus",
        "--add-host",
        "--dns",
        "--device",
        "--cap-add",
        "--cap-drop",
        "--security-opt",
        "--restart",
        "--pull",
        "--ipc",
        "--pid",
        "--link",
        "--tmpfs",
        "--ulimit",
        "--userns",
        "--volumes-from",
        "--log-driver",
        "--log-opt",
        "--gpus",
        "--shm-size",
        "--cgroupns",
        "--runtime",
        "--stop-signal",
        "-a",
        "--attach",
        "--cidfile",
        "-c",
        "--cpu-shares",
        "--expose",
        "--group-add",
        "--health-cmd",
        "--init-path",
        "--ip",
        "--isolation",
        "--label-file",
        "--mac-address",
        "-f",
        "--file",
        "--project-name",
        "--profile",
        "--project-directory",
        "--index",
        "--context",
        "--host",
        "-H",
        "--log-level",
        "-n",
        "--namespace",
    ]
)


def docker(run: Interpreter, call: Call) -> Result:
    """`docker run|exec|compose run|compose exec`; everything else is only recorded."""
    run.emit(call)
    name = call.argv[0].rsplit("/", 1)[-1]
    words = list(call.argv[1:])
    verb = "compose" if name.endswith("-compose") else ""
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            if word in _RUN_VALUES and words:
                words.pop(0)
        elif word in ("compose", "container") or (verb == "compose" and word == "compose"):
            verb = "compose" if word == "compose" else verb
        elif word in ("run", "exec", "create"):
            return _container(run, call, name, words, f"{verb} {word}".strip())
        elif word in ("build", "bud") and verb != "compose":
            return run.builtin("docker build", call)
        elif word in ("buildx", "image", "builder"):
            continue
        elif word == "up" and verb == "compose":
            return run.builtin("compose up", call)
        else:
            break
    if call.streams.out is not None:
        call.streams.out.write((HOLE,))
    return Result.UNKNOWN


@dataclass(slots=True)
class _Options:
    """The options of `docker run` that matter; `mounts` are folders of the host by those in the container."""

    env: dict[str, str] = field(default_factory=dict)
    mounts: dict[str, str] = field(default_factory=dict)
    entrypoint: str | None = None


def _options(words: list[str], call: Call) -> _Options:
    """Take the options from the beginning of `words`."""
    found = _Options()
    while words and (words[0].startswith("-") or words[0] == HOLE):
        option, equals, value = words.pop(0).partition("=")
        if not equals and (option in _RUN_VALUES) and words:
            value = words.pop(0)
        if option == "--entrypoint":
            found.entrypoint = value
        elif option in ("-e", "--env"):
            key, has_value, text = value.partition("=")
            found.env[key] = text if has_value else HOLE
        elif (option in ("-v", "--volume") and ":" in value) or option == "--mount":
            host, target = _mount(value) if option == "--mount" else value.split(":")[:2]
            place = call.state.paths(host)[0]
            if in_repository(place) is not None and target.rstrip("/"):
                found.mounts[target.rstrip("/")] = place
    return found


def _mount(value: str) -> tuple[str, str]:
    """`type=bind,source=HOST,target=CONTAINER`, whose fields have several names each."""
    fields = dict(part.partition("=")[::2] for part in value.split(","))
    host = fields.get("source", fields.get("src", ""))
    return host or HOLE, fields.get("target", fields.get("destination", fields.get("dst", "")))


def _container(run: Interpreter, call: Call, name: str, words: list[str], verb: str) -> Result:
    """`docker run IMAGE …`, `docker exec CONTAINER …`, `docker compose run SERVICE …`."""
    options = _options(words, call)
    words = [_on_the_host(word, options.mounts) for word in words]
    if not words:
        return Result.UNKNOWN
    image = words.pop(0)
    program = options.entrypoint
    if program is None and verb in ("run", "create"):
        program = _entrypoint(run, image)
    argv = [*shlex.split(program)[:4], *words] if program else words
    if argv[:1] == [HOLE] and "/" in image and not image.startswith(HOLE):
        return Result.UNKNOWN  # arguments of its entrypoint: an image with a name of its own has one
    if verb == "compose run" and not argv:
        return run.builtin("compose service", call.inner((*call.argv, image)))
    if argv and not argv[0].startswith("-"):
        inner = replace(call.inner(argv, name), env={**call.env, **options.env}, bare=True)
        state = child(call.state, argv[0], (), inner)
        run.invoke(replace(inner, state=state))
    elif not argv and "-i" in " ".join(call.argv) and call.streams.stdin is not None:
        return stdin_script(run, replace(call, wrappers=(*call.wrappers, name)))
    return Result.UNKNOWN


def _on_the_host(word: str, mounts: Mapping[str, str]) -> str:
    """A word with its paths inside of the container as paths outside of it."""
    for target, host in mounts.items():
        if target in word:
            word = re.sub(
                rf"(?<![\w./:=-]){re.escape(target)}(?=[/\s'\";]|\Z)", host.replace("\\", r"\\"), word
            )
    return word


def _entrypoint(run: Interpreter, image: str) -> str | None:
    """The program that is an image's entrypoint, by the catalogue, or by the image's own name."""
    repository = image.split("@", maxsplit=1)[0]
    head, _, tail = repository.rpartition("/")
    repository = f"{head}/{tail.split(':')[0]}" if head else tail.split(":")[0]
    parts = repository.split("/")
    for at in range(len(parts)):
        known = run.session.images.get("/".join(parts[at:]))
        if known is not None:
            return known or None
    return parts[-1] if parts[-1] in run.session.tools else None


HANDLERS: dict[str, Handler] = dict.fromkeys(
    ("docker", "podman", "nerdctl", "docker-compose", "podman-compose"), docker
)
