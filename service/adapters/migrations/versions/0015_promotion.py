"""Champions with their evidence: who decided and why, what was measured, whether the model still answers."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_tables import Moment

revision = "0015"
down_revision = "0013"

_PLACES = """
UPDATE champions SET position =
(SELECT max(h.position) FROM champion_history h WHERE h.pipeline = champions.pipeline)
"""
_TRAINERS = (
    "UPDATE champion_history SET trainer = (SELECT r.trainer FROM runs r WHERE r.run_id = champion_history.run_id)"
)


def upgrade() -> None:
    """Add the columns; champions of before keep their place, and their evidence is that of their runs."""
    for table in ("champions", "champion_history"):
        op.add_column(table, sa.Column("evidence", sa.JSON(none_as_null=True), nullable=True))
        op.add_column(table, sa.Column("decided", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("gone_since", Moment(), nullable=True))
    for name in ("position", "named_for"):
        op.add_column("champions", sa.Column(name, sa.Integer(), nullable=True))
    for name in ("trainer", "decided_by", "reason"):
        op.add_column("champion_history", sa.Column(name, sa.Text(), nullable=True))
    op.execute(sa.text(_PLACES))
    op.execute(sa.text(_TRAINERS))
