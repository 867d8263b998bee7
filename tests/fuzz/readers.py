"""Fuzz a reader: no input makes it crash or hang, and every fact keeps to its shape.

    pip install atheris
    python -m tests.fuzz.readers shell|groovy|github|gitlab -max_total_time=200 -timeout=10

Seeds are the files of the gate's corpus. What is found is left in a file `crash-…` or `timeout-…`: read it,
make it a case of tests/gate/hostile.py or tests/fuzz/test_readers.py, and mend the reader.
"""

import re
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import yaml

from tests.gate.hostile import GITLAB, JENKINS, WORKFLOW, Hostile, workflow, write

_PATHS = {"shell": "a.sh", "groovy": JENKINS, "github": WORKFLOW, "gitlab": GITLAB}
_CORPUS = Path(__file__).parents[1] / "gate" / "corpus"
_TEXT = re.compile(r"[ -~]*")


def read(reader: str, data: bytes, folder: Path) -> None:
    """Read one input to its end; raise `AssertionError` for a fact out of shape."""
    from cipipe import reading  # noqa: PLC0415 - the fuzzer instruments what it imports
    from cipipe.policy.facts import KINDS  # noqa: PLC0415

    more = {WORKFLOW: workflow("bash a.sh")} if reader == "shell" else {}
    if not folder.exists():
        write(Hostile(more), folder)
    file = folder / _PATHS[reader]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    facts = reading.collect(reading.locate(folder, {}), None).facts.document("n")["facts"]
    assert isinstance(facts, dict)
    for kind, listed in facts.items():
        for fact in listed:
            assert fact.keys() == {"id", *KINDS[kind]}
            assert all(_TEXT.fullmatch(value) for value in fact.values() if isinstance(value, str))


def seeds(reader: str) -> list[str]:
    """The texts of the corpus that the reader gets."""
    found: set[str] = set()
    for file in _CORPUS.glob("*.yaml"):
        for entry in yaml.safe_load(file.read_text(encoding="utf-8")):
            found.update([entry["sh"]] if reader == "shell" and "sh" in entry else [])
            end = (".sh", ".bash") if reader == "shell" else _PATHS[reader]
            found.update(text for path, text in entry.get("files", {}).items() if path.endswith(end))
    return sorted(found)


def main(argv: list[str]) -> None:
    """Run the fuzzer until it finds something, or its time is over."""
    import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: PLC0415

    reader, *options = argv
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as work:
        for number, text in enumerate(seeds(reader)):
            (Path(folder) / str(number)).write_text(text, encoding="utf-8")
        target: Callable[[bytes], None] = partial(read, reader, folder=Path(work) / "r")
        with atheris.instrument_imports(include=["cipipe"]):
            target(b"")
        atheris.Setup([sys.argv[0], folder, *options], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
