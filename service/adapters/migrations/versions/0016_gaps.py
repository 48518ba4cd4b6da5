"""Work that goes back to the labelers: plans, and the rows of each."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_tables import Moment

revision = "0016"
down_revision = "0014"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "gap_plans",
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("leased_until", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("plan_id"),
        sa.UniqueConstraint("pipeline", "ordinal", name="gap_plans_numbered_once"),
    )
    is_open = sa.text("is_open")
    op.create_index(
        "gap_plans_one_open", "gap_plans", ["pipeline"], unique=True, sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_table(
        "gap_rows",
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("data_row_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("label_id", sa.Text(), nullable=True),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("activity_at", Moment(), nullable=True),
        sa.Column("sent_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("plan_id", "data_row_id"),
    )
    op.create_index("gap_rows_by_row", "gap_rows", ["data_row_id"], unique=False)
