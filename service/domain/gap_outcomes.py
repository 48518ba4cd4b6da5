"""What became of a planned row, as far as the service has read it."""

from typing import Literal, get_args

from service.domain.examples import FORGOTTEN, KEPT, ROW_GONE, STANDING, Example
from service.domain.gaps import GapRow

Outcome = Literal["answered", "examples", "held", "rejected", "changed"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
# A row with one of these reasons is not finished; see ``REASONS``.
_UNFINISHED = frozenset({"not_labelled", "not_done", "in_rework", "consensus_incomplete", "status_unknown"})
# Nobody can finish one of these any more.
_AWAY = frozenset({ROW_GONE, "not_in_project", FORGOTTEN})


def is_out(row: GapRow, example: Example | None) -> bool:
    """Say whether labelers still have to deal with a row that was sent."""
    if example is None:
        return True
    if example.reason in _AWAY:
        return False
    planned_with = row.candidate.activity_at
    # Sending a label back is no answer, although it touches the row: until it is approved again it has a reason.
    is_touched = planned_with is None or example.activity_at > planned_with
    return not is_touched or example.reason in _UNFINISHED


def outcomes_of(row: GapRow, example: Example | None) -> frozenset[Outcome]:
    """Say what became of a row since it was planned.

    Args:
        row: The row; one that was only watched is asked the same.
        example: Its standing now; None while it was never read.

    Returns:
        Nothing while it is unfinished; ``answered``, one of ``examples``, ``held`` and ``rejected``, and ``changed``
        where it has another content than when it was planned, or its first one.
    """
    if example is None or example.reason in _AWAY or is_out(row, example):
        return frozenset()
    fate: Outcome = "examples" if example.status in STANDING else "held" if example.status == "held" else "rejected"
    # A rejected row keeps the content that it had.
    is_changed = example.status in KEPT and example.content_hash != row.candidate.content_hash
    return frozenset({"answered", fate, "changed"} if is_changed else {"answered", fate})
