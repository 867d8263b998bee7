"""The status board: read from the branches, shown as text, JSON and a page for a screen."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bump.conftest import Bench, deployment
from tests.bump.test_promote import CONFIG


def status(bench: Bench, *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cipipe", "status", *arguments],
        cwd=bench.folder, env=bench.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_the_board_shows_tags_waiting_bumps_and_what_a_promotion_would_move(bench: Bench) -> None:
    bench.configure(CONFIG)
    bench.origin.git("branch", "prod", "main")
    bench.origin.commit({"m/staging/app.yaml": deployment("ghcr.io/acme/app:v2")})
    bench.bump("--env", "prod", "--image", "app=v2")
    bench.origin.commit({"m/staging/cron.yaml": deployment("ghcr.io/acme/web:v3")})
    staging, prod = json.loads(status(bench, "--output", "json"))["environments"]
    assert staging["images"] == [
        {"image": "ghcr.io/acme/app", "tags": ["v2"], "digest": None, "files": ["m/staging/app.yaml"]},
        {
            "image": "ghcr.io/acme/web",
            "tags": ["v1", "v3"],
            "digest": None,
            "files": ["m/staging/cron.yaml", "m/staging/web.yaml"],
        },
    ]
    (waiting,) = prod["pull_requests"]
    assert waiting["images"] == ["ghcr.io/acme/app:v2"]
    assert waiting["branch"] in bench.origin.branches()
    assert prod["promotions"] == [
        {
            "image": "ghcr.io/acme/app",
            "from": "staging",
            "old": "ghcr.io/acme/app:v0",
            "new": "ghcr.io/acme/app:v2",
        }
    ]
    text = status(bench)
    assert "ghcr.io/acme/web  v1, v3  (mixed)" in text
    assert "promotion from staging: ghcr.io/acme/app:v0 -> ghcr.io/acme/app:v2" in text


def test_an_environment_that_cannot_be_read_hides_no_other(bench: Bench) -> None:
    bench.configure(CONFIG)
    boards = json.loads(status(bench, "--output", "json", code=4))["environments"]
    assert [board["error"] is None for board in boards] == [True, False]


def test_the_page_stands_alone_and_shows_the_tags(
    bench: Bench, tmp_path: Path, tool: Callable[[str], str]
) -> None:
    bench.configure(CONFIG)
    bench.origin.git("branch", "prod", "main")
    status(bench, "--html", "board.html")
    page = (tmp_path / "board.html").read_text()
    assert "src=" not in page
    assert "http" not in page.replace("http-equiv", "")
    shown = subprocess.run(
        [
            tool("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", (tmp_path / "board.html").as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    assert "<td>ghcr.io/acme/app</td><td>v1</td>" in shown
