"""Plans of work that goes back to the labelers, in SQL."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import chunks, reading, storable, upsert
from service.adapters.sql_places import read_places
from service.adapters.sql_tables import examples, gap_plans, gap_rows, tombstones
from service.domain.appraisals import question_in
from service.domain.contents import decode_content
from service.domain.gap_labels import Labelled
from service.domain.gaps import Candidate, GapPlan, GapRow, RowState
from service.domain.placements import Places
from service.domain.splits import Split
from service.ports import Wanted

# Without a cluster a prompt was never compared with others; those that equal it share its key.
_GROUP = sa.case((examples.c.cluster == "", examples.c.prompt_key), else_=examples.c.cluster)
_COLUMNS = (
    examples.c.data_row_id,
    examples.c.label_id,
    examples.c.content,
    examples.c.content_hash,
    _GROUP.label("gap_group"),
    examples.c.appraised,
    examples.c.activity_at,
    examples.c.changed_at,
)
_OF_CANDIDATE = ("kind", "action", "data_row_id", "reason", "target", "near", "label_id", "content_hash", "activity_at")


class SqlGapStore:
    """See ``GapStore``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def plans(self, pipeline: str) -> list[GapPlan]:
        """See ``GapStore``."""
        wanted = sa.select(gap_plans).where(gap_plans.c.pipeline == pipeline).order_by(gap_plans.c.ordinal)
        with reading(self._engine) as connection:
            found = connection.execute(wanted).all()
            rows = _rows(connection, [plan.plan_id for plan in found])
        return [
            GapPlan(
                plan.plan_id,
                plan.pipeline,
                plan.ordinal,
                plan.run_id,
                plan.created_at,
                tuple(rows.get(plan.plan_id, ())),
                plan.role,
                plan.is_open,
            )
            for plan in found
        ]

    def add(self, plan: GapPlan) -> bool:
        """See ``GapStore``; the unique indexes settle a race."""
        head = {
            "plan_id": plan.plan_id,
            "pipeline": plan.pipeline,
            "ordinal": plan.ordinal,
            "run_id": plan.run_id,
            "role": plan.role,
            "is_open": plan.is_open,
            "created_at": plan.created_at,
        }
        with self._engine.begin() as connection:
            written = upsert(connection, gap_plans).values(head).on_conflict_do_nothing()
            if connection.execute(written.returning(gap_plans.c.plan_id)).one_or_none() is None:
                return False
            if plan.rows:
                connection.execute(sa.insert(gap_rows), [_values(row, at) for at, row in enumerate(plan.rows)])
        return True

    def take(self, plan_id: str, *, now: datetime, until: datetime) -> bool:
        """See ``GapStore``."""
        free = sa.or_(gap_plans.c.leased_until.is_(None), gap_plans.c.leased_until < now)
        mine = (gap_plans.c.plan_id == plan_id, gap_plans.c.is_open, free)
        return self._change(sa.update(gap_plans).where(*mine).values(leased_until=until)) == 1

    def extend(self, plan_id: str, *, until: datetime) -> None:
        """See ``GapStore``."""
        mine = (gap_plans.c.plan_id == plan_id, gap_plans.c.is_open)
        self._change(sa.update(gap_plans).where(*mine).values(leased_until=until))

    def release(self, plan_id: str) -> None:
        """See ``GapStore``."""
        self._change(sa.update(gap_plans).where(gap_plans.c.plan_id == plan_id).values(leased_until=None))

    def mark(
        self, plan_id: str, data_row_ids: Sequence[str], state: RowState, *, now: datetime, until: datetime
    ) -> None:
        """See ``GapStore``."""
        with self._engine.begin() as connection:
            for some in chunks(data_row_ids):
                mine = (gap_rows.c.plan_id == plan_id, gap_rows.c.data_row_id.in_(some))
                sent_at = now if state == "sent" else None
                connection.execute(sa.update(gap_rows).where(*mine).values(state=state, sent_at=sent_at))
            prolonged = sa.update(gap_plans).where(gap_plans.c.plan_id == plan_id)
            connection.execute(prolonged.values(leased_until=until))

    def finish(self, plan_id: str) -> None:
        """See ``GapStore``."""
        done = {"is_open": False, "leased_until": None}
        self._change(sa.update(gap_plans).where(gap_plans.c.plan_id == plan_id).values(**done))

    def rows(self, pipeline: str) -> list[tuple[GapRow, datetime]]:
        """See ``GapStore``."""
        return [(row, plan.created_at) for plan in self.plans(pipeline) for row in plan.rows]

    def forgotten(self, data_row_ids: Collection[str]) -> set[str]:
        """See ``GapStore``."""
        found: set[str] = set()
        with reading(self._engine) as connection:
            for some in chunks(sorted(data_row_ids)):
                wanted = sa.select(tombstones.c.data_row_id).where(tombstones.c.data_row_id.in_(some))
                found.update(connection.scalars(wanted))
        return found

    def places(self, pipeline: str, wanted: Wanted) -> Places:
        """See ``GapStore``."""
        with reading(self._engine) as connection:
            return read_places(connection, pipeline, wanted)

    def conflicting(self, pipeline: str, *, most: int) -> list[Labelled]:
        """See ``GapStore``."""
        several = sa.func.count(sa.distinct(examples.c.content_hash)) > 1
        crowded = sa.select(_GROUP).where(*_active(pipeline)).group_by(_GROUP).having(several)
        with reading(self._engine) as connection:
            groups = list(connection.scalars(crowded.order_by(_GROUP).limit(most)))
        wanted = sa.select(*_COLUMNS).where(*_active(pipeline)).order_by(examples.c.data_row_id)
        return self._labelled(wanted.where(_GROUP.in_(some)) for some in chunks(groups))

    def oldest(self, pipeline: str, *, before: datetime, most: int) -> list[Labelled]:
        """See ``GapStore``."""
        wanted = sa.select(*_COLUMNS).where(*_active(pipeline), examples.c.activity_at < before)
        return self._labelled([wanted.order_by(examples.c.activity_at, examples.c.data_row_id).limit(most)])

    def labelled(self, pipeline: str, splits: Collection[Split], *, most: int) -> list[Labelled]:
        """See ``GapStore``."""
        wanted = sa.select(*_COLUMNS).where(*_active(pipeline), examples.c.split.in_(splits))
        newest = wanted.order_by(examples.c.changed_at.desc(), examples.c.data_row_id).limit(most)
        return self._labelled([newest])

    def _labelled(self, statements: Iterable[sa.Select[Any]]) -> list[Labelled]:
        with reading(self._engine) as connection:
            return [_labelled(row) for statement in statements for row in connection.execute(statement)]

    def _change(self, statement: sa.Update) -> int:
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount


def _active(pipeline: str) -> tuple[sa.ColumnElement[bool], ...]:
    return examples.c.pipeline == pipeline, examples.c.status == "active"


def _labelled(row: sa.Row[Any]) -> Labelled:
    return Labelled(
        data_row_id=row.data_row_id,
        label_id=row.label_id,
        content=decode_content(row.content),
        content_hash=row.content_hash,
        group=row.gap_group,
        is_choice=question_in(row.appraised)[0],
        activity_at=row.activity_at,
        # One sync reads old and new labels at one moment, and a label may be touched without another content.
        labelled_at=min(row.changed_at, row.activity_at),
    )


def _rows(connection: sa.Connection, plan_ids: Sequence[str]) -> dict[str, list[GapRow]]:
    found: dict[str, list[GapRow]] = {}
    for some in chunks(plan_ids):
        wanted = sa.select(gap_rows).where(gap_rows.c.plan_id.in_(some)).order_by(gap_rows.c.position)
        for row in connection.execute(wanted).mappings():
            candidate = Candidate(**{name: row[name] for name in _OF_CANDIDATE})
            found.setdefault(row["plan_id"], []).append(GapRow(row["plan_id"], candidate, row["state"], row["sent_at"]))
    return found


def _values(row: GapRow, position: int) -> dict[str, Any]:
    values = {name: getattr(row.candidate, name) for name in _OF_CANDIDATE}
    texts = {"reason": storable(row.candidate.reason), "target": storable(row.candidate.target)}
    own = {"plan_id": row.plan_id, "position": position, "state": row.state, "sent_at": row.sent_at}
    return values | texts | own
