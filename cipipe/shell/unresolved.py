"""What cannot be known and may hide a deployment, and what cannot be known but does not matter (layer 1).

Ordinary scripts are full of unknown values. One is a problem only where it decides which program runs.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from cipipe.pipelines.model import HOLE, WORKSPACE
from cipipe.shell.calls import Call, Result
from cipipe.shell.session import in_repository
from cipipe.shell.syntax import Parameter, Substitution, Word

if TYPE_CHECKING:
    from cipipe.shell.interpreter import Interpreter

MISSING = "is not in this repository"

_CHANGING = frozenset(
    [
        "apply",
        "create",
        "delete",
        "replace",
        "patch",
        "edit",
        "set",
        "scale",
        "autoscale",
        "expose",
        "rollout",
        "label",
        "annotate",
        "upgrade",
        "install",
        "uninstall",
        "rollback",
        "sync",
        "deploy",
        "destroy",
        "up",
        "converge",
        "reconcile",
        "bootstrap",
        "run",
        "rm",
        "exec",
        "drain",
        "cordon",
    ]
)
_INSTALLERS = frozenset({"install", "run", "exec", "rm", "set", "up", "edit", "create", "label", "delete"})
_HARMLESS_NAME = re.compile(
    r"(?:^|_|^HOST)(?:CC|CXX|LD|AR|AS|CPP|PYTHON\d?|PIP\d?|MAKE|CMAKE|NODE|NPM|YARN|PNPM|JAVA|MVN|GRADLE|GO|CARGO|RUSTC|RUBY"
    r"|BUNDLE|PHP|COMPOSER|DOTNET|APT|APT_GET|YUM|DNF|APK|BREW|PKG\w*|PACKAGE_MANAGER|INSTALLER?|GIT|CURL|WGET|TAR|SED"
    r"|GREP|AWK|FIND|MKDIR|RM|CP|ECHO|CAT|TEST|PYTEST|LINT|FMT|DIFF|VENV|TOX|NOX|UV|POETRY|CONDA|MAMBA)(?:_?(?:BIN|CMD|EXE|PATH))?$",
    re.IGNORECASE,
)
_PREFIX_NAME = re.compile(
    r"(?:^|_)(?:SUDO|SU|PREFIX|WRAPPER|RUNNER|TIMEOUT|TIME|NICE|EXEC|DEBUG|DRY_?RUN|ECHO|XVFB\w*)$",
    re.IGNORECASE,
)
_SCRIPT = re.compile(r"\.(?:sh|bash|zsh|ksh|ps1|bat|cmd|py)$")
_SCRIPT_URL = re.compile(r"\.(?:sh|bash|py|ps1)(?:[?#].*)?$")
_WELL_KNOWN = re.compile(
    r"get\.docker\.com|rustup\.rs|install\.python-poetry\.org|get-poetry|get-helm|get_helm|opentofu|codecov\.io|nodesource\.com"
    r"|get\.k3s\.io|get\.rke2\.io|sdkman\.io|InstallAzureCLIDeb|azurecliscript|astral\.sh|deno\.(?:land|com)|bun\.sh|nvm-sh/nvm"
    r"|Homebrew/install|kubernetes-sigs/|k3d-io/|rancher/k3d|get\.pnpm\.io|get\.volta\.sh|golangci|trivy|aquasecurity|anchore"
    r"|syft|grype|fluxcd\.io/install|fly\.io|cli\.github\.com|starship|packagecloud\.io|yarnpkg|sh\.brew|conda|miniforge|mamba"
    r"|goreleaser|snyk|sentry\.io|coveralls|codeclimate|deepsource|dotnet|wasmtime|wasmer|haskell|ghcup|opam|julialang|nixos\.org"
    r"|determinate\.systems|devbox|mise\.run|asdf|taskfile\.dev|just\.systems|cosign|sigstore|terraform-linters|tflint|tfsec|infracost"
    r"|pulumi\.com|doppler|datadog|newrelic|newrelic|buf\.build|earthly|dagger|okteto|get-kubectl|kustomize|gitleaks|semgrep"
    r"|bootstrap\.pypa\.io|get-pip|composer|getcomposer|symfony|meteor|heroku|vercel|netlify|linkerd\.io|run\.linkerd|istio\.io"
    r"|downloadIstio|kind\.sigs|minikube|helmfile|arkade|alexellis|reviewdog|nektos/act|actionlint|shellcheck|hadolint|sonar|gruntwork",
    re.IGNORECASE,
)
_FETCHERS = frozenset(
    {
        "curl",
        "wget",
        "http",
        "https",
        "aria2c",
        "fetch",
        "base64",
        "openssl",
        "gpg",
        "aws",
        "gsutil",
        "az",
        "vault",
    }
)
_FETCHERS |= {
    "gcloud",
    "ssh",
    "nc",
    "jq",
    "yq",
    "sops",
    "gunzip",
    "zcat",
    "unzip",
    "xz",
    "rev",
    "tr",
    "printf",
    "echo",
    "cat",
    "awk",
    "sed",
}
_ENVIRONMENT = re.compile(
    r"(?:[Aa]ctivate(?:\.ps1)?|\.?profile|\.?bashrc|\.?bash_profile|\.?zshrc|env|\.env[\w.-]*|[\w.-]*\.env|nvm\.sh|sdkman-init\.sh|setup\.bash|setvars\.sh|emsdk_env\.sh|conda\.sh|kube_codegen\.sh|functions|os-release|lsb-release|environment|completion\.bash\.inc|path\.bash\.inc|asdf\.sh|setup-env\.sh|rvm)$"
)

_MAY_HOLD_SCRIPTS = ("/tmp/", "/home/", "/opt/", "/root/")  # noqa: S108 - prefixes
_APPLIES = frozenset({"apply", "rollout", "converge", "reconcile"})
_PLANNERS = re.compile(r"terra|tofu|tf[^/]*$")  # what these change is told by their own files
_MAKERS = frozenset(
    {"git", "svn", "hg", "mkdir", "cmake", "meson", "tar", "unzip", "cp", "mv", "rsync", "curl", "wget", "ln"}
)
_PACKAGES = ("pyproject.toml", "setup.cfg", "setup.py")
_DEPLOYS = re.compile(r"deploy|rollout|(?:^|[-_:.])(?:apply|k8s|kube|kubernetes|helm|argocd)(?:$|[-_:.])")


def command_word(run: "Interpreter", call: Call) -> Result:
    """The command's name cannot be known, or not all of it."""
    name = call.argv[0]
    last = name.rsplit("/", 1)[-1]
    if HOLE not in last and "/" in name:
        return run.program(call)
    squeezed = name.replace(HOLE, "")
    if squeezed in run.session.tools:
        return run.program(replace(call, argv=(squeezed, *call.argv[1:])))
    variable = _variable(call)
    rest = call.argv[1:]
    words = [word for word in rest if not word.startswith("-")]
    if name == HOLE and not words and isinstance(word := call.word(0), Word) and printing(word):
        evaluated(run, call, printing(word))
        return Result.UNKNOWN
    if (
        name == HOLE
        and rest
        and (_PREFIX_NAME.search(variable) or (words[:1] == list(rest[:1]) and rest[0] in run.session.tools))
    ):
        return run.invoke(call.inner(rest))
    if not _HARMLESS_NAME.search(variable) and _matters(
        words, whole=name == HOLE and (bool(words) or not rest)
    ):
        run.problem(call, "the program that runs here cannot be known")
    run.emit(call)
    if call.streams.out is not None:
        call.streams.out.write((HOLE,))
    return Result.UNKNOWN


def _variable(call: Call) -> str:
    word = call.word(0)
    if isinstance(word, Word):
        for part in word.parts:
            if isinstance(part, Parameter):
                return part.name
    return ""


def changes(words: list[str]) -> bool:
    """Whether the first of the words is the verb of a change."""
    return bool(words) and words[0] in _CHANGING


def _matters(words: list[str], *, whole: bool) -> bool:
    """Whether the arguments could be those of a deployment."""
    if not words:
        return whole
    return words[0] == HOLE or words[0] in _CHANGING or (HOLE in words[0] and not whole)


def shell_text(run: "Interpreter", call: Call, text: str) -> bool:
    """Whether a text that a shell runs is wholly unknown, which is a problem then."""
    stripped = text.strip()
    if stripped and HOLE not in stripped.split()[0]:
        return False
    if not stripped or stripped.strip(HOLE + " ;") != "":
        return False
    run.problem(call, "the script that runs here cannot be known")
    return True


def piped(run: "Interpreter", call: Call) -> None:
    """A shell reads a script that is not known."""
    stdin = call.streams.stdin
    url = (stdin.url or "") if stdin is not None else ""
    producer = stdin.producer.argv if stdin is not None and stdin.producer is not None else ()
    if any(_WELL_KNOWN.search(word) for word in (url, *producer) if "://" in word or "." in word):
        return
    if stdin is not None and stdin.producer is not None and producer[0] not in _FETCHERS:
        run.problem(call, f"a shell runs what {producer[0].replace(HOLE, '…')} prints, which cannot be known")
        return
    where = f" from {url}" if url and HOLE not in url else ""
    run.problem(call, f"a shell runs a script{where} that cannot be known")


def printing(word: Word) -> str | None:
    """The program whose output a word is: `HOLE` for one that is not known, None where the word is none.

    `aws ecr get-login` is a program of its own.
    """
    for part in word.parts:
        if isinstance(part, Substitution) and part.body.commands:
            first = part.body.commands[-1]
            words = getattr(first, "words", None) or getattr(
                getattr(first, "commands", [None])[-1], "words", None
            )
            if words and isinstance(words[0], str):
                return "aws ecr get-login" if list(words[:3]) == ["aws", "ecr", "get-login"] else words[0]
            if words and isinstance(words[0], Word):
                return HOLE if isinstance(words[0].parts[-1], Parameter | Substitution) else ""
            return "" if words else None
    return None


def evaluated(run: "Interpreter", call: Call, producer: str | None) -> None:
    """`eval` of a text that is not known; what programs print to set up an environment does not matter."""
    call.state.unsure = True
    if producer is not None and producer not in _FETCHERS and HOLE not in producer:
        return
    run.problem(call, "what `eval` runs cannot be known")


def is_script_url(url: str, path: str) -> bool:
    """Whether what is downloaded is a script rather than a program."""
    return bool(_SCRIPT_URL.search(url) or _SCRIPT.search(path))


def downloaded(run: "Interpreter", call: Call, url: str) -> None:
    """A downloaded script runs."""
    if not _WELL_KNOWN.search(url):
        run.problem(call, f"a script runs that is downloaded from {url.replace(HOLE, '…')}")


def missing_script(run: "Interpreter", call: Call) -> None:
    """A path runs that is not in the repository: a problem when it is plainly a script of it."""
    name = call.argv[0]
    if name.rsplit("/", 1)[-1] in run.session.tools:
        return
    if _SCRIPT.search(name):
        missing(run, call, name, sourced=False)
    elif not name.startswith(("/", "~")) and _APPLIES & set(call.argv[1:2]) and not _PLANNERS.search(name):
        run.problem(call, f"the program {name.replace(HOLE, '…')} cannot be read, and may change a cluster")


def own_program(run: "Interpreter", call: Call) -> None:
    """A program that the repository's own Python package installs is asked to deploy."""
    verb = next((word for word in call.argv[1:] if not word.startswith("-")), "")
    name = call.argv[0]
    if _DEPLOYS.search(verb) and any(
        f"\n{name} = " in text or f"\n{name}=" in text or f'"{name}=' in text or f"'{name}=" in text
        for path in _PACKAGES
        for text in (run.session.read(path) or "",)
        if "scripts" in text
    ):
        run.problem(call, f"{name} is a program of this repository, and may change a cluster")


def missing(run: "Interpreter", call: Call, path: str, *, sourced: bool) -> Result:
    """A script file that is neither in the repository nor made before."""
    call.state.unsure = call.state.unsure or sourced
    refused = [
        run.session.refused[p] for p in map(in_repository, call.state.paths(path)) if p in run.session.refused
    ]
    shown = path.replace(HOLE, "…")
    if path.lower().endswith("/activate.ps1"):
        return Result.UNKNOWN
    if refused:
        run.problem(call, f"{shown} is not read: {refused[0]}")
    elif leads_out(call, path) and not (sourced and _ENVIRONMENT.search(path)):
        run.problem(call, f"{shown} leads out of the repository")
    elif not (
        sourced and (_ENVIRONMENT.search(path) or not _SCRIPT.search(path) or path.startswith(("/", "~")))
    ):
        inside = any(in_repository(p) is not None for p in call.state.paths(path))
        remote = any("ssh" in wrappers for wrappers in (call.wrappers, *run.wrapped))
        if inside or remote or HOLE in path or path.startswith(_MAY_HOLD_SCRIPTS):
            run.problem(call, f"the script {shown} {MISSING}")
    return Result.UNKNOWN


def leads_out(call: Call, path: str) -> bool:
    """Whether `..` in a path that starts inside of the repository leads to a place outside of it."""
    folders = call.state.directories
    if call.state.strayed and not path.startswith(("/", HOLE)):
        return all(in_repository(place) is None for place in (*folders, *call.state.paths(path)))
    if ".." not in path.split("/") or path.startswith(HOLE):
        return False
    starts = (path,) if path.startswith("/") else tuple(f"{folder}/" for folder in folders)
    inside = any(start.startswith(WORKSPACE + "/") for start in starts)
    places = [place for place in call.state.paths(path) if HOLE not in place]
    return inside and bool(places) and all(in_repository(place) is None for place in places)


def elsewhere(run: "Interpreter", call: Call, path: str, name: str, targets: Iterable[str]) -> None:
    """What a runner of targets (`make`, `npm run`, …) reads is not here; `path` is where it would be.

    It is a problem outside of the repository, where nothing before has made that folder, and where a target
    is plainly a deployment.
    """
    folder = next(iter(call.state.paths(path))).rstrip("/").rsplit("/", 1)[-1]
    made = folder and any(
        command.argv[0].rsplit("/", 1)[-1] in _MAKERS and any(folder in word for word in command.argv[1:])
        for command in run.commands
    )
    if leads_out(call, path) and not made:
        run.problem(call, f"{path or '.'} leads out of the repository")
    elif found := next(filter(_DEPLOYS.search, targets), None):
        run.problem(call, f"there is no {name} here that says what {found.replace(HOLE, '…')} does")
