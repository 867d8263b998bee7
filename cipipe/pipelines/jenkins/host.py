"""Jenkins as the host of Groovy: names, objects, and which step means what."""

from collections.abc import Callable

from cipipe.groovy import tree
from cipipe.groovy.evaluate import Evaluator
from cipipe.groovy.parser import parse
from cipipe.groovy.values import (
    Arguments,
    Handle,
    Items,
    Scope,
    Site,
    Unit,
    Value,
    possibilities,
    soft,
)
from cipipe.pipelines.jenkins import names
from cipipe.pipelines.jenkins.blocks import BLOCKS
from cipipe.pipelines.jenkins.context import Context, written_at
from cipipe.pipelines.jenkins.handed import run_handed
from cipipe.pipelines.jenkins.library import Library, methods
from cipipe.pipelines.jenkins.record import Record
from cipipe.pipelines.jenkins.scripts import SCRIPTS, execute
from cipipe.pipelines.model import WORKSPACE, Problem, Unknown
from cipipe.results import Location

_OURS = ("java.", "javax.", "groovy.", "hudson.", "jenkins.", "org.", "com.cloudbees.", "com.sap.piper.")
_SELECTS = frozenset({"narrow", "related", "union", "freeze", "subtract"})
_ROLLOUT_READS = frozenset({"status", "history"})

Handler = Callable[[Context, Arguments], Value]
HANDLERS: dict[str, Handler] = {**SCRIPTS, **BLOCKS}


class Jenkins:
    """The `Host` of the evaluator."""

    def __init__(self, parsed_name: str, unit: Unit, library: Library, record: Record) -> None:
        evaluator = Evaluator(unit)
        evaluator.host = self
        self.context = Context(parsed_name, library, evaluator, record)
        self._foreign: set[str] = set()  # steps and classes of other repositories, each said once
        self._classes: dict[tuple[str, str], Unit] = {}  # each class as its static members see it
        self._making: set[tuple[str, str]] = set()  # classes whose fields are evaluated now
        self.context.env.values["WORKSPACE"] = soft(written_at(WORKSPACE, unit.source.locate(0)))

    def variable(self, name: str, unit: Unit) -> Value:  # noqa: PLR0911 - one for each kind
        """A global of Jenkins, a variable of the environment, a step or class of the library."""
        context = self.context
        if name in {"env", "params"}:
            return context.env if name == "env" else context.params
        if name in {"steps", "script"}:
            return context.main
        if name in context.env.values:
            return context.env.values[name]
        if name in context.params.values:
            return context.params.values[name]
        if "." not in name and (found := context.library.step(name)) is not None:
            return found
        last = name.rpartition(".")[2]
        if (
            last[:1].isupper()
            and (kind := context.library.class_unit(name if "." in name else last, unit)) is not None
        ):
            return self._class(*kind)
        return Unknown(name)

    def is_step(self, name: str) -> bool:
        """Steps that have no other meaning on an object that is not known."""
        return name in names.SHELLS or name in {"withCredentials", "withEnv", "withKubeConfig", "container"}

    def unclear(self, message: str, location: Location) -> None:
        """A problem."""
        self.context.unclear(message, location)

    def abandon(self, problem: Problem) -> None:
        """Begin anew after something that ended nowhere, as at the beginning of a method."""
        self.context.record.problems[problem] = None
        self.context.abandon()
        self._making.clear()

    def too_deep(self, message: str) -> None:
        """A problem of the whole pipeline."""
        self.context.record.problems[Problem(Location(self.context.file, 1), message)] = None

    def noted(self) -> int:
        """How many steps, problems and credentials there are."""
        record = self.context.record
        return len(record.problems) + record.added + sum(len(job.secrets) for job in record.jobs)

    def execute(self, command: Value, site: Site) -> Value:
        """`'command'.execute()`."""
        return execute(self.context, command, site)

    def step(self, name: str, arguments: Arguments, receiver: Handle | None, unit: Unit) -> Value:  # noqa: PLR0911 - a dispatch
        """What a step does."""
        context = self.context
        found = context.library.step(name) if receiver is None and name not in HANDLERS else None
        if found is not None and "call" in found.methods:
            return context.evaluator.invoke(found, "call", arguments)
        if name.startswith(("openshift.", "docker.")):
            return self._object_step(name, arguments, receiver)
        base, _, member = name.rpartition(".")
        if member == "exec" and base.startswith("Runtime"):
            return execute(context, arguments.positional[0] if arguments.positional else None, arguments.site)
        if name == "Eval.me" or (member == "evaluate" and base.endswith("GroovyShell")):
            return HANDLERS["evaluate"](context, arguments)
        if base.startswith("library."):
            return self._of_library(base.removeprefix("library."), member, arguments, unit)
        if (handler := HANDLERS.get(name)) is not None:
            return handler(context, arguments.normalized())
        if name in names.DESCRIBING and (arguments.closures() or name == "agent"):
            return None
        self._note(name, arguments, unit)
        if name in names.ONCE or name.rpartition(".")[2] in {
            "inside",
            "withRun",
            "withServer",
            "withRegistry",
        }:
            return context.run_all(arguments)
        context.evaluator.run_unsure(arguments)
        return (
            Handle(name, arguments)
            if name in names.BINDINGS | names.PARAMETERS | {"credentials"}
            else Unknown(f"{name}()")
        )

    def _note(self, name: str, arguments: Arguments, unit: Unit) -> None:
        handed = run_handed(self.context, name, arguments)
        if name not in names.QUIET | names.PLAIN | names.PARAMETERS and not _is_java(name):
            self.context.note(name, arguments)
            if not handed:
                self._check_library(name, arguments, unit)

    def _of_library(self, base: str, member: str, arguments: Arguments, unit: Unit) -> Value:
        """`library("x").com.acme.Tool.new(…)`, and its static methods."""
        if member == "new":
            return self.construct(base, arguments, unit)
        found = self.variable(base, unit)
        if isinstance(found, Unit) and member in found.methods:
            return self.context.evaluator.invoke(found, member, arguments)
        self.context.unclear(f"{base}.{member} is not in this repository", arguments.location)
        return Unknown(f"{member}()")

    def _check_library(self, name: str, arguments: Arguments, unit: Unit) -> None:
        known = names.KNOWN | names.ONCE | names.DESCRIBING | names.BINDINGS | names.PARAMETERS
        if (
            not self.context.foreign_library
            or "." in name
            or name in known
            or name in self._foreign
            or unit.source.file != self.context.file
            or (names.HARMLESS.search(name) and not names.DEPLOYS.search(name))
        ):
            return
        self._foreign.add(name)
        self.context.unclear(
            f"{name} is a step of a library that is not in this repository", arguments.location
        )

    def _object_step(self, name: str, arguments: Arguments, receiver: Handle | None) -> Value:
        context = self.context
        base, _, member = name.rpartition(".")
        if base == "openshift.selector" and member in _SELECTS:
            return receiver
        if name == "openshift.selector.rollout":
            return Handle(name, arguments)
        if base == "openshift.selector.rollout":
            noted = f"{base}.{member}" if member in _ROLLOUT_READS else base
            context.note(noted, arguments)
            return Unknown(f"{name}()")
        if name in {"docker.image.run", "docker.image.withRun"}:
            self._docker_run(receiver, arguments)
        if name in HANDLERS:
            return HANDLERS[name](context, arguments)
        if name not in {"openshift.withCluster", "openshift.withProject"} and not name.startswith("docker."):
            context.note(name, arguments)
        handed: tuple[Value, ...] = (Handle(base),) if member in {"withEach", "each"} and receiver else ()
        context.run_all(arguments, handed)
        return Handle(name, arguments)

    def _docker_run(self, receiver: Handle | None, arguments: Arguments) -> None:
        image = receiver.arguments.value("image") if receiver is not None and receiver.arguments else None
        evaluator = self.context.evaluator
        words: list[Value] = [arguments.value("args", 0), image, arguments.value("command", 1)]
        parts = [
            evaluator.strings(0).text(possibilities(word)[0], "docker.image")
            for word in words
            if word is not None
        ]
        text = written_at("docker run ", arguments.location) + evaluator.strings(0).joined(
            parts, written_at(" ", arguments.location)
        )
        self.context.run_script(text.placed(text.pieces[0].source, 0), "sh", arguments.site)

    def construct(self, name: str, arguments: Arguments, unit: Unit) -> Value:
        """An object of a class in the files."""
        context = self.context
        last = name.rpartition(".")[2]
        if last == "ProcessBuilder":
            first = arguments.positional[0] if arguments.positional else None
            command = first if isinstance(first, Items) else Items({"values": tuple(arguments.positional)})
            return execute(context, command, arguments.site)
        kind = context.library.class_unit(name, unit)
        if kind is None:
            full = unit.imports.get(name, name)
            quiet = names.HARMLESS.search(last) and not names.DEPLOYS.search(last)
            if (
                context.foreign_library
                and "." in full
                and not full.startswith(_OURS)
                and full not in self._foreign
                and not quiet
            ):
                self._foreign.add(full)
                context.unclear(f"{full} is a class that is not in this repository", arguments.location)
            context.evaluator.run_unsure(arguments)
            return Handle(name)
        made = self._object(*kind, steps=kind[1] is None)
        if "<init>" in made.methods:
            context.evaluator.invoke(made, "<init>", arguments)
        else:
            made.scope.variables.update(arguments.named)
        return made

    def object_of(self, found: tuple[Unit, tree.Class | None]) -> Unit:
        """An object of a class, as nobody has made it."""
        return self._object(*found, steps=False)

    def _class(self, unit: Unit, kind: tree.Class | None) -> Unit:
        key = (unit.source.file, kind.name if kind else "")
        if key not in self._classes:
            self._classes[key] = self._object(unit, kind, steps=False)
        return self._classes[key]

    def _object(self, unit: Unit, kind: tree.Class | None, *, steps: bool) -> Unit:
        members = kind.members if kind is not None else parse(unit.source).body
        own = methods(members)
        made = Unit(unit.name, unit.source, own, Scope({}), steps=steps, imports=unit.imports)
        key = (unit.source.file, kind.name if kind else "")
        if key in self._making:  # a singleton, or a class that is its own parent
            return made
        self._making.add(key)
        if kind is not None and kind.parent and kind.parent != kind.name:
            parent = self.context.library.class_unit(kind.parent, unit)
            if parent is not None and parent[1] is not kind:
                outer = self._object(*parent, steps=steps)
                shadowed = {f"super.{name}": outer.methods[name] for name in own if name in outer.methods}
                made.methods = {**outer.methods, **shadowed, **own}
                made.scope.variables.update(outer.scope.variables)
                made.imports = {**outer.imports, **unit.imports}
        self._fields(made, members)
        self._making.remove(key)
        return made

    def _fields(self, made: Unit, members: list[tree.Node]) -> None:
        evaluator = self.context.evaluator
        outer, evaluator.unit = evaluator.unit, made
        for node in members:
            if isinstance(node, tree.Assign) and node.declared:
                value: Value = (
                    evaluator.evaluate(node.value, made.scope) if node.value else Unknown("a field")
                )
                for target in node.targets:
                    if isinstance(target, tree.Name):
                        made.scope.variables[target.name] = value
        evaluator.unit = outer


def _is_java(name: str) -> bool:
    parts = name.split(".")
    if len(parts) < 2:
        return False
    return any(part[:1].isupper() for part in parts) or parts[0] in {
        "env",
        "params",
        "currentBuild",
        "scm",
        "log",
    }
