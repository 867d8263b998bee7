"""The YAML tree agrees with PyYAML on values, and knows the place of every character."""

import time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cipipe.pipelines import yaml_tree
from cipipe.pipelines.yaml_places import pieces
from cipipe.pipelines.yaml_tree import Mapping, Node, Scalar, Sequence, YamlRefused


def plain(node: Node) -> Any:
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {name: plain(value) for name, value in node.values.items()}


def scalars_of(node: Node) -> list[Scalar]:
    if isinstance(node, Scalar):
        return [node]
    inner = node.items if isinstance(node, Sequence) else node.values.values()
    return [scalar for item in inner for scalar in scalars_of(item)]


def misplaced(scalar: Scalar) -> list[tuple[int, str, str]]:
    """The letters of a value that the source does not have at the place that is claimed."""
    lines, places = scalar.source.lines, pieces(scalar)
    wrong = []
    for (offset, line, column), end in zip(
        places, [*(p[0] for p in places[1:]), len(scalar.value)], strict=True
    ):
        for at in range(offset, end):
            written = lines[line - 1][column - 1 + at - offset : column + at - offset]
            if scalar.value[at].isalnum() and written != scalar.value[at]:
                wrong.append((at, scalar.value[at], written))
    return wrong


TEXT = st.text(alphabet="ab é'\"\\#:-|>\n\t", max_size=60)


@settings(max_examples=300, deadline=None)
@given(value=TEXT, style=st.sampled_from([None, "|", ">", "'", '"']), width=st.sampled_from([10, 20, 80]))
def test_every_letter_is_where_it_is_said_to_be(value: str, style: str | None, width: int) -> None:
    text = yaml.dump({"k": [{"run": value}]}, default_style=style, width=width, allow_unicode=True)
    root = yaml_tree.read(text.encode())[0].root
    assert plain(root) == {"k": [{"run": value}]}
    assert [wrong for scalar in scalars_of(root) for wrong in misplaced(scalar)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k: |\n  a\n    b\n\n  c\n", [(0, 2, 3), (2, 3, 3), (6, 4, 1), (7, 5, 3)]),
        ("k: |-\r\n  a\r\n  b\r\n", [(0, 2, 3), (2, 3, 3)]),
        ("k: &x !t |2\n   a\n", [(0, 2, 3)]),
        ("k: >\n  one\n  two\n\n  three\n", [(0, 2, 3), (4, 3, 3), (8, 5, 3)]),
        ('k: "a\\n b \\\n   c"\n', [(0, 1, 5), (2, 1, 8), (5, 2, 4)]),
        ("k: 'it''s a\n  b'\n", [(0, 1, 5), (3, 1, 9), (7, 2, 3)]),
        ("k: a\n  b\n", [(0, 1, 4), (2, 2, 3)]),
        ("\ufeffk: a\n", [(0, 1, 4)]),
    ],
)
def test_places_of_each_style(text: str, expected: list[tuple[int, int, int]]) -> None:
    root = yaml_tree.read(text.encode())[0].root
    assert isinstance(root, Mapping)
    scalar = root.get("k")
    assert isinstance(scalar, Scalar)
    assert pieces(scalar) == expected


def test_keys_stay_as_written_and_merge_keys_are_merged() -> None:
    text = (
        "on: yes\nbase: &b {x: 1, y: 2}\nk: {<<: *b, y: 3}\nl: {<<: [*b, {z: 4}]}\n1.10: !reference [a, b]\n"
    )
    root = yaml_tree.read(text.encode())[0].root
    assert plain(root) == {
        "on": "yes",
        "base": {"x": "1", "y": "2"},
        "k": {"y": "3", "x": "1"},
        "l": {"x": "1", "y": "2", "z": "4"},
        "1.10": ["a", "b"],
    }
    assert isinstance(root, Mapping)
    reference = root.get("1.10")
    assert isinstance(reference, Sequence)
    assert reference.tag == "!reference"


def test_a_repeated_key_is_noted_and_the_last_one_counts() -> None:
    document = yaml_tree.read(b"a: 1\nb: 2\na: 3\n")[0]
    assert plain(document.root) == {"a": "3", "b": "2"}
    assert [(key.value, key.line) for key in document.repeated] == [("a", 3)]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        ("a: [1\n", "did not find expected ',' or ']'", 2),
        ("a: *x\n", "no anchor", 1),
        ("a: &x [*x]\n", "inside of its anchor", 1),
        ("\n" + "[" * 30_000, "nest", 2),
        ("[" * 300 + "]" * 300, "nested more than 200 deep", 1),
        ("- " * 30_000, "nested more than 200 deep", 1),
        ("? [a]\n: b\n", "a key that is a list", 1),
        (BOMB, "once the aliases are written out", 6),
        ("a: \x01\n", "does not allow", 1),
        ("x\n" * 1_500_000, "bytes are more than", 1),
    ],
)
def test_what_is_refused_says_where_and_why_at_once(text: str, why: str, line: int) -> None:
    begin = time.monotonic()
    with pytest.raises(YamlRefused) as caught:
        yaml_tree.read(text.encode())
    assert why in caught.value.why
    assert caught.value.line == line
    assert time.monotonic() - begin < 2


def test_other_encodings_are_refused() -> None:
    with pytest.raises(YamlRefused, match="not UTF-8"):
        yaml_tree.read("a: é\n".encode("utf-16"))


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=80), st.text(alphabet="ab:-?[]{}&*!|>'\"%#,\n ", max_size=80).map(str.encode)
    )
)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        documents = yaml_tree.read(content)
    except YamlRefused:
        return
    for document in documents:
        assert [pieces(scalar)[0][0] for scalar in scalars_of(document.root)] == [0] * len(
            scalars_of(document.root)
        )
