"""The gate: what it finds in the corpus, and what a thousand workflows cost beside zizmor and conftest."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from benchmarks.measure import ROOT, Budget, Place, Result, at_most, timed
from tests.gate import cases

GATE = "cipipe gate"
ALONE = "cipipe gate, one core"
_ALONE = """import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from cipipe.__main__ import main
main()"""
ZIZMOR = "zizmor --offline"
CONFTEST = "conftest test"
_PEER_RULE = """package main

import rego.v1

deny contains msg if {
	some job in input.jobs
	some step in job.steps
	regex.match(`(kubectl|helm)\\s+(apply|upgrade)`, step.run)
	msg := "deploys"
}
"""


def judged() -> list[Budget]:
    """Recall and false alarms over the corpus, for each topic."""
    wanted: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    harmless: Counter[str] = Counter()
    alarmed: Counter[str] = Counter()
    for case in cases.load():
        topic = case.id.split("/")[0] if case.id.count("/") == 1 else case.id.rsplit("/", 1)[-1] + " snippets"
        found = cases.found(case)
        wanted[topic] += case.wanted.total()
        missed[topic] += (case.wanted - found).total()
        harmless[topic] += not case.denies
        alarmed[topic] += bool(found - case.wanted)
    budgets = []
    for topic in wanted:
        found_ones = wanted[topic] - missed[topic]
        budgets.append(
            Budget(f"{topic}: recall 100 %", f"{found_ones} of {wanted[topic]}", held=not missed[topic])
        )
        measured = f"{alarmed[topic]} ({harmless[topic]} harmless cases)"
        budgets.append(Budget(f"{topic}: cases with a false alarm = 0", measured, held=not alarmed[topic]))
    return budgets


def write(folder: Path, files: int) -> Path:
    """A repository with `files` workflows of five scripts each, no two alike."""
    root = folder / f"gate-{files}"
    workflows = root / ".github/workflows"
    workflows.mkdir(parents=True)
    for number in range(files):
        (workflows / f"w{number}.yml").write_text(_workflow(number))
    return root


def _workflow(number: int) -> str:
    verb = "apply" if number % 100 == 0 else "diff"
    return f"""name: service {number}
on:
  push:
    branches: [main]
env:
  IMAGE: ghcr.io/acme/service-{number}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Lint
        run: |
          set -euo pipefail
          for file in services/{number}/*.sh; do
            shellcheck "$file"
          done
      - name: Test
        run: |
          npm ci --prefix services/{number}
          if [ -f services/{number}/go.mod ]; then (cd services/{number} && go test ./...); fi
      - name: Build
        run: |
          TAG="$(git rev-parse --short HEAD)-{number}"
          docker build -t "$IMAGE:$TAG" services/{number}
          docker push "$IMAGE:$TAG"
          echo "tag=$TAG" >> "$GITHUB_OUTPUT"
  check:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - run: |
          helm template service-{number} charts/service -f values/{number}.yaml > out-{number}.yaml
          kubeconform -strict out-{number}.yaml
      - run: kubectl {verb} -f out-{number}.yaml
"""


def run(*, files: int, runs: int, work: Path) -> dict[str, Result]:
    """Each contender in turn, on the same files; those that are not installed are left out."""
    root = write(work, files)
    try:
        contenders = _contenders(root, work)
        found = {name: Result(name) for name in contenders}
        for timing in range(runs + 1):
            for name, result in found.items():
                timed(result if timing else Result("warm-up"), contenders[name], Place(work))
    finally:
        shutil.rmtree(root)
    return found


def _contenders(root: Path, work: Path) -> dict[str, list[str]]:
    # their exit codes tell findings, not failures
    asked = ["gate", str(root), "--engine", "embedded", "--output", "json"]
    found = {
        GATE: _whatever([sys.executable, "-m", "cipipe", *asked]),
        ALONE: _whatever([sys.executable, "-c", _ALONE, *asked]),
    }
    if zizmor := shutil.which("zizmor"):
        found[ZIZMOR] = _whatever([zizmor, "--offline", "--no-progress", "--format", "json", str(root)])
    if conftest := shutil.which("conftest"):
        policy = work / "peer-policy"
        policy.mkdir(exist_ok=True)
        (policy / "deny.rego").write_text(_PEER_RULE)
        found[CONFTEST] = _whatever(
            [conftest, "test", "--policy", str(policy), "--output", "json", str(root / ".github/workflows")]
        )
    return found


def _whatever(argv: list[str]) -> list[str]:
    return ["/bin/sh", "-c", '"$@"; [ $? -lt 64 ]', "sh", *argv]


def budgets(found: dict[str, Result], files: int, work: Path) -> list[Budget]:
    """Milliseconds a file, memory, and the time of what it replaces."""
    checked = [at_most("a file on one core", found[ALONE].median / files * 1000, 3, " ms")]
    checked.append(at_most("memory", _memory(files, work), 200, " MB"))
    if ZIZMOR in found and CONFTEST in found:
        both = found[ZIZMOR].median + found[CONFTEST].median
        measured = f"{found[GATE].median:.2f} s against {both:.2f} s"
        checked.append(
            Budget("no slower than zizmor and conftest", measured, held=found[GATE].median <= both)
        )
    return checked


def _memory(files: int, work: Path) -> float:
    """The most that cipipe or its engine held, in MB."""
    root = write(work, files)
    code = (
        "import resource as r, sys; from cipipe.cli import run; run(sys.argv[1:])\n"
        "print(max(r.getrusage(who).ru_maxrss for who in (r.RUSAGE_SELF, r.RUSAGE_CHILDREN)))"
    )
    argv = [
        sys.executable,
        "-c",
        code,
        "gate",
        str(root),
        "--engine",
        "embedded",
        "--output",
        "json",
        "--output-file",
        os.devnull,
    ]
    try:
        done = subprocess.run(
            argv, env=Place(work).environment(), capture_output=True, text=True, check=True, cwd=ROOT
        )
    finally:
        shutil.rmtree(root)
    kilobytes = re.findall(r"\d+", done.stdout)
    return int(kilobytes[-1]) / 1024
