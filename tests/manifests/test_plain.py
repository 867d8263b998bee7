"""Text that some YAML reader re-types is quoted; every other tag stays plain."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from cipipe.manifests.plain import is_retyped

RETYPED = [
    "1.10",
    "1e3",
    "0123",
    "12345678",
    "1234567e8",
    "72044e0",
    "2026-01-01",
    "2026-1-1",
    "yes",
    "No",
    "ON",
    "off",
    "y",
    "N",
    "true",
    "False",
    "NULL",
    "null",
    "~",
    "1_000",
    "0o7",
    "0x1F",
    "0b101",
    "12:30:45",
    "190:20:30",
    "1.",
    "08",
    "09",
    "1e10000",
    "0X1f",
    "0O7",
    "0B1",
    "1_0.5",
    "1__0",
    "7_",
    "12e03",
]
STRINGS = [
    "v1",
    "1.2.3",
    "latest",
    "main",
    "2026-01-01-abc",
    "1.10-rc1",
    "0x",
    "0xg",
    "abc123",
    "1e",
    "1e5x",
    "e5",
    "12a",
    "nan",
    "inf",
    "yess",
    "yEs",
    "_1",
    "1-2",
    "0b12",
    "0o8",
]


@pytest.mark.parametrize("text", RETYPED)
def test_retyped(text: str) -> None:
    assert is_retyped(text)


@pytest.mark.parametrize("text", STRINGS)
def test_strings_stay_plain(text: str) -> None:
    assert not is_retyped(text)


@settings(max_examples=1500, deadline=None)
@given(
    st.from_regex(r"[0-9a-fxoeyntb._:-]{1,9}", fullmatch=True)
    | st.from_regex(r"[0-9][0-9._e:x-]{0,8}", fullmatch=True)
)
def test_what_two_independent_readers_retype_is_known(text: str) -> None:
    resolved = yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call] # not in the stubs
    if resolved not in {"tag:yaml.org,2002:str", "tag:yaml.org,2002:merge", "tag:yaml.org,2002:value"}:
        assert is_retyped(text)
    for version in ("1.1", "1.2"):
        reader = YAML(typ="safe", pure=True)
        reader.version = version
        try:
            value = reader.load(f"a: {text}\n")
        except (ValueError, OverflowError):
            assert is_retyped(text)  # a number out of range
            continue
        except Exception:  # noqa: BLE001, S112 - not plain text of one value at all
            continue
        if isinstance(value, dict) and "a" in value and not isinstance(value["a"], str | dict | list):
            assert is_retyped(text)
