"""`docker compose up` and `run`: the commands of the services (layer 1)."""

import posixpath
import shlex

from cipipe.pipelines.model import Script
from cipipe.pipelines.yaml_tree import Mapping, Node, Scalar, Sequence
from cipipe.results import Location
from cipipe.shell import unresolved
from cipipe.shell.calls import Call, Result
from cipipe.shell.follow.reach import first_file, plain_words, run_in, yaml_root
from cipipe.shell.interpreter import Interpreter

_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_COMPOSE_VALUES = frozenset(
    {"-f", "--file", "-p", "--profile", "--project-name", "--scale", "-t", "--timeout"}
)


def compose_up(run: Interpreter, call: Call) -> Result:
    """`docker compose up [SERVICE…]`: the commands of the services."""
    plain, given = plain_words(call, _COMPOSE_VALUES)
    wanted = plain[plain.index("up") + 1 :] if "up" in plain else []
    return _compose(run, call, given, wanted)


def compose_service(run: Interpreter, call: Call) -> Result:
    """`docker compose run SERVICE`: the service's own command; its name is the last word of the call."""
    _, given = plain_words(call, _COMPOSE_VALUES)
    return _compose(run, call, given, [call.argv[-1]])


def _compose(run: Interpreter, call: Call, given: dict[str, str], wanted: list[str]) -> Result:
    named = given.get("-f", given.get("--file", ""))
    found = first_file(run, call, (named,) if named else _COMPOSE)
    root = yaml_root(run, call, *found) if found is not None else None
    services = root.get("services") if root is not None else None
    if found is None or not isinstance(services, Mapping):
        return Result.UNKNOWN
    for name, service in services.values.items():
        if not isinstance(service, Mapping) or (wanted and name not in wanted):
            continue
        image = service.get("image")
        entry, command = _argv(service.get("entrypoint")), _argv(service.get("command"))
        image_name = image.value if isinstance(image, Scalar) else "service"
        node = service.get("command") or service.get("entrypoint")
        words = ["docker", "run", *(["--entrypoint", " ".join(entry)] if entry else []), image_name, *command]
        if node is not None:
            quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
            place = Location(found[0], node.line, node.column)
            before = len(run.problems)
            run_in(run, call, Script(quoted, "sh", (place,)), posixpath.dirname(found[0]))
            kept = [one for one in run.problems[before:] if not one.message.endswith(unresolved.MISSING)]
            run.problems[before:] = kept  # the image has those
    return Result.UNKNOWN


def _argv(node: Node | None) -> list[str]:
    if isinstance(node, Sequence):
        return [item.value for item in node.items if isinstance(item, Scalar)]
    if not isinstance(node, Scalar):
        return []
    try:
        return shlex.split(node.value)
    except ValueError:  # Compose refuses it too
        return node.value.split()
