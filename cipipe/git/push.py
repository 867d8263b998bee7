"""What became of a push, read from `git push --porcelain` (git-push(1), OUTPUT)."""

import re
from dataclasses import dataclass
from typing import Literal

from cipipe.git.credentials import Credentials
from cipipe.git.failures import UnreachableError, failure
from cipipe.git.url import Remote
from cipipe.proc import Completed, escaped

_STATUS = re.compile(r"(?P<flag>[ +\-*!=])\t(?P<refs>[^\t]*)\t(?P<summary>[^\t(]*)(?:\((?P<reason>.*)\))?\s*")
_DECLINED = re.compile(r"declined|denied|prohibited|not allowed|forbidden|protected", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Push:
    """The answer to a push.

    `outcome`: `pushed`, `up-to-date` (the remote held the commit already), `rejected` (nothing was written),
    or `unknown` (the connection broke: only reading the remote again can tell). `reason` and `said` are the
    server's words, escaped; `declined` says that they speak of a rule, so that another try cannot help.
    """

    outcome: Literal["pushed", "up-to-date", "rejected", "unknown"]
    reason: str = ""
    said: str = ""
    declined: bool = False

    @property
    def ok(self) -> bool:
        """Whether the branch now points at the commit."""
        return self.outcome in {"pushed", "up-to-date"}


def parse_push(completed: Completed, remote: Remote, credentials: Credentials | None) -> Push:
    """The outcome of a push of one ref; raises CredentialsError, and GitError for what no push can mend."""
    lines = completed.stdout.decode(errors="replace").splitlines()
    status = next((match for line in lines if (match := _STATUS.fullmatch(line))), None)
    said = [line[7:] for line in _lines(completed) if line.startswith("remote:")]
    if status and status["flag"] != "!":
        return Push("up-to-date" if status["flag"] == "=" else "pushed", said=escaped("\n".join(said)))
    if status and "remote failure" not in status["summary"]:
        reason = escaped(status["reason"] or status["summary"])
        declined = bool(_DECLINED.search(reason)) and "[remote rejected]" in status["summary"]
        return Push("rejected", reason, escaped("\n".join(said)), declined)
    error = failure(completed, remote, credentials)
    if status or isinstance(error, UnreachableError):
        return Push("unknown", error.message, escaped("\n".join(said)))
    raise error


def _lines(completed: Completed) -> list[str]:
    return completed.stderr.decode(errors="replace").splitlines()
