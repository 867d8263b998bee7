"""Which branches a pattern means, at GitHub and at GitLab."""

import pytest

from cipipe.controls.patterns import fnmatch, wildcard


@pytest.mark.parametrize(
    ("pattern", "branch", "expected"),
    [
        ("refs/heads/prod", "refs/heads/prod", True),
        ("refs/heads/prod", "refs/heads/prod2", False),
        ("refs/heads/*", "refs/heads/prod", True),
        ("refs/heads/*", "refs/heads/release/1", False),
        ("refs/heads/**", "refs/heads/release/1", False),
        ("refs/heads/**", "refs/heads/prod", True),
        ("refs/heads/**/*", "refs/heads/release/1", True),
        ("refs/heads/**/*", "refs/heads/prod", True),
        ("refs/heads/release/**/*", "refs/heads/release/a/b", True),
        ("refs/heads/re**/*", "refs/heads/release/a", True),
        ("refs/heads/re**/*", "refs/heads/release/a/b", False),
        ("refs/heads/p?od", "refs/heads/prod", True),
        ("refs/heads/p?od", "refs/heads/p/od", False),
        ("refs/heads/[op]rod", "refs/heads/prod", True),
        ("refs/heads/[^p]rod", "refs/heads/prod", False),
        ("refs/heads/[p", "refs/heads/[p", False),
        (r"refs/heads/\*", "refs/heads/prod", False),
    ],
)
def test_fnmatch(pattern: str, branch: str, expected: bool) -> None:
    assert fnmatch(pattern, branch) is expected


@pytest.mark.parametrize(
    ("pattern", "branch", "expected"),
    [
        ("prod", "prod", True),
        ("prod", "prod2", False),
        ("p*", "prod", True),
        ("*", "release/1", True),
        ("*-stable", "1/2-stable", True),
        ("*-stable", "1-stable-x", False),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "aXcYb", False),
        ("a*a", "a", False),
        ("**", "prod", True),
        ("p?od", "prod", False),
    ],
)
def test_wildcard(pattern: str, branch: str, expected: bool) -> None:
    assert wildcard(pattern, branch) is expected
