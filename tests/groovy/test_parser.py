# ruff: noqa: E501 - a case is a line
"""The tolerant parser: valid Groovy has no faults, broken Groovy loses no call, nothing hangs."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cipipe.groovy import tree
from cipipe.groovy.parser import parse
from cipipe.groovy.source import Piece, Source

CORPUS = sorted((Path(__file__).parents[1] / "gate" / "corpus").glob("*jenkins*.yaml"))
FIXTURES = sorted((Path(__file__).parent / "fixtures").iterdir())
ORACLE = """
import org.codehaus.groovy.control.*
args.each { name ->
    def unit = new CompilationUnit()
    unit.addSource(name, new File(name).text)
    try { unit.compile(Phases.CONVERSION); println "ok $name" }
    catch (CompilationFailedException e) { println "refused $name: ${e.message}" }
}
"""


def corpus(folder: Path) -> list[Path]:
    """The Groovy of the gate's corpus, each in a file of its own."""
    found: list[Path] = []
    for case in (case for file in CORPUS for case in yaml.safe_load(file.read_text(encoding="utf-8"))):
        for number, (path, text) in enumerate(case["files"].items()):
            if "enkinsfile" in path or path.endswith(".groovy"):
                found.append(folder / f"{case['id']}-{len(found)}-{number}.groovy")
                found[-1].write_text(text, encoding="utf-8")
    return found


def calls(node: object) -> Iterator[str]:
    """The names of all calls in a tree."""
    if isinstance(node, tree.Call) and isinstance(node.target, tree.Name):
        yield node.target.name
    if isinstance(node, tree.Node):
        for base in type(node).__mro__:
            for slot in getattr(base, "__slots__", ()):
                yield from calls(getattr(node, slot))
    elif isinstance(node, list | tuple):
        for part in node:
            yield from calls(part)


def string_of(text: str) -> str:
    """The text of the first string of a source, holes as their source."""
    node = parse(Source("x", f"sh {text}" if text[0] in "'\"" else f"x = {text}")).body[0]
    argument = node.arguments[0].value if isinstance(node, tree.Call) else getattr(node, "value", None)
    assert isinstance(argument, tree.String)
    return "".join(part.text if isinstance(part, Piece) else f"<{part[1]}>" for part in argument.parts)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_valid_groovy_has_no_faults(path: Path) -> None:
    assert parse(Source(path.name, path.read_text())).faults == ()


def java_home() -> str:
    """A JDK that Groovy 2.4 runs on: 17 at most."""
    homes = sorted(Path("/usr/lib/jvm").glob("java-17-*"))
    return os.environ.get("JAVA_HOME_17") or (str(homes[0]) if homes else os.environ.get("JAVA_HOME", ""))


def test_groovy_itself_accepts_the_fixtures(tool: Callable[[str], str], tmp_path: Path) -> None:
    script = tmp_path / "oracle.groovy"
    script.write_text(ORACLE)
    files = [*FIXTURES, *corpus(tmp_path)]
    run = subprocess.run(
        [tool("groovy"), str(script), *map(str, files)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "JAVA_HOME": java_home()},
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [f"ok {path}" for path in files]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"'a\tb\u0041\'c'", "a\tbA'c"),
        (r'"a ${x.y} $z.w. \$q"', "a <x.y> <z.w>. $q"),
        ('"""a "quoted" ${f("}")} b"""', 'a "quoted" <f("}")> b'),
        ("'''a\\\nb'''", "ab"),
        (r"/a\/b\d/", r"a/b\d"),
        ("$/a $$ /b ${c}/$", "a $ /b <c>"),
    ],
)
def test_strings(text: str, value: str) -> None:
    assert string_of(text) == value


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("sh 'x'", ["sh"]),
        ("sh(script: 'x', returnStdout: true).trim()", ["sh"]),
        ("sh script: 'x'", ["sh"]),
        ("sh([script: 'x'])", ["sh"]),
        ("stage('a')\n{\n sh 'x'\n}", ["stage", "sh"]),
        ("def o = sh script: 'x', returnStdout: true", ["sh"]),
        ("if (a) sh 'x' else if (b) { bat 'y' } else pwsh 'z'", ["sh", "bat", "pwsh"]),
        ("try { sh 'x' } catch (e) { bat 'y' } finally { echo 'z' }", ["sh", "bat", "echo"]),
        ("parallel a: { sh 'x' }, b: { bat 'y' }", ["parallel", "sh", "bat"]),
        ("echo \"${sh(script: 'x')}\"", ["echo", "sh"]),
        ('x.each { k, v -> sh "$k" }', ["sh"]),
        ("return sh('x')", ["sh"]),
        ("a ? sh('x') : bat('y')", ["sh", "bat"]),
    ],
)
def test_calls_in_every_form(text: str, names: list[str]) -> None:
    parsed = parse(Source("x", text))
    assert (sorted(calls(parsed.body)), parsed.faults) == (sorted(names), ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sh 'never closed\nsh 'y'", "never closed"),
        ("node { sh 'x'", "a { that is never closed"),
        ("node { } }\nsh 'x'", "a } that nothing opened"),
        ("sh('x'\nnode { sh 'y' }", "never closed"),
        ("/* open", "comment"),
        ("x = = \nsh 'x'", "expression is missing"),
    ],
)
def test_broken_groovy_is_a_fault_and_keeps_its_calls(text: str, message: str) -> None:
    parsed = parse(Source("x", text))
    assert any(message in fault.message for fault in parsed.faults)
    assert ("sh" in calls(parsed.body)) == ("sh" in text)


@pytest.mark.parametrize(
    "text",
    ["{" * 50_000, "(" * 50_000, "[" * 50_000, "a." * 50_000, "!" * 50_000, "a?" * 50_000, '"${' * 20_000,
     "if(a)" * 20_000, "x=" * 50_000, "sh 'x'\n" * 30_000, "a+" * 50_000, "@A" * 30_000, "/" * 50_001, "<" * 50_000,
     "A<" * 20_000, "a b " * 30_000, "case " * 30_000, "String f(" * 3_000],
    ids=lambda text: text[:9].strip(),
)  # fmt: skip
def test_hostile_nesting_ends_quickly(text: str) -> None:
    start = time.monotonic()
    parse(Source("x", text))
    assert time.monotonic() - start < 4


_WORDS = st.sampled_from(
    ["sh", "'x'", '"', "'''", '"""', "${", "}", "{", "(", ")", "[", "]", "->", "def ", "if", "else", "for", "in",
     "case", "switch", "class A", "/", "$/", "/$", "\n", ";", ",", ":", "?", ".", "=", "@B", "\\", "return ", "a", "1",
     "import ", "enum E", "<", ">", "*", "//", "/*", "*/", " "]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(_WORDS, max_size=40).map("".join))
def test_anything_can_be_parsed(text: str) -> None:
    parsed = parse(Source("x", text))
    assert all(0 <= fault.offset <= len(text) for fault in parsed.faults)
