"""Earlier checkpoints of a run's job, judged beside the run's own model."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_tables import Moment

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "checkpoint_evaluations",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "step"),
    )
    op.create_index("checkpoint_evaluations_by_pipeline", "checkpoint_evaluations", ["pipeline", "at"], unique=False)
