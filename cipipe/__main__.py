"""`python -m cipipe`, and the `cipipe` script."""

import gc
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from cipipe.cli import run  # noqa: PLC0415 - `import cipipe.__main__` must stay free of click

    code = run(sys.argv[1:])
    gc.disable()  # else the interpreter looks through all that is left before it ends: 80 ms of a large gate
    sys.exit(code)


if __name__ == "__main__":
    main()
