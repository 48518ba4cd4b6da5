"""Dead letters that a person put away, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the reason."""
    op.add_column("dead_letters", sa.Column("dismissed", sa.Text(), nullable=True))
