"""`[`, `test` and `[[` decide what runs where the script itself knows, and never by a pipeline's variable."""

import pytest

from tests.shell.conftest import Resolve

COMPARISONS = [
    ('"$1" = deploy', True),
    ('"$1" == "deploy"', True),
    ("$1 != deploy", False),
    ('"$1" = build', False),
    ('! "$1" = build', True),
    ('-n "$1"', True),
    ('-z "$1"', False),
    ('"x$1" = xdeploy', True),
    ('"$OWN" = deploy', True),
    ('"${1:-build}" = build', False),
]
UNKNOWN = ['"$GIVEN" = deploy', '"$NOWHERE" = deploy', '"$1" = "$GIVEN"', '"$(tool)" = deploy', "-f $1"]


def _runs(run: Resolve, text: str) -> bool:
    resolved = run(f"OWN=$1\n{text}", arguments=["deploy"], variables={"GIVEN": "build"})
    return any(command.argv[0] == "kubectl" for command in resolved.commands)


@pytest.mark.parametrize(("comparison", "holds"), COMPARISONS)
@pytest.mark.parametrize("form", ["[ {} ]", "test {}", "[[ {} ]]"])
def test_a_known_condition_decides(run: Resolve, form: str, comparison: str, *, holds: bool) -> None:
    condition = form.format(comparison)
    assert _runs(run, f"if {condition}; then kubectl apply; fi") is holds
    assert _runs(run, f"{condition} && kubectl apply") is holds
    assert _runs(run, f"{condition} || kubectl apply") is not holds
    assert _runs(run, f"while {condition}; do kubectl apply; done") is holds
    assert _runs(run, f"until {condition}; do kubectl apply; done") is not holds


@pytest.mark.parametrize("comparison", UNKNOWN)
@pytest.mark.parametrize("form", ["[ {} ]", "[[ {} ]]"])
def test_what_is_not_known_runs_both_ways(run: Resolve, form: str, comparison: str) -> None:
    condition = form.format(comparison)
    for text in (
        f"if {condition}; then kubectl apply; fi",
        f"if {condition}; then :; else kubectl apply; fi",
    ):
        assert _runs(run, text)


@pytest.mark.parametrize("before", [". ./build.env", 'eval "$(tool)"', 'eval "$GIVEN_TEXT"'])
def test_an_unknown_text_may_have_set_a_variable(run: Resolve, before: str) -> None:
    assert _runs(run, f"D=no\n{before}\nif [ $D = yes ]; then kubectl apply; fi")


@pytest.mark.parametrize(
    "form", ['[ "$1" = b* ]', "[[ $1 == d* ]]", "[[ $1 == deploy || $1 == x ]]", "[[ $1 =~ b ]]"]
)
def test_patterns_and_joined_conditions_are_not_decided(run: Resolve, form: str) -> None:
    assert _runs(run, f"if {form}; then kubectl apply; fi")
    assert _runs(run, f"if {form}; then :; else kubectl apply; fi")
