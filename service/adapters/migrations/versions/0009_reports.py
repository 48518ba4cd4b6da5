"""What jobs report: steps, checkpoints, and what is still to be fetched after their end."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_tables import Moment

revision = "0009"
down_revision = "0008"

_LOSSES = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "full_valid_loss", "full_valid_accuracy")


def upgrade() -> None:
    """Create the tables; runs from before have their steps in their events and their checkpoints in their facts."""
    op.create_table(
        "training_series",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Float(), nullable=True) for name in _LOSSES),
        sa.Column("total_steps", sa.Integer(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "step"),
    )
    op.create_table(
        "job_checkpoints",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("checkpoint_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "checkpoint_id"),
    )
    op.create_index("job_checkpoints_by_id", "job_checkpoints", ["checkpoint_id"], unique=False)
    op.create_index("job_checkpoints_by_model", "job_checkpoints", ["model"], unique=False)
    op.create_table(
        "gatherings",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index("gatherings_by_due", "gatherings", ["due_at"], unique=False)
    op.create_index("job_events_by_position", "job_events", ["run_id", "position"], unique=False)
