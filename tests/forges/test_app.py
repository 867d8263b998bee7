"""A GitHub App as credentials: one token for a run, for Git and for the API; words for what is refused."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cipipe import forges, secrets
from cipipe.cli.environ import BESIDES_OPTIONS
from cipipe.errors import CipipeError, CredentialsError, UsageError
from cipipe.forges.app import VARIABLES, Purpose, configured
from cipipe.git.credentials import Credentials
from cipipe.git.url import Remote
from cipipe.proc import Deadline
from tests.bump.conftest import FILES, TOKEN
from tests.fakes.github_app import GitHubAppFake
from tests.fakes.server import Fault, once
from tests.fakes.state import Hosted
from tests.forges.conftest import CONFIGURATION, ForgeBench
from tests.servers.git_http import GitServer

BUMP = ("--env", "staging", "--image", "ghcr.io/acme/app:v2")
PRIVATE = serialization.PrivateFormat.TraditionalOpenSSL


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None) -> str:
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, PRIVATE, how).decode()


KEY = rsa.generate_private_key(65537, 2048)
PEM = _pem(KEY)
PUBLIC = (
    KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


class AppBench(ForgeBench):
    """A bench that has an App, and no token."""

    @property
    def app(self) -> GitHubAppFake:
        """The fake."""
        assert isinstance(self.forge, GitHubAppFake)
        return self.forge


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[AppBench]:
    """An environment repository at a GitHub where only an App gets a token."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    with GitServer(credentials=("x-access-token", TOKEN)) as server, GitHubAppFake(TOKEN, PUBLIC) as forge:
        origin = server.repository("acme/infra.git", FILES)
        hosted = forge.host(Hosted("acme/infra", origin))
        variables = {"CIPIPE_TOKEN": "", "CIPIPE_GITHUB_APP_ID": "4711", "CIPIPE_GITHUB_APP_KEY": PEM}
        ready = AppBench(server, origin, tmp_path, variables, forge=forge, hosted=hosted)
        ready.configure(CONFIGURATION)
        yield ready


def test_a_bump_by_an_app(bench: AppBench) -> None:
    run = bench.bump(*BUMP, "--verbose")
    assert run.delivery["pull_request"]["number"] == 1
    assert bench.app.made == [
        {"repositories": ["infra"], "permissions": {"contents": "write", "pull_requests": "write"}}
    ]
    assert bench.api.log()[:2] == [
        "GET /repos/acme/infra/installation",
        "POST /app/installations/99/access_tokens",
    ]
    assert sum("/installation" in line for line in bench.api.log()) == 2, (
        "one token, however often it is needed"
    )
    lines = [line for line in PEM.splitlines() if "-----" not in line]
    assert not [line for line in lines if line in run.said]


def made(bench: AppBench, variables: dict[str, str], purpose: Purpose = "deliver") -> Credentials | None:
    """The credentials for the repository, as Git and the API are given them."""
    environ = bench.environment(variables)
    return forges.authorize(
        "github", Remote.parse(bench.origin.url), "staging",
        api_url=bench.api.api_url, deadline=Deadline(20), environ=environ, purpose=purpose,
    )  # fmt: skip


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"CIPIPE_GITHUB_APP_KEY": PEM.replace("\n", "\\n")}, id="one line"),
        pytest.param({"CIPIPE_GITHUB_APP_KEY": "", "CIPIPE_GITHUB_APP_KEY_FILE": "app.pem"}, id="a file"),
        pytest.param({"CIPIPE_GITHUB_APP_INSTALLATION_ID": "99"}, id="the installation is named"),
        pytest.param({"GITHUB_TOKEN": "not-this-one"}, id="before the CI's own token"),
    ],
)
def test_the_ways_to_give_it(
    bench: AppBench, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    monkeypatch.chdir(bench.folder)
    Path("app.pem").write_text(PEM)
    found = made(bench, {**variables, "GITHUB_SERVER_URL": bench.server.base})
    assert found
    assert (found.username, found.token) == ("x-access-token", TOKEN)
    assert made(bench, variables) is found
    assert len(bench.app.made) == 1


def test_a_token_that_is_given_goes_first(bench: AppBench) -> None:
    bench.app.made.append({"permissions": {"pull_requests": "write"}})
    assert bench.bump(*BUMP, CIPIPE_TOKEN=TOKEN).delivery["pull_request"]["number"] == 1
    assert not [line for line in bench.api.log() if "/installation" in line]


def test_several_environments_share_a_token(bench: AppBench) -> None:
    bench.configure(
        CONFIGURATION + "  prod: {repo: '{repo}', branch: main, path: m/prod, source_branches: [main]}\n"
    )
    run = bench.bump(*BUMP, "--env", "prod")
    assert [each["status"] for each in run.document["deliveries"]] == ["changed", "changed"]
    assert len(bench.app.made) == 1


def test_a_lost_answer_is_asked_for_again(bench: AppBench) -> None:
    bench.api.faults.append(once(Fault("502", after=True), lambda request: "access_tokens" in request.path))
    assert bench.bump(*BUMP).delivery["status"] == "changed"
    assert len(bench.app.made) == 2


OTHER = _pem(rsa.generate_private_key(65537, 2048))


@pytest.mark.parametrize(
    ("variables", "attributes", "words"),
    [
        pytest.param({"CIPIPE_GITHUB_APP_KEY": OTHER}, {}, "App is refused", id="another App's key"),
        pytest.param({"CIPIPE_GITHUB_APP_ID": "1"}, {}, "Integration not found", id="another id"),
        pytest.param({}, {"installed": set()}, "not installed on acme/infra", id="not installed"),
        pytest.param({"CIPIPE_GITHUB_APP_INSTALLATION_ID": "98"}, {}, "no installation 98", id="another one"),
        pytest.param(
            {"CIPIPE_GITHUB_APP_INSTALLATION_ID": "99"}, {"installed": set()}, "gets no token", id="elsewhere"
        ),
        pytest.param({}, {"suspended": True}, "is suspended", id="suspended"),
        pytest.param(
            {}, {"permissions": {"contents": "write"}}, "lacks pull_requests: write", id="not granted"
        ),
        pytest.param({}, {"clock": -3600.0}, r"\b3\d{3} s ahead of", id="a clock that is ahead"),
        pytest.param({}, {"clock": 3600.0}, r"\b3\d{3} s behind", id="a clock that is behind"),
    ],
)
def test_what_a_server_refuses(
    bench: AppBench, variables: dict[str, str], attributes: dict[str, object], words: str
) -> None:
    for name, value in attributes.items():
        setattr(bench.app, name, value)
    with pytest.raises(CredentialsError) as refused:
        made(bench, variables)
    assert re.search(words, f"{refused.value.message} {refused.value.hint}")
    assert bench.app.made == []


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"CIPIPE_GITHUB_APP_ID": ""}, "CIPIPE_GITHUB_APP_ID is not"),
        ({"CIPIPE_GITHUB_APP_KEY": ""}, "neither CIPIPE_GITHUB_APP_KEY nor"),
        ({"CIPIPE_GITHUB_APP_KEY_FILE": "app.pem"}, "both set"),
        ({"CIPIPE_GITHUB_APP_KEY": "", "CIPIPE_GITHUB_APP_KEY_FILE": "no.pem"}, "cannot read no.pem"),
        ({"CIPIPE_GITHUB_APP_KEY": "ghp_canary"}, "no private key in PEM form"),
        ({"CIPIPE_GITHUB_APP_ID": "4711/../x"}, "neither an id"),
        ({"CIPIPE_GITHUB_APP_INSTALLATION_ID": "mine"}, "is no number"),
        ({"CIPIPE_GITHUB_APP_KEY": PUBLIC}, "no private key in PEM form"),
    ],
)
def test_half_of_it_is_wrong_use(bench: AppBench, variables: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError) as wrong:
        made(bench, variables)
    assert words in wrong.value.message
    assert "canary" not in f"{wrong.value.message} {wrong.value.hint}"
    assert bench.api.requests == []


def test_half_of_it_stops_a_run_that_has_a_token(bench: AppBench) -> None:
    run = bench.bump(*BUMP, code=2, CIPIPE_GITHUB_APP_ID="", CIPIPE_TOKEN=TOKEN)
    assert "CIPIPE_GITHUB_APP_ID is not" in run.document["error"]["message"]
    run = bench.bump(*BUMP, code=2, CIPIPE_GITHUB_APP_KY="x")
    assert "unknown environment variable CIPIPE_GITHUB_APP_KY" in run.document["error"]["message"]
    assert bench.origin.branches().keys() == {"main"}


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", id="broken"),
        pytest.param(_pem(KEY, b"passphrase"), id="with a passphrase"),
        pytest.param(_pem(ec.generate_private_key(ec.SECP256R1())), id="another kind"),
    ],
)
def test_a_key_that_signs_nothing(bench: AppBench, key: str) -> None:
    with pytest.raises(UsageError, match="holds no RSA private key"):
        made(bench, {"CIPIPE_GITHUB_APP_KEY": key})
    assert bench.api.requests == []


@pytest.mark.parametrize(
    ("purpose", "granted", "asked"),
    [
        (
            "read",
            {"contents": "write", "pull_requests": "write"},
            {"contents": "read", "pull_requests": "read"},
        ),
        (
            "deliver",
            {"contents": "write", "pull_requests": "write", "members": "read", "issues": "write"},
            {"contents": "write", "pull_requests": "write", "members": "read"},
        ),
        ("inspect", {"administration": "read"}, {"administration": "read"}),
        (
            "inspect",
            {"administration": "write", "actions": "read"},
            {"administration": "write", "actions": "read"},
        ),
        (
            "publish",
            {"contents": "read", "pull_requests": "read", "statuses": "write"},
            {"contents": "read", "pull_requests": "read", "statuses": "write"},
        ),
    ],
)
def test_no_more_rights_than_its_purpose_needs(
    bench: AppBench, purpose: Purpose, granted: dict[str, str], asked: dict[str, str]
) -> None:
    bench.app.permissions = granted
    found = made(bench, {}, purpose)
    assert found
    assert "canary" not in repr(found)
    assert secrets.redact(TOKEN) == "***"
    assert [each["permissions"] for each in bench.app.made] == [asked]


def test_only_github_has_apps_and_only_one_host() -> None:
    environ = {"CIPIPE_GITHUB_APP_ID": "4711", "CIPIPE_GITHUB_APP_KEY": PEM, "GITEA_TOKEN": "canary-0816"}
    here, there = Remote.parse("https://git.acme.test/a/b"), Remote.parse("git@github.com:a/b.git")
    with pytest.raises(UsageError, match="2 hosts"):
        forges.check_app(environ, [("github", here), ("github", there)])
    forges.check_app(environ, [("github", here), ("gitlab", there), ("github", here)])
    found = forges.authorize(
        "gitea", here, None, api_url=None, deadline=Deadline(5), environ=environ, purpose="deliver"
    )
    assert found
    assert found.variable == "GITEA_TOKEN"
    assert forges.has_token("github", there, environ)
    assert not forges.has_token("gitlab", there, environ)


def test_it_is_not_sent_in_the_clear() -> None:
    environ = {"CIPIPE_GITHUB_APP_ID": "4711", "CIPIPE_GITHUB_APP_KEY": PEM}
    remote = Remote.parse("http://git.acme.test/a/b")
    for api_url in (None, "http://git.acme.test/api/v3"):
        with pytest.raises(CipipeError, match="plain http"):
            forges.authorize(
                "github", remote, None, api_url=api_url, deadline=Deadline(5), environ=environ, purpose="read"
            )


def test_the_command_line_knows_the_variables() -> None:
    assert set(VARIABLES) <= BESIDES_OPTIONS
    assert configured({}) is None
