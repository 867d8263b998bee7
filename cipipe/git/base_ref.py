"""A file as it is on another ref: from the checkout, else by one fetch into a private repository."""

import re
from collections.abc import Mapping
from pathlib import Path

from cipipe.errors import ExternalError, GitError
from cipipe.git import bare
from cipipe.git.credentials import credentials
from cipipe.git.folder import private_folder
from cipipe.git.local import Checkout
from cipipe.git.runner import Git
from cipipe.git.url import Remote
from cipipe.proc import Deadline

_SECONDS = 120.0
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def show(root: Path, ref: str, path: str, environ: Mapping[str, str]) -> bytes | None:
    """The content of `path` (from the root, POSIX) on `ref` (branch, tag, commit); None when not there.

    Raises GitError when the ref is not known here and cannot be fetched; the checkout is only read.
    """
    if ref.startswith("-") or not ref.isprintable() or re.search(r"[\s~^:?*\[\\]|\.\.|@\{", ref):
        raise GitError(f"'{ref}' is no name of a branch, tag or commit")
    deadline = Deadline(_SECONDS)
    with private_folder(environ) as home:
        git = Git(environ, home, deadline, checkout=root)
        for name in _names(ref):
            found = git.status("cat-file", "-e", f"{name}^{{commit}}", repository=root / ".git")
            if found == 0:
                return _content(git, root / ".git", name, path)
        if _ID.fullmatch(ref):
            raise GitError(f"the commit {ref[:12]} is not in this clone", hint="fetch it (fetch-depth: 0)")
        return _fetched(git, home, root, _branch(ref), path)


def _names(ref: str) -> tuple[str, ...]:
    if _ID.fullmatch(ref) or ref == "HEAD":
        return (ref,)
    if ref.startswith("refs/"):
        return (ref.replace("refs/heads/", "refs/remotes/origin/"), ref)
    ours = [f"refs/remotes/origin/{ref}", f"refs/remotes/{ref}"]
    if ref.startswith("origin/"):  # whoever may push can make a branch 'origin/main'
        ours.reverse()
    return (*ours, f"refs/heads/{ref}", f"refs/tags/{ref}")


def _branch(ref: str) -> str:
    """The name at the origin of what is not known here."""
    short = ref.removeprefix("refs/remotes/origin/").removeprefix("refs/heads/")
    return short if short != ref else ref.removeprefix("origin/")


def _content(git: Git, repository: Path, commit: str, path: str) -> bytes | None:
    listed = git.run("ls-tree", "-z", f"{commit}^{{commit}}", "--", path, repository=repository)
    entry = re.match(rb"(\d+) (\w+) ([0-9a-f]+)\t", listed)
    if entry is None or entry[2] != b"blob" or entry[1] == b"120000":
        return None
    return git.run("cat-file", "blob", entry[3].decode(), repository=repository)


def _fetched(git: Git, home: Path, root: Path, branch: str, path: str) -> bytes | None:
    with _checkout(root, git.environ) as checkout:
        address = checkout.remote_url
    if address is None:
        raise GitError(f"there is no branch '{branch}' in this clone, and no origin to fetch it from")
    if branch == "HEAD":
        raise GitError("the origin's main branch is not known in this clone", hint="name the base by --base")
    remote = Remote.parse(address)
    try:
        with bare.Repository(git, remote, home, credentials(git.environ, remote)) as repository:
            base = repository.fetch(branch).base
            return repository.read(repository.candidates(base, [path], lambda found: found == path)).get(path)
    except ExternalError as problem:
        raise GitError(f"the base '{branch}' cannot be fetched: {problem.message}") from None


def _checkout(root: Path, environ: Mapping[str, str]) -> Checkout:
    checkout = Checkout.find(root, environ)
    if checkout is None:
        raise GitError(f"{root} is not in a Git repository")
    return checkout
