"""What judges replied, and what uploaders noted of data rows."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_tables import Moment

revision = "0013"
down_revision = "0011"


def upgrade() -> None:
    """Create the table and the column."""
    op.create_table(
        "judgements",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("judge", sa.Text(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("judgements_by_question", "judgements", ["question"], unique=False)
    # Empty for what is there: the next look at a row brings it.
    op.add_column("examples", sa.Column("metadata", sa.JSON(none_as_null=True), nullable=True))
