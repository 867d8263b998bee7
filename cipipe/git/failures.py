"""What git said, as one of our errors. It decides what a person is told, never what happened to a push."""

import re

from cipipe.errors import CredentialsError, ExternalError, GitError
from cipipe.git.credentials import Credentials
from cipipe.git.url import Remote
from cipipe.proc import Completed, escaped


class UnreachableError(GitError):
    """The server did not answer, or not to the end; another try may help."""


class MissingBranchError(GitError):
    """The remote repository has no such branch."""


_MISSING_BRANCH = re.compile(r"couldn't find remote ref (?:refs/heads/)?(?P<branch>\S+)")
_CREDENTIALS = re.compile(
    r"could not read (?:Username|Password)|Authentication failed|returned error: 40[13]|HTTP 40[13]"
    r"|Permission denied \(|Invalid username or|Access denied|Too many authentication failures",
    re.IGNORECASE,
)
_HOST_KEY = re.compile(r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED")
_UNREACHABLE = re.compile(
    r"Could not resolve|Failed to connect|Couldn't connect|Connection (?:refused|reset|timed out|closed)"
    r"|Operation too slow|returned error: (?:408|429|5\d\d)|HTTP (?:408|429|5\d\d)|hung up|early EOF"
    r"|Empty reply|RPC failed|unexpected disconnect|timed out|Timeout|No route to host|Broken pipe"
    r"|unable to access",
    re.IGNORECASE,
)
_UNSEEN = "there is no such repository, or these credentials do not see it"
_LIMITS = {
    "GITHUB_TOKEN": "the token of a workflow reaches its own repository alone: set CIPIPE_TOKEN, or an App",
    "CI_JOB_TOKEN": "a job's token reaches projects that allow it, and pushes where that is switched on:"
    " set GITLAB_TOKEN",
}
_PERMANENT = (
    (
        re.compile(r"dubious ownership"),
        "the repository's folder belongs to another user",
        "run cipipe as its owner, or reach it over http or ssh",
    ),
    (
        re.compile(r"returned error: 30\d|HTTP 30\d|unable to update url base from redirection"),
        "the server sends git to another address, which is not followed",
        "was the repository renamed or moved? Write its new address into repo:",
    ),
    (
        re.compile(
            r"returned error: 404|HTTP 404|not found|does not appear to be a git repository|No such file"
        ),
        _UNSEEN,
        "check repo: in cipipe.yaml, and what the token or key may read",
    ),
    (
        re.compile(r"not valid: is this a git repository|invalid server response|invalid content-type"),
        "the server's answer is not Git's: a sign-in page or a proxy, perhaps",
        "open the address of repo: in a browser without signing in",
    ),
    (
        re.compile(r"SSL certificate|certificate verif|server verification failed", re.IGNORECASE),
        "the server's certificate is not trusted here",
        "set SSL_CERT_FILE or GIT_SSL_CAINFO to the file of your certificate authority",
    ),
    (
        re.compile(r"No space left|Disk quota|File too large", re.IGNORECASE),
        "the disk is full",
        "free some space, or set TMPDIR to a folder that has it",
    ),
)


def failure(
    completed: Completed, remote: Remote | None = None, credentials: Credentials | None = None
) -> ExternalError:
    """The error for a git command that failed; `remote` where it spoke to one, with `credentials`."""
    said = completed.stderr.decode(errors="replace")
    shown = escaped(completed.stderr) or f"exit {completed.returncode}"
    command = next((part for part in completed.argv[1:] if not part.startswith("-")), "")
    if remote is None:
        return GitError(f"git {command} failed: {shown}")
    if missing := _MISSING_BRANCH.search(said):
        return MissingBranchError(
            f"{remote} has no branch '{escaped(missing['branch'])}'",
            hint="create it first, or correct branch: in cipipe.yaml",
        )
    if _HOST_KEY.search(said):
        return CredentialsError(
            f"the ssh host key of {remote.host} is not known here, or has changed: {shown}",
            hint="put the key that the host's owner publishes into ~/.ssh/known_hosts",
        )
    if _CREDENTIALS.search(said):
        return _refused(remote, credentials, shown)
    return _other(said, remote, command, shown, _LIMITS.get(credentials.variable) if credentials else None)


def _other(said: str, remote: Remote, command: str, shown: str, limits: str | None) -> GitError:
    for pattern, meaning, hint in _PERMANENT:
        if pattern.search(said):
            told = f"{hint}; {limits}" if limits and meaning == _UNSEEN else hint
            return GitError(f"{remote}: {meaning}: {shown}", hint=told)
    if _UNREACHABLE.search(said):
        return UnreachableError(f"{remote} did not answer as it should: {shown}")
    return GitError(f"git {command} with {remote} failed: {shown}")


def _refused(remote: Remote, credentials: Credentials | None, shown: str) -> CredentialsError:
    if remote.scheme == "ssh":
        hint = "add a key that the repository accepts to the ssh agent, or as ~/.ssh/id_ed25519"
        return CredentialsError(f"{remote} refused the ssh key: {shown}", hint=hint)
    if credentials:
        hint = f"check that {credentials.variable} has not expired and may write to the repository"
        if limits := _LIMITS.get(credentials.variable):
            hint += f"; {limits}"
        return CredentialsError(f"{remote} refused {credentials.variable}: {shown}", hint=hint)
    hint = "set CIPIPE_TOKEN (and CIPIPE_USERNAME where the server wants one); credential helpers are not run"
    return CredentialsError(f"{remote} asks for credentials, and there are none: {shown}", hint=hint)
