"""The house stands as DESIGN section 2 draws it: who may import whom, and that every module imports alone."""

import ast
import os
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = (
    "errors results image secrets hints backends repository globs diff",
    (
        "config controls approvals manifests pipelines shell groovy policy source message order "
        "pull_request trailers"
    ),
    (
        "git registry builders forges engines ci proc programs failpoints docker_config"
        " worktree reading halves trust"
    ),
    (
        "bump promote set_image build pipeline gate facts protect status demo delivery review trigger "
        "tasks holdings promotion proposal proposing"
    ),
    "cli reports __main__",
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names.split()}
FLOWS = set(LAYERS[3].split()) - {
    "delivery",
    "review",
    "trigger",
    "tasks",
    "holdings",
    "promotion",
    "proposal",
    "proposing",
}
# Pure layers see no process, network, environment, clock or standard stream.
IMPURE = {
    "os",
    "subprocess",
    "socket",
    "sys",
    "time",
    "random",
    "secrets",
    "requests",
    "shutil",
    "tempfile",
    "threading",
}
IMPURE |= {"logging", "http", "urllib.request", "importlib.resources", "getpass", "platform", "signal"}
IMPURE_CALLS = {"print", "open", "input", ".now", ".today", ".utcnow"}
EDGES = {
    "docker": "cipipe/builders/",
    "git": "cipipe/git/local.py",
    "github": "cipipe/forges/github",
    "gitlab": "cipipe/forges/gitlab",
    "regopy": "cipipe/engines/",
    "subprocess": "cipipe/proc.py",
}
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("cipipe/**/*.py"))


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


def imports(module: str) -> set[str]:
    """Every module that `module` imports, in its functions too; of a package, the part that is named."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: a relative import"
            name = node.module or ""
            found |= {f"{name}.{alias.name}" for alias in node.names} if name == "cipipe" else {name}
            found |= {
                f"{name}.{alias.name}" for alias in node.names if (ROOT / name.replace(".", "/")).is_dir()
            }
    return found - {"cipipe.__version__"}


def part(name: str) -> str:
    """`cipipe.git.url` and `cipipe/git/url.py` -> `git`."""
    return name.removesuffix(".py").replace("/", ".").split(".")[1]


@pytest.mark.parametrize("module", [module for module in MODULES if module != "cipipe/__init__.py"])
def test_imports(module: str) -> None:
    own = part(module)
    assert own in LAYER, f"say in LAYERS where {own} belongs"
    inside = {part(name) for name in imports(module) if name.startswith("cipipe.")} - {own}
    assert {name for name in inside if LAYER[name] > LAYER[own]} == set(), "imports a higher layer"
    if own in FLOWS:
        assert inside & FLOWS == set(), "a flow imports a flow"
    if own == "reports":
        assert {name for name in inside if LAYER[name] > 0} == set(), "a report imports more than values"
    if LAYER[own] < 2:
        assert imports(module) & IMPURE == set(), "a pure layer touches the world"
        called = {
            node.func.id if isinstance(node.func, ast.Name) else f".{getattr(node.func, 'attr', '')}"
            for node in ast.walk(tree(module))
            if isinstance(node, ast.Call)
        }
        assert called & IMPURE_CALLS == set(), "a pure layer touches the world"
    outside = {name.split(".")[0] for name in imports(module)} & EDGES.keys()
    assert [name for name in outside if not module.startswith(EDGES[name])] == [], "not this SDK's edge"


def test_no_import_cycle() -> None:
    files = {
        module.removesuffix(".py").removesuffix("/__init__").replace("/", "."): module for module in MODULES
    }
    graph = {}
    for name, module in files.items():
        at_top = [node for node in tree(module).body if isinstance(node, ast.ImportFrom)]
        named = {f"{node.module}.{alias.name}" for node in at_top for alias in node.names}
        named |= {node.module or "" for node in at_top}
        graph[name] = {other for other in named & files.keys() if not name.startswith(other)}
    TopologicalSorter(graph).prepare()


def test_no_module_is_taken_for_a_plug_in() -> None:
    assert [module for module in MODULES if module.endswith("/conftest.py")] == []


IMPORT_EACH_ALONE = """
import os, sys
for module in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            __import__(module)
        except BaseException as problem:
            sys.stderr.write(f"{module}: {problem!r}\\n")
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_every_module_imports_alone_and_without_a_warning() -> None:
    names = [module.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for module in MODULES]
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_EACH_ALONE, *names],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ran.stderr == ""
