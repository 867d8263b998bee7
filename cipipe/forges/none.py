"""No forge: a repository without pull requests; a person opens what its server calls so."""

from cipipe.forges.base import Access


def connect(_access: Access) -> None:
    """There is nothing to connect to."""
