"""What SQL knows of one data row: who rang for it, what became of it, and who learned from it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import reading
from service.adapters.sql_reports import checkpoints_of
from service.adapters.sql_runs import RUN_COLUMNS, run_of
from service.adapters.sql_tables import (
    deliveries,
    example_history,
    examples,
    exports,
    job_checkpoints,
    row_labels,
    runs,
    tombstones,
)
from service.domain.runs import Run, names_at_trainer

# A row that is rung for all day has more than anybody reads.
MOST_ROWS = 200


class SqlStoryStore:
    """See ``StoryStore``; every look-up goes by an index."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def rows_named(self, name: str) -> list[str]:
        """See ``StoryStore``."""
        wanted = sa.union(
            sa.select(examples.c.data_row_id).where(examples.c.data_row_id == name),
            sa.select(examples.c.data_row_id).where(examples.c.global_key == name),
            sa.select(examples.c.data_row_id).where(examples.c.example_id == name),
            sa.select(row_labels.c.data_row_id).where(row_labels.c.label_id == name),
            sa.select(examples.c.data_row_id).where(examples.c.label_id == name),
            sa.select(deliveries.c.data_row_id).where(deliveries.c.data_row_id == name),
            sa.select(deliveries.c.data_row_id).where(
                deliveries.c.label_id == name, deliveries.c.data_row_id.is_not(None)
            ),
            sa.select(tombstones.c.data_row_id).where(tombstones.c.data_row_id == name),
            sa.select(tombstones.c.data_row_id).where(tombstones.c.global_key == name),
        )
        with reading(self._engine) as connection:
            return sorted(connection.scalars(wanted))

    def forgotten(self, data_row_id: str) -> Mapping[str, Any] | None:
        """See ``StoryStore``."""
        columns = (tombstones.c.at, tombstones.c.asked_by)
        found = self._all(sa.select(*columns).where(tombstones.c.data_row_id == data_row_id))
        return found[0] if found else None

    def deliveries(self, data_row_id: str) -> list[Mapping[str, Any]]:
        """See ``StoryStore``."""
        wanted = sa.select(deliveries).where(deliveries.c.data_row_id == data_row_id)
        return self._newest(wanted, deliveries.c.received_at)

    def standings(self, data_row_id: str) -> list[Mapping[str, Any]]:
        """See ``StoryStore``."""
        return self._all(sa.select(examples).where(examples.c.data_row_id == data_row_id).order_by(examples.c.pipeline))

    def history(self, example_id: str) -> list[Mapping[str, Any]]:
        """See ``StoryStore``."""
        wanted = sa.select(example_history).where(example_history.c.example_id == example_id)
        return self._newest(wanted, example_history.c.position)

    def labels(self, data_row_id: str) -> list[str]:
        """See ``StoryStore``."""
        wanted = sa.select(row_labels.c.label_id).where(row_labels.c.data_row_id == data_row_id)
        with reading(self._engine) as connection:
            return sorted(connection.scalars(wanted))

    def exports_of(self, observed: Sequence[datetime]) -> dict[datetime, Mapping[str, Any]]:
        """See ``StoryStore``."""
        columns = (exports.c.asked_at, exports.c.export_id, exports.c.kind, exports.c.task_id)
        found = self._all(sa.select(*columns).where(exports.c.asked_at.in_(observed))) if observed else []
        return {row["asked_at"]: row for row in found}

    def runs_of(self, snapshot_ids: Sequence[str]) -> list[Run]:
        """See ``StoryStore``."""
        return self._runs(runs.c.snapshot_id.in_(snapshot_ids)) if snapshot_ids else []

    def runs_named(self, name: str) -> list[Run]:
        """See ``StoryStore``."""
        named = sa.or_(runs.c.run_id == name, runs.c.job_id == name, runs.c.tuned_model == name)
        if found := self._runs(named) or self._runs(runs.c.run_id.in_(_with_checkpoint(name))):
            return found
        # What only the facts name: a pass over the runs, of which each cost a training.
        quoted = sa.cast(runs.c.facts, sa.Text).contains(json.dumps(name), autoescape=True)
        return [run for run in self._runs(quoted) if name in names_at_trainer(run)]

    def _runs(self, wanted: sa.ColumnElement[bool]) -> list[Run]:
        rows = sa.select(*RUN_COLUMNS).where(wanted).order_by(runs.c.created_at)
        with reading(self._engine) as connection:
            return [_with_checkpoints(connection, run_of(row)) for row in connection.execute(rows).all()]

    def _newest(self, wanted: sa.Select[Any], column: sa.Column[Any]) -> list[Mapping[str, Any]]:
        return self._all(wanted.order_by(column.desc()).limit(MOST_ROWS))[::-1]

    def _all(self, wanted: sa.Select[Any]) -> list[Mapping[str, Any]]:
        with reading(self._engine) as connection:
            return [dict(row) for row in connection.execute(wanted).mappings()]


def _with_checkpoint(name: str) -> sa.Select[Any]:
    is_named = sa.or_(job_checkpoints.c.checkpoint_id == name, job_checkpoints.c.model == name)
    return sa.select(job_checkpoints.c.run_id).where(is_named)


def _with_checkpoints(connection: sa.Connection, run: Run) -> Run:
    """Add a run's checkpoints to its facts, where those of earlier runs are: they may be fetched after its end."""
    found = [asdict(item) for item in checkpoints_of(connection, run.run_id)]
    return replace(run, facts={**(run.facts or {}), "checkpoints": found}) if found else run
