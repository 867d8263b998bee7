"""Image refs against what distribution/reference and go-digest accept and normalise."""

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipipe.errors import ImageError
from cipipe.image import ImageRef, check_digest, check_tag

SHA256 = "sha256:" + "0123456789abcdef" * 4
SHA384 = "sha384:" + "0123456789abcdef" * 6
SHA512 = "sha512:" + "0123456789abcdef" * 8

WRITTEN_NORMALIZED_FAMILIAR = [
    ("nginx", "docker.io/library/nginx", "nginx"),
    ("library/nginx", "docker.io/library/nginx", "nginx"),
    ("docker.io/nginx", "docker.io/library/nginx", "nginx"),
    ("docker.io/library/nginx", "docker.io/library/nginx", "nginx"),
    ("index.docker.io/nginx", "docker.io/library/nginx", "nginx"),
    ("index.docker.io/library/nginx", "docker.io/library/nginx", "nginx"),
    ("index.docker.io/acme/app", "docker.io/acme/app", "acme/app"),
    ("acme/app", "docker.io/acme/app", "acme/app"),
    ("library/acme/app", "docker.io/library/acme/app", "library/acme/app"),
    ("acme/library", "docker.io/acme/library", "acme/library"),
    ("localhost/app", "localhost/app", "localhost/app"),
    ("localhost:5000/app", "localhost:5000/app", "localhost:5000/app"),
    ("host:5000/app", "host:5000/app", "host:5000/app"),
    ("HOST/app", "HOST/app", "HOST/app"),
    ("Docker.io/app", "Docker.io/app", "Docker.io/app"),
    ("ghcr.io/acme/app", "ghcr.io/acme/app", "ghcr.io/acme/app"),
    ("docker.io:443/app", "docker.io:443/app", "docker.io:443/app"),
    ("127.0.0.1/app", "127.0.0.1/app", "127.0.0.1/app"),
    ("[::1]/app", "[::1]/app", "[::1]/app"),
    ("[2001:db8::1]:5000/a/b", "[2001:db8::1]:5000/a/b", "[2001:db8::1]:5000/a/b"),
    ("not_a_host.example/app", "not_a_host.example/app", "not_a_host.example/app"),
    ("192.168.0.1", "docker.io/library/192.168.0.1", "192.168.0.1"),
    ("a--b/c__d.e", "docker.io/a--b/c__d.e", "a--b/c__d.e"),
    ("docker.io/" + "a" * 64, "docker.io/library/" + "a" * 64, "a" * 64),
]


@pytest.mark.parametrize(("written", "normalized", "familiar"), WRITTEN_NORMALIZED_FAMILIAR)
@pytest.mark.parametrize("suffix", ["", ":v1", f"@{SHA256}", f":v1@{SHA512}", ":5000"])
def test_a_ref_keeps_its_form_and_knows_the_full_one(
    written: str, normalized: str, familiar: str, suffix: str
) -> None:
    ref = ImageRef.parse(written + suffix)

    assert str(ref) == written + suffix
    assert (ref.name, ref.normalized, ref.familiar) == (written, normalized, familiar)
    assert ref.same_repository(ImageRef.parse(normalized))
    assert ref.same_repository(ImageRef.parse(familiar + ":other"))


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("app:5000", None, "app", "5000", None),
        ("host:5000/app", "host:5000", "app", None, None),
        ("host:5000/app:5050", "host:5000", "app", "5050", None),
        ("foo/bar.example:8080", None, "foo/bar.example", "8080", None),
        ("[::1]:5000/app:v1", "[::1]:5000", "app", "v1", None),
        ("docker.io/library/x:V_1.-", "docker.io", "library/x", "V_1.-", None),
        (f"acme/app:v1@{SHA256}", None, "acme/app", "v1", SHA256),
        (f"acme/app@{SHA384}", None, "acme/app", None, SHA384),
        ("app:" + "t" * 128, None, "app", "t" * 128, None),
    ],
)
def test_the_parts_of_a_ref(
    text: str, registry: str | None, repository: str, tag: str | None, digest: str | None
) -> None:
    assert ImageRef.parse(text) == ImageRef(registry, repository, tag, digest)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (":v1", "no repository"),
        (f"@{SHA256}", "no repository"),
        ("a" * 64, "image id"),
        ("app:", "the tag is empty"),
        ("app:-x", "starts with '-'"),
        ("app:.x", "starts with '.'"),
        ("app:v1\n", r"'\\n' at character 3"),
        ("app:v1#x", "'#' at character 3"),
        ("app:v 1", "' ' at character 2"),
        ("app:é", "'é' at character 1"),
        ("app:" + "t" * 129, "129 characters"),
        ("app:v1:v2", "':' at character 3"),
        ("app@", "no known algorithm"),
        ("app@md5:" + "a" * 32, "no known algorithm"),
        ("app@SHA256:" + "a" * 64, "no known algorithm"),
        ("app@sha256:" + "A" * 64, "'A' at character 8"),
        ("app@sha256:" + "a" * 63, "63 characters after 'sha256:', not 64"),
        ("app@sha256:" + "a" * 128, "128 characters"),
        ("app@sha512:" + "a" * 64, "not 128"),
        (f"app@{SHA256}\n", "65 characters"),
        ("App:v1", "'A' at character 1"),
        ("ghcr.io/acme/App:v1", "'A' at character 14"),
        ("docker/Docker", "'D' at character 8"),
        ("a//b", "empty part at character 3"),
        ("docker.io/", "empty part at character 11"),
        ("-app", "'-' at character 1"),
        ("acme/app-:v1", "'-' at character 9"),
        ("a..b/c", "registry 'a..b'"),
        ("a/b..c", "'.' at character 4"),
        ("a/b\n:v1", r"'\\n' at character 4"),
        ("https://ghcr.io/acme/app:v1", "is a URL"),
        ("[::1]", "'\\[' at character 1"),
        ("[::1]:5000", "'\\[' at character 1"),
        ("[fe80::1%eth0]:5000/app", "registry '\\[fe80::1%eth0\\]:5000'"),
        ("fc00::1:5000/app", "registry 'fc00::1:5000'"),
        ("host:port/app", "registry 'host:port'"),
        ("app:v1/sub", "registry 'app:v1'"),
        ("ghcr.io/" + "a" * 256, "256 characters"),
        ("a" * 248, "256 characters"),  # `library/` counts
    ],
)
def test_what_the_grammar_refuses_says_where(text: str, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        ImageRef.parse(text)


@pytest.mark.parametrize("longest", ["ghcr.io/" + "a" * 255, "a" * 247, "a/" * 127 + "a"])
def test_the_longest_repository_is_255_characters(longest: str) -> None:
    assert ImageRef.parse(longest).name == longest


@pytest.mark.parametrize(
    "other", ["team/app-canary", "team/app/sub", "x.team/app", "x/team/app", "team/ap", "quay.io/team/app"]
)
def test_a_like_name_is_another_repository(other: str) -> None:
    assert not ImageRef.parse("team/app").same_repository(ImageRef.parse(other))


def test_a_tag_alone_is_a_ref_only_where_it_is_asked_for() -> None:
    assert ImageRef.parse(":v2", tag_alone=True) == ImageRef(None, "", "v2")
    assert ImageRef.parse(f":v2@{SHA256}", tag_alone=True) == ImageRef(None, "", "v2", SHA256)
    assert ImageRef.parse(f"@{SHA256}", tag_alone=True) == ImageRef(None, "", None, SHA256)
    assert ImageRef.parse("app:v2", tag_alone=True) == ImageRef(None, "app", "v2")
    with pytest.raises(ImageError):
        ImageRef.parse("", tag_alone=True)


def test_with_tag_keeps_the_name_and_drops_the_digest() -> None:
    ref = ImageRef.parse(f"docker.io/library/nginx:1@{SHA256}")

    assert str(ref.with_tag("2")) == "docker.io/library/nginx:2"
    assert str(ref.with_tag("2", SHA512)) == f"docker.io/library/nginx:2@{SHA512}"
    with pytest.raises(ImageError):
        ref.with_tag("2\n")
    with pytest.raises(ImageError):
        ref.with_tag("2", "sha256:0")


_COMPONENT = st.from_regex(
    re.compile(r"[a-z0-9]{1,8}(?:(?:[._]|__|-{1,3})[a-z0-9]{1,8}){0,2}", re.ASCII), fullmatch=True
)
_REGISTRY = st.one_of(
    st.sampled_from(["docker.io", "localhost", "index.docker.io", "[::1]", "H"]),
    st.from_regex(re.compile(r"[a-z0-9]{1,8}\.[a-z0-9]{1,8}(?::[0-9]{1,5})?", re.ASCII), fullmatch=True),
)
_TAG = st.from_regex(re.compile(r"\w[\w.-]{0,127}", re.ASCII), fullmatch=True)


@settings(max_examples=300)
@given(
    st.none() | _REGISTRY,
    st.lists(_COMPONENT, min_size=1, max_size=4),
    st.none() | _TAG,
    st.sampled_from([None, SHA256, SHA512]),
)
def test_every_ref_of_the_grammar_round_trips(
    registry: str | None, components: list[str], tag: str | None, digest: str | None
) -> None:
    name = "/".join(components if registry is None else [registry, *components])
    text = name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    ref = ImageRef.parse(text)

    assert str(ref) == text
    assert (ref.name, ref.tag, ref.digest) == (name, tag, digest)
    assert ImageRef.parse(ref.normalized).normalized == ref.normalized
    if not re.match(
        r"docker\.io/([^/]*\.|localhost/)", ref.normalized
    ):  # there the short form reads as a registry
        assert ImageRef.parse(ref.familiar).normalized == ref.normalized


@settings(max_examples=500)
@given(st.text(alphabet=string.ascii_letters + string.digits + "._-/:@[] \n\x00é", max_size=40))
def test_any_text_is_a_ref_that_reads_back_or_an_image_error(text: str) -> None:
    try:
        printed = str(ImageRef.parse(text))
    except ImageError as refused:
        printed = text
        message = refused.message
    else:
        message = ""
    assert printed == text
    assert "\n" not in message


@given(st.text(max_size=200))
def test_a_tag_is_what_the_pattern_says(text: str) -> None:
    try:
        check_tag(text)
        accepted = True
    except ImageError:
        accepted = False
    assert accepted == bool(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", text))


def test_digests_of_every_algorithm() -> None:
    for digest in (SHA256, SHA384, SHA512):
        check_digest(digest)
