"""`python -m cipipe`, and the `cipipe` script."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from cipipe.cli import run  # noqa: PLC0415 - `import cipipe.__main__` must stay free of click

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
