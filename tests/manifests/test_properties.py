"""Generated manifests and edits: one span moves, and two readers that know nothing of cipipe say so."""

import re
import time

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cipipe.errors import CipipeError
from cipipe.image import ImageRef
from cipipe.manifests import edit, running

WORDS = st.from_regex(re.compile(r"[a-z][a-z0-9]{0,6}", re.ASCII), fullmatch=True)
TAGS = st.from_regex(re.compile(r"\w[\w.-]{0,12}", re.ASCII), fullmatch=True) | st.sampled_from(
    ["1.10", "1e3", "0123", "2026-01-01", "yes", "12345678", "0o7", "1_000", "v1"]
)
QUOTES = st.sampled_from(["", "'", '"'])
COMMENTS = st.sampled_from(["", " # image: acme/app:v1", "\t# é: ü", " # {{ x }}"])
REPOSITORY = "ghcr.io/acme/app"


@st.composite
def pods(draw: st.DrawFn) -> tuple[str, list[int]]:
    """A manifest with containers of our image and of others; the lines of ours."""
    lines = ["apiVersion: v1", "kind: Pod", "metadata:", f"  name: {draw(WORDS)}"]
    if draw(st.booleans()):
        lines += [
            "  annotations:",
            f"    image: {REPOSITORY}:v1",
            "    text: |",
            f"      image: {REPOSITORY}:v1",
        ]
    indent = draw(st.sampled_from(["", "  ", "    "]))
    ours = []
    lines += ["spec:", f"{indent or ' '}containers:"]
    inner = indent or " "
    for _ in range(draw(st.integers(1, 4))):
        name = draw(
            st.sampled_from(
                [REPOSITORY, f"{REPOSITORY}-canary", f"{REPOSITORY}/sub", "acme/app", f"x.{REPOSITORY}"]
            )
        )
        quote = draw(QUOTES)
        tag = draw(TAGS)
        lines.append(f"{inner}- name: {draw(WORDS)}{draw(COMMENTS)}")
        lines.append(f"{inner}  image: {quote}{name}:{tag}{quote}{draw(COMMENTS)}")
        if name == REPOSITORY:
            ours.append(len(lines))
        if draw(st.booleans()):
            lines.append(f"{inner}  args: ['--image={REPOSITORY}:v1', {draw(WORDS)}]")
    return "\n".join(lines) + draw(st.sampled_from(["\n", "", "\n---\n", "\n\n# end\n"])), ours


def _scalars(text: str) -> list[tuple[str, str | None]]:
    return [(type(e).__name__, getattr(e, "value", None)) for e in yaml.parse(text, Loader=yaml.CSafeLoader)]


def _ruamel_scalars(text: str) -> list[tuple[str, str | None]] | None:
    try:
        return [
            (type(e).__name__, getattr(e, "value", None)) for e in YAML(typ="safe", pure=True).parse(text)
        ]
    except YAMLError:
        return None


@settings(max_examples=150, deadline=None)
@given(pods(), TAGS, st.sampled_from(["\n", "\r\n"]))
def test_an_edit_moves_the_image_scalars_and_nothing_else(
    pod: tuple[str, list[int]], tag: str, newline: str
) -> None:
    text, ours = pod
    before = text.replace("\n", newline)
    wanted = ImageRef.parse(f"{REPOSITORY}:{tag}")
    try:
        result = edit({"pod.yaml": before.encode()}, [wanted])
    except CipipeError:
        assert not ours
        return
    after = result.contents.get("pod.yaml", before.encode()).decode()

    assert sorted(change.line for change in (*result.changes, *result.held)) == ours
    old_lines, new_lines = before.split("\n"), after.split("\n")
    assert len(old_lines) == len(new_lines)
    for number, (old, new) in enumerate(zip(old_lines, new_lines, strict=True), 1):
        if number not in ours:
            assert old == new
        else:
            start = old.index(f"{REPOSITORY}:") + len(REPOSITORY) + 1
            end = re.compile(r"[\w.-]*").match(old, start).end()  # type: ignore[union-attr] # it matches nothing, too
            assert new == old[:start] + tag + old[end:]
    for read in (_scalars, _ruamel_scalars):
        was, now = read(before), read(after)
        if was is None or now is None:
            assert was is None
            assert now is None
            continue
        assert len(was) == len(now)
        differing = {pair for pair in zip(was, now, strict=True) if pair[0] != pair[1]}
        assert {pair[1] for pair in differing} <= {("ScalarEvent", str(wanted))}
    held = running({"pod.yaml": after.encode()}, [wanted])
    assert {str(field.ref) for field in held} == {str(wanted)}


@settings(max_examples=150, deadline=None)
@given(TAGS, TAGS, QUOTES, COMMENTS, st.booleans())
def test_a_tag_that_stands_alone_is_always_read_as_text(
    old: str, new: str, quote: str, comment: str, flow: bool
) -> None:
    entry = f"newTag: {quote}{old}{quote}"
    text = (
        f"images:\n- {{name: {REPOSITORY}, {entry}}}{comment}\n"
        if flow
        else f"images:\n- name: {REPOSITORY}\n  {entry}{comment}\n"
    )

    result = edit({"kustomization.yaml": text.encode()}, [ImageRef.parse(f"{REPOSITORY}:{new}")])

    after = result.contents.get("kustomization.yaml", text.encode()).decode()
    if result.changes:
        loaded = yaml.load(after, Loader=yaml.CSafeLoader)
        assert loaded["images"][0]["newTag"] == new
        assert after.replace(f'"{new}"', new) in {
            text.replace(f"newTag: {quote}{old}{quote}", f"newTag: {q}{new}{q}") for q in ("", quote)
        }


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "[",
                "{",
                "]",
                "}",
                "- ",
                "? ",
                ": ",
                "\n",
                "  ",
                "&a ",
                "*a",
                "!t ",
                "'",
                '"',
                "|\n",
                ">\n",
                "#",
                ",",
                "image: ",
                "ghcr.io/acme/app:v1",
                "{{ x }}",
                "<<: ",
                "\t",
                "\u0085",
                "é",
                "\\",
                "---\n",
                "tag: v1",
                "repository: ",
                "\r",
                "%Y 1\n",
            ]
        ),
        max_size=40,
    )
)
def test_any_text_ends_in_an_edit_or_a_clear_error(pieces: list[str]) -> None:
    data = "".join(pieces).encode()
    started = time.monotonic()
    try:
        result = edit({"a.yaml": data}, [ImageRef.parse("ghcr.io/acme/app:v2")])
    except CipipeError:
        return
    finally:
        assert time.monotonic() - started < 1
    for after in result.contents.values():
        assert edit({"a.yaml": after}, [ImageRef.parse("ghcr.io/acme/app:v2")]).contents == {}
