"""What runs a script: the steps and objects that are not Groovy's own."""

from typing import Protocol

from cipipe.groovy.values import Arguments, Handle, Site, Unit, Value
from cipipe.results import Location


class Host(Protocol):
    """What is not Groovy: the steps and objects of the program that runs the script."""

    def variable(self, name: str, unit: Unit) -> Value:
        """A name that no scope has; `Unknown` when the host does not know it either."""

    def step(self, name: str, arguments: Arguments, receiver: Handle | None, unit: Unit) -> Value:
        """A call that no file answers; `name` is dotted when it is on an object of the host's."""

    def construct(self, name: str, arguments: Arguments, unit: Unit) -> Value:
        """`new name(…)`."""

    def execute(self, command: Value, site: Site) -> Value:
        """`'command'.execute()` and its kin."""

    def is_step(self, name: str) -> bool:
        """Whether a method of an object that is not known can only be this step."""

    def unclear(self, message: str, location: Location) -> None:
        """Something that cannot be followed."""

    def too_deep(self, message: str) -> None:
        """Something that is not followed further; once is enough."""

    def noted(self) -> int:
        """How much has been noted so far: a method that notes nothing need not run again."""
