"""Addresses: what is accepted, how two are compared, and that a hostile one starts nothing."""

import sys

import pytest

from cipipe import secrets
from cipipe.errors import ConfigError
from cipipe.git.url import Remote

_started: list[str] = []
_watching = [False]


def _watch(event: str, _: object) -> None:
    if _watching[0] and event in {
        "subprocess.Popen",
        "os.exec",
        "os.posix_spawn",
        "os.system",
        "socket.connect",
    }:
        _started.append(event)


sys.addaudithook(_watch)

ACCEPTED = [
    ("https://github.com/acme/infra.git", "https", "github.com", None, "/acme/infra.git"),
    ("HTTPS://GitHub.com:443/acme/infra", "https", "github.com", None, "/acme/infra"),
    ("http://127.0.0.1:8080/a/b.git", "http", "127.0.0.1", 8080, "/a/b.git"),
    ("https://[::1]:8443/a.git", "https", "[::1]", 8443, "/a.git"),
    ("ssh://git@git.example.com:2222/a/b.git", "ssh", "git.example.com", 2222, "/a/b.git"),
    ("ssh://host/~me/b.git", "ssh", "host", None, "/~me/b.git"),
    ("git@github.com:acme/infra.git", "ssh", "github.com", None, "acme/infra.git"),
    ("host:a", "ssh", "host", None, "a"),
    ("file:///srv/git/a.git", "file", "", None, "/srv/git/a.git"),
    ("/srv/git/a.git", "file", "", None, "/srv/git/a.git"),
    ("https://h/a%20b.git", "https", "h", None, "/a%20b.git"),
]

HOSTILE = [
    "",
    "-",
    "--upload-pack=touch x",
    "-oProxyCommand=x",
    "ext::sh -c touch% x",
    "ext::x",
    "fd::7",
    "a::b",
    "transport::address",
    "git://host/a",
    "ftp://host/a",
    "http:///a",
    "https://",
    "https://host",
    "https://host/",
    "https://-host/a",
    "https://ho st/a",
    "https://host/a b",
    "https://host/a\nb",
    "https://host/a\x00",
    "https://host/\x1b[0m",
    "https://host/../a",
    "https://host/a/..",
    "https://host/./a",
    "https://host/%2e%2e/a",
    "https://host/a%0ab",
    "https://host/a?x=1",
    "https://host/a#b",
    "https://host:0/a",
    "https://host:65536/a",
    "https://host:99999999/a",
    "https://host:x/a",
    "https://h\xf6st/a",
    "https://host/-a",
    "https://ho$t/a",
    "https://$(id)/a",
    "https://`id`/a",
    "https://host;id/a",
    "https://[::1/a",
    "https://[zz]/a",
    "https://..host/a",
    "https://host..x/a",
    "ssh://-oProxyCommand=touch/x",
    "ssh://-oProxyCommand=touch@host/x",
    "ssh://git@-host/x",
    "ssh://a b@host/x",
    "ssh://git:pass@host/x",
    "ssh://host",
    "ssh://host/-x",
    "-x@host:path",
    "git@-host:path",
    "git@host:-path",
    "git@host:",
    "git@host:../x",
    "user:pass@host:path",
    "a@b@c:d",
    "file://host/a",
    "file://",
    "file:///",
    "file:a",
    "/",
    "/../etc",
    "relative/path",
    "./relative",
    "../up",
    "C:\\repo",
    "\\\\server\\share",
    "~/repo",
    "$HOME/repo",
    "https://host/\u202ea",
    "javascript:alert(1)//x y",
    "host:a\tb",
    "http://x@host/a",
    "https://x:y@host/a",
    "https://user@host@evil/a",
    "https://host\\@evil/a",
    "/a\x00b",
    "file:///a\nb",
    " https://host/a",
]


@pytest.mark.parametrize(("text", "scheme", "host", "port", "path"), ACCEPTED)
def test_accepted(text: str, scheme: str, host: str, port: int | None, path: str) -> None:
    remote = Remote.parse(text)
    assert (remote.scheme, remote.host, remote.port, remote.path) == (scheme, host, port, path)
    assert Remote.parse(remote.url) == remote


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_addresses_start_nothing(text: str) -> None:
    _started.clear()
    _watching[0] = True
    try:
        with pytest.raises(ConfigError) as refused:
            Remote.parse(text)
    finally:
        _watching[0] = False
    assert _started == []
    assert refused.value.hint
    assert refused.value.message.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "https://me:hunter2-token@h/a",
        "https://hunter2-token@h/a",
        "ssh://git:hunter2-token@h/a",
        "u:hunter2-token@h:p",
    ],
)
def test_a_credential_in_the_address_is_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Remote.parse(text)
    assert "hunter2" not in refused.value.message
    assert "hunter2" not in secrets.redact("it says hunter2-token")


def test_identity_is_blind_for_how_one_gets_there() -> None:
    same = {
        Remote.parse(text).identity
        for text in (
            "https://github.com/acme/infra.git",
            "https://GITHUB.com:443/acme/infra",
            "git@github.com:acme/infra.git",
            "ssh://git@github.com:22/acme/infra/",
            "ssh://other@ssh.github.com:443/acme/infra.git",
        )
    }
    assert len(same) == 1
    assert Remote.parse("https://github.com/acme/infra2").identity not in same


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://localhost/a", True),
        ("http://127.8.9.1:1/a", True),
        ("http://[::1]/a", True),
        ("http://127.0.0.1.evil.com/a", False),
        ("http://localhost.evil.com/a", False),
        ("http://10.0.0.1/a", False),
    ],
)
def test_loopback(text: str, expected: bool) -> None:
    assert Remote.parse(text).is_loopback is expected
