"""GitLab configurations: merged as GitLab merges them, every line with its place."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cipipe.pipelines import gitlab
from cipipe.pipelines.model import HOLE, Files, Pipeline, Unknown

E = ".gitlab-ci.yml"
Repository = Callable[[Mapping[str, str | bytes]], Files]
Runs = Callable[[Pipeline], list[str]]

CASES: dict[str, tuple[str, list[str]]] = {
    "script forms": (
        (
            "a:\n  script:\n    - one\n    - - nested\n      - |\n        two\n          three\n"
            "    - >\n      four\n      five\n"
            "b: {script: just text}\n"
        ),
        ["3:7 one", "4:9 nested", "6:9 two", "7:9   three", "9:7 four five", "11:13 just text"],
    ),
    "default and inherit": (
        (
            "default: {before_script: [before], image: alpine}\na: {script: [x]}\n"
            "b: {script: [y], inherit: {default: false}}\nc: {script: [z], before_script: []}\n"
            "d: {script: [w], inherit: {default: [image]}}\n"
        ),
        [
            "1 image alpine",
            "1:27 before",
            "2:14 x",
            "3:14 y",
            "1 image alpine",
            "4:14 z",
            "1 image alpine",
            "5:14 w",
        ],
    ),
    "globals of old": (
        "before_script: [b]\nafter_script: [c]\na: {script: [x]}\n",
        ["1:17 b", "3:14 x", "2:16 c"],
    ),
    "after_script and hooks": (
        "a:\n  hooks: {pre_get_sources_script: [h]}\n  after_script: [z]\n  script: [x]\n",
        ["2:36 h", "4:12 x", "3:18 z"],
    ),
    "extends over levels": (
        (
            ".a: {script: [one, two], image: x}\n.b: {extends: .a, image: y}\n.c: {script: [three]}\n"
            "j1: {extends: .b}\nj2: {extends: [.b, .c]}\nj3: {extends: .a, script: [own]}\n"
        ),
        ["2 image y", "1:15 one", "1:20 two", "2 image y", "3:15 three", "1 image x", "6:28 own"],
    ),
    "references": (
        (
            ".x: {script: [one, !reference [.y, script]]}\n.y: {script: [two]}\n"
            "j:\n  script:\n    - !reference [.x, script]\n    - last\nk: {script: !reference [.y, script]}\n"
        ),
        ["1:15 one", "2:15 two", "6:7 last", "2:15 two"],
    ),
    "anchors and merge keys": (
        ".x: &x {script: &s [one]}\nj: {<<: *x, stage: a}\nk: {script: [*s, two]}\n",
        ["1:21 one", "1:21 one", "3:18 two"],
    ),
    "hidden jobs and jobs that never run": (
        (
            ".h: {script: [a]}\nn: {script: [b], rules: [{when: never}]}\n"
            "m: {script: [c], rules: [{if: $X, when: never}, {when: manual}]}\n"
        ),
        ["3:14 c"],
    ),
    "templates and images": (
        (
            "include:\n  - template: Jobs/Deploy.gitlab-ci.yml\n  - {project: g/p, file: [/a.yml]}\n"
            "  - component: gitlab.com/o/c/n@1\n  - remote: https://x/y.yml\n"
            "j: {script: [a], image: {name: bitnami/kubectl, entrypoint: ['']}, services: ['docker:dind']}\n"
            "t: {trigger: g/down}\n"
        ),
        [
            "2 template Jobs/Deploy.gitlab-ci.yml",
            "3 template g/p/a.yml",
            "4 template gitlab.com/o/c/n@1",
            "5 template https://x/y.yml",
            "6 image bitnami/kubectl",
            "6 image docker:dind",
            "6:14 a",
            "7 template g/down",
        ],
    ),
    "steps": (
        (
            "j:\n  run:\n    - name: a\n      script: one\n    - name: b\n      step: gitlab.com/acme/x@v1\n"
            "      inputs: {v: 1}\n"
        ),
        ["4:15 one", "6 uses gitlab.com/acme/x@v1"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_runs(name: str, repository: Repository, runs: Runs) -> None:
    text, expected = CASES[name]
    pipeline = gitlab.read(E, text.encode(), repository({}))
    assert pipeline.problems == ()
    assert runs(pipeline) == [f"{E}:{line}" for line in expected]


def test_the_fixtures_are_configurations(tmp_path: Path) -> None:
    paths = []
    for number, (text, _) in enumerate(CASES.values()):
        paths.append(tmp_path / f"{number}.yml")
        paths[-1].write_text(text)
    command = [
        "check_jsonschema",
        "--builtin-schema",
        "vendor.gitlab-ci",
        "--data-transform",
        "gitlab-ci",
        *map(str, paths),
    ]
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "ok -- validation done")


FILES = {
    E: (
        "include: [ci/*.yml, {local: /comp.yml, inputs: {verb: apply, more: [x, y]}}]\n"
        "variables: {T: kubectl}\n"
        "own:\n  extends: .deploy\nmixed:\n  before_script: [own]\n  script: !reference [.deploy, script]\n"
        "child: {trigger: {include: child.yml}, variables: {V: v}}\n"
    ),
    "ci/a.yml": ".deploy: {script: [kubectl apply]}\nincluded: {script: [in a]}\n",
    "ci/deep/b.yml": "not: {script: [included]}\n",
    "comp.yml": (
        "spec: {inputs: {verb: {}, more: {type: array}, opt: {default: x y}}}\n---\n"
        '"c-$[[ inputs.verb ]]":\n  script:\n'
        "    - kubectl $[[ inputs.verb | truncate(0,3) ]] $[[inputs.opt | posix_escape]]\n"
        "    - $[[ inputs.more ]]\n"
    ),
    "child.yml": "deploy: {script: [helm upgrade $V]}\n",
}


def test_includes_components_and_child_pipelines(repository: Repository, runs: Runs) -> None:
    pipeline = gitlab.read(E, FILES[E].encode(), repository(FILES))
    assert pipeline.problems == ()
    assert runs(pipeline) == [
        "ci/a.yml:2:21 in a",
        "comp.yml:5:7 kubectl app 'x y'",
        f"{E}:1:69 x",
        f"{E}:1:72 y",
        "ci/a.yml:1:20 kubectl apply",
        f"{E}:6:19 own",
        "ci/a.yml:1:20 kubectl apply",
        "child.yml:1:19 helm upgrade $V",
    ]
    assert pipeline.followed == ("ci/a.yml", "comp.yml", "child.yml")
    ways = {job.name: [f"{p.file}:{p.line}" for step in job.steps for p in step.via] for job in pipeline.jobs}
    assert ways == {
        "included": [f"{E}:1"],
        "c-apply": [f"{E}:1"],
        "own": [f"{E}:4"],
        "mixed": [f"{E}:5"],
        "child": [],
        "child / deploy": [f"{E}:8"],
    }
    assert pipeline.jobs[-1].env["V"] == "v"


def test_variables_are_expanded_and_every_way_to_set_them_is_a_job(repository: Repository) -> None:
    text = (
        "variables: {A: kube$B, B: {value: ctl}, R: {value: $A, expand: false},"
        " S: x-$CI_COMMIT_SHA, C: $D, D: $C}\n"
        "j:\n  script: [x]\n  variables: {E: '${A}!'}\n  parallel: {matrix: [{V: [a, b], W: c}]}\n"
        "  rules:\n    - {if: '$CI_COMMIT_BRANCH == \"prod\"', variables: {E: rule}}\n"
        "    - if: $CI_COMMIT_REF_NAME == 'main' && $X\n"
        "  environment: {name: review/$V, kubernetes: {agent: 'p:a', namespace: $W}}\n"
        "  secrets: {KUBE_TOKEN: {vault: x}}\n"
    )
    jobs = gitlab.read(E, text.encode(), repository({})).jobs
    assert [(job.env["V"], job.env["E"], job.environment) for job in jobs] == [
        ("a", "rule", ("review/a",)),
        ("b", "rule", ("review/b",)),
        ("a", "kubectl!", ("review/a",)),
        ("b", "kubectl!", ("review/b",)),
    ]
    assert {name: jobs[0].env[name] for name in "ARS"} == {"A": "kubectl", "R": "$A", "S": f"x-{HOLE}"}
    assert jobs[0].env["C"] == Unknown("$C")
    assert jobs[0].branches == ("prod", "main")
    assert [(name, place.line) for name, place in jobs[0].secrets] == [("KUBE_TOKEN", 10)]
    cluster = jobs[0].steps[0]
    assert (cluster.kind, dict(cluster.inputs), cluster.location.line) == (
        "cluster",
        {"agent": "p:a", "namespace": "c"},
        9,
    )


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("only: [prod, main@g/p]", ("prod", "main")),
        ("only: {refs: [prod]}", ("prod",)),
        ("only: [branches]", None),
        ("only: [/^rel/]", None),
        ("rules: [{if: '$CI_COMMIT_BRANCH == $P'}]", ("prod",)),
        ("rules: [{if: '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH'}]", None),
        ("rules: [{if: '$CI_COMMIT_BRANCH == \"a\" || $X'}]", None),
        (
            'rules: [{if: $X, when: never}, {if: \'$CI_COMMIT_BRANCH == "a" || $CI_COMMIT_BRANCH == "b"\'}]',
            ("a", "b"),
        ),
        ("stage: x", None),
    ],
)
def test_branches(keys: str, expected: tuple[str, ...] | None, repository: Repository) -> None:
    text = f"variables: {{P: prod}}\nj:\n  script: [x]\n  {keys}\n"
    assert gitlab.read(E, text.encode(), repository({})).jobs[0].branches == expected


@pytest.mark.parametrize(
    ("files", "line", "message"),
    [
        ({E: "a: [\n"}, 2, "the file cannot be read"),
        ({E: ""}, 1, "the file is empty"),
        ({E: "[a]\n"}, 1, "holds no mapping"),
        ({E: "include: none.yml\n"}, 1, "is not in the repository"),
        ({E: "include: ci/*.yml\n"}, 1, "matches no file"),
        ({E: "include: ../x.yml\n"}, 1, "outside of the repository"),
        ({E: "include: $X.yml\n"}, 1, "holds a variable"),
        ({E: "\ninclude: a.yml\n", "a.yml": f"include: {E}\n"}, 2, "includes itself"),
        ({E: "include: a.yml\n", "a.yml": "x: [\n"}, 1, "cannot be read"),
        (
            {E: "include: a.yml\n", "a.yml": "spec: {inputs: {x: {}}}\n---\nj:\n  script: $[[ inputs.x ]]\n"},
            1,
            "input x",
        ),
        ({E: "j: {extends: .no, script: [a]}\n"}, 1, "the job .no is not in the configuration"),
        ({E: "j: {script: [!reference [.no, script]]}\n"}, 1, "is not in the configuration"),
        ({E: "a: {extends: b, script: [x]}\nb: {extends: a, script: [x]}\n"}, 2, "in a circle"),
        ({E: ".a: {script: [!reference [.a, script]]}\n"}, 1, "in a circle"),
        (
            {E: "j: {trigger: {include: j.yml}}\n", "j.yml": "k: {trigger: {include: j.yml}}\n"},
            1,
            "starts itself",
        ),
        ({E: "j: {trigger: {include: [{artifact: x, job: y}]}}\n"}, 1, "makes while it runs"),
        ({E: "j: text\n"}, 1, "the job j is not a mapping"),
    ],
)
def test_what_cannot_be_read_or_followed(
    files: dict[str, str], line: int, message: str, repository: Repository
) -> None:
    problems = gitlab.read(E, files[E].encode(), repository(files)).problems
    assert [(problem.location.file, problem.location.line) for problem in problems] == [(E, line)]
    assert message in problems[0].message


KEYS = [
    *("script", "extends", "include", "local", "inputs", "variables", "rules", "when", "if"),
    *("trigger", "parallel", "matrix", "image", "name", "environment", "kubernetes", "default", "spec"),
    *(".a", "b", "inherit", "run"),
]
YAML = st.recursive(
    st.sampled_from(["x", ".a", "b", "c.yml", "*.yml", "$X", "$[[ inputs.x ]]", "", "false"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=200, deadline=None)
@given(root=YAML, included=YAML)
def test_any_shape_is_read(root: object, included: object, repository: Repository) -> None:
    text = yaml.safe_dump(root).encode()
    gitlab.read(
        E, text, repository({E: text, "c.yml": yaml.safe_dump_all([{"spec": {"inputs": root}}, included])})
    )
