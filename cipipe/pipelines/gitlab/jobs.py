"""Jobs of a merged GitLab configuration -> jobs and steps of the model.

Source: GitLab's CI/CD YAML reference, job keywords and `default`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cipipe.pipelines.gitlab.merge import extend
from cipipe.pipelines.gitlab.reading import Reading
from cipipe.pipelines.gitlab.rules import branches, never_runs
from cipipe.pipelines.gitlab.steps import run_steps
from cipipe.pipelines.gitlab.variables import Written, expand, variants, written
from cipipe.pipelines.holes import mapped_script
from cipipe.pipelines.model import Job, Step, Value
from cipipe.pipelines.yaml_places import pieces
from cipipe.pipelines.yaml_tree import Mapping, Node, Scalar, Sequence, is_null, place, scalars
from cipipe.results import Location

GLOBALS = frozenset(
    {"after_script", "before_script", "cache", "default", "image", "include", "services", "spec", "stages"}
    | {"types", "variables", "workflow"}
)
_POWERSHELL = re.compile(
    r"\s*(?:&\s*[\"'$]|\$env:\w+\s*=|\$\w+\s+=\s|(?:New-Item|Set-Location|Write-Host|Write-Output|Get-ChildItem|Import-Module"
    r"|Set-ExecutionPolicy|Invoke-Expression|Invoke-WebRequest|Invoke-RestMethod)\b)",
    re.IGNORECASE,
)
_ONE_VARIABLE = re.compile(r"\$\{?(\w+)\}?", re.ASCII)
_DEFAULTS = ("after_script", "before_script", "hooks", "image", "services", "tags", "secrets")


@dataclass(frozen=True, slots=True)
class Context:
    """The merged configuration, and what a parent pipeline hands down."""

    root: Mapping
    reading: Reading
    variables: Written
    name: str = ""


def read_jobs(context: Context) -> Iterator[tuple[Job, Mapping]]:
    """The jobs that can run, each with its merged mapping; hidden ones (`.name`) are not run."""
    workflow = context.root.get("workflow")
    if isinstance(workflow, Mapping) and never_runs(workflow):
        return
    for name, node in context.root.values.items():
        if name in GLOBALS or name.startswith("."):
            continue
        if not isinstance(node, Mapping):
            context.reading.problem(place(node), f"the job {name} is not a mapping")
            continue
        job = extend(name, context.root, context.reading)
        if job is None or never_runs(job):
            continue
        key = context.root.keys[name]
        for values in variants(context.root, job, _inherited(context, job), context.reading):
            yield _job(name, key, job, values, context), job


def _inherited(context: Context, job: Mapping) -> Written:
    above = written(context.root.get("variables"))
    inherit = job.get("inherit")
    chosen = inherit.get("variables") if isinstance(inherit, Mapping) else None
    return {**_chosen(above, chosen), **context.variables}


def _chosen(above: Written, chosen: Node | None) -> Written:
    if isinstance(chosen, Scalar) and chosen.value == "false":
        return {}
    if isinstance(chosen, Sequence):
        names = {scalar.value for scalar in scalars(chosen)}
        return {name: value for name, value in above.items() if name in names}
    return above


def _with_defaults(job: Mapping, root: Mapping) -> Mapping:
    """The job with what it takes from `default`, or from the same keywords at the top."""
    default = root.get("default")
    inherit = job.get("inherit")
    allowed = inherit.get("default") if isinstance(inherit, Mapping) else None
    names = {scalar.value for scalar in scalars(allowed)}
    result = Mapping(job.line, job.column, job.tag, job.source, dict(job.values), dict(job.keys))
    for keyword in _DEFAULTS:
        if (
            keyword in job.values
            or "false" in names
            or (isinstance(allowed, Sequence) and keyword not in names)
        ):
            continue
        above = default.get(keyword) if isinstance(default, Mapping) else None
        above = root.get(keyword) if above is None else above
        if above is not None:
            result.values[keyword] = above
    return result


def _job(name: str, key: Scalar, job: Mapping, values: dict[str, Value], context: Context) -> Job:
    reading = context.reading
    full = _with_defaults(job, context.root)
    way = reading.way(key.source.file)
    environments, cluster = _environment(full.get("environment"), values, reading)
    steps = [*cluster]
    if "trigger" not in full.values:  # such a job starts a pipeline and has no machine
        steps = [
            *_images(full, values, reading),
            *cluster,
            *_scripts(full, key, job, reading),
            *run_steps(full.get("run"), values, reading),
        ]
    shown = f"{context.name} / {name}" if context.name else name
    secrets = full.get("secrets")
    named = [
        (secret, place(node.keys[secret]))
        for node in (secrets,)
        if isinstance(node, Mapping)
        for secret in node.values
    ]
    named += _kubeconfig(job, values, context)
    location = way[0] if way else place(key)
    return Job(shown, location, tuple(steps), environments, branches(full, values), values, tuple(named))


def _kubeconfig(job: Mapping, values: dict[str, Value], context: Context) -> Iterator[tuple[str, Location]]:
    """The variable of the project that is the kubeconfig of the job."""
    for node in (job.get("variables"), context.root.get("variables")):
        text = node.get("KUBECONFIG") if isinstance(node, Mapping) else None
        if isinstance(text, Scalar):
            found = _ONE_VARIABLE.fullmatch(text.value)
            if found is not None and found[1] not in values:
                yield found[1], place(text)
            return


def _scripts(full: Mapping, key: Scalar, own: Mapping, reading: Reading) -> Iterator[Step]:
    """before_script and script share a shell; hooks and after_script each have their own."""
    tags = " ".join(scalar.value.lower() for scalar in scalars(full.get("tags")))
    call = own.keys.get("extends", key)
    hooks = full.get("hooks")
    before = hooks.get("pre_get_sources_script") if isinstance(hooks, Mapping) else None
    for nodes in ((before,), (full.get("before_script"), full.get("script")), (full.get("after_script"),)):
        lines = [line for node in nodes if not is_null(node) for line in scalars(node)]
        shell = (
            "pwsh" if "windows" in tags or any(_POWERSHELL.match(line.value) for line in lines) else "bash"
        )
        if lines:
            yield _session(lines, shell, call, reading)


def _session(lines: list[Scalar], shell: str, call: Scalar, reading: Reading) -> Step:
    """One script of lines that may be written in several files; `via` leads to those that are elsewhere."""
    texts: list[str] = []
    mapped: list[tuple[int, Location]] = []
    offset = 0
    for line in lines:
        mapped += [(offset + at, Location(line.source.file, row, column)) for at, row, column in pieces(line)]
        texts.append(line.value)
        offset += len(line.value) + 1
    files = {line.source.file for line in lines}
    via: tuple[Location, ...] = ()
    if files != {reading.entry} or reading.start:
        via = _way(next((file for file in files if file != reading.entry), reading.entry), call, reading)
    script = mapped_script("\n".join(texts), shell, mapped, via=via)
    return Step(place(lines[0]), "run", "", script, via=via)


def _way(file: str, call: Scalar, reading: Reading) -> tuple[Location, ...]:
    """To a text in an included file: from the job in the pipeline that extends it, else from the include."""
    if call.source.file == reading.entry and file != reading.entry and not reading.start:
        return (place(call),)
    return reading.way(file)


def _images(full: Mapping, values: dict[str, Value], reading: Reading) -> Iterator[Step]:
    image = full.get("image")
    if image is not None and not is_null(image):
        yield from _image(image, "container", values, reading)
    services = full.get("services")
    for service in services.items if isinstance(services, Sequence) else ():
        yield from _image(service, "service", values, reading)


def _image(node: Node, role: str, values: dict[str, Value], reading: Reading) -> Iterator[Step]:
    name = node.get("name") if isinstance(node, Mapping) else node
    if not isinstance(name, Scalar):
        return
    inputs: dict[str, Value] = {"as": role}
    for key in ("entrypoint", "command") if isinstance(node, Mapping) else ():
        given = node.get(key) if isinstance(node, Mapping) else None
        if given is not None:
            inputs[key] = " ".join(expand(scalar.value, values) for scalar in scalars(given))
    via = reading.way(name.source.file)
    yield Step(place(name), "image", expand(name.value, values), inputs=inputs, via=via)


def _environment(
    node: Node | None, values: dict[str, Value], reading: Reading
) -> tuple[tuple[str, ...], tuple[Step, ...]]:
    """The name of the job's environment, and the cluster that `environment: kubernetes` gives to it."""
    name = node.get("name") if isinstance(node, Mapping) else node
    names = (expand(name.value, values),) if isinstance(name, Scalar) and name.value else ()
    kubernetes = node.get("kubernetes") if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping) or not isinstance(kubernetes, Mapping):
        return names, ()
    inputs: dict[str, Value] = {}
    for key, value in kubernetes.values.items():
        if isinstance(value, Mapping):
            inner = {f"{key}.{name}": item for name, item in value.values.items()}
        else:
            inner = {key: value}
        inputs |= {
            name: expand(item.value, values) for name, item in inner.items() if isinstance(item, Scalar)
        }
    key_at = node.keys["kubernetes"]
    via = reading.way(key_at.source.file)
    return names, (Step(place(key_at), "cluster", "kubernetes", inputs=inputs, via=via),)
