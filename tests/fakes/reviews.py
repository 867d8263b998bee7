"""The reviews at the fakes of GitHub and GitLab: who may write, who pushed and approved what, and when.

Shapes from https://docs.github.com/en/rest (pulls, issues, collaborators, activity) and
https://docs.gitlab.com/api/ (merge_requests, merge_request_approvals, members, events).
"""

import datetime as dt
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.github import GitHubFake
from tests.fakes.gitlab import GitLabFake
from tests.fakes.server import Answer, Refused, Request
from tests.fakes.state import Hosted, Pull
from tests.servers.origin import Content

_START = dt.datetime(2026, 5, 5, 10, tzinfo=dt.UTC)
_LEVELS = {"read": 20, "write": 30, "admin": 40}


@dataclass
class Verdict:
    """A review: APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED."""

    number: int
    login: str
    state: str
    commit: str
    at: str


@dataclass
class Push:
    """A push to a branch, by an account, whatever its commits say."""

    login: str
    branch: str
    action: str
    commit: str
    at: str


@dataclass
class Desk:
    """What people do at a repository, with a clock of its own; `addresses` are those that accounts have."""

    hosted: Hosted
    roles: dict[str, str] = field(
        default_factory=lambda: {
            "ci": "write", "rita": "write", "sam": "admin", "octo": "write", "guest": "read", "robo": "write",
        }
    )  # fmt: skip
    bots: set[str] = field(default_factory=lambda: {"robo"})
    pushes: list[Push] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    retargeted: dict[int, str] = field(default_factory=dict)
    versions: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    statuses: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    ticks: int = 0

    def now(self) -> str:
        """The time, a second later than before."""
        self.ticks += 1
        return (_START + dt.timedelta(seconds=self.ticks)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def login(self, address: str) -> str | None:
        """The account of an address."""
        name = address.removesuffix("@example.com")
        return name if name in self.roles else None

    def push(
        self,
        login: str,
        branch: str,
        files: Mapping[str, Content | None],
        *,
        address: str | None = None,
        message: str = "Change",
        start: str | None = None,
        merge: str | None = None,
    ) -> str:
        """Push one commit, whose author is anybody's `address`; with `start` by force."""
        origin = self.hosted.origin
        before = origin.tip(branch)
        parent = start or before or origin.tip("main")
        drafted = origin.commit(files, branch=branch, start=parent)
        tree = origin.git("rev-parse", f"{drafted}^{{tree}}")
        who = f"Somebody <{address or f'{login}@example.com'}> 1700000000 +0000"
        parents = "".join(f"parent {each}\n" for each in (parent, merge) if each)
        text = f"tree {tree}\n{parents}author {who}\ncommitter {who}\n\n{message.replace('{tree}', tree)}\n"
        commit = origin.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode())
        origin.git("update-ref", f"refs/heads/{branch}", commit)
        action = "force_push" if start and before else "push" if before else "branch_creation"
        self.pushes.append(Push(login, branch, action, commit, self.now()))
        self._pushed()
        return commit

    def open(self, login: str, branch: str, base: str = "main") -> Pull:
        """Open a pull request as somebody."""
        pull = self.hosted.open(branch, base, "Change", "", draft=False)
        pull.author = login
        self._pushed()
        return pull

    def review(self, pull: Pull, login: str, state: str = "APPROVED") -> None:
        """Give a verdict on what stands now."""
        self.hosted.refresh()
        self.verdicts.append(Verdict(pull.number, login, state, pull.commit, self.now()))

    def retarget(self, pull: Pull, base: str) -> None:
        """Give it another target."""
        pull.base = base
        self.retargeted[pull.number] = self.now()
        self.versions[pull.number].append((pull.commit, self.retargeted[pull.number]))

    def _pushed(self) -> None:
        self.hosted.refresh()
        for pull in self.hosted.pulls:
            versions = self.versions.setdefault(pull.number, [])
            if not versions or versions[-1][0] != pull.commit:
                versions.append((pull.commit, self.now()))

    def files(self, pull: Pull) -> list[tuple[str, str]]:
        """The changed files: new name, old name."""
        listed = self.hosted.origin.git("diff", "--name-status", "-M", f"{pull.base}...{pull.commit}")
        rows = [line.split("\t") for line in listed.splitlines()]
        return [(row[-1], row[1]) for row in rows]

    def commits(self, pull: Pull) -> list[dict[str, str]]:
        """The commits, the oldest first."""
        origin = self.hosted.origin
        found = []
        for commit in origin.git("rev-list", "--reverse", f"{pull.base}..{pull.commit}").splitlines():
            tree, address, message = origin.git("log", "-1", "--format=%T%n%ae%n%B", commit).split("\n", 2)
            found.append({"id": commit, "tree": tree, "address": address, "message": message})
        return found


class GitHubReviewsFake(GitHubFake):
    """GitHub with reviews."""

    desk: Desk

    def answer(self, request: Request) -> Answer:
        """What belongs to reviews, and else what the fake says."""
        path = request.path.removeprefix("/repos/acme/infra/")
        if found := re.fullmatch(r"(pulls|issues)/(\d+)/(files|commits|reviews|events)", path):
            return self.page(request, self._of(self.desk.hosted.pull(int(found[2])), found[3]), size=30)
        if found := re.fullmatch(r"collaborators/([^/]+)/permission", path):
            return Answer(200, {"permission": self.desk.roles.get(found[1], "none"), "role_name": "x"})
        if path == "collaborators":
            return self.page(request, [self._person(name) for name in self.desk.roles], size=30)
        if path == "activity":
            return Answer(200, self._activity(request.query["ref"]))
        if path.startswith("statuses/"):
            self.desk.statuses.append((path.removeprefix("statuses/"), request.body))
            return Answer(201, {"state": request.body["state"]})
        return super().answer(request)

    def _of(self, pull: Pull, what: str) -> list[dict[str, Any]]:
        desk = self.desk
        if what == "files":
            return [{"filename": new, "previous_filename": old} for new, old in desk.files(pull)]
        if what == "events":
            at = desk.retargeted.get(pull.number)
            return [{"id": 1, "event": "base_ref_changed", "created_at": at}] if at else []
        if what == "commits":
            return [self._commit(each) for each in desk.commits(pull)]
        return [
            {
                "id": at, "user": self._person(each.login), "state": each.state, "commit_id": each.commit,
                "submitted_at": each.at,
            }
            for at, each in enumerate(desk.verdicts) if each.number == pull.number
        ]  # fmt: skip

    def _person(self, login: str) -> dict[str, Any]:
        return {**self._user(login), "type": "Bot" if login in self.desk.bots else "User"}

    def _commit(self, said: dict[str, str]) -> dict[str, Any]:
        login = self.desk.login(said["address"])
        account = self._user(login) if login else None
        body = {"message": said["message"], "tree": {"sha": said["tree"], "url": f"{self.base}/trees"}}
        return {"sha": said["id"], "author": account, "committer": account, "commit": body}

    def _activity(self, ref: str) -> list[dict[str, Any]]:
        return [
            {
                "id": at, "ref": ref, "after": each.commit, "timestamp": each.at,
                "activity_type": each.action, "actor": self._user(each.login),
            }
            for at, each in reversed(list(enumerate(self.desk.pushes)))
            if f"refs/heads/{each.branch}" == ref
        ]  # fmt: skip


class GitLabReviewsFake(GitLabFake):
    """GitLab with approvals; without Premium nothing takes them back when somebody pushes."""

    desk: Desk

    def is_authorized(self, request: Request) -> bool:
        """The header that GitLab's documents name."""
        return request.headers.get("private-token") == self.token

    def answer(self, request: Request) -> Answer:  # noqa: PLR0911 - one for each path
        """What belongs to approvals, and else what the fake says."""
        if request.path == "/users":
            login = self.desk.login(request.query.get("search", ""))
            return Answer(200, [self._user(login)] if login else [])
        if found := re.fullmatch(r"/users/(\d+)", request.path):
            names = {self._user(name)["id"]: name for name in self.desk.roles}
            name = names[int(found[1])]
            return Answer(200, {**self._user(name), "bot": name in self.desk.bots})
        found = re.fullmatch(r"/projects/([^/]+)/(.+)", request.path)
        if found is None or urllib.parse.unquote(found[1]) not in {"acme/infra", "1"}:
            raise Refused(404, {"message": "404 Project Not Found"})
        path = found[2]
        if own := re.fullmatch(r"merge_requests/(\d+)(?:/(diffs|commits|versions|approvals|notes))?", path):
            return self._of(request, self.desk.hosted.pull(int(own[1])), own[2])
        if path == "members/all":
            return self.page(request, [self._member(name) for name in self.desk.roles], size=20)
        if path == "events":
            return self.page(request, self._events(), size=20)
        if path == "repository/tree":
            return self.page(request, self._tree(request.query["ref"]), size=20)
        if path.startswith("statuses/"):
            self.desk.statuses.append((path.removeprefix("statuses/"), request.body))
            return Answer(201, {"status": request.body["state"]})
        return super().answer(request)

    def _of(self, request: Request, pull: Pull, what: str | None) -> Answer:
        desk = self.desk
        if what is None:
            return Answer(200, {**self._json(desk.hosted, pull), "changes_count": "1"})
        if what == "approvals":
            return Answer(200, {"iid": pull.number, "approved_by": self._approved_by(pull)})
        listed: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "diffs": lambda: [{"new_path": new, "old_path": old} for new, old in desk.files(pull)],
            "commits": lambda: [self._commit(each) for each in reversed(desk.commits(pull))],
            "versions": lambda: [
                {"id": at, "head_commit_sha": commit, "created_at": time}
                for at, (commit, time) in reversed(list(enumerate(desk.versions[pull.number])))
            ],
            "notes": lambda: self._notes_of(pull),
        }
        return self.page(request, listed[what](), size=20)

    def _approved_by(self, pull: Pull) -> list[dict[str, Any]]:
        last = {each.login: each for each in self.desk.verdicts if each.number == pull.number}
        standing = [login for login, each in last.items() if each.state == "APPROVED"]
        return [{"user": self._user(login)} for login in standing]

    def _notes_of(self, pull: Pull) -> list[dict[str, Any]]:
        words = {"APPROVED": "approved this merge request", "DISMISSED": "unapproved this merge request"}
        notes = [
            (each.at, each.login, words[each.state])
            for each in self.desk.verdicts
            if each.number == pull.number and each.state in words
        ]
        if at := self.desk.retargeted.get(pull.number):
            notes.append((at, pull.author, f"changed target branch from `other` to `{pull.base}`"))
        return [
            {"id": number, "system": True, "body": body, "author": self._user(login), "created_at": at}
            for number, (at, login, body) in enumerate(sorted(notes))
        ]

    def _commit(self, said: dict[str, str]) -> dict[str, Any]:
        address = said["address"]
        return {
            "id": said["id"], "author_email": address, "committer_email": address, "message": said["message"],
        }  # fmt: skip

    def _member(self, name: str) -> dict[str, Any]:
        level = _LEVELS[self.desk.roles[name]]
        return {**self._user(name), "access_level": level, "state": "active", "membership_state": "active"}

    def _events(self) -> list[dict[str, Any]]:
        actions = {"branch_creation": "created"}
        return [
            {
                "id": at, "action_name": "pushed to", "created_at": each.at, "author_username": each.login,
                "push_data": {"action": actions.get(each.action, "pushed"), "ref_type": "branch",
                              "ref": each.branch, "commit_to": each.commit},
            }
            for at, each in reversed(list(enumerate(self.desk.pushes)))
        ]  # fmt: skip

    def _tree(self, commit: str) -> list[dict[str, Any]]:
        listed = self.desk.hosted.origin.git("ls-tree", commit).splitlines()
        rows = [re.fullmatch(r"(\d+) (\w+) (\w+)\t(.+)", line) for line in listed]
        return [
            {"mode": row[1], "type": row[2], "id": row[3], "name": row[4], "path": row[4]}
            for row in rows
            if row
        ]
