"""What was asked in the last minute is found without reading every answer ever given."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Create the indexes."""
    op.create_index("answers_by_time", "answers", ["at"], unique=False)
    op.create_index("judgements_by_time", "judgements", ["at"], unique=False)
