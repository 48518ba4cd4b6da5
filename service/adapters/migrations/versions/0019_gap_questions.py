"""The held-out question that a row of a slice is most like, so that sent and watched can be compared within it."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the column; rows of earlier plans are compared as before."""
    op.add_column("gap_rows", sa.Column("near", sa.Text(), nullable=True))
