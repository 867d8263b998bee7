"""The shipped rules: each describes itself, keeps to what both engines read alike, passes its tests."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cipipe.policy import access, actions, catalogue, shipped
from cipipe.policy.rules import rules

ROOT = Path(__file__).parents[2]
FILES = sorted(path for path in shipped.policies().glob("*/*.rego") if not path.name.endswith("_test.rego"))
# Each was seen to be read differently, or to be silently undefined, by one of the engines.
FORBIDDEN = {
    "regular expressions": r"\bregex\.",
    "splitting of text": r"\bsplit\(|\bsubstring\(|\bindexof\(|\btrim\w*\(|\breplace\(",
    "case mapping": r"\b(?:lower|upper)\(",
    "outside world": r"\bhttp\.send|\bnet\.|\bopa\.runtime|\btime\.|\brego\.(?!v1)|\bio\.",
    "key and value in a comprehension": r"\bsome \w+, \w+ in",
    "every with a key": r"\bevery \w+, \w+ in",
    "every without braces": r"if every [^{]*$",
    "formats of sprintf": r"sprintf\(\"[^\"]*%[^sdv]",
    "partial sets as objects": r"^(?:deny|warn)\[",
    "exceptions": r"\bexception\b",
}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_construct_that_the_engines_read_differently(file: Path) -> None:
    code = re.sub(r"(?m)#.*$", "", file.read_text())
    found = [name for name, pattern in FORBIDDEN.items() if re.search(pattern, code, re.MULTILINE)]
    assert not found
    assert "import rego.v1" in code


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_a_rule_has_its_metadata_tests_sentinel_and_docs(rule: object) -> None:
    name = rule.id  # type: ignore[attr-defined]
    text = (shipped.policies() / name / f"{name}.rego").read_text()
    assert "ran := facts.ran(kinds)" in text
    assert "warn contains ran" in text
    assert "deny contains finding if some finding in findings" in text
    tests = (shipped.policies() / name / f"{name}_test.rego").read_text()
    assert "test_does_not_run_without_its_facts" in tests
    assert re.search(r"test_denies|test_warns", tests)
    for word in (rule.title, rule.description, rule.remedy):  # type: ignore[attr-defined]
        assert word.isascii()
        assert word.strip()
    assert rule.docs == f"docs/rules.md#{name}"  # type: ignore[attr-defined]


def test_the_documentation_says_what_the_metadata_says() -> None:
    docs = " ".join((ROOT / "docs/rules.md").read_text().split())
    for rule in rules():
        assert f"### {rule.id}" in docs
        for words in (rule.title, rule.description, rule.remedy):
            assert " ".join(words.split()) in docs, rule.id


def test_the_rules_own_tests(tool: Callable[[str], str]) -> None:
    argv = [
        tool("conftest"),
        "verify",
        "--policy",
        str(shipped.policies()),
        "--show-builtin-errors",
        "--no-color",
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    ran = re.search(r"(\d+) tests, (\d+) passed", done.stdout)
    written = sum(
        len(re.findall(r"(?m)^test_\w+", path.read_text()))
        for path in shipped.policies().glob("*/*_test.rego")
    )
    assert ran is not None
    assert ran[1] == ran[2] == str(written)


def test_the_catalogue_is_whole() -> None:
    tools = catalogue.tools()
    for tool in {tool.name: tool for tool in tools.values()}.values():
        assert tool.verbs, tool.name
        assert not {verb for verb in tool.verbs if not verb}, tool.name
    for verb in ("apply", "create", "delete", "replace", "patch", "edit", "scale", "exec", "drain"):
        assert tools["kubectl"].effect((verb,)) == ((verb,), "mutate")
        assert tools["oc"].effect((verb,)) == ((verb,), "mutate")
    assert actions.images()["bitnami/kubectl"] == "kubectl"
    assert access.is_credential_name("prod-kubeconfig")
    assert not access.is_credential_name("KUBE_NAMESPACE")
