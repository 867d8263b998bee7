"""From one job to facts: its steps in order, with the clusters and environments that they touch."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cipipe.config.model import Config
from cipipe.globs import matches
from cipipe.pipelines.model import HOLE, Job, Pipeline, Problem, Step, Unknown, Value
from cipipe.policy import access, actions, kubeconfigs, programs
from cipipe.policy.clusters import Clusters, Target, deleted_in
from cipipe.policy.commands import Use, classify
from cipipe.policy.environments import named_by_command, named_by_step
from cipipe.policy.facts import Facts, Place
from cipipe.policy.running import Known, Ran, Running, in_order, needed, note_outputs
from cipipe.results import Location
from cipipe.shell import Command, Session

_READS = re.compile(r"(?:get|list|read|watch|log|connect_get)", re.ASCII)
_MAKERS = {
    "kind": ["kind-*"],
    "minikube": ["*"],
    "k3d": ["k3d-*"],
    "k3s": ["default", "k3d-*"],
    "microk8s": ["microk8s*"],
}


@dataclass(frozen=True, slots=True)
class Judged:
    """What all pipelines of a run share; `config` is None without a `cipipe.yaml`."""

    facts: Facts
    session: Session
    config: Config | None = None

    @property
    def ephemeral(self) -> bool:
        """Whether clusters of the job's own are fine."""
        return self.config is None or self.config.gate.ephemeral_clusters


def judge(pipeline: Pipeline, run: Judged) -> None:
    """Add the facts of all jobs of `pipeline`, and of what could not be read."""
    said: set[tuple[str, bool]] = set()
    anywhere = _Job(pipeline, Job("", Location(pipeline.file, 1)), run, said)
    for problem in pipeline.problems:
        anywhere.problem(problem)
    done: dict[str, Known] = {}
    for job in in_order(pipeline.jobs):
        running = Running(job, run.session, needed(job, done))
        _Job(pipeline, job, run, said).read(running)
        note_outputs(done, job, running.outputs())


class _Job:
    def __init__(self, pipeline: Pipeline, job: Job, run: Judged, said: set[tuple[str, bool]]) -> None:
        self._pipeline = pipeline
        self._said = said
        self._job = job
        self._run = run
        self._protected = False
        self._clusters = Clusters()
        self._form = "command"
        self._changed: set[tuple[Location, tuple[Location, ...]]] = set()

    def read(self, running: Running) -> None:
        """Add the facts of the job."""
        ran = list(running.steps())
        self._protected = self._is_protected(ran)
        own = deleted_in(command.argv for one in ran for command in one.commands)
        self._clusters = Clusters(allowed=self._run.ephemeral, deleted=own)
        self._secrets = set(self._named_credentials())
        for one in ran:
            self._step(one)
        for problem in running.problems:
            if (problem.location, problem.via[-1:]) not in self._changed:  # of one that is found anyway
                self.problem(problem)
        for name, place in sorted(
            dict(sorted(self._secrets, reverse=True)).items()
        ):  # the first place of each
            way = self._job.ways.get((name, place), ())
            self._credential(f"the secret {name}", "secret", "cluster", Place(place, way))

    def _named_credentials(self) -> Iterator[tuple[str, Location]]:
        """The secrets that hold access by their own name, or by that of the variable which they fill."""
        fills: set[str] = set()
        for env in (self._job.env, *(step.env for step in self._job.steps)):
            for variable, value in env.items():
                if isinstance(value, Unknown) and access.is_credential_name(variable):
                    fills.update(re.findall(r"secrets\.([\w-]+)", value.why))
        for name, place in self._job.secrets:
            if name in fills or access.is_credential_name(name):
                yield name, place

    def problem(self, problem: Problem) -> None:
        """Add what could not be read, followed or resolved.

        In a step of a library that nothing here calls it is where it is written: once, not for each way.
        """
        place = Place(problem.location, problem.via, problem.command, problem.message)
        if problem.via and self._pipeline.called and self._pipeline.platform == "jenkins":
            place = replace(place, location=problem.via[-1], via=())
        what = "it cannot be known what runs here"
        self._run.facts.add("problem", place, what=what, protected=self._protected)

    # Facts

    def _step(self, one: Ran) -> None:
        step = one.step
        self._form = {"uses": "action", "dsl": "step", "image": "image"}.get(step.kind, "command")
        before = self._count_credentials()
        if step.kind == "uses" and "/.github/workflows/" in step.name:
            self._workflow(step)
        elif one.action is not None:
            self._action(step, one.action)
        elif step.kind == "dsl":
            self._named(step, actions.jenkins_step(step), f"the step {step.name}")
        elif step.kind == "template":
            self._template(step)
        elif step.kind == "cluster":
            self._cluster(step)
        elif (
            step.kind == "image"
            and re.search(r"(?:^|/)(?:k3s|kind|microk8s|minikube|node)(?:[:@-]|$)", step.name)
            and "k3s" in step.name
        ):
            self._clusters.make(["*"])
        for name in named_by_step(step):
            self._environment(name, _place(step))
        for command in one.commands:
            self._command(command, remote=one.remote)
        if self._count_credentials() != before:
            self._secrets = {(name, place) for name, place in self._secrets if not _within(place, one)}

    def _count_credentials(self) -> int:
        return self._run.facts.count("credential")

    def _action(self, step: Step, action: actions.Action) -> None:
        if action.kind == "cluster" and action.makes:
            globs = [glob for name, found in _MAKERS.items() if name in action.name for glob in found]
            name = step.inputs.get("cluster_name")
            if "kind" in action.name and isinstance(name, str) and HOLE not in name:
                globs = [f"kind-{name}"]
            self._clusters.make(globs or ["*"], step.env.get("KUBECONFIG", self._job.env.get("KUBECONFIG")))
        elif action.kind in {"deploys", "credentials"}:
            self._named(step, action.kind, f"the action {action.name}")

    def _workflow(self, step: Step) -> None:
        """A reusable workflow of another repository: said once, where nobody knows what it does."""
        key = (step.name, self._protected)
        if key in self._said or actions.is_harmless_workflow(step.name):
            return
        self._said.add(key)
        place = _place(step)
        message = "a workflow of another repository, which cannot be read here"
        self.problem(Problem(place.location, message, place.via, place.command))

    def _named(self, step: Step, kind: actions.ActionKind | None, what: str) -> None:
        place = _place(step)
        if kind == "deploys":
            use = Use(what, "", "mutate")
            target = self._clusters.target(use, _texts(step.env)) if step.kind != "template" else "cluster"
            self._add_command(what, what.split()[1], "", "mutate", target, place)
        elif kind == "credentials":
            self._clusters.connect({})
            self._credential(what, self._form, "cluster", place)

    def _template(self, step: Step) -> None:
        """An include that is not of this repository; one that its name does not tell is not known."""
        kind = actions.template(step)
        if kind is None and step.inputs.get("include") in {"project", "remote", "component"}:
            place = _place(step)
            message = "an include of another repository, which cannot be read here"
            self.problem(Problem(place.location, message, place.via, place.command))
        self._named(step, kind, f"the template {step.name}")

    def _cluster(self, step: Step) -> None:
        """`environment: kubernetes` of GitLab hands a cluster to the job; a dashboard only looks."""
        if "agent" in step.inputs or "namespace" in step.inputs:
            self._credential("environment: kubernetes", "platform", "cluster", _place(step))

    def _command(self, command: Command, *, remote: bool) -> None:
        words = command.argv
        if not words:
            return
        place = Place(command.location, command.via, command.text)
        if words[0] == "kubernetes-api":
            self._api_call(words, place, remote=remote)
            return
        if words[0] == "KUBECONFIG":
            if access.is_credential_name(words[-1]):
                written = replace(place, command=f"KUBECONFIG=${words[-1]}")
                self._credential(f"the variable {words[-1]}", "secret", "cluster", written)
            return
        for name in named_by_command(words, command.env):
            self._environment(name, place)
        self._written(command, place)
        use = classify(words)
        if use is not None:
            self._use(use, command, place, remote=remote or "ssh" in command.wrappers)
        trapped = "trap" in command.wrappers
        own = self._clusters.run(words, command.env, trapped=trapped, output=command.target)
        if use is not None:
            return
        request = None if own else access.request(words)
        if request is None:
            return
        target: Target = "cluster" if remote else self._clusters.local_server(request.url)
        if request.effect == "credentials":
            self._credential("a login to the API of Argo CD", "request", target, place)
        else:
            what = f"a {request.method.upper()} request to the API of a cluster".replace(HOLE, "?")
            self._add_command(what, "http", request.method.replace(HOLE, "?"), request.effect, target, place)

    def _use(self, use: Use, command: Command, place: Place, *, remote: bool) -> None:
        effect, why = use.effect, use.why
        if use.when and effect == "mutate" and not use.dry:
            effect, why = programs.effect(use, command.argv, command.directory, self._run.session)
        if use.tool in {"kubectl", "oc"} and use.words[:1] == ("config",):
            self._configure(use, command, place)
            return
        if use.verb == "aks command invoke" and HOLE not in (use.flag("--command", "-c") or HOLE):
            return  # what it carries is judged by itself
        own = self._clusters.owns(command.argv)
        target: Target = (
            "cluster" if remote else "ephemeral" if own else self._clusters.target(use, command.env)
        )
        what = f"{use.tool} {use.verb}".strip()
        if effect == "credentials":
            if use.tool in {"oc", "argocd", "rancher", "kargo"} and target == "cluster" and not remote:
                target = self._login(command.argv)
            if not use.dry:
                self._connect(use, command, own=target == "ephemeral")
                self._credential(what, "command", target, place)
            return
        if effect == "read" and target == "cluster" and HOLE in (use.flag("--token", "--kube-token") or ""):
            self._credential(f"a token for {use.tool}", "command", target, place)
        self._add_command(
            what, use.tool, use.verb, effect, target, replace(place, detail=why or None), dry=use.dry
        )

    def _login(self, words: Sequence[str]) -> Target:
        servers = [
            word for word in words[1:] if self._clusters.local_server(word.split("=")[-1]) == "ephemeral"
        ]
        return "ephemeral" if servers or ("--core" in words and self._clusters.has_own) else "cluster"

    def _connect(self, use: Use, command: Command, *, own: bool) -> None:
        if use.tool not in {"argocd", "kargo"} and use.verb not in {"eks get-token", "create token"}:
            self._clusters.connect(command.env, own=own, path=use.flag("--kubeconfig", "--file", "-f"))

    def _configure(self, use: Use, command: Command, place: Place) -> None:
        """`kubectl config …`: a local file, but who writes a user into it has that user's access."""
        self._clusters.configure(use.words, command.env, use.flag("--kubeconfig"))
        verb = " ".join(use.words[:2])
        agent = verb in {"config use-context", "config use"} and any(map(_is_agent, use.words[2:]))
        if verb == "config set-credentials" or agent:
            self._credential(f"{use.tool} {verb}", "command", self._clusters.target(use, command.env), place)

    def _written(self, command: Command, place: Place) -> None:
        """A kubeconfig that the command writes: by redirection, `tee`, a copy or a download."""
        path, source = kubeconfigs.written(command)
        if not access.is_kubeconfig(path) and not (path and path == command.env.get("KUBECONFIG")):
            return
        path = path or ""
        if kubeconfigs.comes_from_own(command, source, self._clusters):
            self._clusters.connect({}, own=True, path=path)
            return
        if source is not None and not kubeconfigs.gives_access(source, self._clusters, self._run.session):
            return
        use = classify(command.argv)
        if use is not None and use.effect == "credentials":
            return
        if not access.holds_access(kubeconfigs.content(command)):
            return
        self._clusters.connect({}, path=path)
        self._credential("a kubeconfig that is written", "file", "cluster", place)

    def _api_call(self, words: Sequence[str], place: Place, *, remote: bool) -> None:
        method = words[1] if words[1:] else "?"
        effect = "read" if _READS.match(method) else "mutate"
        use = Use("kubernetes-api", method, "mutate")
        target = "cluster" if remote else self._clusters.target(use, {})
        what = f"the Kubernetes API call {method}".replace(HOLE, "?")
        self._add_command(what, "kubernetes-api", method.replace(HOLE, "?"), effect, target, place)

    def _environment(self, name: str, place: Place) -> None:
        if HOLE in name or not name:
            return
        known = self._run.config is not None and name in self._run.config.environments
        self._run.facts.add("environment", place, name=name, known=known, protected=self._protected)

    def _credential(self, what: str, how: str, target: Target, place: Place) -> None:
        self._run.facts.add("credential", place, what=what, how=how, target=target, protected=self._protected)

    def _add_command(  # noqa: PLR0913, PLR0917 - the keys of the fact
        self, what: str, tool: str, verb: str, effect: str, target: str, place: Place, *, dry: bool = False
    ) -> None:
        where = (place.location, place.via[-1:])
        if effect == "mutate" and target == "cluster" and not dry:
            self._changed.add(where)
        elif effect == "unknown" and where in self._changed:
            return
        self._run.facts.add(
            "command", place, what=what, tool=tool, verb=verb, effect=effect, target=target, dry=dry,
            form=self._form, protected=self._protected,
        )  # fmt: skip

    def _is_protected(self, ran: Sequence[Ran]) -> bool:
        """Whether a protected environment is what the job names, gives to cipipe, or has the branch of."""
        config = self._run.config
        protected = {env.name: env for env in config.environments.values() if env.protected} if config else {}
        if not protected:
            return False
        names = set(self._job.environment)
        for one in ran:
            names.update(named_by_step(one.step))
            names.update(
                name for command in one.commands for name in named_by_command(command.argv, command.env)
            )
        if names & protected.keys() or any(HOLE in name for name in names):
            return True
        return any(
            _may_match(glob, env.branch) for glob in self._job.branches or () for env in protected.values()
        )


def _is_agent(context: str) -> bool:
    """Whether a context is one of GitLab's agents: `group/project:agent`."""
    path, _, name = context.rpartition(":")
    return (re.search(r"\w/.", path) is not None or path == HOLE) and re.match(r"\w", name) is not None


def _may_match(glob: str, branch: str) -> bool:
    try:
        return matches(glob, branch)
    except ValueError:
        return True


def _place(step: Step) -> Place:
    """The call site of a step, and the way from there to where it is written."""
    places = (*step.via, step.location)
    return Place(places[0], places[1:], step.name.replace(HOLE, "…") or None)


def _within(place: Location, one: Ran) -> bool:
    """Whether a secret is used in the lines of a step that gave its own finding."""
    if one.step.via and place == one.step.via[0]:
        return True
    lines = [line for script in [one.step.script] if script for line in script.lines]
    lines += [line for places in one.step.input_lines.values() for line in places]
    first = one.step.location
    last = max((line.line for line in lines if line.file == first.file), default=first.line)
    return (place.file == first.file and first.line <= place.line <= last + 20 and bool(one.action)) or (
        place.file == first.file and first.line <= place.line <= last
    )


def _texts(values: Mapping[str, Value]) -> dict[str, Value]:
    return dict(values)
