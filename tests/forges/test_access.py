"""Which API a repository has, and which token goes there."""

import pytest

from cipipe import forges
from cipipe.errors import CipipeError, ConfigError, CredentialsError
from cipipe.forges.base import Access
from cipipe.git.url import Remote
from cipipe.proc import Deadline


def reached(name: str, url: str, environ: dict[str, str], api_url: str | None = None) -> Access | None:
    return forges.access(
        name, Remote.parse(url), "prod-eu", api_url=api_url, deadline=Deadline(5), environ=environ
    )


@pytest.mark.parametrize(
    ("name", "url", "api_url", "expected"),
    [
        ("github", "https://github.com/acme/infra.git", None, "https://api.github.com"),
        ("github", "git@github.com:acme/infra.git", None, "https://api.github.com"),
        ("github", "https://git.acme.test/acme/infra", None, "https://git.acme.test/api/v3"),
        ("github", "https://git.acme.test:8443/acme/infra", None, "https://git.acme.test:8443/api/v3"),
        ("github", "ssh://git@git.acme.test:2222/acme/infra", None, "https://git.acme.test/api/v3"),
        ("github", "https://acme.ghe.com/acme/infra", None, "https://api.acme.ghe.com"),
        ("gitlab", "https://gitlab.com/a/b/c.git", None, "https://gitlab.com/api/v4"),
        ("gitea", "https://codeberg.org/a/b.git", None, "https://codeberg.org/api/v1"),
        ("gitea", "http://127.0.0.1:3000/a/b.git", None, "http://127.0.0.1:3000/api/v1"),
        ("gitea", "https://x.test/a/b.git", "https://x.test/git/api/v1/", "https://x.test/git/api/v1"),
    ],
)
def test_the_api_of_a_repository(name: str, url: str, api_url: str | None, expected: str) -> None:
    way = reached(name, url, {"CIPIPE_TOKEN": "canary-1"}, api_url)
    assert way
    assert way.api_url == expected
    assert "canary-1" not in repr(way)
    assert way.repository.count("/") >= 1
    assert not way.repository.endswith(".git")


@pytest.mark.parametrize(("name", "url"), [("none", "https://github.com/a/b"), ("github", "/srv/infra.git")])
def test_there_may_be_no_forge(name: str, url: str) -> None:
    assert forges.connect(name, reached(name, url, {})) is None


@pytest.mark.parametrize(
    ("name", "url", "environ", "variable"),
    [
        ("github", "git@github.com:a/b", {"GITHUB_TOKEN": "t1234"}, "GITHUB_TOKEN"),
        ("github", "https://github.com/a/b", {"GH_TOKEN": "t1234"}, "GH_TOKEN"),
        ("github", "https://github.com/a/b", {"GH_TOKEN": "t", "CIPIPE_TOKEN": "u1234"}, "CIPIPE_TOKEN"),
        (
            "github", "https://github.com/a/b",
            {"CIPIPE_TOKEN_PROD_EU": "t1234", "CIPIPE_TOKEN": "u1234"}, "CIPIPE_TOKEN_PROD_EU",
        ),
        ("gitlab", "https://gitlab.com/a/b", {"GITLAB_TOKEN": "t1234", "CI_JOB_TOKEN": "j1"}, "GITLAB_TOKEN"),
        ("gitea", "https://git.test/a/b", {"GITEA_TOKEN": "t1234"}, "GITEA_TOKEN"),
    ],
)  # fmt: skip
def test_the_token_of_an_api(name: str, url: str, environ: dict[str, str], variable: str) -> None:
    way = reached(name, url, environ)
    assert way
    assert way.credentials.variable == variable


@pytest.mark.parametrize(
    ("name", "url", "environ", "api_url", "error", "word"),
    [
        ("github", "https://github.com/a/b", {}, None, CredentialsError, "GITHUB_TOKEN or GH_TOKEN"),
        ("gitlab", "https://gitlab.com/a/b", {"CI_JOB_TOKEN": "t12345"}, None, CredentialsError, "api"),
        (
            "github", "https://github.com/a/b", {"GITHUB_TOKEN": "t1234"}, "https://evil.test/api",
            CredentialsError, "forge.api_url",
        ),
        (
            "github", "https://evil.test/a/b", {"GITHUB_TOKEN": "t1234"}, "https://api.github.com",
            CredentialsError, "CIPIPE_TOKEN",
        ),
        (
            "gitea", "https://git.test/a/b", {"GITEA_TOKEN": "t1234"}, "http://git.test/api/v1",
            ConfigError, "https://",
        ),
    ],
)  # fmt: skip
def test_no_token_goes_where_it_should_not(  # noqa: PLR0917 - a table
    name: str, url: str, environ: dict[str, str], api_url: str | None, error: type[CipipeError], word: str
) -> None:
    with pytest.raises(error) as caught:
        reached(name, url, environ, api_url)
    assert word in (caught.value.hint or "")
    assert "t1234" not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize(
    ("name", "url", "api_url"),
    [
        ("github", "https://github.com/a/b/c", None),
        ("github", "https://github.com/a", None),
        ("gitea", "https://codeberg.org/a", None),
        ("gitlab", "https://gitlab.com/a/b", "https://gitlab.com/api/v3"),
    ],
)
def test_what_is_no_repository_there(name: str, url: str, api_url: str | None) -> None:
    with pytest.raises(ConfigError):
        forges.connect(name, reached(name, url, {"CIPIPE_TOKEN": "t1234"}, api_url))
