"""Docker actions of the repository itself: what their containers run.

Source: GitHub's metadata syntax, `runs` for Docker container actions.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from cipipe.pipelines.github import texts
from cipipe.pipelines.github.dockerfile import Dockerfile
from cipipe.pipelines.github.evaluate import Choices
from cipipe.pipelines.github.frame import Frame
from cipipe.pipelines.model import FileRefused, Script, Step, Value
from cipipe.pipelines.yaml_tree import Mapping, Scalar, scalars
from cipipe.results import Location

_ENTRYPOINTS = ("pre-entrypoint", "entrypoint", "post-entrypoint")


def read(runs: Mapping, folder: str, variables: dict[str, Value], frame: Frame) -> Iterator[Step]:
    """The steps of an action with `runs.using: docker` in `folder`; `variables` are those of its inputs."""
    image = runs.get("image")
    if not isinstance(image, Scalar):
        frame.problem(frame.at(runs), "a docker action without an image")
        return
    env = {**texts.values(texts.environment(runs.get("env"), frame, Choices())), **variables}
    given = " ".join(texts.partial(node, frame, Choices()).text for node in scalars(runs.get("args")))
    entrypoints = {key: node for key in _ENTRYPOINTS if isinstance(node := runs.get(key), Scalar)}
    if image.value.startswith("docker://"):
        named: dict[str, Value] = {key: node.value for key, node in entrypoints.items()}
        inputs = {"args": given, **named}
        yield Step(frame.at(image), "uses", image.value, inputs=inputs, env=env, via=frame.via)
        return
    path = posixpath.normpath(posixpath.join(folder, image.value))
    content = frame.read_file(path, frame.at(image), "the Dockerfile")
    if content is None:
        return
    container = _container(path, content, frame, env)
    for key, node in entrypoints.items():
        tail = f" {given}" if key == "entrypoint" and given else ""
        yield container.program(node.value + tail, frame.at(node), frame.via)
    if "entrypoint" not in entrypoints:
        yield container.start(given, (*frame.via, frame.at(image)))


def without_metadata(folder: str, call: Location, frame: Frame, env: dict[str, Value]) -> Iterator[Step]:
    """The step of an action that is a Dockerfile only; a problem where there is none either."""
    path = posixpath.normpath(posixpath.join(folder, "Dockerfile"))
    try:
        content = frame.reading.files.read(path)
    except FileRefused:
        content = None
    if content is None:
        frame.problem(call, f"the action ./{folder} is not in the repository")
        return
    yield _container(path, content, frame, env).start("", (*frame.via, call))


@dataclass(frozen=True, slots=True)
class _Container:
    path: str
    dockerfile: Dockerfile
    env: dict[str, Value]

    def program(self, text: str, place: Location, via: tuple[Location, ...]) -> Step:
        """The step that runs a program of the image, by its path in the repository where it is from there."""
        script = Script(self.dockerfile.local(text, self.path), "sh", (place,), via)
        return Step(place, "run", "", script, env=self.env, via=via)

    def start(self, given: str, via: tuple[Location, ...]) -> Step:
        """The step that starts the container: its entry point, or that of the image which it is from."""
        dockerfile = self.dockerfile
        tail = given or dockerfile.command
        if dockerfile.entrypoint is not None:
            place = Location(self.path, dockerfile.entrypoint_line, 1)
            return self.program(f"{dockerfile.entrypoint} {tail}".strip(), place, via)
        place = Location(self.path, dockerfile.from_line, 1)
        inputs: dict[str, Value] = {"args": tail, "as": "action"}
        return Step(place, "image", dockerfile.image, inputs=inputs, env=self.env, via=via)


def _container(path: str, content: bytes, frame: Frame, env: dict[str, Value]) -> _Container:
    frame.reading.followed[path] = None
    return _Container(path, Dockerfile.parse(content.decode("utf-8", "replace")), env)
