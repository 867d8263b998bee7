"""GitHub workflows: which lines run, where they are written, with which values."""

import subprocess
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cipipe.pipelines import github
from cipipe.pipelines.model import HOLE, Files, Pipeline, Unknown

W = ".github/workflows/w.yml"
Repository = Callable[[Mapping[str, str | bytes]], Files]
Runs = Callable[[Pipeline], list[str]]


def workflow(steps: str, job: str = "", top: str = "", on: str = "push") -> str:
    """A workflow of one job; the steps start at line 9 when `top` and `job` are empty."""
    parts = [
        "name: w",
        f"on: {on}",
        *top.splitlines(),
        "# all jobs",
        "jobs:",
        "  a:",
        "    runs-on: ubuntu-latest",
    ]
    parts += textwrap.indent(job, "    ").splitlines()
    parts += [
        "    # steps",
        "    steps:",
        *textwrap.indent(textwrap.dedent(steps).strip("\n"), "      ").splitlines(),
    ]
    return "\n".join(parts) + "\n"


CASES: dict[str, tuple[str, list[str]]] = {
    "literal": (
        workflow("- run: |\n    set -e\n\n    if x; then\n      kubectl apply\n    fi"),
        ["w:10:11 set -e", "w:12:11 if x; then", "w:13:11   kubectl apply", "w:14:11 fi"],
    ),
    "folded": (workflow("- run: >-\n    echo a &&\n    kubectl apply"), ["w:10:11 echo a && kubectl apply"]),
    "quoted": (workflow('- run: "echo a\\nkubectl apply"'), ["w:9:15 echo a", "w:9:23 kubectl apply"]),
    "expression": (
        workflow("- run: |\n    ${{ env.T }}${{ 'ctl' }} apply\n    ${{ env.X }}", top="env: {T: kube}"),
        ["w:11:11 kubectl apply", f"w:12:11 {HOLE}"],
    ),
    "env at three levels": (
        workflow(
            "- env: {A: step}\n  run: ${{ env.A }} ${{ env.B }} ${{ env.C }}",
            "env: {A: job, B: job}",
            "env: {C: top, B: top}",
        ),
        ["w:12:14 step job top"],
    ),
    "matrix with include and exclude": (
        workflow(
            "- run: ${{ matrix.tool }} ${{ matrix.verb }}",
            "strategy:\n  matrix:\n    tool: [kubectl, helm]\n    verb: [get, apply]\n"
            "    go: [1, 2]\n    exclude: [{tool: helm, verb: get}]\n"
            "    include: [{tool: oc, verb: login, go: 1}]",
        ),
        ["w:16:14 kubectl get", "w:16:14 kubectl apply", "w:16:14 helm apply", "w:16:14 oc login"],
    ),
    "matrix not known": (
        workflow("- run: ${{ matrix.verb }} x", "strategy: {matrix: '${{ fromJSON(vars.MATRIX) }}'}"),
        [f"w:10:14 {HOLE} x"],
    ),
    "both arms": (
        workflow("- run: kubectl ${{ github.ref == 'refs/heads/main' && 'apply' || 'diff' }}"),
        ["w:9:14 kubectl apply", "w:9:14 kubectl diff"],
    ),
    "dispatch inputs": (
        workflow(
            "- run: deploy ${{ inputs.e }} ${{ github.event.inputs.d }} ${{ inputs.s }}",
            on="\n  workflow_dispatch:\n    inputs:\n      e: {type: choice, options: [s, p]}\n"
            "      d: {default: x}\n      s: {required: true}",
        ),
        [f"w:14:14 deploy s x {HOLE}", f"w:14:14 deploy p x {HOLE}"],
    ),
    "shell templates": (
        workflow(
            "- run: body\n  shell: kubectl apply -f {0}\n- run: b2\n"
            "  shell: bash -euo pipefail {0}\n- {run: b3, shell: 'ssh h bash {0}'}"
        ),
        [
            "w:10:16 kubectl apply -f /runner/temp/step",
            "w:11:14 b2",
            "w:13:15 b3",
            "w:13:26 ssh h bash /runner/temp/step",
        ],
    ),
    "dead steps": (
        workflow(
            "- if: false\n  run: a\n- if: ${{ false && github.ref }}\n  run: b\n"
            "- if: failure()\n  run: c\n- if: env.X\n  run: d"
        ),
        ["w:14:14 c", "w:16:14 d"],
    ),
    "parallel and waits": (
        workflow("- parallel:\n    - run: a\n    - uses: x/y@v1\n- {run: b, background: true}\n- wait-all:"),
        ["w:10:18 a", "w:11 uses x/y@v1", "w:12:15 b"],
    ),
    "anchors": (
        workflow("- &s\n  run: a\n- *s\n- run: &r |\n    b\n- run: *r"),
        ["w:10:14 a", "w:10:14 a", "w:13:11 b", "w:13:11 b"],
    ),
    "containers": (
        workflow(
            "- run: a", "container: {image: 'alpine/k8s:1', options: --cpus 1}\nservices: {db: {image: pg}}"
        ),
        ["w:7 image alpine/k8s:1", "w:8 image pg", "w:11:14 a"],
    ),
    "written to GITHUB_ENV": (
        workflow("- run: echo T=kubectl >> $GITHUB_ENV\n- run: ${{ env.T }} apply", top="env: {T: echo}"),
        ["w:10:14 echo T=kubectl >> $GITHUB_ENV", "w:11:14 echo apply", f"w:11:14 {HOLE} apply"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_runs(name: str, repository: Repository, runs: Runs) -> None:
    text, expected = CASES[name]
    pipeline = github.read(W, text.encode(), repository({}))
    assert pipeline.problems == ()
    assert runs(pipeline) == [line.replace("w:", f"{W}:", 1) for line in expected]


@pytest.mark.parametrize("name", [name for name in CASES if name != "parallel and waits"])
def test_the_fixtures_are_workflows(name: str, tmp_path: Path, tool: Callable[[str], str]) -> None:
    (tmp_path / "w.yml").write_text(CASES[name][0])
    done = subprocess.run(
        [
            tool("actionlint"),
            "-shellcheck=",
            "-pyflakes=",
            "-no-color",
            "-ignore",
            "constant expression",
            str(tmp_path / "w.yml"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout + done.stderr == ""


LOCAL = {
    W: workflow("- uses: actions/checkout@v4\n- uses: ./act\n  with: {Verb: apply}\n  env: {E: e}"),
    "act/action.yml": (
        "name: act\ninputs: {verb: {default: get}, file: {default: k8s}}\nruns:\n"
        "  using: composite\n  steps:\n"
        "    - run: kubectl ${{ inputs.verb }} -f ${{ inputs.file }} ${{ github.action_path }} ${{ env.E }}\n"
        "      shell: bash\n    - if: inputs.verb == 'get'\n      run: dead\n      shell: bash\n"
        "    - uses: ./docker\n    - uses: ./node\n"
    ),
    "docker/action.yml": "name: d\nruns: {using: docker, image: Dockerfile, args: [-f, x]}\n",
    "docker/Dockerfile": 'FROM alpine\nCOPY run.sh /bin/\nENTRYPOINT ["/bin/run.sh", "apply"]\n',
    "node/action.yml": "name: n\nruns: {using: node20, main: dist/index.js}\n",
}


def test_local_actions_are_followed_with_the_way_to_them(repository: Repository, runs: Runs) -> None:
    files = repository(LOCAL)
    pipeline = github.read(W, LOCAL[W].encode(), files)
    assert pipeline.problems == ()
    assert runs(pipeline) == [
        f"{W}:9 uses actions/checkout@v4",
        "act/action.yml:6:12 kubectl apply -f k8s /workspace/act e",
        "docker/Dockerfile:3:1 /workspace/docker/run.sh apply -f x",
        "node/action.yml:2:29 node /workspace/node/dist/index.js",
    ]
    ways = [[f"{place.file}:{place.line}" for place in step.via] for step in pipeline.jobs[0].steps]
    call = f"{W}:10"
    assert ways == [
        [],
        [call],
        [call, "act/action.yml:11", "docker/action.yml:2"],
        [call, "act/action.yml:12"],
    ]
    assert pipeline.followed == (
        "act/action.yml",
        "docker/action.yml",
        "docker/Dockerfile",
        "node/action.yml",
    )
    assert pipeline.jobs[0].steps[1].env["E"] == "e"


def test_an_action_by_itself_runs_with_its_defaults(repository: Repository, runs: Runs) -> None:
    pipeline = github.read("act/action.yml", LOCAL["act/action.yml"].encode(), repository(LOCAL))
    assert pipeline.called
    assert runs(pipeline)[0] == f"act/action.yml:6:12 kubectl get -f k8s /workspace/act {HOLE}"


CALLED = (
    "on:\n  workflow_call:\n"
    "    inputs: {env: {type: string, required: true}, dry: {type: boolean}}\njobs:\n  d:\n    runs-on: x\n"
    "    environment: ${{ inputs.env }}\n    steps:\n"
    "      - run: deploy ${{ inputs.env }} ${{ inputs.dry }}\n"
    "      - if: inputs.env != 'prod'\n        run: not for prod\n"
)


def test_reusable_workflows_run_with_what_the_caller_gives(repository: Repository, runs: Runs) -> None:
    text = (
        "on: {push: {branches: [prod]}}\njobs:\n  c:\n    uses: ./.github/workflows/r.yml\n"
        "    with: {env: prod}\n"
        "    secrets: {K: '${{ secrets.KUBE }}'}\n  o:\n    uses: o/r/.github/workflows/x.yml@v1\n"
    )
    files = repository({".github/workflows/r.yml": CALLED})
    pipeline = github.read(W, text.encode(), files)
    assert runs(pipeline) == [
        ".github/workflows/r.yml:9:14 deploy prod false",
        f"{W}:8 uses o/r/.github/workflows/x.yml@v1",
    ]
    job = pipeline.jobs[0]
    assert (job.name, job.environment, job.branches) == ("c / d", ("prod",), ("prod",))
    assert (job.location.file, job.location.line) == (W, 4)
    assert [name for name, _ in job.secrets] == ["K", "KUBE"]


def test_what_a_job_is_for(repository: Repository) -> None:
    text = workflow(
        "- run: x\n  env: {T: '${{ secrets.TOKEN }}'}",
        "environment: {name: '${{ matrix.e }}'}\n"
        "if: github.ref == 'refs/heads/prod' && success()\nstrategy: {matrix: {e: [a, b]}}\n"
        "env: {KC: '${{ secrets.KUBECONFIG }}', IMG: 'x:${{ github.sha }}'}",
    )
    jobs = github.read(W, text.encode(), repository({})).jobs
    assert [job.environment for job in jobs] == [("a",), ("b",)]
    assert {job.branches for job in jobs} == {("prod",)}
    assert jobs[0].env["KC"] == Unknown("secrets.KUBECONFIG")
    assert jobs[0].env["IMG"] == f"x:{HOLE}"
    assert [(name, place.line) for name, place in jobs[0].secrets] == [("KUBECONFIG", 10), ("TOKEN", 14)]


@pytest.mark.parametrize(
    ("files", "line", "message"),
    [
        ({W: "a: [\n"}, 2, "the file cannot be read"),
        ({W: ""}, 1, "holds no mapping"),
        ({W: "on: push\n"}, 1, "a workflow without jobs"),
        ({W: workflow("- run: a\n  run: b")}, 10, "the key run stands here a second time"),
        ({W: workflow("- name: x")}, 9, "neither `run` nor `uses`"),
        ({W: workflow("- uses: ./none")}, 9, "is not in the repository"),
        ({W: workflow("- uses: ./../other")}, 9, "outside of the repository"),
        (
            {W: workflow("- uses: actions/checkout@v4\n  with: {repository: o/r, path: x}\n- uses: ./x/act")},
            11,
            "an action of another repository, o/r",
        ),
        (
            {W: workflow("- uses: ./a"), "a/action.yml": "runs: {using: composite, steps: [{uses: ./a}]}\n"},
            9,
            "more than 10 deep",
        ),
        ({W: workflow("- uses: ./a"), "a/action.yml": "runs: [\n"}, 9, "a/action.yml cannot be read"),
        ({W: f"on: workflow_call\njobs: {{a: {{uses: ./{W}}}}}\n"}, 2, "in a circle"),
    ],
)
def test_what_cannot_be_read_or_followed(
    files: dict[str, str], line: int, message: str, repository: Repository
) -> None:
    problems = github.read(W, files[W].encode(), repository(files)).problems
    assert [(problem.location.file, problem.location.line) for problem in problems] == [(W, line)]
    assert message in problems[0].message


def test_sixty_lines_take_about_a_millisecond(repository: Repository) -> None:
    step = (
        "- name: s\n  run: |\n    set -e\n    echo ${{ github.sha }}\n    make test\n"
        "- uses: actions/checkout@v4\n  with: {fetch-depth: 0}\n"
    )
    text = workflow(step * 7).encode()
    files = repository({})
    github.read(W, text, files)
    begin = time.process_time()
    for _ in range(20):
        github.read(W, text, files)
    assert (time.process_time() - begin) / 20 < 0.01


YAML = st.recursive(
    st.sampled_from(
        ["x", "${{ matrix.a }}", "${{ env.A && 'b' || inputs.c }}", "./a", "", "false", "${{", "1"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "on",
                    "jobs",
                    "steps",
                    "run",
                    "uses",
                    "with",
                    "env",
                    "if",
                    "strategy",
                    "matrix",
                    "include",
                    "parallel",
                    "shell",
                    "runs",
                    "using",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(job=YAML, step=YAML)
def test_any_shape_is_read(job: object, step: object, repository: Repository) -> None:
    text = yaml.safe_dump(
        {
            "on": job,
            "env": step,
            "jobs": {
                "a": job,
                "b": {"strategy": {"matrix": step}, "steps": [step, {"run": "x", "env": job}]},
            },
        }
    )
    github.read(
        W,
        text.encode(),
        repository({"a/action.yml": yaml.safe_dump({"runs": {"using": "composite", "steps": [step]}})}),
    )
