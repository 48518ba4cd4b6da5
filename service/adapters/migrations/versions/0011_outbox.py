"""Which notice still has to reach which channel."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_tables import Moment

revision = "0011"
down_revision = "0009"


def upgrade() -> None:
    """Create the tables; what was noted before there were channels is told to nobody."""
    op.add_column("notices", sa.Column("routed_at", Moment(), nullable=True))
    op.execute(sa.text("UPDATE notices SET routed_at = at"))
    new = sa.text("routed_at IS NULL")
    op.create_index("notices_new", "notices", ["at"], unique=False, sqlite_where=new, postgresql_where=new)
    op.create_table(
        "notice_deliveries",
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("notice_id", "channel"),
    )
    op.create_index("notice_deliveries_by_state", "notice_deliveries", ["state", "channel", "at"], unique=False)
    op.create_table(
        "notice_channels",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("leased_until", Moment(), nullable=True),
        sa.Column("paused_until", Moment(), nullable=True),
        sa.Column("closed_for", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
