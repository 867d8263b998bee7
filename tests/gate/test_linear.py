"""Twice the input takes twice the work, counted in calls of functions: time would tell of the machine."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import count

import pytest

from tests.gate import cases

SIZE = 40
WORKFLOW = ".github/workflows/w.yml"
JOB = "  j{0}:\n    runs-on: x\n    steps:\n"


def _github(*runs: str) -> str:
    steps = "".join("      - run: |\n" + _indented(run) for run in runs)
    return "on: push\njobs:\n" + JOB.format(0) + steps


def _indented(text: str) -> str:
    return "".join(f"          {line}\n" for line in text.split("\n"))


def _lines(line: str, size: int) -> str:
    return "\n".join(line.format(number) for number in range(size))


INPUTS: Mapping[str, Callable[[int], dict[str, str]]] = {
    "files": lambda n: {f".github/workflows/w{i}.yml": _github(f"kubectl apply -f {i}") for i in range(n)},
    "jobs": lambda n: {
        WORKFLOW: "on: push\njobs:\n" + "".join(JOB.format(i) + "      - run: make\n" for i in range(n))
    },
    "steps": lambda n: {WORKFLOW: _github(*(f"kubectl get {i}" for i in range(n)))},
    "commands": lambda n: {WORKFLOW: _github(_lines("kubectl apply -f {0}", n))},
    "variables": lambda n: {WORKFLOW: _github(_lines("v{0}=x", n) + "\nkubectl apply -f $v1")},
    "functions": lambda n: {WORKFLOW: _github(_lines("f{0}() {{ kubectl apply -f {0}; }}\nf{0}", n))},
    "conditions": lambda n: {WORKFLOW: _github(_lines("if [ -f {0} ]; then kubectl apply -f {0}; fi", n))},
    "problems": lambda n: {WORKFLOW: _github(_lines("kubectl $verb{0} -f x", n))},
    "clusters": lambda n: {
        WORKFLOW: _github(
            _lines("kind create cluster --name c{0}\nkubectl --context kind-c{0} apply -f x", n)
        )
    },
    "logins": lambda n: {WORKFLOW: _github(*(f"az aks get-credentials --name c{i}" for i in range(n)))},
    "includes": lambda n: {
        ".gitlab-ci.yml": "include:\n" + _lines("  - local: i{0}.yml", n) + "\n",
        **{f"i{i}.yml": f"j{i}: {{script: [kubectl apply -f {i}]}}\n" for i in range(n)},
    },
    "extends": lambda n: {
        ".gitlab-ci.yml": ".b0: {script: [kubectl apply -f x]}\n"
        + "".join(f"j{i}: {{extends: .b0, variables: {{A: '{i}'}}}}\n" for i in range(n))
    },
    "library": lambda n: {
        f"vars/s{i}.groovy": f"def call() {{ sh 'kubectl apply -f {i}' }}\n" for i in range(n)
    },
}


def _calls(files: Mapping[str, str]) -> int:
    """How many functions, ours and built in, are called to judge the files."""
    counter = count()
    sys.setprofile(lambda _frame, event, _argument: event.endswith("call") and next(counter))
    try:
        cases.collect(cases.Case("", dict(files), Counter()))
    finally:
        sys.setprofile(None)
    return next(counter)


@pytest.mark.parametrize("of", INPUTS)
def test_work_is_linear_in(of: str) -> None:
    _calls(INPUTS[of](2))  # what is loaded once
    one, two, four = (_calls(INPUTS[of](SIZE * times)) for times in (1, 2, 4))
    assert two < one * 2.2
    assert four - two < (two - one) * 2.3
