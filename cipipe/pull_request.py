"""The words of a pull request, for the people who review it; foreign text in it is text, and nothing else.

Whatever comes from outside (paths, refs, actors, pipelines) stands in code spans, where GitHub, GitLab and
Gitea read no mention, reference, closing keyword or quick action, and as a link only when it is a plain
http(s) URL.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cipipe.results import Change
from cipipe.trailers import Origin, Trailers, render

LONGEST_BODY = 60_000
"""Bytes; GitHub takes 65,536 characters, and GitLab and Gitea more."""

_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~%!$&'*+,;=:@/?#-]*)?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A bump as it is put to reviewers.

    `before` is the origin of what stood, where a bump set it; `checks` names the checks that will be asked.
    """

    environment: str
    title: str
    changes: tuple[Change, ...]
    trailers: Trailers
    before: Origin | None = None
    checks: tuple[str, ...] = ()
    approvals: int = 0

    def body(self) -> str:
        """Markdown: what changes, where it comes from, what is asked, and the trailers for squash merges."""
        tail = "\n\n" + render(self.trailers)
        facts = "\n".join(_facts(self))
        room = LONGEST_BODY - len((facts + tail).encode()) - 200
        return f"{_table(self.changes, room)}\n\n{facts}{tail}"


def code(text: str) -> str:
    """`text` as a Markdown code span that holds in a table's cell too; control characters become blanks."""
    clean = "".join(character if character.isprintable() else " " for character in text).strip() or " "
    longest = max((len(run) for run in re.findall("`+", clean)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if clean.startswith("`") or clean.endswith("`") else ""
    return f"{fence}{pad}{clean}{pad}{fence}".replace("|", "\\|")


def link(text: str, url: str | None) -> str:
    """`text` in code, linked where `url` is a plain http(s) one."""
    return f"[{code(text)}](<{url}>)" if url and _URL.fullmatch(url) else code(text)


def compare_url(before: Origin | None, after: Origin) -> str | None:
    """The page of the source commits between two bumps of one repository, on the forges that have one."""
    if before is None or before.repository != after.repository or after.repository is None:
        return None
    commits = (before.commit or "", after.commit or "")
    if not _URL.fullmatch(after.repository) or not all(_COMMIT.fullmatch(commit) for commit in commits):
        return None
    return f"{after.repository.removesuffix('.git')}/compare/{'...'.join(commits)}"


def _table(changes: Sequence[Change], room: int) -> str:
    """The changes as rows while there is `room` (bytes) for them; the rest is counted, never silently cut."""
    lines = ["| file | old | new |", "| --- | --- | --- |"]
    for position, change in enumerate(changes):
        row = f"| {code(f'{change.file}:{change.line}')} | {code(change.old)} | {code(change.new)} |"
        room -= len(row.encode()) + 1
        if room < 0:
            return "\n".join([*lines, "", f"and {len(changes) - position} more changes, in the commit"])
        lines.append(row)
    return "\n".join(lines)


def _facts(proposal: Proposal) -> list[str]:
    origin = proposal.trailers.origin
    facts = [f"- environment: {code(proposal.environment)}"]
    if origin.commit:
        source = f"{origin.repository or ''}@{origin.commit[:12]}".lstrip("@")
        compare = compare_url(proposal.before, origin)
        facts.append(f"- source: {code(source)}" + (f", {link('what is new', compare)}" if compare else ""))
    if origin.pipeline or origin.run_url:
        run = " ".join(str(part) for part in (origin.pipeline, origin.run_number) if part is not None)
        facts.append(f"- pipeline run: {link(run or 'run', origin.run_url)}")
    if origin.actor:
        facts.append(f"- triggered by: {code(origin.actor)}, who therefore cannot approve it")
    if proposal.approvals:
        facts.append(f"- approvals asked: {proposal.approvals}")
    if proposal.checks:
        facts.append(f"- checks asked: {', '.join(code(check) for check in proposal.checks)}")
    return facts
