"""One page for a team's screen: the status board, with nothing that is loaded from elsewhere."""

import datetime as dt
import html
import re

from cipipe.results import Board, Outcome, StatusOutcome, Waiting, age

_OLD = 86_400  # seconds that a bump may wait before it stands out
_RELOAD = 60  # seconds: a screen shows what was last written
_STYLE = """\
:root { color-scheme: light dark; --line: #8886; --new: #b45309; --bad: #b91c1c; }
@media (prefers-color-scheme: dark) { :root { --new: #fbbf24; --bad: #f87171; } }
body { font: 1.1rem/1.5 system-ui, sans-serif; margin: 2rem; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 1.5rem; }
section { border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.3rem; } h2 { margin: 0 0 .5rem; font-size: 1.4rem; }
table { width: 100%; border-collapse: collapse; } td { padding: .3rem 0; border-top: 1px solid var(--line); }
td + td { text-align: right; font-family: ui-monospace, monospace; }
.mixed, .move { color: var(--new); } .error, .old { color: var(--bad); }
.note, footer { opacity: .7; } a { color: inherit; } footer { margin-top: 1.5rem; }
"""


def render(outcome: Outcome) -> str:
    """The board of a `StatusOutcome` as one HTML document; raises `TypeError` for another outcome."""
    if not isinstance(outcome, StatusOutcome):
        raise TypeError(type(outcome).__name__)
    boards = "\n".join(_board(board) for board in outcome.environments)
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="refresh" content="{_RELOAD}">\n'
        f"<title>Environments</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n<h1>Environments</h1>\n"
        f"<main>\n{boards}\n</main>\n<footer>as of {now}</footer>\n</body>\n</html>\n"
    )


def _board(board: Board) -> str:
    lines = [f"<section>\n<h2>{_text(board.environment)}</h2>"]
    if board.error:
        lines.append(f'<p class="error">{_text(board.error.message)}</p>')
    lines.append("<table>")
    for image in board.images:
        mixed = ' class="mixed"' if len(image.tags) > 1 else ""
        tags = ", ".join(image.tags) or (image.digest or "")[:19] or "no tag"
        lines.append(f"<tr><td>{_text(image.image)}</td><td{mixed}>{_text(tags)}</td></tr>")
    lines.append("</table>")
    lines += [_bump(bump) for bump in board.waiting]
    lines += [
        f'<p class="move">promotion from {_text(move.source)}: {_text(move.old)} → {_text(move.new)}</p>'
        for move in board.promotions
    ]
    lines += [f'<p class="note">{_text(note)}</p>' for note in board.notes]
    return "\n".join([*lines, "</section>"])


def _bump(bump: Waiting) -> str:
    """A line with the pull request's number and title, or what is known of a branch without one."""
    name = _text(bump.title or ", ".join(bump.images) or bump.branch)
    if bump.number is not None:
        name = f"#{bump.number} {name}"
    if bump.url and re.match("https?://", bump.url):
        name = f'<a href="{_text(bump.url)}">{name}</a>'
    kind = "draft" if bump.draft else "waiting"
    return f'<p class="{"old" if bump.age >= _OLD else "new"}">{kind} for {age(bump.age)}: {name}</p>'


def _text(text: str | None) -> str:
    return html.escape(text or "", quote=True)
