"""How untuned models answered before anything was trained, and why answers ended."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_tables import Moment

revision = "0014"
down_revision = "0015"


def upgrade() -> None:
    """Create the table and the column."""
    op.create_table(
        "base_evaluations",
        sa.Column("evaluation_id", sa.Text(), nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("trainer", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("evaluation_id"),
    )
    op.create_index("base_evaluations_by_pipeline", "base_evaluations", ["pipeline", "at"], unique=False)
    # Empty for answers that are there: nobody noted it.
    op.add_column("answers", sa.Column("finish", sa.Text(), nullable=True))
