"""Holes are filled with what earlier steps wrote, and every character keeps its place."""

from cipipe.pipelines.holes import fill, fill_values, line_starts, mapped_script
from cipipe.pipelines.model import HOLE, Script, Unknown
from cipipe.results import Location


def at(line: int, column: int) -> Location:
    return Location("f", line, column)


SCRIPT = Script(
    f"a {HOLE} b {HOLE}\nc {HOLE} d\n",
    "bash",
    (at(5, 3), at(6, 3), at(7, 1)),
    holes=("env.TOOL", "secrets.X", "env.TOOL"),
)


def test_known_holes_are_filled_and_the_others_stay() -> None:
    filled = fill(SCRIPT, {"env.TOOL": "kubectl\nget"})
    assert filled.text == f"a kubectl\nget b {HOLE}\nc kubectl\nget d\n"
    assert filled.holes == ("secrets.X",)
    assert filled.locate(filled.text.index("b")) == at(5, 3 + SCRIPT.text.index("b"))
    assert filled.locate(filled.text.index("d")) == at(6, 7)
    assert filled.lines[0] == at(5, 3)
    assert filled.lines[2] == at(6, 3)


def test_a_value_may_hold_holes_itself() -> None:
    filled = fill(SCRIPT, {"secrets.X": f"x{HOLE}{HOLE}"})
    assert filled.text.count(HOLE) == len(filled.holes) == 4
    assert filled.holes == ("env.TOOL", "?", "?", "env.TOOL")


def test_nothing_known_gives_the_same_script() -> None:
    assert fill(SCRIPT, {"env.OTHER": "x"}) is SCRIPT


def test_pieces_made_of_lines_locate_as_lines_do() -> None:
    mapped = mapped_script(SCRIPT.text, "bash", line_starts(SCRIPT.text, SCRIPT.lines))
    assert [mapped.locate(n) for n in range(len(SCRIPT.text))] == [
        SCRIPT.locate(n) for n in range(len(SCRIPT.text))
    ]
    assert mapped.lines == SCRIPT.lines


def test_a_value_that_is_one_hole_is_filled() -> None:
    values: dict[str, str | Unknown] = {
        "A": Unknown("steps.x.outputs.v"),
        "B": Unknown("secrets.B"),
        "C": "c",
    }
    assert fill_values(values, {"steps.x.outputs.v": "apply"}) == {**values, "A": "apply"}
