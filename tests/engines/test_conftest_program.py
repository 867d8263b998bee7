"""The engine `conftest` fails closed: every way in which a program of that name can be wrong is an error."""

import json
import stat
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from cipipe.engines import load
from cipipe.engines.base import Document
from cipipe.errors import CipipeError, DeadlineError, EngineError, MissingToolError, UsageError
from cipipe.proc import Deadline

RULES = ["direct-deploy"]
COMMAND = {
    "id": "command-1", "what": "kubectl apply", "tool": "kubectl", "verb": "apply", "effect": "mutate",
    "target": "cluster", "dry": False, "form": "command", "protected": False,
}  # fmt: skip
FACTS = {"command": [COMMAND], "setting": [{"id": "setting-1", "strict": False, "config": False}]}
DOCUMENT = Document(json.dumps({"version": 1, "nonce": "n-1", "facts": FACTS}), "n-1", len(FACTS))
RAN = {"msg": "ran", "metadata": {"nonce": "n-1", "facts": 2}}
FAILURE = {"msg": "no", "metadata": {"id": "command-1", "severity": "error", "verdict": "deny"}}


def result(**fields: object) -> dict[str, object]:
    return {
        "filename": "facts.json",
        "namespace": "cipipe.direct_deploy",
        "warnings": [RAN],
        "failures": [FAILURE],
        **fields,
    }


def fake(
    folder: Path,
    answer: object,
    *,
    code: int = 1,
    body: str = "",
    version: str = "Conftest: 0.71.1\\nOPA: 1.21.1",
) -> str:
    """A program of that name that says what it is told to."""
    program = folder / "conftest"
    text = answer if isinstance(answer, str) else json.dumps(answer)
    program.write_text(
        textwrap.dedent(f"""\
        #!/bin/sh
        if [ "$1" = --version ]; then printf '{version}\\n'; exit 0; fi
        {body}
        cat <<'END'
        """)
        + text
        + f"\nEND\nexit {code}\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(folder)


def evaluate(
    monkeypatch: pytest.MonkeyPatch, path: str, seconds: float = 20, own: tuple[Path, ...] = ()
) -> object:
    monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin")
    return load("conftest").evaluate(DOCUMENT, RULES, own, Path("/nowhere"), Deadline(seconds))


def test_an_answer_that_proves_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    evaluation = load("conftest")
    assert evaluation is not None
    found = evaluate(monkeypatch, fake(tmp_path, [result()]))
    assert [(said.rule, said.id) for said in found.judgements] == [("direct-deploy", "command-1")]  # type: ignore[attr-defined]


BEHAVIOURS = {
    "nothing on stdout": ("", 1),
    "nothing on stdout and success": ("", 0),
    "no JSON": ("FAIL - facts.json", 1),
    "null": ("null", 0),
    "an empty list": ([], 0),
    "another namespace": ([result(namespace="main")], 1),
    "the namespace twice": ([result(), result()], 1),
    "no proof that the rule ran": ([result(warnings=[])], 1),
    "a proof with another nonce": (
        [result(warnings=[{"msg": "ran", "metadata": {"nonce": "x", "facts": 2}}])],
        1,
    ),
    "a proof with another count": (
        [result(warnings=[{"msg": "ran", "metadata": {"nonce": "n-1", "facts": 1}}])],
        1,
    ),
    "success with a failure": ([result()], 0),
    "failure without one": ([result(failures=[])], 1),
    "an exception": ([result(exceptions=[{"msg": "x"}])], 1),
    "a finding without an id": ([result(failures=[{"msg": "x", "metadata": {"severity": "error"}}])], 1),
    "a finding of a severity of its own": (
        [result(failures=[{"msg": "x", "metadata": {"id": "a", "severity": "low", "verdict": "deny"}}])],
        1,
    ),
    "a failure that is text": ([result(failures=["x"])], 1),
    "an exit code of its own": ([result()], 2),
    "killed": ([result()], 137),
}


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_what_cannot_be_trusted_is_an_error(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer, code = BEHAVIOURS[name]
    with pytest.raises(EngineError):
        evaluate(monkeypatch, fake(tmp_path, answer, code=code))


def test_one_that_never_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(DeadlineError):
        evaluate(monkeypatch, fake(tmp_path, [result()], body="exec sleep 30"), seconds=1)


def test_one_that_dies_by_a_signal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(EngineError):
        evaluate(monkeypatch, fake(tmp_path, [result()], body="kill -SEGV $$"))


def test_one_that_says_too_much(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(CipipeError):
        evaluate(monkeypatch, fake(tmp_path, [result()], body="head -c 100000000 /dev/zero"))


@pytest.mark.parametrize("version", ["Conftest: 0.30.0\\nOPA: 0.40.0", "Conftest: 0.71.1\\nOPA: 0.70.0"])
def test_an_old_one(version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(MissingToolError, match="too old"):
        evaluate(monkeypatch, fake(tmp_path, [result()], version=version))


def test_one_that_does_not_tell_its_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="OPA version"):
        evaluate(monkeypatch, fake(tmp_path, [result()], version="hello"))


def test_no_such_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(MissingToolError):
        evaluate(monkeypatch, str(tmp_path))


def test_a_program_in_the_checkout_is_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", f"{fake(tmp_path, [result()])}:/usr/bin:/bin")
    with pytest.raises(MissingToolError):
        load("conftest").evaluate(DOCUMENT, RULES, (), tmp_path, Deadline(5))


def test_it_runs_in_an_empty_folder_without_our_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CONFTEST_NO_FAIL", "true")
    monkeypatch.setenv("GITHUB_TOKEN", "not-for-it")
    path = fake(tmp_path, [result()], body=f"env > {tmp_path}/env; ls -A > {tmp_path}/ls")
    evaluate(monkeypatch, path)
    assert (tmp_path / "ls").read_text() == "facts.json\n"
    names = {line.split("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    assert names <= {"HOME", "PWD", "OLDPWD", "SHLVL", "_", "PATH"}


def test_a_package_of_ours_in_policy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/x.rego").write_text(
        'package cipipe.direct_deploy\n\nexception contains ["x"]\n\ndeny contains "x" if false\n'
    )
    with pytest.raises(UsageError, match="own"):
        evaluate(monkeypatch, fake(tmp_path, [result()]), own=(tmp_path / "mine",))


@pytest.mark.parametrize("where", ["checkout", "home", "temporary"])
def test_settings_that_lie_about_change_nothing(
    where: str, tool: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / where
    folder.mkdir()
    (folder / "conftest.toml").write_text('no-fail = true\nnamespace = "nothing"\npolicy = "/nowhere"\n')
    monkeypatch.setenv("PATH", f"{Path(tool('conftest')).parent}:/usr/bin:/bin")
    monkeypatch.setenv("CONFTEST_NAMESPACE", "nothing")
    if where == "home":
        monkeypatch.setenv("HOME", str(folder))
    if where == "temporary":
        monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.chdir(folder)
    found = load("conftest").evaluate(DOCUMENT, RULES, (), folder, Deadline(30))
    assert [said.rule for said in found.judgements] == RULES
