"""What this project ships and runs passes its own gate."""

from pathlib import Path

from cipipe.cli import run

ROOT = Path(__file__).parents[2]
ASKED = ("--engine", "embedded", "--quiet", "--only", "direct-deploy", "--only", "cluster-credentials")
OWN = (
    ".github/workflows/*.yml", ".gitlab-ci.yml", "Jenkinsfile", "actions/*/action.yml", "gitlab/*.yml",
    "jenkins/vars/*.groovy", "examples/**/*.yml", "examples/**/Jenkinsfile*", "tests/run",
)  # fmt: skip


def test_own_pipelines_and_examples() -> None:
    files = [file for pattern in OWN for file in sorted(ROOT.glob(pattern)) if file.is_file()]
    assert files
    failed = [str(file) for file in files if run(["gate", str(file), *ASKED])]
    assert not failed
