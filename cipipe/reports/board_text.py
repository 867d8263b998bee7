"""The status board for a terminal."""

from cipipe.results import Board, StatusOutcome, Waiting, age


def board(outcome: StatusOutcome) -> str:
    """One block for each environment."""
    return "\n\n".join("\n".join(_lines(each)) for each in outcome.environments)


def _lines(board: Board) -> list[str]:
    lines = [board.environment]
    if board.error:
        lines.append(f"  error: {board.error.message}")
    width = max((len(image.image) for image in board.images), default=0)
    for image in board.images:
        tags = ", ".join(image.tags) or image.digest or "no tag"
        mixed = "  (mixed)" if len(image.tags) > 1 else ""
        lines.append(f"  {image.image:<{width}}  {tags}{mixed}")
    lines += [f"  waiting for {age(bump.age)}: {_bump(bump)}" for bump in board.waiting]
    lines += [f"  promotion from {move.source}: {move.old} -> {move.new}" for move in board.promotions]
    return [*lines, *(f"  {note}" for note in board.notes)]


def _bump(bump: Waiting) -> str:
    if bump.number is None:
        return f"{', '.join(bump.images) or 'a bump'} (branch {bump.branch})"
    draft = "draft, " if bump.draft else ""
    return f"#{bump.number} {bump.title} ({draft}{bump.url})"
