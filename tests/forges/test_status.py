"""The board with the pull requests that the forge has: one list for a repository, and words without it."""

import json
import re
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bump.conftest import deployment
from tests.fakes.server import Fault
from tests.fakes.state import Pull
from tests.forges.conftest import ForgeBench

CONFIGURATION = """\
version: 1
forge: {kind: github, api_url: '{api}'}
images: {app: {repository: ghcr.io/acme/app}, web: {repository: ghcr.io/acme/web}}
environments:
  staging: {repo: '{repo}', branch: main, path: m/staging, source_branches: [main]}
  prod: {repo: '{repo}', branch: prod, path: m/prod, protected: true, promotes: staging}
"""
LISTED = "GET /repos/acme/infra/pulls"


@pytest.fixture
def board(bench: ForgeBench) -> ForgeBench:
    """Two environments, each with a bump that waits; the older one for two days."""
    bench.configure(CONFIGURATION)
    bench.origin.commit({"m/staging/app.yaml": deployment("ghcr.io/acme/app:v2")})
    bench.origin.git("branch", "prod", "main")
    bench.bump("--env", "prod", "--image", "app=v2")
    bench.bump("--env", "staging", "--image", "app=v3", "--draft")
    bench.repository.pulls[0].created = time.time() - 2 * 86_400 - 60
    bench.api.requests.clear()
    return bench


def status(bench: ForgeBench, *arguments: str, code: int = 0, **variables: str) -> str:
    """What `cipipe status` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "cipipe", "status", *arguments],
        cwd=bench.folder, env=bench.environment(variables), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def boards(bench: ForgeBench, code: int = 0, **variables: str) -> list[Any]:
    """The boards of staging and prod."""
    found: list[Any] = json.loads(status(bench, "--output", "json", code=code, **variables))["environments"]
    return found


def test_what_waits_at_the_forge(board: ForgeBench) -> None:
    staging, prod = boards(board)
    (waiting,) = prod["pull_requests"]
    pull = board.repository.pulls[0]
    assert waiting == {
        "number": 1,
        "url": f"{board.api.base}/acme/infra/pull/1",
        "title": "Bump app to v2 in prod",
        "draft": False,
        "branch": pull.head,
        "images": ["ghcr.io/acme/app:v2"],
        "age": waiting["age"],
    }
    assert 2 * 86_400 < waiting["age"] < 2 * 86_400 + 300
    assert [(each["number"], each["draft"]) for each in staging["pull_requests"]] == [(2, True)]
    assert prod["promotions"] == [
        {
            "image": "ghcr.io/acme/app",
            "from": "staging",
            "old": "ghcr.io/acme/app:v0",
            "new": "ghcr.io/acme/app:v2",
        }
    ]
    assert (staging["notes"], prod["notes"], prod["error"]) == ([], [], None)
    assert board.api.log() == [LISTED], "one list for the repository, however many environments are in it"


def test_pages_and_foreign_pull_requests(board: ForgeBench) -> None:
    hosted = board.repository
    own = hosted.pulls[0]
    hosted.forks = [
        Pull(number, own.head, own.base, "Of a fork", "", "eve", own.commit) for number in range(10, 130)
    ]
    hosted.open(hosted.pulls[1].head, "prod", "Of another target", "", draft=False)
    staging, prod = boards(board)
    assert [each["number"] for each in staging["pull_requests"]] == [2]
    assert [each["number"] for each in prod["pull_requests"]] == [1]
    assert board.api.log() == [LISTED] * 2


def test_a_branch_without_a_pull_request_waits_too(board: ForgeBench) -> None:
    board.repository.pulls[0].state = "closed"
    _, prod = boards(board)
    (waiting,) = prod["pull_requests"]
    assert (waiting["number"], waiting["images"]) == (None, ["ghcr.io/acme/app:v2"])


@pytest.mark.parametrize(
    ("forge", "words"),
    [
        pytest.param("kind: none", "on no forge that is known", id="no forge"),
        pytest.param("", "on no forge that is known", id="an unknown host"),
        pytest.param("kind: gitea", "there is no token for the API of 127.0.0.1", id="no token"),
    ],
)
def test_without_a_forge_the_board_shows_the_branches_and_says_so(
    board: ForgeBench, forge: str, words: str
) -> None:
    board.configure(re.sub(r"forge: {.*}\n", f"forge: {{{forge}}}\n", CONFIGURATION))
    board.server.credentials = None
    _, prod = boards(board, CIPIPE_TOKEN="")
    (waiting,) = prod["pull_requests"]
    assert (waiting["images"], waiting["number"]) == (["ghcr.io/acme/app:v2"], None)
    assert words in prod["notes"][0]
    assert board.api.requests == []


def test_a_forge_that_fails_hides_no_environment(board: ForgeBench) -> None:
    board.api.faults.append(lambda _: Fault("401"))
    staging, prod = boards(board, code=4)
    assert [image["tags"] for image in prod["images"]] == [["v0"]]
    assert (staging["error"]["kind"], prod["error"]["kind"]) == ("credentials", "credentials")
    assert board.api.log() == [LISTED]


def test_the_text(board: ForgeBench) -> None:
    text = status(board)
    assert "not asked for" not in text
    url = f"{board.api.base}/acme/infra/pull"
    assert f"  waiting for 2 d: #1 Bump app to v2 in prod ({url}/1)\n" in text
    assert f"#2 Bump app to v3 in staging (draft, {url}/2)\n" in text


def test_the_page_in_a_browser_by_day_and_by_night(
    board: ForgeBench, tmp_path: Path, tool: Callable[[str], str]
) -> None:
    board.repository.pulls[0].title = "<script>document.title = 'owned'</script> & more"
    status(board, "--html", "board.html", "--quiet")
    page = (tmp_path / "board.html").read_text()
    assert not re.search(r"<(?:script|link|img|iframe)|@import|url\(", page.replace("&lt;", ""))
    options = [
        tool("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--hide-scrollbars", "--window-size=1280,720", f"--user-data-dir={tmp_path / 'profile'}",
    ]  # fmt: skip
    at = (tmp_path / "board.html").as_uri()

    def shown(*more: str) -> str:
        return subprocess.run(
            [*options, *more, at], capture_output=True, text=True, timeout=120, check=True
        ).stdout

    document = shown("--dump-dom")
    assert "<title>Environments</title>" in document
    assert "waiting for 2 d: <a " in document
    assert "#1 &lt;script&gt;" in document
    assert 'class="old"' in document
    pictures = []
    for scheme in ("0", "1"):  # dark, light
        shown(f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={tmp_path / scheme}.png")
        pictures.append(_corner(tmp_path / f"{scheme}.png"))
    assert max(pictures[0]) < 64, "dark"
    assert pictures[1] == (255, 255, 255)


def _corner(picture: Path) -> tuple[int, ...]:
    """The upper left pixel, which no filter of PNG changes, of a picture that is not of one colour."""
    data = picture.read_bytes()
    assert struct.unpack(">II", data[16:24]) == (1280, 720)
    at, body = 8, b""
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            body += data[at + 8 : at + 8 + length]
        at += length + 12
    pixels = zlib.decompress(body)
    assert len(set(pixels)) > 16
    return tuple(pixels[1:4])
