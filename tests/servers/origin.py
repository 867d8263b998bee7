"""A bare repository on the server's side, with the few verbs that tests and benchmarks ask of it."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

Content = bytes | tuple[str, bytes]


def environment(home: Path) -> dict[str, str]:
    """A clean environment for the git of the server's side."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "Origin",
        "GIT_AUTHOR_EMAIL": "origin@example.com",
        "GIT_COMMITTER_NAME": "Origin",
        "GIT_COMMITTER_EMAIL": "origin@example.com",
    }


class Origin:
    """A bare repository with the few verbs that tests ask of it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self._environment = environment(folder)

    @classmethod
    def create(
        cls,
        folder: Path,
        files: Mapping[str, Content] | None = None,
        *,
        url: str = "",
        branch: str = "main",
        allow_filter: bool = True,
        object_format: str = "sha1",
    ) -> Self:
        """A new bare repository with one commit of `files` (path -> bytes, or (mode, bytes))."""
        folder.mkdir(parents=True)
        origin = cls(folder, url or folder.as_uri())
        origin.git(
            "init",
            "-q",
            "--bare",
            "--template=",
            f"--object-format={object_format}",
            f"--initial-branch={branch}",
        )
        origin.git("config", "http.receivepack", "true")
        origin.git("config", "uploadpack.allowFilter", str(allow_filter).lower())
        origin.git("config", "gc.auto", "0")
        if files is not None:
            origin.commit(files, branch=branch)
        return origin

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git in the repository and return what it printed, without the last newline."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=self._environment,
            input=stdin,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"git {arguments}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="surrogateescape").removesuffix("\n")

    def commit(
        self,
        files: Mapping[str, Content | None],
        *,
        branch: str = "main",
        message: str = "Change",
        date: int = 1_700_000_000,
        start: str | None = None,
    ) -> str:
        """Commit `files` on `branch` with one `fast-import`; the new id.

        None as content removes; a gitlink is ("160000", id). `start` is the commit to stand on; left out, the
        branch itself when there is one.
        """
        parent = start or self.tip(branch)
        who = f"Origin <origin@example.com> {date} +0000"
        text = message.encode()
        head = f"commit refs/heads/{branch}\nauthor {who}\ncommitter {who}\ndata {len(text)}\n"
        stream = [head.encode(), text, f"\nfrom {parent}\n".encode() if parent else b"\n"]
        for path, content in files.items():
            mode, data = content if isinstance(content, tuple) else ("100644", content)
            raw = path.encode(errors="surrogateescape").replace(b"\\", b"\\\\").replace(b'"', b'\\"')
            quoted = b'"' + raw.replace(b"\n", b"\\n") + b'"'
            if data is None:
                stream.append(b"D %s\n" % quoted)
            elif mode == "160000":
                stream.append(b"M 160000 %s %s\n" % (data, quoted))
            else:
                stream.append(b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), quoted, len(data), data))
        self.git("fast-import", "--quiet", "--force", stdin=b"".join(stream))
        return self.git("rev-parse", f"refs/heads/{branch}")

    def tip(self, branch: str) -> str | None:
        """The commit that a branch points at."""
        return self.branches().get(branch)

    def branches(self) -> dict[str, str]:
        """Branch name -> commit id."""
        listed = self.git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/")
        return dict(line.rsplit(" ", 1) for line in listed.splitlines())

    def read(self, path: str, branch: str = "main") -> bytes:
        """The bytes of a file on a branch."""
        return subprocess.run(
            ["git", "cat-file", "blob", f"refs/heads/{branch}:{path}"],
            cwd=self.folder, env=self._environment, capture_output=True, check=True,
        ).stdout  # fmt: skip

    def log(self, branch: str = "main") -> list[str]:
        """Commit ids of a branch, newest first, over first parents."""
        return self.git("rev-list", "--first-parent", f"refs/heads/{branch}").splitlines()

    def hook(self, name: str, script: str) -> None:
        """Install a hook of the server, such as `pre-receive`, as a shell script."""
        file = self.folder / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
