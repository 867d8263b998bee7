"""Every case of the corpus gives exactly its findings; and the corpus is large and balanced."""

import pytest

from tests.gate import cases

CASES = list(cases.load())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(case: cases.Case) -> None:
    assert cases.found(case) == case.wanted


def test_the_corpus_is_large_and_balanced() -> None:
    denied = sum(case.denies for case in CASES)
    assert len(CASES) >= 300
    assert 0.35 <= denied / len(CASES) <= 0.65
    assert len({case.id for case in CASES}) == len(CASES)
