"""Datasets one can trust: near-duplicates, findings, decisions, erasure, and counts that are kept."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_tables import Moment

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables; what is there is appraised before the next snapshot, or by the next look at the project."""
    for table, columns in (
        ("examples", ("prompt_key", "cluster", "findings", "appraised", "news_hash")),
        ("groups", ("cluster",)),
        ("snapshots", ("forgotten",)),
    ):
        with op.batch_alter_table(table) as batch:
            for name in columns:
                batch.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("pipelines", sa.Column("appraised", sa.Text(), nullable=True))
    op.add_column("examples", sa.Column("tokens", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("groups", sa.Column("signature", sa.LargeBinary(), nullable=True))
    op.add_column("groups", sa.Column("member", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("examples") as batch:
        for name in ("prompt_key", "cluster", "findings", "appraised", "news_hash", "tokens"):
            batch.alter_column(name, server_default=None)
    for table, name in (("groups", "cluster"), ("snapshots", "forgotten")):
        with op.batch_alter_table(table) as batch:
            batch.alter_column(name, server_default=None)
    op.create_index("runs_by_snapshot", "runs", ["snapshot_id"], unique=False)
    op.create_index("runs_by_model", "runs", ["tuned_model"], unique=False)
    op.create_index("answers_by_question", "answers", ["question"], unique=False)
    _create_tables()
    op.create_index("groups_by_member", "groups", ["member"], unique=False)
    # What counted once is no news again.
    op.execute("UPDATE examples SET news_hash = content_hash WHERE changed_seq > 0")
    op.execute(
        "INSERT INTO tallies SELECT pipeline, status, coalesce(split, ''), coalesce(reason, ''), count(*) "
        "FROM examples GROUP BY pipeline, status, coalesce(split, ''), coalesce(reason, '')"
    )
    op.create_index(
        "examples_by_prompt", "examples", ["pipeline", "status", "cluster", "prompt_key", "content_hash"], unique=False
    )
    only = sa.text("findings <> ''")
    op.create_index(
        "examples_by_finding",
        "examples",
        ["pipeline", "status", "findings"],
        unique=False,
        sqlite_where=only,
        postgresql_where=only,
    )
    op.create_index("examples_by_group", "examples", ["pipeline", "group_key"], unique=False)


def _create_tables() -> None:
    op.create_table(
        "near_prompts",
        sa.Column("bucket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "slot"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "strata",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("stratum", sa.Text(), nullable=False),
        sa.Column("drawn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "stratum"),
    )
    op.create_table(
        "tallies",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("split", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("examples", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "status", "split", "reason"),
    )
    op.create_table(
        "decisions",
        sa.Column("example_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("codes", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("example_id", "content_hash"),
    )
    op.create_table(
        "tombstones",
        sa.Column("data_row_id", sa.Text(), nullable=False),
        sa.Column("global_key", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("data_row_id"),
    )
    op.create_index("tombstones_by_key", "tombstones", ["global_key"], unique=False)
    op.create_table(
        "loose_files",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
