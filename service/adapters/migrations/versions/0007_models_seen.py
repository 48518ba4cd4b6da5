"""What trainers said of their models."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_tables import Moment

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "models_seen",
        sa.Column("trainer", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("shutdown_on", sa.Date(), nullable=True),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("trainer", "model"),
    )
