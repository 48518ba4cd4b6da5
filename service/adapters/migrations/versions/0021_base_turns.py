"""Who measures an untuned model right now: no run, and still waited for by whoever forgets."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_tables import Moment

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "base_turns",
        sa.Column("evaluation_id", sa.Text(), nullable=False),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("leased_until", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("evaluation_id"),
    )
