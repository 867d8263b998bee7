"""`docker build`: what the RUN lines of a Dockerfile do to a cluster (layer 1; Dockerfile reference).

Only the tools of clusters count: what else a build runs stays in the image.
"""

import json
import posixpath
import re
import shlex
from dataclasses import replace

from cipipe.pipelines.model import HOLE, Script
from cipipe.results import Location
from cipipe.shell.calls import Call, Result
from cipipe.shell.follow.reach import first_file, plain_words, run_in
from cipipe.shell.interpreter import Interpreter

_VALUES = frozenset(
    {
        "-t",
        "--tag",
        "-f",
        "--file",
        "--build-arg",
        "--target",
        "--platform",
        "--label",
        "--cache-from",
        "--network",
    }
    | {
        "--cache-to",
        "--secret",
        "--ssh",
        "--output",
        "-o",
        "--progress",
        "--builder",
        "--add-host",
        "--iidfile",
    }
    | {"--metadata-file", "--build-context", "--shm-size", "--memory", "-m", "--cgroup-parent", "--pull"}
)
_LINE = re.compile(r"[ \t]*(RUN|ENV|ARG)[ \t]+(?:--\w[\w-]*(?:=\S*)?[ \t]+)*(.*)", re.IGNORECASE | re.DOTALL)
_HEREDOC = re.compile(r"<<-?[ \t]*['\"]?(\w+)['\"]?")
_SETTING = re.compile(r"(\w+)=(\"[^\"]*\"|'[^']*'|\S*)")


def build(run: Interpreter, call: Call) -> Result:
    """Follow `docker build`; the call is recorded already."""
    plain, given = plain_words(call, _VALUES)
    context = plain[-1] if plain and plain[-1] not in ("build", "buildx", "bud") else "."
    named = given.get("-f", given.get("--file", ""))
    if HOLE in context or "://" in context or context == "-":
        return Result.UNKNOWN
    names = [named] if named else [f"{context}/Dockerfile", f"{context}/Containerfile"]
    before, problems = len(run.commands), len(run.problems)
    found = first_file(run, call, names)
    if found is None or run.inside(f"image {found[0]}"):
        del run.problems[problems:]
        return Result.UNKNOWN
    folder = next((path.removeprefix("/workspace").strip("/") for path in call.state.paths(context)), "")
    with run.within(f"image {found[0]}"):
        _run_lines(
            run, replace(call, state=call.state.fork(), wrappers=(*call.wrappers, "docker")), found, folder
        )
    run.commands[before:] = [
        command
        for command in run.commands[before:]
        if posixpath.basename(command.argv[0]) in run.session.tools
    ]
    del run.problems[problems:]
    return Result.UNKNOWN


def _run_lines(run: Interpreter, call: Call, found: tuple[str, str], folder: str) -> None:
    path, text = found
    lines = text.replace("\r\n", "\n").split("\n")
    at = 0
    while at < len(lines):
        first = at
        while lines[at].rstrip().endswith("\\") and at + 1 < len(lines):
            at += 1
            while lines[at].lstrip().startswith("#") and at + 1 < len(lines):
                lines[at] = "\\"
                at += 1
        at += 1
        line = _LINE.match("\n".join(lines[first:at]))
        if line is None:
            continue
        if line[1].upper() != "RUN":
            for name, value in _SETTING.findall(line[2]):
                call.state.set(name, [value.strip("'\"")])
            continue
        body = line[2]
        for end in _HEREDOC.findall(body):
            last = next((i for i in range(at, len(lines)) if lines[i].strip() == end), len(lines) - 1)
            body = "\n".join([body, *lines[at : last + 1]])
            at = last + 1
        script = _shell_form(body)
        places = tuple(Location(path, first + i + 1) for i in range(script.count("\n") + 1))
        run_in(run, call, Script(script, "sh", places), folder)


def _shell_form(body: str) -> str:
    """The text that a shell runs: the exec form quoted, a here-document that is the whole of it its body."""
    if body.startswith("["):
        try:
            return shlex.join(map(str, json.loads(body)))
        except (ValueError, RecursionError, TypeError):
            return body
    if _HEREDOC.match(body):
        return "\n".join(["", *body.split("\n")[1:-1]])
    return body
