# ruff: noqa: E501 - a case is a line
"""Jenkins pipelines as they will run: scripts with their places, steps, jobs, and what cannot be followed."""

import time
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipipe.pipelines import jenkins
from cipipe.pipelines.model import HOLE, FileRefused, Pipeline, Step


class Repository:
    """Files in memory."""

    slug = ""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def read(self, path: str) -> bytes | None:
        if ".." in path:
            raise FileRefused(path, "leaves the repository")
        return self.files[path].encode() if path in self.files else None

    def list(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted(path for path in self.files if path.startswith(prefix)))


def read(text: str, path: str = "Jenkinsfile", **others: str) -> Pipeline:
    """The pipeline of a Jenkinsfile; `others` are files, `__` for a slash and `_groovy` for the suffix."""
    files = {
        name.replace("__", "/").replace("_groovy", ".groovy").replace("_sh", ".sh"): t
        for name, t in others.items()
    }
    return jenkins.read(path, text.encode(), Repository({**files, path: text}))


def steps(pipeline: Pipeline) -> list[Step]:
    return [step for job in pipeline.jobs for step in job.steps]


def scripts(pipeline: Pipeline) -> list[str]:
    return [step.script.text for step in steps(pipeline) if step.script]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node { sh 'kubectl apply' }", ["kubectl apply"]),
        ('node { sh "kubectl apply" }', ["kubectl apply"]),
        ("node { sh(script: 'a', returnStdout: true).trim() }", ["a"]),
        ("node { sh([script: 'a', label: 'b']) }", ["a"]),
        ("node { sh script: 'a', label: 'b' }", ["a"]),
        ("node { def k = 'kube' + 'ctl'\n sh k + ' apply' }", ["kubectl apply"]),
        ("node { def k = 'kube'\n sh \"${k}ctl $k\" }", ["kubectl kube"]),
        ("node { sh(['kubectl', 'apply'].join(' ')) }", ["kubectl apply"]),
        ("node { sh 'kubeXctl apply'.replace('X', '') }", ["kubectl apply"]),
        ("node { sh 'kube--ctl apply'.replaceAll('-+', '') }", ["kubectl apply"]),
        ("node { sh x ? 'kubectl apply' : 'true' }", ["kubectl apply", "true"]),
        ("node { sh env.CMD ?: 'kubectl apply' }", ["kubectl apply", HOLE]),
        ("node { sh String.format('%s apply', 'kubectl') }", ["kubectl apply"]),
        ("node { def c = 'a'\n c += ' b'\n sh c }", ["a b"]),
        ("node { def m = [k: 'kubectl', v: [d: 'apply']]\n sh \"${m.k} ${m['v'].d}\" }", ["kubectl apply"]),
        ("node { def l = []\n l << 'kubectl'\n l.add('apply')\n sh l.join(' ') }", ["kubectl apply"]),
        ("node { for (x in ['a', 'b']) { sh x } }", ["a", "b"]),
        ("node { ['a', 'b'].each { sh \"k $it\" } }", ["k a", "k b"]),
        ("node { [a: 'b'].each { k, v -> sh \"$k $v\" } }", ["a b"]),
        ("node { sh(/kubectl apply/) }", ["kubectl apply"]),
        ("node { sh($/kubectl $$x/$) }", ["kubectl $x"]),
        ("node { 'kubectl apply'.execute() }", ["kubectl apply"]),
        ("node { ['sh', '-c', 'kubectl apply'].execute() }", ["kubectl apply"]),
        ("node { ['kubectl', 'a b'].execute() }", ["kubectl 'a b'"]),
        ("node { new ProcessBuilder('kubectl', 'apply').start() }", ["kubectl apply"]),
        ("node { evaluate(\"sh 'kubectl apply'\") }", ["kubectl apply"]),
        ("node { \"${'s' + 'h'}\"('kubectl apply') }", ["kubectl apply"]),
        ("node { this.\"sh\"('kubectl apply') }", ["kubectl apply"]),
        ("node { steps.sh 'a'\n this.sh 'b'\n script.sh('c') }", ["a", "b", "c"]),
        ("def d(n) { sh \"kubectl $n\" }\nnode { d('apply') }", ["kubectl apply"]),
        ("def d(Map m) { sh \"kubectl ${m.verb}\" }\nnode { d verb: 'apply' }", ["kubectl apply"]),
        ("def d(Closure c) { c() }\nnode { d { sh 'a' } }", ["a"]),
        ("def unused() { sh 'kubectl apply' }\nnode { sh 'a' }", ["a"]),
        ("// sh 'kubectl apply'\n/* sh 'b' */\nnode { echo \"sh 'kubectl apply'\" }", []),
        ("node { if (false) { sh 'kubectl apply' } else { sh 'a' } }", ["a"]),
        ("node { def b = false\n try { sh 'a'\n b = true } catch (e) { }\n if (!b) sh 'kubectl' }", ["a", "kubectl"]),
        ("node { def ok = false\n while (!ok) { sh 'a'\n ok = true } \n if (ok) sh 'b' else sh 'c' }", ["a", "b", "c"]),
        ("node { switch (x) { case 'a': sh 'a'; break\n default: sh 'b' } }", ["a", "b"]),
        ("node { try { sh 'a' } catch (e) { sh 'b' } finally { sh 'c' } }", ["a", "b", "c"]),
        ("node { parallel(a: { sh 'a' }, failFast: true) }", ["a"]),
        ("node { def p = [:]\n p['x'] = { sh 'a' }\n parallel p }", ["a"]),
        ("node { retry(3) { timeout(5) { withFoo(a: 1) { sh 'a' } } } }", ["a"]),
        ("node { docker.image('bitnami/kubectl').inside('-u 0') { sh 'kubectl apply' } }", ["kubectl apply"]),
        ("node { docker.image('bitnami/kubectl').run('-v x', 'apply -f y') }", ["docker run -v x bitnami/kubectl apply -f y"]),
        ("node { sshCommand remote: r, command: 'kubectl apply' }", ["kubectl apply"]),
        ("node { openshift.raw('apply', '-f', 'x') }", ["oc apply -f x"]),
        ("node { def f = this.&sh\n f('a') }", ["a"]),
        ("node { this['sh']('a') }", ["a"]),
        ("node { this.invokeMethod('sh', 'a')\n this.invokeMethod('sh', ['b']) }", ["a", "b"]),
        ("node { sh 'k' + (char) 117 + 'bectl' }", ["kubectl"]),
        ("new GroovyShell().evaluate(\"'a'.execute()\")\nEval.me(\"'b'.execute()\")", ["a", "b"]),
        ("Runtime.getRuntime().exec('a')\nRuntime.runtime.exec(['b', 'c'] as String[])", ["a", "b c"]),
        ("node { sh '''a\n  kubectl apply'''.stripIndent() }", ["a\n  kubectl apply"]),
        ("pipelineJob('x') { definition { cps { script('node { sh \"kubectl apply\" }') } } }", ["kubectl apply"]),
    ],
)  # fmt: skip
def test_what_runs(text: str, expected: list[str]) -> None:
    pipeline = read(text)
    assert (scripts(pipeline), pipeline.problems) == (expected, ())


def test_every_line_of_a_script_has_its_place() -> None:
    text = 'pipeline {\n  stages { stage("x") { steps {\n    sh """\n      set -e\n      kubectl ${\n v}\n      $K\n    """.stripIndent()\n  } } }\n}'
    (step,) = steps(read(text))
    assert step.script is not None
    lines = {
        line.strip(): (at.line, at.column)
        for line, at in zip(step.script.text.split("\n"), step.script.lines, strict=True)
    }
    assert lines["set -e"] == (4, 7)
    assert lines[f"kubectl {HOLE}"] == (5, 7)
    assert step.script.holes == ("v", "K")
    assert step.script.locate(step.script.text.index(HOLE)).line == 6


def test_a_library_step_is_reported_where_the_pipeline_calls_it() -> None:
    pipeline = read(
        "@Library('x') _\nnode {\n  deploy(ns: 'prod')\n}",
        vars__deploy_groovy="import org.acme.Tool\ndef call(Map c) {\n  new Tool(this).apply(c.ns)\n}",
        src__org__acme__Tool_groovy="package org.acme\nclass Tool {\n  def steps\n  Tool(steps) { this.steps = steps }\n"
        '  def apply(n) {\n    steps.sh "kubectl -n ${n} apply"\n  }\n}',
    )
    (step,) = steps(pipeline)
    assert step.script is not None
    assert step.script.text == "kubectl -n prod apply"
    assert (step.script.lines[0].file, step.script.lines[0].line) == ("src/org/acme/Tool.groovy", 6)
    assert [(at.file, at.line) for at in step.script.via] == [("Jenkinsfile", 3), ("vars/deploy.groovy", 3)]
    assert set(pipeline.followed) == {"vars/deploy.groovy", "src/org/acme/Tool.groovy"}
    assert pipeline.problems == ()


def test_a_class_of_a_library_that_is_asked_for() -> None:
    tool = "package org\nclass D {\n def s\n D(s) { this.s = s }\n def go() { s.sh 'a' }\n static all(s) { s.sh 'b' }\n}"
    pipeline = read(
        "def l = library('x')\nl.org.D.new(this).go()\nl.org.D.all(this)", src__org__D_groovy=tool
    )
    assert (scripts(pipeline), pipeline.problems) == (["a", "b"], ())


def test_files_that_a_pipeline_loads_reads_and_writes() -> None:
    pipeline = read(
        "node {\n def d = load 'ci/d.groovy'\n d.go()\n sh readFile('run.sh')\n sh libraryResource('x.sh')\n"
        " writeFile file: 'g.sh', text: 'kubectl apply'\n}",
        ci__d_groovy="def go() { sh 'a' }\nreturn this",
        run_sh="first\nkubectl apply\n",
        resources__x_sh="resource",
    )
    found = [step.script for step in steps(pipeline) if step.script]
    assert [script.text.split("\n")[:2] for script in found] == [
        ["a"], ["first", "kubectl apply"], ["resource"], ["cat > g.sh <<'CIPIPE_END_OF_FILE'", "kubectl apply"],
    ]  # fmt: skip
    assert (found[1].lines[1].file, found[1].lines[1].line, found[1].via[0].line) == ("run.sh", 2, 4)


def test_a_declarative_pipeline() -> None:
    text = """pipeline {
  agent any
  environment { TOOL = 'kubectl'; KUBECONFIG = credentials('kc') }
  parameters { choice(name: 'ACT', choices: ['apply', 'delete']) }
  stages {
    stage('a') {
      when { branch 'prod' }
      environment { NS = "${TOOL}-x" }
      steps { dir('k8s') { withEnv(['A=b']) { sh "$TOOL ${params.ACT}" } } }
      post { always { sh 'post' } }
    }
    stage('off') { when { expression { false } }
      steps { sh 'never' } }
    stage('own') { agent { label 'x' }
      steps { sh 'own' } }
  }
}"""
    pipeline = read(text)
    assert [(job.name, job.branches) for job in pipeline.jobs] == [
        ("Jenkinsfile", ("prod",)),
        ("own", ("prod",)),
    ]
    assert scripts(pipeline) == ["kubectl apply", "kubectl delete", "post", "own"]
    first = steps(pipeline)[0]
    assert (first.env["TOOL"], first.env["NS"], first.env["A"]) == ("kubectl", "kubectl-x", "b")
    assert first.working_directory == "k8s"
    assert "NS" not in steps(pipeline)[-1].env
    assert {name for name, _ in pipeline.jobs[0].secrets} == {"KUBECONFIG", "kc"}


@pytest.mark.parametrize(
    ("text", "name", "inputs"),
    [
        ("node { kubernetesDeploy configs: 'x', kubeconfigId: 'k' }", "kubernetesDeploy", {"configs": "x", "kubeconfigId": "k"}),
        ("node { step([$class: 'KubernetesDeploy', configs: 'x']) }", "KubernetesDeploy", {"$class": "KubernetesDeploy", "configs": "x"}),
        ("node { openshift.withCluster('c') { openshift.withProject() { openshift.apply('f') } } }", "openshift.apply", {"0": "f"}),
        ("node { def d = openshift.selector('dc', 'x')\n d.rollout().latest() }", "openshift.selector.rollout", {}),
        ("node { openshift.selector('dc').withEach { it.delete() } }", "openshift.selector.delete", {}),
        ("node { helmExecute script: this, helmCommand: 'upgrade' }", "helmExecute", {"helmCommand": "upgrade"}),
        ("node { withKubeConfig([credentialsId: 'k']) { sh 'a' } }", "withKubeConfig", {"credentialsId": "k"}),
        ("@Library('x') _\nnode { openshiftDeploy(depCfg: 'a') }", "openshiftDeploy", {"depCfg": "a"}),
    ],
)  # fmt: skip
def test_steps_of_plugins(text: str, name: str, inputs: dict[str, str]) -> None:
    pipeline = read(text)
    (step,) = (step for step in steps(pipeline) if step.kind == "dsl" and step.name == name)
    assert {key: value for key, value in step.inputs.items() if isinstance(value, str)} == inputs
    assert pipeline.problems == ()


def test_reading_the_status_of_a_rollout_is_no_rollout() -> None:
    names = {step.name for step in steps(read("node { openshift.selector('dc').rollout().status() }"))}
    assert "openshift.selector.rollout" not in names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("node { sh 'never closed\n }", "never closed"),
        ("node { sh 'a'", "a { that is never closed"),
        ("node { \"$m\"('x') }", "a method whose name is computed"),
        ("node { this.\"$m\"('x') }", "a method whose name is computed"),
        ("node { evaluate(x) }", "evaluate of Groovy that is computed"),
        ("node { load 'no.groovy' }", "no.groovy"),
        ("node { load \"${x}.groovy\" }", "load of"),
        ("@Library('far') _\nnode { acmeDeploy() }", "acmeDeploy is a step of a library"),
        ("x" * 1_100_000, "too large"),
        ("node { " + "[1,2,3,4,5,6,7,8,9].each { " * 7 + "sh 'x'" + "}" * 8, "more than can be followed"),
    ],
    ids=lambda value: value[:30],
)  # fmt: skip
def test_what_cannot_be_followed_is_a_problem(text: str, message: str) -> None:
    start = time.monotonic()
    pipeline = read(text)
    assert any(message in problem.message for problem in pipeline.problems), pipeline.problems
    assert time.monotonic() - start < 4


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("Jenkinsfile", True), ("ci/Jenkinsfile.prod", True), ("deploy.jenkinsfile", True), ("Jenkinsfile-prod", True),
        ("vars/deploy.groovy", True), ("src/org/acme/A.groovy", True), ("src/main/groovy/A.groovy", False),
        ("src/test/groovy/A.groovy", False), ("Jenkinsfile.md", False), ("docs/jenkins.md", False), ("main.py", False),
    ],
)  # fmt: skip
def test_which_files_are_pipelines(path: str, claimed: bool) -> None:
    assert jenkins.claims(path) is claimed


def test_a_library_step_that_nobody_here_calls_is_judged_by_itself() -> None:
    pipeline = read(
        "def call(n = 'x') {\n  sh \"kubectl $n\"\n}\ndef other() { sh 'b' }", path="vars/deploy.groovy"
    )
    assert (scripts(pipeline), pipeline.called) == (["kubectl x", "b"], True)


_PARTS = st.sampled_from(
    ["node {", "}", "sh 'x'\n", "sh \"$a\"\n", "def a = ", "[1, 2]", ".each {", "stage('x') {", "pipeline {", "environment {",
     "X = 'y'\n", "if (a) {", "else {", "parallel a: {", "load 'x'\n", "\"$a\"()", "withEnv(['A=b']) {", "a = a + a\n", "return\n",
     "for (x in a) {", "try {", "catch (e) {", "openshift.selector('x')", ".rollout()", "matrix {", "axes {", "def f(x) {", "f(1)\n",
     "when {", "evaluate('f()')\n", "a.execute()\n", "class A {", "new A().f()\n"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(_PARTS, max_size=30).map("".join))
def test_anything_can_be_read(text: str) -> None:
    pipeline = read(text)
    for step in steps(pipeline):
        assert step.script is None or len(step.script.lines) == step.script.text.count("\n") + 1
