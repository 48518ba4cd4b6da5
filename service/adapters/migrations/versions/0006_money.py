"""A ledger that can only grow, budgets over everything, and the tokens of the examples."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_tables import Moment

revision = "0006"
down_revision = "0005"

_REFUSAL = "the ledger is append-only: add a row instead"


def upgrade() -> None:
    """Create the new ledger from the old one, and count the tokens."""
    op.add_column("tallies", sa.Column("tokens", sa.BigInteger(), nullable=False, server_default="0"))
    with op.batch_alter_table("tallies") as batch:
        batch.alter_column("tokens", server_default=None)
    op.execute(
        "UPDATE tallies SET tokens = found.tokens FROM ("
        "SELECT pipeline, status, coalesce(split, '') AS split, coalesce(reason, '') AS reason, sum(tokens) AS tokens "
        "FROM examples GROUP BY pipeline, status, coalesce(split, ''), coalesce(reason, '')) AS found "
        "WHERE found.pipeline = tallies.pipeline AND found.status = tallies.status "
        "AND found.split = tallies.split AND found.reason = tallies.reason"
    )
    _create_ledger()
    _copy_ledger()
    _seal_ledger()
    op.create_table("ledger_gate", sa.Column("name", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("name"))
    op.drop_table("ledger")
    op.drop_table("budgets")


def _create_ledger() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "ledger_entries",
        sa.Column("position", number, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("trainer", sa.Text(), nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("usd", sa.Float(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    only = sa.text("kind <> 'answers'")
    op.create_index(
        "ledger_once_a_run",
        "ledger_entries",
        ["run_id", "kind"],
        unique=True,
        sqlite_where=only,
        postgresql_where=only,
    )
    op.create_index("ledger_by_run", "ledger_entries", ["run_id", "kind"], unique=False)
    op.create_index("ledger_by_moment", "ledger_entries", ["kind", "at"], unique=False)


def _copy_ledger() -> None:
    pipeline = "coalesce((SELECT pipeline FROM runs WHERE runs.run_id = ledger.run_id), '')"
    into = "INSERT INTO ledger_entries (run_id, kind, trainer, pipeline, usd, tokens, at, note) "
    # Nothing billed, and no tokens counted, is what was written for a run that had no job.
    kind = "CASE WHEN kind = 'reserved' THEN kind WHEN usd = 0 AND tokens IS NULL THEN 'released' ELSE 'billed' END"
    op.execute(
        f"{into}SELECT run_id, {kind}, trainer, {pipeline}, usd, tokens, at, '' FROM ledger ORDER BY at"  # noqa: S608 - constants
    )
    # Runs that were cancelled in doubt: nobody will look at them again, and what is set aside counts for ever now.
    op.execute(
        f"{into}SELECT run_id, 'billed', trainer, {pipeline}, usd, NULL, at, 'never settled: taken for spent' "  # noqa: S608 - constants
        "FROM ledger WHERE kind = 'reserved' "
        "AND run_id NOT IN (SELECT run_id FROM ledger WHERE kind = 'settled') "
        "AND run_id NOT IN (SELECT run_id FROM runs WHERE is_open)"
    )


def _seal_ledger() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER ledger_no_{act.lower()} BEFORE {act} ON ledger_entries "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_to_change_the_ledger() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
    )
    for name, act, each in (("change", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER ledger_no_{name} BEFORE {act} ON ledger_entries "
            f"FOR EACH {each} EXECUTE FUNCTION refuse_to_change_the_ledger()"
        )
