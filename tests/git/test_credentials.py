"""Each token goes to its own host, and to no other."""

import pytest

from cipipe import secrets
from cipipe.errors import UsageError
from cipipe.git.credentials import Credentials, check_one_host, credentials
from cipipe.git.failures import failure
from cipipe.git.url import Remote
from cipipe.proc import Completed

GITHUB, GITLAB = "https://github.com/a/b", "https://gitlab.example.com/a/b"
GHE = {"GITHUB_SERVER_URL": "https://ghe.corp"}
CI = {"CI_SERVER_HOST": "gitlab.example.com", "CI_SERVER_PORT": "443"}


@pytest.mark.parametrize(
    ("environ", "url", "forge", "expected"),
    [
        ({"CIPIPE_TOKEN": "tok1"}, GITHUB, None, ("x-access-token", "tok1")),
        ({"CIPIPE_TOKEN": "tok1", "CIPIPE_USERNAME": "me"}, GITLAB, None, ("me", "tok1")),
        ({"CIPIPE_TOKEN": " tok1\n"}, GITHUB, None, ("x-access-token", "tok1")),
        ({"CIPIPE_TOKEN": "tok1", "CIPIPE_TOKEN_PROD_EU": "tok2"}, GITHUB, None, ("x-access-token", "tok2")),
        ({"CIPIPE_TOKEN": "tok1", "GITHUB_TOKEN": "tok2"}, GITHUB, None, ("x-access-token", "tok1")),
        ({"GITHUB_TOKEN": "tok1"}, GITHUB, None, ("x-access-token", "tok1")),
        ({"GH_TOKEN": "tok1"}, GITHUB, None, ("x-access-token", "tok1")),
        ({"GITHUB_TOKEN": "tok1"}, GITLAB, None, None),
        ({"GITHUB_TOKEN": "tok1"}, "https://github.com.evil.org/a", None, None),
        ({"GITHUB_TOKEN": "tok1"}, "https://evil.org/github.com", None, None),
        ({"GITHUB_TOKEN": "tok1"}, "https://github.com:8443/a", None, None),
        ({"GITHUB_TOKEN": "tok1", "GITHUB_SERVER_URL": "https://ghe.corp"}, GITHUB, None, None),
        ({"GH_TOKEN": "t"} | GHE, "https://GHE.corp/a", None, ("x-access-token", "t")),
        ({"GITHUB_TOKEN": "t", "GITHUB_SERVER_URL": "https://[bad"}, GITHUB, None, None),
        ({"GITLAB_TOKEN": "tok1"} | CI, GITLAB, None, ("oauth2", "tok1")),
        ({"CI_JOB_TOKEN": "tok1"} | CI, GITLAB, None, ("gitlab-ci-token", "tok1")),
        ({"GITLAB_TOKEN": "tok1"} | CI, GITHUB, None, None),
        ({"CI_JOB_TOKEN": "tok1"} | CI, "https://gitlab.example.com:8443/a", None, None),
        ({"GITEA_TOKEN": "tok1"}, "https://git.example.com/a", "gitea", ("x-access-token", "tok1")),
        ({"GITEA_TOKEN": "tok1"}, "https://git.example.com/a", None, None),
        ({"GITEA_TOKEN": "tok1"}, GITHUB, "github", None),
        ({"GITHUB_TOKEN": "tok1"}, "http://github.com/a", None, None),
        ({"CIPIPE_TOKEN": "tok1"}, "git@github.com:a/b", None, None),
        ({"CIPIPE_TOKEN": "tok1"}, "/srv/a.git", None, None),
        ({"CIPIPE_TOKEN": "tok1"}, "http://127.0.0.1:99/a", None, ("x-access-token", "tok1")),
        ({}, GITHUB, None, None),
    ],
)
def test_which_token(
    environ: dict[str, str], url: str, forge: str | None, expected: tuple[str, str] | None
) -> None:
    found = credentials(environ, Remote.parse(url), environment="prod-eu", forge=forge)
    assert (found and (found.username, found.token)) == expected


@pytest.mark.parametrize("variable", ["CIPIPE_TOKEN", "CIPIPE_TOKEN_PROD"])
def test_plain_http_to_another_machine_is_refused(variable: str) -> None:
    with pytest.raises(UsageError, match=variable):
        credentials({variable: "tok1"}, Remote.parse("http://git.corp/a"), environment="prod")


def test_a_user_name_with_a_colon_is_refused() -> None:
    with pytest.raises(UsageError, match="CIPIPE_USERNAME"):
        credentials({"CIPIPE_TOKEN": "tok1", "CIPIPE_USERNAME": "a:b"}, Remote.parse(GITHUB))


def test_one_token_one_host() -> None:
    both = [("staging", Remote.parse(GITHUB)), ("prod", Remote.parse(GITLAB))]
    with pytest.raises(UsageError) as refused:
        check_one_host({"CIPIPE_TOKEN": "tok1"}, both)
    assert "CIPIPE_TOKEN_PROD" in (refused.value.hint or "")
    check_one_host({"CIPIPE_TOKEN": "tok1", "CIPIPE_TOKEN_PROD": "tok2"}, both)
    check_one_host({}, both)
    check_one_host({"CIPIPE_TOKEN": "tok1"}, [("a", both[0][1]), ("b", Remote.parse("git@x:y"))])


@pytest.mark.parametrize(
    ("variable", "words"),
    [("GITHUB_TOKEN", "its own repository alone"), ("CI_JOB_TOKEN", "GITLAB_TOKEN"), ("CIPIPE_TOKEN", "")],
)
@pytest.mark.parametrize(
    "said", [b"fatal: repository 'x' not found", b"fatal: unable to access 'x': returned error: 403"]
)
def test_what_a_token_of_a_ci_cannot_do_is_said_where_it_fails(
    variable: str, words: str, said: bytes
) -> None:
    completed = Completed(("git", "fetch"), 128, b"", said)
    error = failure(completed, Remote.parse(GITHUB), Credentials("x", "tok1", variable))
    assert words in (error.hint or "")
    assert ("; " in (error.hint or "")) is bool(words)


def test_a_token_is_never_shown() -> None:
    found = credentials({"CIPIPE_TOKEN": "canary-0815"}, Remote.parse(GITHUB))
    assert found
    assert "canary" not in repr(found)
    shown = secrets.redact(f"{found.token} {found.authorization()}")
    assert shown == "*** Basic ***"
