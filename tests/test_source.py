"""The source rule: which builds may bump which environments."""

import pytest

from cipipe.config import Environment
from cipipe.errors import PolicyError
from cipipe.source import Source, check


def environment(**keys: tuple[str, ...] | str) -> Environment:
    return Environment(name="staging", branch="main", path=("deploy",), **keys)  # type: ignore[arg-type] # a table's


MAIN = environment(source_branches=("main",))
RELEASES = environment(source_branches=("main", "release/*"))
TAGS = environment(source_branches=("main",), source_tags=("v*",))
PROMOTES = environment(promotes="dev")
PROMOTES_FROM_MAIN = environment(promotes="dev", source_branches=("main",))
PROMOTES_TAGS = environment(promotes="dev", source_tags=("v*",))


@pytest.mark.parametrize(
    ("target", "source"),
    [
        (MAIN, Source(branch="main")),
        (RELEASES, Source(branch="release/1.2")),
        (TAGS, Source(tag="v1.2.3")),
        (TAGS, Source(branch="main")),
        (PROMOTES, Source(branch="anything/at-all")),
        (PROMOTES_FROM_MAIN, Source(branch="main")),
        (PROMOTES_TAGS, Source(tag="v1")),
    ],
)
def test_taken(target: Environment, source: Source) -> None:
    check(target, source)


@pytest.mark.parametrize(
    ("target", "source", "message", "hint"),
    [
        (MAIN, Source(branch="feature/x"), "from branch 'main', not from branch 'feature/x'", "merge first"),
        (MAIN, Source(branch="mian"), "not from branch 'mian'", "did you mean 'main'?"),
        (MAIN, Source(branch="Main"), "not from branch 'Main'", ""),
        (MAIN, Source(branch="feature/main"), "not from branch", ""),
        (RELEASES, Source(branch="release/1/hotfix"), "from branch 'main' or 'release/*', not", ""),
        (MAIN, Source(), "branch is not known", "detached HEAD"),
        (MAIN, Source(tag="main"), "takes no tag builds", "source_tags"),
        (TAGS, Source(tag="w1"), "takes the tags 'v*'", ""),
        (
            MAIN,
            Source(branch="main", pull_request=True),
            "no bump from a pull-request build",
            "after the merge",
        ),
        (TAGS, Source(tag="v1", pull_request=True), "no bump from a pull-request build", ""),
        (TAGS, Source(branch="main", tag="w1"), "takes the tags 'v*'", ""),
        (PROMOTES, Source(pull_request=True), "no bump from a pull-request build", "any branch"),
        (PROMOTES, Source(tag="v1"), "takes no tag builds", "any branch"),
        (PROMOTES, Source(), "branch is not known", ""),
        (PROMOTES_FROM_MAIN, Source(branch="x"), "not from branch 'x'", ""),
        (PROMOTES_TAGS, Source(tag="w1"), "takes the tags", ""),
    ],
)
def test_refused(target: Environment, source: Source, message: str, hint: str) -> None:
    with pytest.raises(PolicyError) as caught:
        check(target, source)
    assert message in caught.value.message
    assert "'staging'" in caught.value.message
    assert hint in (caught.value.hint or "")


def test_an_environment_that_takes_tags_alone() -> None:
    only_tags = environment(source_tags=("v*",))
    check(only_tags, Source(tag="v1"))
    with pytest.raises(PolicyError, match="from no branch"):
        check(only_tags, Source(branch="main"))
