"""The private bare repository that a bump works in: never a work tree, never anyone's configuration.

In the order of use:

    with private_folder(environ) as folder:
        with Repository(Git(environ, folder / "home", deadline), remote, folder, credentials) as repository:
            fetched = repository.fetch("main", also=["cipipe/staging/app-1a2b3c4d"])
            entries = repository.candidates(fetched.base, ["manifests/staging"], is_manifest)
            contents = repository.read(entries)
            edit = repository.prepare(fetched.base, entries, {path: new bytes})
            commit = repository.commit(edit, message, date=seconds)
            push = repository.push(commit.id, "main", expected=fetched.base.id)

Each may raise StartOver: the repository is a fresh one now, and the caller begins with `fetch` again.
"""

import contextlib
import logging
import random
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from cipipe.errors import ConfigError, GitError
from cipipe.git import paths
from cipipe.git.cache import Cache, State
from cipipe.git.credentials import Credentials
from cipipe.git.failures import MissingBranchError, UnreachableError, failure
from cipipe.git.objects import CorruptObjectError, Objects
from cipipe.git.push import Push, parse_push
from cipipe.git.runner import REMOTE, Git, Pairs
from cipipe.git.signing import Signing
from cipipe.git.trees import Commit, object_id, replaced
from cipipe.git.url import Remote
from cipipe.proc import Completed, escaped
from cipipe.repository import branch_problem

DEPTH = 50  # the order guard reads this many commits; it costs 23 kB more than one
_BASE, _BUMPS, _EDIT = "refs/cipipe/base", "refs/cipipe/bump", "refs/cipipe/edit"
_WHOLE = "refs/cipipe/whole"
_TRIES = 6  # of a step that only reads
_MANY = 1_000  # files, and a quarter of all: then everything comes faster, as the server's packs have it
_FETCH = ("--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--quiet", "--no-auto-maintenance")
_PAUSE = 0.2  # seconds, doubled with each try, of which a random part is waited
NAME, EMAIL = "cipipe", "cipipe@users.noreply.invalid"
_Result = TypeVar("_Result")
_log = logging.getLogger("cipipe")


def check_branch(name: str) -> str:
    """`name`, when Git accepts it as a branch; raises ConfigError."""
    if problem := branch_problem(name):
        raise ConfigError(f"'{escaped(name)}' is no branch name: {problem}")
    return name


class StartOver(GitError):  # noqa: N818 - what to do, not only what happened
    """The repository is empty again (a broken cache, a server without partial fetch): `fetch` once more."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The branch's tip, and the tips of those other branches that exist (branch name -> commit)."""

    base: Commit
    others: Mapping[str, Commit]


@dataclass(frozen=True, slots=True)
class FileEdit:
    """One file's old and new blob; the mode stays."""

    path: str
    mode: str
    before: str
    after: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit on a base commit; `tree` is the id of the tree that it makes."""

    base: Commit
    tree: str
    files: tuple[FileEdit, ...]


class Repository:
    """A private bare repository for one remote; a context manager.

    `folder` is private and lives as long as this (`folder.private_folder`). `cache_dir` keeps objects for
    later runs.
    """

    def __init__(
        self,
        git: Git,
        remote: Remote,
        folder: Path,
        credentials: Credentials | None = None,
        *,
        cache_dir: Path | None = None,
    ) -> None:
        self._git = git
        self._remote = remote
        self._folder = folder
        self._credentials = credentials
        self._cache = Cache(cache_dir, remote) if cache_dir else None
        self._filtered = True
        self._number = 0
        self._local: set[str] = set()  # blobs that are here
        git.home.mkdir(mode=0o700, exist_ok=True)

    def __enter__(self) -> Self:
        self._create()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._objects.close()

    def fetch(self, branch: str, also: Sequence[str] = ()) -> Fetched:
        """Fetch the last 50 commits of `branch`, and of those branches in `also` that exist.

        The last character of a name in `also` is matched by a pattern, since Git fails for a name that is not
        there. Raises MissingBranchError, CredentialsError, DeadlineError, GitError.
        """
        refspecs = [f"+refs/heads/{check_branch(branch)}:{_BASE}"]
        self._branch = branch
        refspecs += [f"+refs/heads/{check_branch(name)[:-1]}*:{_BUMPS}/{n}/*" for n, name in enumerate(also)]
        blobs = ["--filter=blob:none"] if self._filtered else []
        arguments = ["fetch", *_FETCH, "--prune", f"--depth={DEPTH}", *blobs, REMOTE, *refspecs]
        try:
            self._reading(*arguments)
        except (UnreachableError, MissingBranchError):
            raise
        except GitError:
            if self._cache is None:
                raise
            self._throw_cache_away()
            self._reading(*arguments)
        self._objects.close()  # the next one sees the new refs
        return self._checked(lambda: self._tips(also))

    def history(self, tip: Commit, limit: int = DEPTH) -> tuple[Commit, ...]:
        """`tip` and the commits before it that were fetched, newest first, at most `limit`."""

        def read() -> tuple[Commit, ...]:
            listed = self._run("rev-list", f"--max-count={limit}", tip.id)
            return self._objects.commits(listed.decode().split())

        return self._checked(read)

    def deepen(self, branch: str, depth: int = 500) -> tuple[Commit, ...]:
        """The last `depth` commits of `branch` as it is now, newest first, without trees and files.

        In a repository of its own: a server that is told of these commits takes their trees for known, and a
        later pack would build on them.
        """
        with Repository(
            self._git, self._remote, Path(tempfile.mkdtemp(dir=self._folder)), self._credentials
        ) as deep:
            deep._reading(
                "fetch", *_FETCH, f"--depth={depth}", "--filter=tree:0", REMOTE,
                f"+refs/heads/{check_branch(branch)}:{_BASE}",
            )  # fmt: skip
            return deep.history(deep._objects.commit(_BASE), depth)

    def candidates(
        self, commit: Commit, below: Sequence[str], wanted: Callable[[str], bool]
    ) -> tuple[paths.Entry, ...]:
        """The files of `commit` at or below the paths `below` whose path `wanted` accepts.

        Raises ManifestError for symlinks, submodules, LFS and names that are not safe (see `paths`).
        """
        scope = [] if any(path.strip("./") == "" for path in below) else [path.strip("/") for path in below]
        listing = self._checked(
            lambda: self._run("ls-tree", "-r", "-z", "--full-tree", commit.tree, "--", *scope)
        )
        return paths.candidates(listing, wanted)

    def read(self, entries: Iterable[paths.Entry]) -> dict[str, bytes]:
        """Path -> content, one request for all that is missing; raises ManifestError for LFS pointers."""
        listed = list(entries)
        missing = {entry.blob for entry in listed} - self._known_blobs()
        if self._filtered and len(missing) > _MANY and len(missing) * 4 > self._count_files():
            self._fetch_everything()
            missing -= self._local
        if missing:
            self._fetch_blobs(missing)
            self._local |= missing
        contents = self._checked(lambda: self._objects.blobs(entry.blob for entry in listed))
        return paths.without_pointers({entry.path: contents[entry.blob] for entry in listed})

    def prepare(self, base: Commit, entries: Iterable[paths.Entry], contents: Mapping[str, bytes]) -> Edit:
        """The edit that puts `contents` (path -> bytes) in the place of files among `entries`.

        The new tree is worked out from the base's trees, each checked by its id: only these blobs differ.
        """
        known = {entry.path: entry for entry in entries}
        files = tuple(
            FileEdit(path, known[path].mode, known[path].blob, object_id("blob", content, base.id), content)
            for path, content in sorted(contents.items())
        )
        blobs = {file.path.encode(): file.after for file in files}
        tree = self._checked(lambda: replaced(self._objects.tree, base.tree, blobs))
        return Edit(base, tree, files)

    def commit(  # noqa: PLR0913 - by name only
        self, edit: Edit, message: str, *, date: int, name: str = NAME, email: str = EMAIL,
        signing: Signing | None = None,
    ) -> Commit:  # fmt: skip
        """Commit `edit` on its base; `date` (seconds since the epoch) is the author's and the committer's.

        The same arguments make the same id, signatures by ECDSA and gpg apart.
        """
        who = f"{name} <{email}> {date} +0000"
        text = message.encode()
        stream = [f"commit {_EDIT}\nauthor {who}\ncommitter {who}\ndata {len(text)}\n".encode(), text]
        stream.append(f"\nfrom {edit.base.id}\n".encode())
        for file in edit.files:
            quoted = file.path.replace("\\", "\\\\").replace('"', '\\"')
            stream.append(
                f'M {file.mode} inline "{quoted}"\ndata {len(file.content)}\n'.encode() + file.content + b"\n"
            )
        self._checked(lambda: self._run("fast-import", "--quiet", "--force", stdin=b"".join(stream)))
        made = self._checked(lambda: self._objects.commit(_EDIT))
        if made.tree != edit.tree:
            raise self._broken(CorruptObjectError(f"the commit's tree is {made.tree}, not {edit.tree}"))
        if signing:
            signed = signing.commit(self._git, self._repository, made, self._variables)
            made = self._checked(lambda: self._objects.commit(signed))
        return made

    def push(self, commit: str, branch: str, *, expected: str | None) -> Push:
        """Push the commit to `branch`, but only onto the commit `expected` (None: the branch must not exist).

        Raises CredentialsError, DeadlineError, and GitError for what no other try can mend.
        """
        ref = f"refs/heads/{check_branch(branch)}"
        completed = self._network(
            "push", "--porcelain", "--no-verify", f"--force-with-lease={ref}:{expected or ''}",
            REMOTE, f"{commit}:{ref}",
        )  # fmt: skip
        try:
            return parse_push(completed, self._remote, self._credentials)
        except GitError as error:  # another run may have thrown the cache away under this one
            raise self._broken(error) from None

    def remote_branches(self, patterns: Sequence[str]) -> dict[str, str]:
        """Branch -> commit id on the remote now, for full names or globs such as `cipipe/staging/*`.

        Protocol 0 lists all refs in one request; version 2 chooses on the server, and takes two.
        """
        for pattern in patterns:
            check_branch(pattern.replace("*", "x"))
        refs = [f"refs/heads/{pattern}" for pattern in patterns]
        step = self._reading("ls-remote", "--refs", REMOTE, *refs, config=(("protocol.version", "0"),))
        listed = step.stdout.decode(errors="replace")
        pairs = (line.split("\t", 1) for line in listed.splitlines() if "\t" in line)
        return {
            ref.removeprefix("refs/heads/"): commit for commit, ref in pairs if ref.startswith("refs/heads/")
        }

    def _create(self) -> None:
        self._number += 1
        self._repository = self._folder / f"{self._number}.git"
        self._repository.mkdir(mode=0o700)
        self._local = set()
        state = self._open_cache()
        self._variables = {"GIT_OBJECT_DIRECTORY": str(self._cache.objects)} if self._cache else {}
        self._objects = Objects(self._git, self._repository, self._variables)
        try:
            self._run("init", "--quiet", "--bare", "--template=", "--initial-branch=none")
        except GitError:
            if self._cache is None:
                raise
            self._throw_cache_away()
            return
        if state:
            self._restore(state)

    def _open_cache(self) -> State | None:
        if self._cache is None:
            return None
        try:
            return self._cache.open()
        except OSError as error:
            _log.warning("the cache folder cannot be used, going on without it: %s", error)
            self._cache = None
            return None

    def _restore(self, state: State) -> None:
        (self._repository / "shallow").write_text("".join(f"{each}\n" for each in state.shallow))
        lines = "".join(f"create refs/cipipe/kept/{n} {tip}\n" for n, tip in enumerate(state.tips))
        try:
            self._run("update-ref", "--stdin", stdin=lines.encode())
        except GitError:
            self._throw_cache_away()

    def _remember(self, fetched: Fetched) -> None:
        if self._cache:
            shallow = self._repository / "shallow"
            ends = tuple(shallow.read_text().split()) if shallow.exists() else ()
            tips = (fetched.base.id, *(commit.id for commit in fetched.others.values()))
            with contextlib.suppress(OSError):  # the next run is only slower
                self._cache.save(State(tips, ends))

    def _throw_cache_away(self) -> None:
        self._objects.close()
        if self._cache:
            with contextlib.suppress(OSError):
                self._cache.discard()
        self._cache = None
        self._create()

    def _tips(self, also: Sequence[str]) -> Fetched:
        base = self._objects.commit(_BASE)
        others = {}
        for number, name in enumerate(also):
            if commit := self._objects.commit_if_any(f"{_BUMPS}/{number}/{name[-1]}"):
                others[name] = commit
        fetched = Fetched(base, others)
        self._remember(fetched)
        return fetched

    def _known_blobs(self) -> set[str]:
        if not self._filtered or (self._cache and not self._local):
            self._local |= self._all_objects()
        return self._local

    def _count_files(self) -> int:
        return self._run("ls-tree", "-r", "-z", "--name-only", _BASE).count(b"\0")

    def _fetch_everything(self) -> None:
        """All files of the branch as it is now, which is nearly always the base.

        The server compresses single files anew, 0.75 s for 5,000 of them; a whole history it copies from its
        packs, 0.42 s for all 10,000.
        """
        self._reading(
            "fetch", *_FETCH, "--no-filter", f"--depth={DEPTH}", REMOTE,
            f"+refs/heads/{self._branch}:{_WHOLE}",
            config=(("fetch.negotiationAlgorithm", "noop"),),
        )  # fmt: skip
        self._objects.close()  # the next one sees the new pack
        self._local |= self._all_objects()

    def _all_objects(self) -> set[str]:
        listed = self._run("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", "--unordered")
        return set(listed.decode().split())

    def _fetch_blobs(self, ids: Iterable[str]) -> None:
        """As git fetches what a partial clone lacks; an old server may refuse it, then all is fetched."""
        try:
            self._reading(
                "fetch", *_FETCH, "--filter=blob:none", "--stdin", REMOTE,
                stdin="".join(f"{each}\n" for each in sorted(ids)).encode(),
                config=(("fetch.negotiationAlgorithm", "noop"),),
            )  # fmt: skip
        except UnreachableError:
            raise
        except GitError:
            if not self._filtered:
                raise
            self._filtered = False
            self._objects.close()
            self._create()
            raise StartOver("the server does not hand out single files: everything is fetched") from None

    def _checked(self, step: Callable[[], _Result]) -> _Result:
        """`step`, whose failure may be the cache's: it is then thrown away."""
        try:
            return step()
        except GitError as error:
            raise self._broken(error) from None

    def _broken(self, error: GitError) -> GitError:
        if self._cache is None or isinstance(error, (UnreachableError, StartOver)):
            return error
        self._throw_cache_away()
        return StartOver(f"the cache was broken and is thrown away: {error.message}")

    def _run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        return self._git.run(*arguments, repository=self._repository, stdin=stdin, variables=self._variables)

    def _network(self, *arguments: str, stdin: bytes = b"", config: Pairs = ()) -> Completed:
        return self._git.network(
            *arguments, repository=self._repository, remote=self._remote, credentials=self._credentials,
            stdin=stdin, variables=self._variables, config=config,
        )  # fmt: skip

    def _reading(self, *arguments: str, stdin: bytes = b"", config: Pairs = ()) -> Completed:
        """A network step that changes nothing there: tried again while the server does not answer."""
        deadline = self._git.deadline
        for attempt in range(1, _TRIES + 1):
            completed = self._network(*arguments, stdin=stdin, config=config)
            if completed.returncode == 0:
                return completed
            error = failure(completed, self._remote, self._credentials)
            if not isinstance(error, UnreachableError) or attempt == _TRIES:
                raise error
            deadline.note(error.message)
            deadline.sleep(random.uniform(0, _PAUSE * 2**attempt))  # noqa: S311 - spreads load, no secret
        raise deadline.error("reading the remote repository")
