"""The tables. Migrations in ``migrations/versions`` create them; a test compares the two."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

metadata = sa.MetaData()


class Moment(sa.TypeDecorator[datetime]):
    """A moment in UTC: aware in Python on every database, SQLite included, which keeps none of the offset."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive moments: nobody could say which hour they mean."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        return value.astimezone(UTC) if dialect.name != "sqlite" else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the moment back as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def _text(name: str, **options: Any) -> sa.Column[str]:  # noqa: ANN401 - handed through to Column
    return sa.Column(name, sa.Text, nullable=False, **options)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, Moment, nullable=nullable)


# One row a pipeline: its change counter. Locking it makes the writers of a pipeline take turns.
pipelines = sa.Table(
    "pipelines",
    metadata,
    _text("name", primary_key=True),
    sa.Column("change_count", sa.BigInteger, nullable=False),
    # By what rules every example of the pipeline was appraised.
    sa.Column("appraised", sa.Text),
)

examples = sa.Table(
    "examples",
    metadata,
    _text("pipeline", primary_key=True),
    _text("data_row_id", primary_key=True),
    _text("example_id"),
    sa.Column("global_key", sa.Text),
    _text("status"),
    sa.Column("reason", sa.Text),
    sa.Column("label_id", sa.Text),
    sa.Column("choice", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
    _text("content_hash"),
    # The turns as JSON, see `domain.contents`; empty while there was none.
    _text("content"),
    _text("group_key"),
    sa.Column("split", sa.Text),
    _text("prompt_key"),
    _text("cluster"),
    # Of the content alone; the system text is the snapshot's.
    sa.Column("tokens", sa.Integer, nullable=False),
    # Codes, separated by spaces.
    _text("findings"),
    _text("appraised"),
    _text("news_hash"),
    # What the uploader noted of the data row; NULL is nothing.
    sa.Column("metadata", sa.JSON(none_as_null=True)),
    # The pipeline's change counter when its content last became news; what the trigger counts from.
    sa.Column("changed_seq", sa.BigInteger, nullable=False),
    _moment("changed_at"),
    _moment("activity_at"),
    _moment("observed_at"),
    sa.Index("examples_by_change", "pipeline", "status", "changed_seq"),
    sa.Index("examples_by_split", "pipeline", "status", "split", "example_id"),
    sa.Index("examples_by_label", "label_id"),
    sa.Index("examples_by_id", "example_id"),
    sa.Index("examples_by_row", "data_row_id"),
    sa.Index("examples_by_key", "global_key"),
    # What is there twice, contradicts itself or is nearly the same: one pass over the index tells.
    sa.Index("examples_by_prompt", "pipeline", "status", "cluster", "prompt_key", "content_hash"),
    sa.Index(
        "examples_by_finding",
        "pipeline",
        "status",
        "findings",
        sqlite_where=sa.text("findings <> ''"),
        postgresql_where=sa.text("findings <> ''"),
    ),
    # The prompts and groups that are still in use.
    sa.Index("examples_by_group", "pipeline", "group_key"),
)

# Every content an example ever had: what a snapshot is rebuilt and explained from.
example_versions = sa.Table(
    "example_versions",
    metadata,
    _text("example_id", primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    _text("content_hash"),
    _text("content"),
    sa.Column("label_id", sa.Text),
    _moment("created_at"),
)

# What became of each data row, whenever that changed: the story that ``tuneloop explain`` tells.
example_history = sa.Table(
    "example_history",
    metadata,
    sa.Column("position", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    _text("example_id"),
    _moment("at"),
    _text("status"),
    sa.Column("reason", sa.Text),
    sa.Column("label_id", sa.Text),
    sa.Column("choice", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
    _moment("observed_at"),
    sa.Index("example_history_by_example", "example_id", "position"),
)

# Every label ever seen on a data row, the deleted ones and those that never counted included.
row_labels = sa.Table(
    "row_labels",
    metadata,
    _text("label_id", primary_key=True),
    _text("data_row_id", primary_key=True),
    sa.Index("row_labels_by_row", "data_row_id"),
)

# The split of a prompt or of a group, given once.
groups = sa.Table(
    "groups",
    metadata,
    _text("pipeline", primary_key=True),
    _text("group_key", primary_key=True),
    _text("split"),
    # Of prompts: what those that are nearly the same have in common, and what tells how nearly.
    _text("cluster"),
    sa.Column("signature", sa.LargeBinary),
    # The number that stands for this prompt in ``near_prompts``.
    sa.Column("member", sa.BigInteger),
    sa.Index("groups_by_member", "member"),
)

# Which prompts share a band of their fingerprint, at most so many a bucket: looking one up costs the same at any size.
near_prompts = sa.Table(
    "near_prompts",
    metadata,
    sa.Column("bucket", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("slot", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("member", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# How many groups of a stratum have a split.
strata = sa.Table(
    "strata",
    metadata,
    _text("pipeline", primary_key=True),
    _text("stratum", primary_key=True),
    sa.Column("drawn", sa.BigInteger, nullable=False),
)

# How many examples stand how, kept with every write: counting a million takes too long.
tallies = sa.Table(
    "tallies",
    metadata,
    _text("pipeline", primary_key=True),
    _text("status", primary_key=True),
    _text("split", primary_key=True),
    _text("reason", primary_key=True),
    sa.Column("examples", sa.BigInteger, nullable=False),
    # Of these together; what a run will cost is estimated from them.
    sa.Column("tokens", sa.BigInteger, nullable=False, default=0),
)

# What a person decided of a content that a check had held back.
decisions = sa.Table(
    "decisions",
    metadata,
    _text("example_id", primary_key=True),
    _text("content_hash", primary_key=True),
    _text("decision"),
    # What was found in it then.
    _text("codes"),
    _moment("at"),
)

# Data rows whose text was erased: it must not come back.
tombstones = sa.Table(
    "tombstones",
    metadata,
    _text("data_row_id", primary_key=True),
    sa.Column("global_key", sa.Text),
    # On whose word.
    _text("asked_by", default=""),
    _moment("at"),
    sa.Index("tombstones_by_key", "global_key"),
)

# What became of every delivery; ids only.
deliveries = sa.Table(
    "deliveries",
    metadata,
    _text("entry_id", primary_key=True),
    _text("delivery_key"),
    _text("topic"),
    sa.Column("project_id", sa.Text),
    sa.Column("data_row_id", sa.Text),
    sa.Column("label_id", sa.Text),
    _text("outcome"),
    _moment("received_at"),
    _moment("converted_at"),
    sa.Index("deliveries_by_row", "data_row_id"),
    sa.Index("deliveries_by_label", "label_id"),
    sa.Index("deliveries_by_outcome", "outcome"),
)

dead_letters = sa.Table(
    "dead_letters",
    metadata,
    _text("letter_id", primary_key=True),
    _text("kind"),
    _text("subject"),
    _text("error"),
    _text("message"),
    _text("remedy"),
    sa.Column("topic", sa.Text),
    sa.Column("pipeline", sa.Text),
    sa.Column("body", sa.LargeBinary),
    sa.Column("received_at", Moment),
    _moment("created_at"),
    # When it was closed: replayed, settled by what came after, or dismissed.
    _moment("replayed_at", nullable=True),
    # Why a person dismissed it, perhaps empty; null where nobody did.
    sa.Column("dismissed", sa.Text),
    sa.Index("dead_letters_open", "replayed_at", "created_at"),
)

snapshots = sa.Table(
    "snapshots",
    metadata,
    _text("snapshot_id", primary_key=True),
    _text("pipeline"),
    sa.Column("watermark", sa.BigInteger, nullable=False),
    _moment("created_at"),
    sa.Column("files", sa.JSON, nullable=False),
    # The manifest itself is a file among the others: it is as long as the dataset.
    _text("manifest_sha256"),
    # Examples that the manifest lists and the files no longer hold, separated by spaces.
    _text("forgotten", default=""),
    sa.Index("snapshots_by_pipeline", "pipeline", "created_at"),
)

# Files that no snapshot names: about to be written, left by a killed builder, or no longer needed.
loose_files = sa.Table("loose_files", metadata, _text("sha256", primary_key=True), _moment("since"))

runs = sa.Table(
    "runs",
    metadata,
    _text("run_id", primary_key=True),
    _text("pipeline"),
    sa.Column("ordinal", sa.Integer, nullable=False),
    _text("state"),
    sa.Column("is_open", sa.Boolean, nullable=False),
    sa.Column("watermark", sa.BigInteger, nullable=False),
    _text("trainer"),
    _text("model"),
    _text("cause"),
    _moment("created_at"),
    _moment("updated_at"),
    sa.Column("snapshot_id", sa.Text),
    sa.Column("job_id", sa.Text),
    sa.Column("tuned_model", sa.Text),
    _moment("intent_at", nullable=True),
    _moment("due_at", nullable=True),
    _moment("leased_until", nullable=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    # How often it was taken for a step since a step of it last ended: a step that kills its worker is seen by this.
    sa.Column("turns", sa.Integer, nullable=False, server_default="0"),
    # Of a run that ended: since when its money is settled and nothing of it is left at its trainer.
    _moment("cleared_at", nullable=True),
    sa.Column("facts", sa.JSON, nullable=False),
    # These two settle every race: a crossing is claimed once, and one run is open at a time.
    sa.UniqueConstraint("pipeline", "ordinal", name="runs_claimed_once"),
    sa.Index(
        "runs_one_open",
        "pipeline",
        unique=True,
        sqlite_where=sa.text("is_open"),
        postgresql_where=sa.text("is_open"),
    ),
    sa.Index("runs_by_job", "job_id"),
    sa.Index("runs_by_snapshot", "snapshot_id"),
    sa.Index("runs_by_model", "tuned_model"),
    sa.Index(
        "runs_to_clear",
        "updated_at",
        sqlite_where=sa.text("cleared_at IS NULL"),
        postgresql_where=sa.text("cleared_at IS NULL"),
    ),
)

# One row: which installation this is, for those that share an account at a trainer.
installations = sa.Table(
    "installations",
    metadata,
    sa.Column("slot", sa.SmallInteger, primary_key=True, autoincrement=False),
    _text("installation_id"),
)

run_history = sa.Table(
    "run_history",
    metadata,
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
    _text("run_id"),
    _moment("at"),
    _text("before"),
    _text("after"),
    _text("cause"),
    sa.Index("run_history_by_run", "run_id", "position"),
)

job_events = sa.Table(
    "job_events",
    metadata,
    _text("run_id", primary_key=True),
    _text("event_id", primary_key=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    _text("level"),
    _text("kind"),
    _text("message"),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Index("job_events_by_position", "run_id", "position"),
)

# What a job measured at each step, from its events and its result file.
training_series = sa.Table(
    "training_series",
    metadata,
    _text("run_id", primary_key=True),
    sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("train_loss", sa.Float),
    sa.Column("train_accuracy", sa.Float),
    sa.Column("valid_loss", sa.Float),
    sa.Column("valid_accuracy", sa.Float),
    sa.Column("full_valid_loss", sa.Float),
    sa.Column("full_valid_accuracy", sa.Float),
    sa.Column("total_steps", sa.Integer),
    # Unix seconds, as the trainer says them.
    sa.Column("at", sa.BigInteger),
)

job_checkpoints = sa.Table(
    "job_checkpoints",
    metadata,
    _text("run_id", primary_key=True),
    _text("checkpoint_id", primary_key=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("step", sa.Integer),
    sa.Column("model", sa.Text),
    sa.Column("metrics", sa.JSON, nullable=False),
    sa.Index("job_checkpoints_by_id", "checkpoint_id"),
    sa.Index("job_checkpoints_by_model", "model"),
)

# One row a job that has ended: what of its reports is still to be fetched, and when.
gatherings = sa.Table(
    "gatherings",
    metadata,
    _text("run_id", primary_key=True),
    _moment("ended_at"),
    sa.Column("attempts", sa.Integer, nullable=False),
    # Empty once there is nothing left to do.
    _moment("due_at", nullable=True),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Index("gatherings_by_due", "due_at"),
)

# Money, append-only: triggers in the database refuse to change or delete a row.
ledger_entries = sa.Table(
    "ledger_entries",
    metadata,
    sa.Column("position", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    _text("run_id"),
    # reserved, then billed or released; answers of evaluations are billed in as many rows as they come.
    _text("kind"),
    _text("trainer"),
    _text("pipeline"),
    sa.Column("usd", sa.Float, nullable=False),
    sa.Column("tokens", sa.BigInteger),
    _moment("at"),
    _text("note"),
    sa.Index(
        "ledger_once_a_run",
        "run_id",
        "kind",
        unique=True,
        sqlite_where=sa.text("kind <> 'answers'"),
        postgresql_where=sa.text("kind <> 'answers'"),
    ),
    sa.Index("ledger_by_run", "run_id", "kind"),
    sa.Index("ledger_by_moment", "kind", "at"),
)

# Tokens of answers that came and are not in the ledger yet, written with each answer.
debts = sa.Table(
    "debts",
    metadata,
    # A run, or a base model's evaluation.
    _text("payer", primary_key=True),
    _text("trainer", primary_key=True),
    _text("model", primary_key=True),
    _text("pipeline"),
    _text("priced_as"),
    sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
    sa.Column("completion_tokens", sa.BigInteger, nullable=False),
    # When the newest of them came.
    _moment("at"),
)

# Locking its only row makes those who want the last dollar take turns, whichever budget it is of.
ledger_gate = sa.Table("ledger_gate", metadata, _text("name", primary_key=True))

answers = sa.Table(
    "answers",
    metadata,
    _text("model", primary_key=True),
    # SHA-256 over the messages asked: the same question is never paid twice.
    _text("question", primary_key=True),
    _text("text"),
    sa.Column("prompt_tokens", sa.Integer, nullable=False),
    sa.Column("completion_tokens", sa.Integer, nullable=False),
    _moment("at"),
    # Why the answer ended, in the server's word.
    sa.Column("finish", sa.Text),
    sa.Index("answers_by_question", "question"),
    # What was asked in the last minute, among all answers ever given.
    sa.Index("answers_by_time", "at"),
)

# What judges replied, without their words, by a hash over all that a reply depends on.
judgements = sa.Table(
    "judgements",
    metadata,
    _text("key", primary_key=True),
    _text("question"),
    _text("judge"),
    _text("choice"),
    sa.Column("prompt_tokens", sa.Integer, nullable=False),
    sa.Column("completion_tokens", sa.Integer, nullable=False),
    _moment("at"),
    sa.Index("judgements_by_question", "question"),
    sa.Index("judgements_by_time", "at"),
)

evaluations = sa.Table(
    "evaluations",
    metadata,
    _text("run_id", primary_key=True),
    _text("pipeline"),
    _text("outcome"),
    sa.Column("facts", sa.JSON, nullable=False),
    _moment("at"),
    sa.Index("evaluations_by_pipeline", "pipeline", "at"),
)

# How earlier checkpoints of a run's job were judged, beside the run's own model.
checkpoint_evaluations = sa.Table(
    "checkpoint_evaluations",
    metadata,
    _text("run_id", primary_key=True),
    sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),
    _text("pipeline"),
    _text("outcome"),
    sa.Column("facts", sa.JSON, nullable=False),
    _moment("at"),
    sa.Index("checkpoint_evaluations_by_pipeline", "pipeline", "at"),
)

# How an untuned model answered, without any run.
base_evaluations = sa.Table(
    "base_evaluations",
    metadata,
    _text("evaluation_id", primary_key=True),
    _text("pipeline"),
    _text("trainer"),
    _text("model"),
    _text("snapshot_id"),
    sa.Column("facts", sa.JSON, nullable=False),
    _moment("at"),
    sa.Index("base_evaluations_by_pipeline", "pipeline", "at"),
)

base_turns = sa.Table(
    "base_turns",
    metadata,
    _text("evaluation_id", primary_key=True),
    _moment("begun_at"),
    _moment("leased_until"),
)

champions = sa.Table(
    "champions",
    metadata,
    _text("pipeline", primary_key=True),
    _text("model"),
    _text("trainer"),
    _text("run_id"),
    _moment("promoted_at"),
    # The entry of the history that made it the champion.
    sa.Column("position", sa.Integer, nullable=True),
    sa.Column("decided", sa.Text, nullable=True),
    sa.Column("evidence", sa.JSON(none_as_null=True), nullable=True),
    sa.Column("gone_since", Moment, nullable=True),
    # The entry that the stable name at its trainer was last set for.
    sa.Column("named_for", sa.Integer, nullable=True),
)

champion_history = sa.Table(
    "champion_history",
    metadata,
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
    _text("pipeline"),
    _text("model"),
    _text("run_id"),
    _moment("promoted_at"),
    _text("cause"),
    sa.Column("trainer", sa.Text, nullable=True),
    sa.Column("decided", sa.Text, nullable=True),
    sa.Column("decided_by", sa.Text, nullable=True),
    sa.Column("reason", sa.Text, nullable=True),
    sa.Column("evidence", sa.JSON(none_as_null=True), nullable=True),
    sa.Column("gone_since", Moment, nullable=True),
    sa.Index("champion_history_by_pipeline", "pipeline", "position"),
)

reconciles = sa.Table(
    "reconciles",
    metadata,
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
    _text("pipeline"),
    _moment("until"),
    _moment("at"),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Index("reconciles_by_pipeline", "pipeline", "position"),
)

# One export asked of Labelbox, from standing in line to having been read.
exports = sa.Table(
    "exports",
    metadata,
    _text("export_id", primary_key=True),
    _text("project"),
    # rows of deliveries, or the window of a reconcile.
    _text("kind"),
    # wanted, running, then read or failed.
    _text("state"),
    _moment("wanted_at"),
    _moment("updated_at"),
    _moment("due_at"),
    sa.Column("asked", sa.JSON, nullable=False),
    sa.Column("progress", sa.JSON, nullable=False),
    # Labelbox's; empty between the intent and the answer.
    sa.Column("task_id", sa.Text),
    _moment("asked_at", nullable=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    _moment("leased_until", nullable=True),
    sa.Column("turns", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
    sa.Index("exports_by_moment", "asked_at"),
    # These settle every race: one of a project runs, and one of a kind stands in line.
    sa.Index(
        "exports_one_running",
        "project",
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    ),
    sa.Index(
        "exports_one_wanted",
        "project",
        "kind",
        unique=True,
        sqlite_where=sa.text("state = 'wanted'"),
        postgresql_where=sa.text("state = 'wanted'"),
    ),
    sa.Index("exports_by_state", "state", "updated_at"),
)

# Locking its only row makes those who want an export take turns; it also holds how long Labelbox is left alone.
export_gate = sa.Table(
    "export_gate",
    metadata,
    _text("name", primary_key=True),
    _moment("paused_until", nullable=True),
)

# What trainers said of their models, so that deciding makes no request.
models_seen = sa.Table(
    "models_seen",
    metadata,
    _text("trainer", primary_key=True),
    _text("model", primary_key=True),
    sa.Column("shutdown_on", sa.Date),
    sa.Column("known", sa.Boolean, nullable=False),
    _moment("at"),
)

notices = sa.Table(
    "notices",
    metadata,
    _text("notice_id", primary_key=True),
    _text("kind"),
    _text("key"),
    sa.Column("pipeline", sa.Text),
    _text("title"),
    _text("text"),
    sa.Column("facts", sa.JSON, nullable=False),
    _moment("at"),
    # When it was given to the channels that want it.
    _moment("routed_at", nullable=True),
    sa.Index("notices_by_moment", "at"),
    sa.Index(
        "notices_new",
        "at",
        sqlite_where=sa.text("routed_at IS NULL"),
        postgresql_where=sa.text("routed_at IS NULL"),
    ),
)

# One notice on its way to one channel.
notice_deliveries = sa.Table(
    "notice_deliveries",
    metadata,
    _text("notice_id", primary_key=True),
    _text("channel", primary_key=True),
    # waiting, then sent, dead (the last try failed) or gone (its channel ended).
    _text("state"),
    # When the notice happened: what orders a channel.
    _moment("at"),
    sa.Column("attempts", sa.Integer, nullable=False),
    _moment("due_at"),
    _moment("updated_at"),
    sa.Column("error", sa.Text),
    sa.Index("notice_deliveries_by_state", "state", "channel", "at"),
)

# Locking its row makes workers take turns at a channel.
notice_channels = sa.Table(
    "notice_channels",
    metadata,
    _text("name", primary_key=True),
    _moment("leased_until", nullable=True),
    _moment("paused_until", nullable=True),
    # A hash of the address that answered 410, while the channel is closed for it.
    sa.Column("closed_for", sa.Text),
)

# Rows that go back to the labelers together.
gap_plans = sa.Table(
    "gap_plans",
    metadata,
    _text("plan_id", primary_key=True),
    _text("pipeline"),
    sa.Column("ordinal", sa.Integer, nullable=False),
    # The evaluation that it was made from, and whose scores in it.
    sa.Column("run_id", sa.Text),
    sa.Column("role", sa.Text),
    sa.Column("is_open", sa.Boolean, nullable=False),
    _moment("created_at"),
    _moment("leased_until", nullable=True),
    # These settle every race: a number is given once, and one plan is open at a time.
    sa.UniqueConstraint("pipeline", "ordinal", name="gap_plans_numbered_once"),
    sa.Index(
        "gap_plans_one_open",
        "pipeline",
        unique=True,
        sqlite_where=sa.text("is_open"),
        postgresql_where=sa.text("is_open"),
    ),
)

# One row of a plan; ids and reasons only.
gap_rows = sa.Table(
    "gap_rows",
    metadata,
    _text("plan_id", primary_key=True),
    _text("data_row_id", primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    _text("kind"),
    _text("action"),
    # control is only watched; the others: planned, sending, then sent, overtaken, gone or refused.
    _text("state"),
    _text("reason"),
    _text("target"),
    sa.Column("near", sa.Text),
    sa.Column("label_id", sa.Text),
    # How the row stood when it was planned; empty where nobody had labelled it.
    _text("content_hash"),
    _moment("activity_at", nullable=True),
    _moment("sent_at", nullable=True),
    sa.Index("gap_rows_by_row", "data_row_id"),
)
