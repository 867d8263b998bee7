"""Whatever is in a file, the gate neither crashes nor hangs, and its facts keep to their shape."""

import re
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cipipe.policy.facts import KINDS, Facts
from tests.gate import cases

CASES = [case for case in cases.load() if not case.id.startswith("shell/more")]
MARKS = ["'", '"', "`", "$(", "${", "}", ")", "|", "&&", "{{", "#", "\xe9", "/*", "'''", "[", "]", "%", "\\"]
WORDS = ["<<E\n", "\n", "\t", "\r\n", "${{ ", " }}", "$[[ ", "&a ", "*a", "- ", ": ", "!reference "]
KEYWORDS = ["\x00", "\ue000", "eval ", "function x {", "done\n", "esac\n", "fi\n", "for i in "]
PIECES = st.sampled_from([*MARKS, *WORDS, *KEYWORDS])
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), PIECES), min_size=1, max_size=4)


def edited(text: str, edits: list[tuple[float, int, str]]) -> str:
    for where, cut, piece in edits:
        at = int(where * len(text))
        text = text[:at] + piece + text[at + cut :]
    return text


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(CASES), EDITS, st.integers(0, 3))
def test_a_broken_file_is_read_to_its_end(
    case: cases.Case, edits: list[tuple[float, int, str]], which: int
) -> None:
    path = sorted(case.files)[which % len(case.files)]
    if path == "cipipe.yaml":
        return
    started = time.monotonic()
    found = cases.collect(replace(case, files={**case.files, path: edited(case.files[path], edits)}))
    assert time.monotonic() - started < 4
    check_shape(found)


def check_shape(found: Facts) -> None:
    """Every fact carries every key, in text that both engines read alike; every id has a place."""
    facts = found.document("n")["facts"]
    assert isinstance(facts, dict)
    assert facts.keys() == KINDS.keys()
    for kind, listed in facts.items():
        for fact in listed:
            assert fact.keys() == {"id", *KINDS[kind]}
            for value in fact.values():
                assert isinstance(value, bool) or re.fullmatch(r"[ -~]*", value)
                assert isinstance(value, bool) or not set('"\\%`') & set(value)
            assert kind == "setting" or found.places[fact["id"]]
            for place in found.places[fact["id"]]:
                assert place.location.line >= 1
                assert place.location.column >= 1


READ_ONLY = {"kubectl apply -f k8s": "kubectl diff -f k8s", "helm upgrade --install a b": "helm template a b"}


def swapped(case: cases.Case) -> cases.Case | None:
    """The case with its one deploying command made a reading one; None where it is in no plain words."""
    written = sum(text.count(deploy) for text in case.files.values() for deploy in READ_ONLY)
    others = sum(len(re.findall("apply -f|upgrade --install", text)) for text in case.files.values())
    if (
        (written, others) != (1, 1)
        or {rule for rule, _, _ in case.wanted} != {"direct-deploy"}
        or case.wanted.total() != 1
    ):
        return None
    files = dict(case.files)
    for path, text in files.items():
        for deploy, read in READ_ONLY.items():
            files[path] = files[path].replace(deploy, read) if deploy in text else files[path]
    return replace(case, files=files)


SWAPPED = [other for case in CASES if (other := swapped(case))]


@pytest.mark.parametrize("case", SWAPPED, ids=lambda case: case.id)
def test_a_verb_that_only_reads_is_fine(case: cases.Case) -> None:
    assert not [place for place in cases.found(case) if place[0] == "direct-deploy"]


def test_enough_cases_were_swapped() -> None:
    assert len(SWAPPED) > 100
