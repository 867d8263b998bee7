"""Which files are pipelines, and which are judged where they are called."""

from collections.abc import Callable, Mapping

import pytest

from cipipe import pipelines
from cipipe.pipelines import discover, outermost, read, read_all, read_each
from cipipe.pipelines.model import Files
from cipipe.pipelines.turns import in_turn

Repository = Callable[[Mapping[str, str | bytes]], Files]

WORKFLOW = (
    "on: push\njobs: {a: {runs-on: x, steps: [{uses: ./act}]}, b: {uses: ./.github/workflows/r.yaml}}\n"
)
FILES = {
    ".github/workflows/w.yml": WORKFLOW,
    ".github/workflows/r.yaml": "on: workflow_call\njobs: {a: {runs-on: x, steps: [{run: r}]}}\n",
    ".github/workflows/alone.yml": "on: [workflow_call]\njobs: {a: {runs-on: x, steps: [{run: r}]}}\n",
    ".github/workflows/notes.txt": "x",
    ".github/dependabot.yml": "version: 2\n",
    "act/action.yml": "runs: {using: composite, steps: [{run: a, shell: bash}]}\n",
    "other/action.yaml": "runs: {using: composite, steps: [{run: a, shell: bash}]}\n",
    "node_modules/x/action.yml": "runs: {}\n",
    ".gitlab-ci.yml": "j: {script: [x]}\n",
    "ci/unused.gitlab-ci.yml": "j: {script: [x]}\n",
    "Jenkinsfile": "sh 'x'\n",
    "k8s/deploy.yaml": "kind: Deployment\n",
    "deploy.sh": "kubectl apply\n",
}


def test_pipelines_are_found_by_their_names(repository: Repository) -> None:
    assert set(discover(repository(FILES))) == {
        ".github/workflows/w.yml",
        ".github/workflows/r.yaml",
        ".github/workflows/alone.yml",
        "act/action.yml",
        "other/action.yaml",
        ".gitlab-ci.yml",
        "Jenkinsfile",
    }


def test_what_is_called_is_judged_where_it_is_called(repository: Repository) -> None:
    assert {pipeline.file for pipeline in read_all(repository(FILES))} == {
        ".github/workflows/w.yml",
        ".github/workflows/alone.yml",
        "other/action.yaml",
        ".gitlab-ci.yml",
        "Jenkinsfile",
    }


def test_gitlab_templates_are_found_where_there_is_no_entry(repository: Repository) -> None:
    files = {"a.gitlab-ci.yml": "include: b.gitlab-ci.yml\n", "b.gitlab-ci.yml": "j: {script: [x]}\n"}
    assert [pipeline.file for pipeline in read_all(repository(files))] == ["a.gitlab-ci.yml"]


@pytest.mark.parametrize(
    ("path", "text", "platform", "shell"),
    [
        ("deploy.sh", "kubectl apply\n", "script", "bash"),
        ("deploy", "#!/usr/bin/env python3\nx\n", "script", "python"),
        ("deploy", "#! /bin/sh -e\nx\n", "script", "sh"),
        ("x.ps1", "x\n", "script", "pwsh"),
        ("x.bat", "x\n", "script", "cmd"),
        ("x.mjs", "x\n", "script", "node"),
        ("deploy", "#!/usr/bin/fish\nx\n", "script", "unknown:fish"),
        ("Makefile", "all:\n\tx\n", "script", "sh"),
        ("ci/w.yml", WORKFLOW, "github", None),
        ("ci/jobs.yml", "a: {script: [x]}\n", "gitlab", "bash"),
        (".github/workflows/r.yaml", FILES[".github/workflows/r.yaml"], "github", "bash"),
    ],
)
def test_a_path_that_a_person_names(
    path: str, text: str, platform: str, shell: str | None, repository: Repository
) -> None:
    (pipeline,) = read_all(repository({**FILES, path: text}), [path])
    assert pipeline.platform == platform
    scripts = [step.script for job in pipeline.jobs for step in job.steps if step.script]
    assert shell is None or scripts[0].shell == shell


def test_a_file_that_is_refused_or_gone_is_a_problem(repository: Repository) -> None:
    files = repository({".gitlab-ci.yml": b"x" * 6_000_000})
    (large,) = read_all(files)
    (gone,) = read_all(files, ["none.sh"])
    assert [problem.message for problem in (*large.problems, *gone.problems)] == [
        "the file is not read: it is too large",
        "the file is not in the repository",
    ]


LIBRARY = {
    "vars/aaa.groovy": "def call(body) { sh 'make a'; body() }\n",
    "vars/deploy.groovy": "def call() { aaa { sh 'kubectl apply -f k8s' } }\n",
    "vars/one.groovy": "def call() { two() }\n",
    "vars/two.groovy": "def call() { one() }\n",
}


def test_callers_are_read_before_what_they_call(repository: Repository) -> None:
    files = repository({**LIBRARY, "Jenkinsfile": "node { sh 'make' }"})
    order = in_turn(files, discover(files))
    assert order == (
        "Jenkinsfile", "vars/deploy.groovy", "vars/aaa.groovy", "vars/one.groovy", "vars/two.groovy",
    )  # fmt: skip
    assert [pipeline and pipeline.file for pipeline in read_each(files, order)] == [
        "Jenkinsfile", "vars/deploy.groovy", None, "vars/one.groovy", None,
    ]  # fmt: skip


def test_of_steps_that_call_each_other_one_stays(repository: Repository) -> None:
    files = repository(LIBRARY)
    kept = outermost(read(path, files) for path in sorted(LIBRARY))
    assert {pipeline.file for pipeline in kept} == {"vars/deploy.groovy", "vars/one.groovy"}


def test_a_library_too_large_for_a_run_is_said_file_by_file(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelines, "LIBRARY_WORK", 5)
    steps = {f"vars/s{number}.groovy": "def call() { sh 'make' }\n" for number in range(9)}
    files = repository({**steps, "Jenkinsfile": "node { sh 'make' }"})
    found = {pipeline.file: pipeline for pipeline in read_all(files)}
    assert set(found) == {*steps, "Jenkinsfile"}
    unread = {file for file, pipeline in found.items() if not pipeline.jobs}
    assert 0 < len(unread) < len(steps)
    assert all(len(found[file].problems) == 1 for file in unread)
    (named,) = read_all(files, [max(unread)])
    assert named.jobs


def test_methods_of_a_library_that_no_pipeline_here_calls_are_judged(repository: Repository) -> None:
    kube = (
        "class Kube {\n  def steps\n  def look() { steps.sh 'kubectl get pods' }\n"
        '  def drop(ns) { steps.sh "kubectl delete ns ${ns}" }\n}\n'
    )
    files = repository({"vars/look.groovy": "def call() { new Kube().look() }\n", "src/Kube.groovy": kube})
    found = {pipeline.file: pipeline for pipeline in read_all(files)}
    assert set(found) == {"vars/look.groovy", "src/Kube.groovy"}
    (step,) = (step for job in found["src/Kube.groovy"].jobs for step in job.steps)
    assert step.location.line == 4
