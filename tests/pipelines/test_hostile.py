"""Small files that would make much: a problem, soon."""

import time
from collections.abc import Callable, Mapping

import pytest

from cipipe.pipelines import github, gitlab
from cipipe.pipelines.model import Files

W = ".github/workflows/w.yml"
E = ".gitlab-ci.yml"
Repository = Callable[[Mapping[str, str | bytes]], Files]


def _calls(number: int, target: str) -> str:
    return "on: workflow_call\njobs:\n" + "".join(f"  a{n}: {{uses: {target}}}\n" for n in range(number))


def _uses(number: int, target: str) -> str:
    return f"runs: {{using: composite, steps: [{', '.join([f'{{uses: {target}}}'] * number)}]}}\n"


GITHUB = {
    "workflows that call workflows": {
        W: _calls(50, "./.github/workflows/r0.yml"),
        **{f".github/workflows/r{n}.yml": _calls(50, f"./.github/workflows/r{n + 1}.yml") for n in range(9)},
    },
    "actions that use actions": {
        W: f"jobs: {{a: {{steps: [{', '.join(['{uses: ./c0}'] * 10)}]}}}}\n",
        **{f"c{n}/action.yml": _uses(10, f"./c{n + 1}") for n in range(9)},
    },
}
GITLAB = {
    "one file included often": {
        E: f"include: [{', '.join(['a.yml'] * 50_000)}]\n",
        "a.yml": "j: {script: x}\n",
    },
    "children of children": {
        E: "".join(f"j{n}: {{trigger: {{include: c0.yml}}}}\n" for n in range(300)),
        "c0.yml": "".join(f"j{n}: {{trigger: {{include: c1.yml}}}}\n" for n in range(300)),
        "c1.yml": "".join(f"j{n}: {{script: x}}\n" for n in range(300)),
    },
    "references that double": {
        E: ".r0: [x]\n"
        + "".join(f".r{n}: [{', '.join([f'!reference [.r{n - 1}]'] * 10)}]\n" for n in range(1, 10))
        + "j: {script: !reference [.r9]}\n",
    },
    "many variables in many jobs": {
        E: "variables:\n"
        + "".join(f'  v{n}: "$v{n + 1}"\n' for n in range(1000))
        + "".join(f"j{n}: {{script: [x]}}\n" for n in range(2000))
    },
}


@pytest.mark.parametrize("name", GITHUB)
def test_github(name: str, repository: Repository) -> None:
    begin = time.process_time()
    pipeline = github.read(W, GITHUB[name][W].encode(), repository(GITHUB[name]))
    assert pipeline.problems
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("name", GITLAB)
def test_gitlab(name: str, repository: Repository) -> None:
    begin = time.process_time()
    pipeline = gitlab.read(E, GITLAB[name][E].encode(), repository(GITLAB[name]))
    assert any("the rest is not read" in problem.message for problem in pipeline.problems)
    assert time.process_time() - begin < 5


def test_text_that_expressions_and_inputs_multiply_is_cut(repository: Repository) -> None:
    many = "${{ format('" + "{0}" * 1000 + "', env.%s) }}"
    text = (
        f'env: {{A: {"x" * 1000}}}\njobs:\n  a:\n    env: {{B: "{many % "A"}"}}\n    steps:\n'
        f'      - env: {{C: "{many % "B"}"}}\n        run: {"${{ env.B }}" * 1000}\n'
    )
    (job,) = github.read(W, text.encode(), repository({})).jobs
    assert job.steps[0].script is not None
    assert len(job.steps[0].script.text) < 3_000_000
    files = {
        E: "include: {local: i0.yml, inputs: {x: aaaaaaaaaa}}\n",
        **{
            f"i{n}.yml": f"spec: {{inputs: {{x: {{}}}}}}\n---\ninclude:\n  local: i{n + 1}.yml\n"
            f'  inputs: {{x: "{"$[[inputs.x]]" * 10}"}}\n'
            for n in range(30)
        },
        "i30.yml": "spec: {inputs: {x: {}}}\n---\nj:\n  script: $[[inputs.x]]\n",
    }
    (child,) = gitlab.read(E, files[E].encode(), repository(files)).jobs
    assert child.steps[0].script is not None
    assert len(child.steps[0].script.text) < 200_000
