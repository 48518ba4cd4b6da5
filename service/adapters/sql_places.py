"""Which prompts and groups have a split, in SQL: what a batch may touch is read, and what it adds is written."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import chunks, upsert
from service.adapters.sql_tables import examples, groups, near_prompts, strata
from service.domain.examples import STATUSES
from service.domain.fingerprints import Fingerprint
from service.domain.placements import CLUSTER_CHARACTERS, MOST_A_BUCKET, Place, Places
from service.ports import Wanted


def read_places(connection: sa.Connection, pipeline: str, wanted: Wanted) -> Places:
    """Read the places that these examples may have or join."""
    places = Places(known=_known(connection, pipeline, wanted.keys), drawn=_drawn(connection, pipeline, wanted.strata))
    _meet_neighbours(connection, pipeline, wanted.fingerprints, places)
    return places


def add_places(connection: sa.Connection, pipeline: str, places: Places) -> None:
    """Write what was added."""
    # The last word on a key counts: a prompt that was known without a cluster has one now.
    if rows := [place_row(pipeline, place) for place in {place.key: place for place in places.added}.values()]:
        statement = upsert(connection, groups)
        placed = {name: statement.excluded[name] for name in ("cluster", "signature", "member")}
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["pipeline", "group_key"], set_=placed, where=groups.c.cluster == ""
            ),
            rows,
        )
    slots = [
        {"bucket": salted, "slot": (salted ^ member) % MOST_A_BUCKET, "member": member}
        for place in places.added
        if place.fingerprint
        for member in (_member(pipeline, place.key),)
        for salted in (_salted(pipeline, bucket) for bucket in place.fingerprint.buckets)
    ]
    if slots:
        # In the order of the table: with a million prompts each is on another page.
        slots.sort(key=lambda row: (row["bucket"], row["slot"]))
        connection.execute(upsert(connection, near_prompts).on_conflict_do_nothing(), slots)
    if places.drawn:
        statement = upsert(connection, strata)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["pipeline", "stratum"], set_={"drawn": statement.excluded.drawn}
            ),
            [{"pipeline": pipeline, "stratum": name, "drawn": drawn} for name, drawn in places.drawn.items()],
        )


def remove_places(
    connection: sa.Connection, pipeline: str, keys: Sequence[str], fingerprints: Iterable[Fingerprint]
) -> None:
    """Forget keys, and what the prompts among them are found by, which these fingerprints tell."""
    members = [_member(pipeline, key) for key in keys]
    buckets = {_salted(pipeline, bucket) for found in fingerprints for bucket in found.buckets}
    for chunk in chunks(sorted(buckets)):
        connection.execute(
            sa.delete(near_prompts).where(near_prompts.c.bucket.in_(chunk), near_prompts.c.member.in_(members))
        )
    connection.execute(sa.delete(groups).where(groups.c.pipeline == pipeline, groups.c.group_key.in_(keys)))
    for key in keys:
        _name_anew(connection, pipeline, key[:CLUSTER_CHARACTERS])


def _name_anew(connection: sa.Connection, pipeline: str, cluster: str) -> None:
    """Name a cluster for another of its prompts: its name is a piece of the hash of one that was forgotten."""
    # A pass over all of the pipeline's prompts; nobody looks a prompt up by its cluster otherwise.
    mine = (groups.c.pipeline == pipeline, groups.c.cluster == cluster)
    left = connection.scalar(sa.select(sa.func.min(groups.c.group_key)).where(*mine))
    if left is not None:
        named = {"cluster": left[:CLUSTER_CHARACTERS]}
        connection.execute(sa.update(groups).where(*mine).values(named))
        theirs = (examples.c.pipeline == pipeline, examples.c.status.in_(STATUSES), examples.c.cluster == cluster)
        connection.execute(sa.update(examples).where(*theirs).values(named))


def _known(connection: sa.Connection, pipeline: str, keys: Sequence[str]) -> dict[str, Place]:
    found = {}
    for chunk in chunks(keys):
        columns = (groups.c.group_key, groups.c.split, groups.c.cluster)
        wanted = sa.select(*columns).where(groups.c.pipeline == pipeline, groups.c.group_key.in_(chunk))
        found.update({row[0]: Place(*row) for row in connection.execute(wanted)})
    return found


def _drawn(connection: sa.Connection, pipeline: str, names: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for chunk in chunks(names):
        wanted = sa.select(strata.c.stratum, strata.c.drawn).where(
            strata.c.pipeline == pipeline, strata.c.stratum.in_(chunk)
        )
        found.update((row[0], row[1]) for row in connection.execute(wanted))
    return found


def _meet_neighbours(
    connection: sa.Connection, pipeline: str, fingerprints: Iterable[Fingerprint], places: Places
) -> None:
    buckets = {_salted(pipeline, bucket): bucket for found in fingerprints for bucket in found.buckets}
    met: dict[int, list[int]] = {}
    for chunk in chunks(sorted(buckets)):
        wanted = sa.select(near_prompts.c.member, near_prompts.c.bucket).where(near_prompts.c.bucket.in_(chunk))
        for member, bucket in connection.execute(wanted):
            met.setdefault(member, []).append(buckets[bucket])
    for chunk in chunks(sorted(met)):
        columns = (groups.c.member, groups.c.group_key, groups.c.split, groups.c.cluster, groups.c.signature)
        for member, key, split, cluster, signature in connection.execute(
            sa.select(*columns).where(groups.c.member.in_(chunk))
        ):
            places.meet([Place(key, split, cluster, Fingerprint(signature, tuple(met[member])))])


def place_row(pipeline: str, place: Place) -> dict[str, Any]:
    """Give a place as the table holds it."""
    return {
        "pipeline": pipeline,
        "group_key": place.key,
        "split": place.split,
        "cluster": place.cluster,
        "signature": place.fingerprint.signature if place.fingerprint else None,
        "member": _member(pipeline, place.key) if place.fingerprint else None,
    }


def _member(pipeline: str, key: str) -> int:
    return _number(f"{pipeline}\n{key}")


def _salted(pipeline: str, bucket: int) -> int:
    """Give a bucket of this pipeline: others have the same prompts, and other splits."""
    return bucket ^ _number(pipeline)


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
