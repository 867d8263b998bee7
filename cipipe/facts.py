"""`cipipe facts`: what the gate's rules judge."""

from collections.abc import Mapping
from pathlib import Path

from cipipe import reading, trust
from cipipe.results import FactsOutcome


def facts(path: Path, *, environ: Mapping[str, str]) -> FactsOutcome:
    """The facts of the pipelines at `path`; equal files give equal output."""
    repository = reading.locate(path, environ)
    settings, _ = trust.settings(repository.files.root, None, environ)
    read = reading.collect(repository, settings)
    return FactsOutcome(read.facts.complete(""), read.read)
