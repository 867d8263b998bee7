"""Expressions: what is known, what is a hole, and one value for each outcome."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipipe.pipelines.github.evaluate import (
    OPEN,
    Choices,
    Scope,
    evaluate,
    expand,
    may_be_true,
    possibilities,
)
from cipipe.pipelines.github.expressions import ExpressionError, parse, written
from cipipe.pipelines.github.functions import text_of
from cipipe.pipelines.github.partial import Options
from cipipe.pipelines.model import HOLE

SCOPE = Scope(
    {
        "env": {"K": "kubectl", "Empty": "", OPEN: None},
        "matrix": {"verb": "apply", "n": 2, "list": ["a", "b"], "o": {"p": [{"q": "x"}, {"q": "y"}]}},
        "inputs": {"env": Options(("staging", "prod")), "dry": False},
    }
)


def values(text: str) -> list[str]:
    return [text_of(value).text for value in possibilities(lambda choices: expand(text, SCOPE, choices))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", ["plain"]),
        ("${{ 'kube' }}ctl ${{ env.K }}", ["kubectl kubectl"]),
        ("${{ env['K'] }} ${{ ENV.k }}", ["kubectl kubectl"]),
        ("${{ 'it''s }} fine' }}", ["it's }} fine"]),
        ("${{ format('{0}{{{1}}}', 'a', matrix.n) }}", ["a{2}"]),
        ("${{ join(matrix.list, ' ') }}", ["a b"]),
        ("${{ join(matrix.o.p.*.q) }}", ["x,y"]),
        ("${{ matrix.o.p[1].q }}-${{ matrix.none }}", ["y-"]),
        ("${{ fromJSON('[1, \"two\"]')[1] }}", ["two"]),
        ("${{ toJSON(matrix.list) }}", ['[\n  "a",\n  "b"\n]']),
        ("${{ 1.50 }} ${{ true }} ${{ null }} ${{ 0xff }}", ["1.5 true  255"]),
        ("${{ matrix.verb == 'APPLY' && 'x' || 'y' }}", ["x"]),
        ("${{ '1' == 1 }} ${{ 'a' != 'b' }} ${{ 2 >= 3 }} ${{ 'a' < 'B' }}", ["true true false true"]),
        (
            "${{ startsWith('Kubectl', 'kube') && !endsWith('a', 'b') && contains(matrix.list, 'B') }}",
            ["true"],
        ),
        (
            "${{ github.ref == 'x' && 'prod' || 'staging' }} ${{ github.ref == 'x' && 1 || 2 }}",
            ["prod 1", "staging 2"],
        ),
        ("${{ secrets.A || 'x' }}", [HOLE, "x"]),
        ("${{ case(github.x, 'p', matrix.n == 3, 'q', 'r') }}", ["p", "r"]),
        (
            "${{ inputs.env }} ${{ inputs.env }} ${{ inputs.dry }}",
            ["staging staging false", "prod prod false"],
        ),
        ("${{ hashFiles('x') }} ${{ nonsense(1) }} ${{ a b }} ${{", [f"{HOLE} {HOLE} {HOLE} ${{{{"]),
    ],
)
def test_values(text: str, expected: list[str]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("env.TOOL", "env.TOOL"),
        ("steps['plan'].outputs.verb", "steps.plan.outputs.verb"),
        ("secrets.KUBE_CONFIG", "secrets.KUBE_CONFIG"),
        ("github.event.issue.labels.*.name", "github.event.issue.labels.*.name"),
        ("hashFiles('a', 1)", "hashfiles('a', 1)"),
        ("!github.x", "!github.x"),
        ("github.a == 'b'", "github.a == 'b'"),
    ],
)
def test_a_hole_has_the_name_of_its_expression(text: str, name: str) -> None:
    value = text_of(evaluate(text, SCOPE, Choices()))
    assert (value.text, value.holes) == (HOLE, (name,))
    assert written(parse(text)) == name


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("false", False),
        ("${{ false }}", False),
        ("!true && github.ref", False),
        ("github.ref == 'refs/heads/main' && false", False),
        ("matrix.verb == 'get'", False),
        ("${{ matrix.verb != 'apply' }}", False),
        ("failure() && matrix.n > 5", False),
        ("always()", True),
        ("failure()", True),
        ("github.ref == 'x'", True),
        ("env.DEPLOY == 'true'", True),
        ("inputs.env == 'prod'", True),
        ("x ${{ false }}", True),
        ("(((", True),
    ],
)
def test_a_condition_that_cannot_hold(condition: str, expected: bool) -> None:
    assert may_be_true(condition, SCOPE) is expected


def test_above_the_limit_every_answer_still_comes_up() -> None:
    text = " ".join(f"${{{{ github.a{number} && 'yes{number}' || 'no{number}' }}}}" for number in range(12))
    found = {word for value in values(text) for word in value.split()}
    assert found == {f"{word}{number}" for word in ("yes", "no") for number in range(12)}


@pytest.mark.parametrize(
    "text", ["", "a.", "a[", "f(1", "'x", "1 2", "&& a", "(" * 5_000, "!" * 5_000 + "a", "a." * 9]
)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


@given(st.text(alphabet="ab.'()[]!&|=<>*, 10${}\n", max_size=60))
def test_any_text_is_evaluated(text: str) -> None:
    for value in (f"${{{{{text}}}}}", text):
        assert all(isinstance(found, str) for found in values(value))
    may_be_true(text, SCOPE)
