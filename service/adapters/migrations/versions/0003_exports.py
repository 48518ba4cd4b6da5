"""Exports that outlive their worker, and the gate they pass one by one."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_tables import Moment

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "export_gate",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paused_until", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "exports",
        sa.Column("export_id", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("wanted_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=True),
        sa.Column("asked_at", Moment(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", Moment(), nullable=True),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("export_id"),
    )
    op.create_index("exports_by_moment", "exports", ["asked_at"], unique=False)
    op.create_index("exports_by_state", "exports", ["state", "updated_at"], unique=False)
    for name, columns, state in (
        ("exports_one_running", ["project"], "running"),
        ("exports_one_wanted", ["project", "kind"], "wanted"),
    ):
        only = sa.text(f"state = '{state}'")
        op.create_index(name, "exports", columns, unique=True, sqlite_where=only, postgresql_where=only)
