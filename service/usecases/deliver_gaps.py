"""Hand a plan over to Labelbox: every step is looked for before it is done, and written when it is."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from service.domain.errors import LabelsRefused, ServiceError
from service.domain.gaps import KINDS, GapPlan, GapRow, RowState, batch_name, remark_on
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
        for kind in KINDS:
            self._batch(kind, [row for row in left if _is(row, "batch") and row.candidate.kind == kind], standing)
        self._prioritise([row for row in left if _is(row, "priority")], standing)
        self._rework([row for row in left if _is(row, "rework")], standing)
        self._parts.gaps.finish(self._plan.plan_id)

    def _batch(self, kind: str, rows: Sequence[GapRow], standing: Mapping[str, RowStanding]) -> None:
        name = batch_name(self._plan.plan_id, kind)
        if not rows:
            return
        if name not in self._queues.batches(self._project):
            # Somebody else has sent these meanwhile.
            self._mark([row for row in rows if row.candidate.data_row_id in standing], "overtaken")
            rows = [row for row in rows if row.candidate.data_row_id not in standing]
            if rows:
                self._mark(rows, "sending")
                self._make(name, rows)
        self._mark(rows, "sent")

    def _make(self, name: str, rows: Sequence[GapRow]) -> None:
        ids = [row.candidate.data_row_id for row in rows]
        try:
            self._queues.send_batch(self._project, name, ids, priority=self._pipeline.gaps.priority)
        except ServiceError:
            # It may have been made all the same: the SDK asks again by itself, and then meets its own batch.
            if name not in self._queues.batches(self._project):
                raise

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
