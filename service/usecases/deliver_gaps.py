"""Hand a plan over to Labelbox: every step is looked for before it is done, and written when it is."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from service.domain.errors import BatchUnclear, LabelsRefused, ServiceError
from service.domain.gaps import GapPlan, GapRow, RowState, batches_of, remark_on
from service.domain.pipelines import Pipeline
from service.ports import RowStanding
from service.usecases.gap_parts import GapParts

UNSENT: frozenset[RowState] = frozenset({"planned", "sending"})


class Sender:
    """Sends one plan."""

    def __init__(self, pipeline: Pipeline, plan: GapPlan, parts: GapParts) -> None:
        self._pipeline, self._plan, self._parts = pipeline, plan, parts
        self._project, self._queues = pipeline.labels.project, parts.queues()

    def send(self) -> None:
        """Send what is not sent, and close the plan."""
        left = [row for row in self._plan.rows if row.state in UNSENT]
        standing = self._queues.look(self._project, [row.candidate.data_row_id for row in left]) if left else {}
        for name, rows in batches_of(self._plan).items():
            self._batch(name, rows, standing)
        self._prioritise([row for row in left if _is(row, "priority")], standing)
        self._rework([row for row in left if _is(row, "rework")], standing)
        self._parts.gaps.finish(self._plan.plan_id)

    def _batch(self, name: str, rows: Sequence[GapRow], standing: Mapping[str, RowStanding]) -> None:
        left = [row for row in rows if row.state in UNSENT]
        if not left:
            return
        if name in self._queues.batches(self._project):
            self._tell_apart(name, rows)
            return
        # Somebody else has sent these meanwhile.
        self._mark([row for row in left if row.candidate.data_row_id in standing], "overtaken")
        if fresh := [row for row in left if row.candidate.data_row_id not in standing]:
            self._mark(fresh, "sending")
            self._make(name, fresh)

    def _make(self, name: str, rows: Sequence[GapRow]) -> None:
        ids = [row.candidate.data_row_id for row in rows]
        try:
            refused = self._queues.send_batch(self._project, name, ids, priority=self._pipeline.gaps.priority)
        except ServiceError:
            # It may have been made all the same: the SDK asks again by itself, and then meets its own batch.
            if name not in self._queues.batches(self._project):
                raise
            self._tell_apart(name, rows)
            return
        self._mark([row for row in rows if row.candidate.data_row_id in refused], "refused")
        self._mark([row for row in rows if row.candidate.data_row_id not in refused], "sent")

    def _tell_apart(self, name: str, rows: Sequence[GapRow]) -> None:
        """Find out what a batch took whose making nobody heard the end of, by the batch that each row names."""
        standing = self._queues.look(self._project, [row.candidate.data_row_id for row in rows])
        became: dict[RowState, list[GapRow]] = {"sent": [], "overtaken": [], "refused": []}
        for row in rows:
            found = standing.get(row.candidate.data_row_id)
            is_ours = found is not None and found.batch in {name, None}
            became["sent" if is_ours else "overtaken" if found else "refused"].append(row)
        size, seen = self._queues.batches(self._project).get(name, 0), len(became["sent"])
        lags = bool(became["refused"]) and seen < size
        for state, some in became.items():
            if state != "refused" or not lags:
                self._mark([row for row in some if row.state in UNSENT], state)
        if lags:
            # Exports stay behind: to call the others refused would leave rows uncounted that labelers have.
            raise BatchUnclear(f"batch {name!r} has {size} rows, of which an export shows {seen}")

    def _prioritise(self, rows: Sequence[GapRow], standing: Mapping[str, RowStanding]) -> None:
        waiting = [row for row in rows if _status(row, standing) == "TO_LABEL"]
        self._mark([row for row in rows if row not in waiting], "overtaken")
        if waiting:
            ids = [row.candidate.data_row_id for row in waiting]
            self._queues.prioritise(self._project, ids, priority=self._pipeline.gaps.priority)
            self._mark(waiting, "sent")

    def _rework(self, rows: Sequence[GapRow], standing: Mapping[str, RowStanding]) -> None:
        became = {row.candidate.data_row_id: _next_state(row, standing) for row in rows}
        for state in ("sent", "gone", "overtaken"):
            self._mark([row for row in rows if became[row.candidate.data_row_id] == state], state)
        mine = [row for row in rows if became[row.candidate.data_row_id] == "sending"]
        for row in mine:
            if row.candidate.label_id:
                with suppress(LabelsRefused):
                    # The reason is kept here in any case; who may do nothing at all is refused the move as well.
                    self._remark(row, row.candidate.label_id)
                self._mark([row], row.state)
        if mine:
            self._mark(mine, "sending")
            self._queues.rework(self._project, [row.candidate.data_row_id for row in mine])
            self._mark(mine, "sent")

    def _remark(self, row: GapRow, label_id: str) -> None:
        self._queues.remark(self._project, row.candidate.data_row_id, label_id, remark_on(row))

    def _mark(self, rows: Sequence[GapRow], state: RowState) -> None:
        if rows:
            now, ids = self._parts.clock(), [row.candidate.data_row_id for row in rows]
            self._parts.gaps.mark(self._plan.plan_id, ids, state, now=now, until=now + self._parts.lease)


def _is(row: GapRow, action: str) -> bool:
    return row.candidate.action == action


def _status(row: GapRow, standing: Mapping[str, RowStanding]) -> str | None:
    found = standing.get(row.candidate.data_row_id)
    return found.status if found else None


def _next_state(row: GapRow, standing: Mapping[str, RowStanding]) -> RowState:
    """Say what a labelled row is to become: ``sending`` if it still stands as it was planned."""
    found, planned = standing.get(row.candidate.data_row_id), row.candidate
    if found is None:
        return "gone"
    touched = planned.activity_at is not None and found.activity_at > planned.activity_at
    if row.state == "sending" and (touched or found.status == "IN_REWORK"):
        # A process that was killed had moved it; it may even have been dealt with since.
        return "sent"
    if touched or found.status not in {"DONE", "IN_REVIEW"} or planned.label_id not in found.label_ids:
        return "overtaken"
    return "sending"
