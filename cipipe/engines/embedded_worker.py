"""The process of the embedded engine: a question on stdin, values on stdout, an exit code for the rest.

It is run by its path (`python -I`), so that nothing but regopy is imported and no variable or folder
changes what runs.
"""

import json
import sys
from typing import Any


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """The value of every query that has exactly one; raises what regopy raises."""
    from regopy import Interpreter  # noqa: PLC0415 - its import error is an answer too

    interpreter = Interpreter()
    interpreter.strict_built_in_errors = True
    for name, text in question["modules"].items():
        interpreter.add_module(name, text)
    # not set_input: it corrupts quotes, backslashes and newlines
    interpreter.set_input_term(question["input"])
    values = {}
    for query in question["queries"]:
        output = interpreter.query(query)
        if not output.ok():
            raise RuntimeError(f"{query}: {output}")
        expressions = json.loads(str(output)).get("expressions")
        if isinstance(expressions, list) and len(expressions) == 1:
            values[query] = expressions[0]
    return values


if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout, ensure_ascii=False)
