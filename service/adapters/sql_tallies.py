"""Counts over everything, for the metrics."""

from collections.abc import Mapping

import sqlalchemy as sa

from service.adapters.sql_engine import reading
from service.adapters.sql_tables import runs


def tally_runs(engine: sa.Engine) -> Mapping[tuple[str, str], int]:
    """Count the runs by pipeline and state."""
    wanted = sa.select(runs.c.pipeline, runs.c.state, sa.func.count()).group_by(runs.c.pipeline, runs.c.state)
    with reading(engine) as connection:
        return {(row[0], row[1]): row[2] for row in connection.execute(wanted)}
