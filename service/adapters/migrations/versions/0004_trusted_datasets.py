"""Datasets one can trust: near-duplicates, findings, decisions, erasure, and counts that are kept."""

import sqlalchemy as sa
from alembic import op

from service.adapters.sql_places import add_places, place_row
from service.adapters.sql_tables import Moment, examples, groups
from service.adapters.sql_tallies import recount
from service.domain.contents import decode_content, question_of
from service.domain.fingerprints import NEAR, fingerprint_of
from service.domain.placements import Place, Places
from service.domain.splits import group_key

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables, and take the fingerprint of every prompt that is there."""
    for table, columns in (
        ("examples", ("prompt_key", "cluster", "findings", "appraised")),
        ("groups", ("cluster",)),
        ("snapshots", ("forgotten",)),
    ):
        with op.batch_alter_table(table) as batch:
            for name in columns:
                batch.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("examples", sa.Column("tokens", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("groups", sa.Column("signature", sa.LargeBinary(), nullable=True))
    op.add_column("groups", sa.Column("member", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("examples") as batch:
        for name in ("prompt_key", "cluster", "findings", "appraised", "tokens"):
            batch.alter_column(name, server_default=None)
    with op.batch_alter_table("groups") as batch:
        batch.alter_column("cluster", server_default=None)
    with op.batch_alter_table("snapshots") as batch:
        batch.alter_column("forgotten", server_default=None)
    op.create_index("runs_by_snapshot", "runs", ["snapshot_id"], unique=False)
    op.create_index("runs_by_model", "runs", ["tuned_model"], unique=False)
    op.create_index("answers_by_question", "answers", ["question"], unique=False)
    _create_tables()
    op.create_index("groups_by_member", "groups", ["member"], unique=False)
    connection = op.get_bind()
    for pipeline in connection.scalars(sa.select(examples.c.pipeline).distinct()).all():
        _place_prompts(connection, pipeline)
        recount(connection, pipeline)
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


def _place_prompts(connection: sa.Connection, pipeline: str) -> None:
    """Let every prompt find its near-duplicates; a split that is given stays.

    Held-out ones come first: a prompt to train on that is nearly the same as one of them joins it, and then no
    training file takes it.
    """
    places = Places()
    mine = (examples.c.pipeline == pipeline, examples.c.split.is_not(None), examples.c.content != "")
    wanted = sa.select(examples.c.data_row_id, examples.c.split, examples.c.content).where(*mine)
    held_out_first = sa.case((examples.c.split == "held_out", 0), else_=1)
    for row_id, split, content in connection.execute(wanted.order_by(held_out_first, examples.c.data_row_id)).all():
        question = question_of(decode_content(content))
        key = group_key(question)
        if key not in places.known:
            fingerprint = fingerprint_of(question)
            near = places.neighbours(fingerprint, NEAR)
            place = Place(key, split, near[0].cluster if near else key[:16], fingerprint)
            places.known[key] = place
            places.added.append(place)
            places.meet([place])
        connection.execute(
            sa.update(examples)
            .where(examples.c.pipeline == pipeline, examples.c.data_row_id == row_id)
            .values(prompt_key=key, cluster=places.known[key].cluster)
        )
    add_places(connection, pipeline, places)
    for place in places.added:
        its_own = sa.update(groups).where(groups.c.pipeline == pipeline, groups.c.group_key == place.key)
        connection.execute(its_own.values(place_row(pipeline, place)))
