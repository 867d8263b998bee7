"""What can go wrong, each with its exit code (DESIGN section 3).

    CipipeError
    ├── PolicyError          1   a rule, source, promotion, control or human's branch said no
    ├── UsageError           2   wrong use of the command line or its variables
    ├── ConfigError          2   cipipe.yaml
    ├── ImageError           2   an image ref, tag or digest that the grammar refuses
    ├── ManifestError        2   a manifest that cannot be edited safely
    ├── NothingMatched       3   no field, no file, no pipeline, no rule
    └── ExternalError        4   an outside program or service failed
        ├── CredentialsError     refused or missing credentials
        ├── DeadlineError        ran out of time
        ├── MissingToolError     not installed, or too old
        ├── RejectedError        the remote refuses the push, and trying again cannot help
        ├── GitError  RegistryError  ForgeError  EngineError

Anything else that escapes is a bug in cipipe (70); ^C is 130.
"""

from typing import ClassVar


class CipipeError(Exception):
    """An expected failure: what happened, where, and what to do about it.

    `message` says what and the likely cause in one line; `file` and `line` (from 1) say where; `hint` says
    what to do.
    """

    kind: ClassVar[str] = "bug"
    exit_code: ClassVar[int] = 70

    def __init__(
        self, message: str, *, file: str | None = None, line: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.hint = hint

    def document(self) -> dict[str, object]:
        """The error as it stands in every JSON report."""
        return {
            "kind": self.kind,
            "message": self.message,
            "file": self.file,
            "line": self.line,
            "hint": self.hint,
        }


class PolicyError(CipipeError):
    """A policy said no; nothing is broken."""

    kind = "policy"
    exit_code = 1


class UsageError(CipipeError):
    """The command line, or a variable that stands for an option, is wrong."""

    kind = "usage"
    exit_code = 2


class ConfigError(CipipeError):
    """`cipipe.yaml` is wrong."""

    kind = "config"
    exit_code = 2


class ImageError(CipipeError):
    """An image ref, tag or digest is not what distribution/reference accepts."""

    kind = "image"
    exit_code = 2


class ManifestError(CipipeError):
    """A manifest cannot be edited safely."""

    kind = "manifest"
    exit_code = 2


class NothingMatched(CipipeError):  # noqa: N818 - DESIGN's own name: nothing matched, nothing broke
    """Nothing to work on was found; silence would hide a typo."""

    kind = "nothing-matched"
    exit_code = 3


class ExternalError(CipipeError):
    """An outside program or service failed."""

    kind = "external"
    exit_code = 4


class CredentialsError(ExternalError):
    """A service refused the credentials, or there are none for it."""

    kind = "credentials"


class DeadlineError(ExternalError):
    """An outside program or service ran out of time."""

    kind = "deadline"


class MissingToolError(ExternalError):
    """A program that was asked for is not installed, or too old."""

    kind = "missing-tool"


class RejectedError(ExternalError):
    """The remote refuses a push for a reason that trying again cannot change."""

    kind = "rejected"


class GitError(ExternalError):
    """Git failed."""

    kind = "git"


class RegistryError(ExternalError):
    """A container registry failed, or does not have what was asked for."""

    kind = "registry"


class ForgeError(ExternalError):
    """A forge's API failed."""

    kind = "forge"


class EngineError(ExternalError):
    """A policy engine failed, or did not run every rule."""

    kind = "engine"
