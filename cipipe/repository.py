"""Which repository a URL means, and which branch names Git accepts (layer 0).

`cipipe.git.url` parses the URLs that Git is given and refuses the hostile ones; it and the configuration
compare repositories by `identity`, so that one repository never has two protections.
"""

import posixpath
import re
import urllib.parse

# The hosts' second names, for ssh through port 443 (docs.github.com, docs.gitlab.com).
_SAME_HOST = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/]*)(?P<path>.*)", re.DOTALL)
_SCP = re.compile(r"(?P<authority>(?:[^/@:]*@)?(?:\[[^/\]]*\]|[^/:]+)):(?P<path>.*)", re.DOTALL)
_BAD_IN_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|/\.|\.lock/")


def identity(url: str) -> str:
    """What is equal for two URLs of one repository: no scheme, user, port, `.git` or case of the host.

    On a network host the path's case does not count either: GitHub, GitLab and Gitea ignore it, and an
    environment must not lose its protection to a capital letter. A path on this machine keeps its case.
    """
    found = _URL.fullmatch(url) or _SCP.fullmatch(url)
    if found is None:
        return _path(url)
    path = urllib.parse.unquote(found["path"])
    host = _host(found["authority"])
    if not host or found.groupdict().get("scheme", "").lower() == "file":
        return _path(path)
    return host + _path("/" + path).lower()


def branch_problem(name: str) -> str | None:
    """Why Git refuses `name` as a branch (git-check-ref-format(1)), or None."""
    if found := _BAD_IN_BRANCH.search(name):
        return f"{found[0]!r} cannot stand in a branch name"
    if name.startswith(("-", ".", "/")) or name.endswith((".", "/", ".lock")) or name in {"", "@", "HEAD"}:
        return "it starts or ends in a way that Git refuses"
    if name.startswith("refs/"):
        return "a branch is named without 'refs/heads/'"
    return None


def _host(authority: str) -> str:
    address = authority.rpartition("@")[2].lower()
    host = address.partition("]")[0] + "]" if address.startswith("[") else address.partition(":")[0]
    host = host.rstrip(".")
    return _SAME_HOST.get(host, host)


def _path(path: str) -> str:
    clean = posixpath.normpath(re.sub("/+", "/", path))
    return clean.removesuffix("/.git").removesuffix(".git")
