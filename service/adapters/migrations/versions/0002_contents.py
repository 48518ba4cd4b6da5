"""Examples of every kind: prompt and response become the turns of a chat; what became of each row is told."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_tables import Moment

revision = "0002"
down_revision = "0001"

_TURNS = {
    "sqlite": "json_array(json_object('role', 'user', 'content', prompt), "
    "json_object('role', 'assistant', 'content', response))",
    "postgresql": "json_build_array(json_build_object('role', 'user', 'content', prompt), "
    "json_build_object('role', 'assistant', 'content', response))::text",
}


def upgrade() -> None:
    """Keep every content that there is; its hash stays what it was."""
    turns = _TURNS[op.get_bind().dialect.name]
    for table in ("examples", "example_versions"):
        op.add_column(table, sa.Column("content", sa.Text(), nullable=False, server_default=""))
        # Only constants are put together here.
        op.execute(f"UPDATE {table} SET content = {turns} WHERE version > 0")  # noqa: S608
        with op.batch_alter_table(table) as batch:
            batch.drop_column("prompt")
            batch.drop_column("response")
            batch.alter_column("content", server_default=None)
    op.add_column("examples", sa.Column("choice", sa.Text(), nullable=True))
    op.create_index("examples_by_row", "examples", ["data_row_id"], unique=False)
    op.create_index("examples_by_key", "examples", ["global_key"], unique=False)
    op.create_index("deliveries_by_label", "deliveries", ["label_id"], unique=False)
    op.create_table(
        "example_history",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("example_id", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("label_id", sa.Text(), nullable=True),
        sa.Column("choice", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("observed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("example_history_by_example", "example_history", ["example_id", "position"], unique=False)
    op.create_table(
        "row_labels",
        sa.Column("label_id", sa.Text(), nullable=False),
        sa.Column("data_row_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("label_id", "data_row_id"),
    )
    op.create_index("row_labels_by_row", "row_labels", ["data_row_id"], unique=False)
