"""`tox -e NAME`: the commands of tox.ini (layer 1)."""

import configparser
import posixpath
import re

from cipipe.pipelines.model import HOLE, Script
from cipipe.results import Location
from cipipe.shell.calls import Call, Result
from cipipe.shell.follow.reach import first_file, plain_words, run_in
from cipipe.shell.interpreter import Interpreter


def tox(run: Interpreter, call: Call) -> Result:
    """`tox -e NAME`: the commands of tox.ini."""
    run.emit(call)
    _, given = plain_words(call, frozenset({"-e", "-c", "--conf", "--workdir", "-m", "-f"}))
    found = first_file(run, call, (given.get("-c", "tox.ini"),))
    if found is None:
        return Result.UNKNOWN
    path, text = found
    run.spend(len(text) // 100)  # it is parsed anew for every call
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        run.problem(call, f"{path} cannot be read: {type(error).__name__}")
        return Result.UNKNOWN
    usual = parser.get("tox", "env_list", fallback="") or parser.get("tox", "envlist", fallback="")
    wanted = given.get("-e") or usual or ""
    names = [name for name in re.split(r"[,\s]+", re.sub(r"[{}]", ",", wanted)) if name] or [""]
    if set(names) & {"ALL"} or {"-m", "-f"} & given.keys():
        names = [section.partition(":")[2] for section in parser.sections() if section.startswith("testenv")]
    for section in dict.fromkeys(
        f"testenv:{name}" if f"testenv:{name}" in parser else "testenv" for name in names
    ):
        for option in ("commands_pre", "commands", "commands_post"):
            value = parser.get(section, option, fallback=None) or parser.get("testenv", option, fallback="")
            if value:
                _tox_commands(run, call, found, value)
    return Result.UNKNOWN


def _tox_commands(run: Interpreter, call: Call, found: tuple[str, str], value: str) -> None:
    path, text = found
    for line in re.sub(r"\\\n\s*", " ", value).split("\n"):
        command = line.strip().removeprefix("-").strip()
        if not command:
            continue
        at = text.find(line.strip().split("  ")[0][:40])
        place = Location(path, text.count("\n", 0, max(at, 0)) + 1)
        text_of = re.sub(r"\{posargs(?::([^{}]*))?\}", lambda m: m[1] or "", command)
        run_in(
            run, call, Script(re.sub(r"\{[^{}]*\}", HOLE, text_of), "sh", (place,)), posixpath.dirname(path)
        )
