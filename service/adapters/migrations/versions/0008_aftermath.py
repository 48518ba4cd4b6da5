"""What runs leave behind at their trainers, and which installation left it."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_tables import Moment

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns and the table; runs that ended before are cleared like those that end from now on."""
    op.add_column("runs", sa.Column("turns", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("cleared_at", Moment(), nullable=True))
    only = sa.text("cleared_at IS NULL")
    op.create_index("runs_to_clear", "runs", ["updated_at"], unique=False, sqlite_where=only, postgresql_where=only)
    op.create_table(
        "installations",
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("slot"),
    )
