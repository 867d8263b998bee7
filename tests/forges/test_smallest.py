"""Answers of servers that say less than github.com and gitlab.com: what is not needed may be missing."""

from typing import Any

import pytest

from tests.fakes.server import Answer, ApiServer, Request
from tests.forges.sites import connected, fake

HEAD = "cipipe/staging/app-1a2b3c4d"
NEEDED = {
    "github": {"number", "html_url", "state", "title", "body", "head", "base", "merged_at"},
    "gitlab": {"iid", "web_url", "state", "title", "description", "source_branch", "target_branch", "sha"},
}


def short(kind: str, said: Any) -> Any:
    """`said` without what pull requests need not have."""
    if isinstance(said, list):
        return [short(kind, each) for each in said]
    if not isinstance(said, dict) or not {"head", "source_branch"} & said.keys():
        return said
    kept = {key: value for key, value in said.items() if key in NEEDED[kind]}
    return kept | {
        key: {name: kept[key][name] for name in ("ref", "sha")} for key in ("head", "base") if key in kept
    }


def shorten(api: ApiServer, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `api` leave out of its pull requests what they need not have."""
    answer = api.answer

    def shorter(request: Request) -> Answer:
        said = answer(request)
        return Answer(said.status, short(kind, said.body), said.headers)

    monkeypatch.setattr(api, "answer", shorter)
    monkeypatch.setattr(api, "check_answer", lambda *_: None)


@pytest.mark.parametrize("kind", NEEDED)
def test_what_is_not_told_is_not_asked_for(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with fake(kind) as site:
        shorten(site.api, kind, monkeypatch)
        site.commit(HEAD, b"image: app:v2\n")
        proposals = connected(site).proposals
        opened = proposals.open(HEAD, "main", title="Bump app", body="why", draft=False)
        assert (opened.number, opened.state, opened.labels, opened.reviewers) == (1, "open", (), ())
        assert proposals.by_head(HEAD, "main") == [opened] == proposals.list_open()
        assert len(site.api.requests) == 3
