"""One repository has one identity, however its URL is spelt; Git's rules for branch names."""

import shutil
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cipipe.repository import branch_problem, identity

SPELLINGS = [
    [
        "https://github.com/acme/infra.git",
        "https://github.com/acme/infra",
        "https://github.com/acme/infra/",
        "https://GitHub.com:443/Acme/Infra.git/",
        "https://user:x@github.com/acme/infra.git",
        "http://github.com./acme//infra",
        "https://github.com/acme/%69nfra.git",
        "https://github.com/other/../acme/./infra",
        "git@github.com:acme/infra.git",
        "github.com:/acme/infra",
        "ssh://git@github.com:22/acme/infra.git",
        "ssh://git@ssh.github.com:443/acme/infra.git",
        "git+ssh://git@github.com/acme/infra",
    ],
    ["https://github.com/acme/infra2.git"],
    ["https://gitlab.com/acme/infra.git", "git@altssh.gitlab.com:acme/infra.git"],
    ["https://github.com/acme/team/infra"],
    ["http://[::1]:8080/acme/infra.git", "ssh://git@[::1]/acme/infra", "[::1]:acme/infra"],
    [
        "/srv/git/infra.git",
        "file:///srv/git/infra.git",
        "file://localhost/srv/git/infra",
        "/srv//git/./infra/.git",
    ],
    ["/srv/git/Infra.git"],
    ["../infra.git", "../infra"],
]


def test_spellings_of_one_repository_are_one() -> None:
    identities = [{identity(url) for url in urls} for urls in SPELLINGS]
    assert [found for found in identities if len(found) != 1] == []
    assert len(set.union(*identities)) == len(SPELLINGS)


@given(st.text(max_size=60))
@example("://")
@example("https://[::1/acme")
def test_any_text_has_an_identity_that_is_stable(url: str) -> None:
    assert isinstance(identity(url), str)


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("ab/.-@{~^:?*[\\ \tHEADlock\x7fé"), max_size=12))
@example("refs/heads/main")
@example("a.lock/b")
@example("a/.b")
@example("@")
def test_branch_names_as_git_judges_them(name: str) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("needs git")
    judged = subprocess.run(
        [git, "check-ref-format", "--branch", name], capture_output=True, check=False, cwd="/"
    )
    if branch_problem(name) is None:
        assert judged.returncode == 0
    elif judged.returncode == 0:  # what we refuse besides is ambiguous on a command line
        assert name.startswith(("refs/", "@{", "-")) or name in {"HEAD", "@"}
