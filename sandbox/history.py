"""The way of a row through the steps of a project, as exports tell it: newest first. Pure.

The steps are Labelbox's own: initial labeling, review, rework, done.
"""

from collections.abc import Sequence
from dataclasses import replace

from sandbox.changes import Doing
from sandbox.records import Json, ProjectRow, Queue, Queues, Status
from sandbox.stamps import export_stamp


def passed_on(row: ProjectRow, doing: Doing) -> ProjectRow:
    """Pass a row from labeling or rework to review."""
    moves = [move(doing, queue_of(row.status, doing.queues), doing.queues.review)]
    if row.status == "TO_LABEL":
        # Labelbox writes the arrival in the labeling queue only now, a moment before the row leaves it.
        moves.append(move(doing, None, doing.queues.labeling))
    return with_history(replace(row, status="IN_REVIEW"), moves)


def queue_of(status: Status, queues: Queues) -> Queue | None:
    """Give the queue where rows of a status wait; done is none."""
    return {"TO_LABEL": queues.labeling, "IN_REVIEW": queues.review, "IN_REWORK": queues.rework}.get(status)


def move(doing: Doing, previous: Queue | None, following: Queue | None) -> Json:
    """Write that somebody moved the row."""
    return action("Move", doing, previous, following)


def action(name: str, doing: Doing, previous: Queue | None, following: Queue | None) -> Json:
    """Write that somebody did something; a queue that there is not is left out."""
    entry: Json = {"action": name, "created_at": export_stamp(doing.at), "created_by": doing.by}
    if previous is not None:
        entry |= {"previous_task_name": previous.name, "previous_task_id": previous.id}
    if following is not None:
        entry |= {"next_task_name": following.name, "next_task_id": following.id}
    return entry


def with_history(row: ProjectRow, newest_first: Sequence[Json]) -> ProjectRow:
    """Add entries."""
    return replace(row, history=(*newest_first, *row.history))
