"""The first schema."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_tables import Moment

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "answers",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("model", "question"),
    )
    op.create_table("budgets", sa.Column("trainer", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("trainer"))
    op.create_table(
        "champion_history",
        sa.Column("position", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("promoted_at", Moment(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("champion_history_by_pipeline", "champion_history", ["pipeline", "position"], unique=False)
    op.create_table(
        "champions",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("trainer", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("promoted_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("pipeline"),
    )
    op.create_table(
        "dead_letters",
        sa.Column("letter_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=True),
        sa.Column("pipeline", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("replayed_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("letter_id"),
    )
    op.create_index("dead_letters_open", "dead_letters", ["replayed_at", "created_at"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("delivery_key", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=True),
        sa.Column("data_row_id", sa.Text(), nullable=True),
        sa.Column("label_id", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("converted_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    op.create_index("deliveries_by_outcome", "deliveries", ["outcome"], unique=False)
    op.create_index("deliveries_by_row", "deliveries", ["data_row_id"], unique=False)
    op.create_table(
        "evaluations",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index("evaluations_by_pipeline", "evaluations", ["pipeline", "at"], unique=False)
    op.create_table(
        "example_versions",
        sa.Column("example_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("label_id", sa.Text(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("example_id", "version"),
    )
    op.create_table(
        "examples",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("data_row_id", sa.Text(), nullable=False),
        sa.Column("example_id", sa.Text(), nullable=False),
        sa.Column("global_key", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("label_id", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("split", sa.Text(), nullable=True),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("activity_at", Moment(), nullable=False),
        sa.Column("observed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "data_row_id"),
    )
    op.create_index("examples_by_change", "examples", ["pipeline", "status", "changed_seq"], unique=False)
    op.create_index("examples_by_id", "examples", ["example_id"], unique=False)
    op.create_index("examples_by_label", "examples", ["label_id"], unique=False)
    op.create_index("examples_by_split", "examples", ["pipeline", "status", "split", "example_id"], unique=False)
    op.create_table(
        "groups",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("split", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "group_key"),
    )
    op.create_table(
        "job_events",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "event_id"),
    )
    op.create_table(
        "ledger",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("trainer", sa.Text(), nullable=False),
        sa.Column("usd", sa.Float(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "kind"),
    )
    op.create_index("ledger_by_month", "ledger", ["trainer", "at"], unique=False)
    op.create_table(
        "pipelines",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("change_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "reconciles",
        sa.Column("position", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("reconciles_by_pipeline", "reconciles", ["pipeline", "position"], unique=False)
    op.create_table(
        "run_history",
        sa.Column("position", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("run_history_by_run", "run_history", ["run_id", "position"], unique=False)
    op.create_table(
        "runs",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("watermark", sa.BigInteger(), nullable=False),
        sa.Column("trainer", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("snapshot_id", sa.Text(), nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("tuned_model", sa.Text(), nullable=True),
        sa.Column("intent_at", Moment(), nullable=True),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("leased_until", Moment(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
        sa.UniqueConstraint("pipeline", "ordinal", name="runs_claimed_once"),
    )
    op.create_index("runs_by_job", "runs", ["job_id"], unique=False)
    op.create_index(
        "runs_one_open",
        "runs",
        ["pipeline"],
        unique=True,
        sqlite_where=sa.text("is_open"),
        postgresql_where=sa.text("is_open"),
    )
    op.create_table(
        "snapshots",
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("watermark", sa.BigInteger(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("manifest_sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id"),
    )
    op.create_index("snapshots_by_pipeline", "snapshots", ["pipeline", "created_at"], unique=False)
