"""A pull request as GitHub's API shows it: the documents themselves, which PyGithub's objects hold.

https://docs.github.com/en/rest/pulls/pulls
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from github.GithubObject import GithubObject

from cipipe.forges.base import PullRequest, State


def document(found: GithubObject) -> Mapping[str, Any]:
    """An answer as it came: the object's attributes ask once more for each that is not in it."""
    said: Mapping[str, Any] = GithubObject.raw_data.__get__(found)
    return said


def pull_request(said: Mapping[str, Any], repository: str) -> PullRequest:
    """What every answer has, and the rest where it is told: servers of other versions know less.

    A team is named with the owner of `repository`, since GitHub asks no others.
    """
    if not isinstance(said["number"], int):
        raise TypeError("no number")
    state: State = "open" if said["state"] == "open" else "merged" if said.get("merged_at") else "closed"
    owner, created = repository.partition("/")[0], said.get("created_at")
    teams = tuple(f"{owner}/{slug}" for slug in names(said.get("requested_teams"), "slug"))
    return PullRequest(
        number=said["number"],
        url=said["html_url"],
        state=state,
        title=said["title"],
        body=said.get("body") or "",
        head=said["head"]["ref"],
        base=said["base"]["ref"],
        commit=said["head"]["sha"],
        author=(said.get("user") or {}).get("login") or "",
        labels=names(said.get("labels"), "name"),
        assignees=names(said.get("assignees"), "login"),
        reviewers=names(said.get("requested_reviewers"), "login") + teams,
        draft=bool(said.get("draft")),
        auto_merge=said.get("auto_merge") is not None,
        created=dt.datetime.fromisoformat(created).timestamp() if created else None,
    )


def is_own(said: Mapping[str, Any], repository: str) -> bool:
    """Whether its branch is in `repository`; null in the place of one is a fork that is gone."""
    of_head = said["head"].get("repo", {})
    return of_head is not None and of_head.get("full_name", repository).lower() == repository.lower()


def names(listed: Sequence[Any] | None, key: str) -> tuple[str, ...]:
    """The names in a list; a label may be its name alone."""
    return tuple(each if isinstance(each, str) else each[key] for each in listed or ())
