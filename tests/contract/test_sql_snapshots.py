"""Snapshots on SQLite and on PostgreSQL, their files in a folder."""

import json
import multiprocessing
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.adapters.files_store import FsspecFileStore
from service.adapters.sql_engine import make_engine
from service.adapters.sql_examples import SqlExampleStore
from service.adapters.sql_snapshots import SqlSnapshotStore
from service.adapters.sql_tables import example_versions, snapshots
from service.domain.contents import pair
from service.domain.errors import CorruptFile, FilesUnavailable, NotFound
from service.domain.snapshots import FileEntry, FrozenExample, Snapshot
from service.usecases.archive import Archive
from service.usecases.write_examples import write_outcomes
from tests.support.appraising import appraisers
from tests.support.builders import make_outcome, make_pipeline
from tests.support.fakes import NOON, ManualClock
from tests.support.freezing import build, make_frozen
from tests.support.races import at_once
from tests.support.storing import everything_under


@pytest.fixture
def files(tmp_path: Path) -> FsspecFileStore:
    return FsspecFileStore(str(tmp_path / "files"))


@pytest.fixture
def store(engine: sa.Engine, files: FsspecFileStore) -> SqlSnapshotStore:
    return SqlSnapshotStore(engine, files)


def add(
    store: SqlSnapshotStore, files: FsspecFileStore, *examples: FrozenExample, hours: float = 0, name: str = "p"
) -> Snapshot:
    built = build(examples, files, pipeline=make_pipeline(name))
    snapshot = Snapshot(built.snapshot_id, name, 7, NOON + timedelta(hours=hours), built.files, built.head)
    store.add(snapshot)
    return snapshot


def test_a_snapshot_comes_back_as_it_was(store: SqlSnapshotStore, files: FsspecFileStore) -> None:
    snapshot = add(store, files, make_frozen(1), make_frozen(2, "held_out"))
    store.add(replace(snapshot, created_at=NOON + timedelta(days=1)))
    found = store.get(snapshot.snapshot_id)
    assert found.head.items() >= snapshot.head.items()
    assert replace(found, head=snapshot.head) == snapshot
    assert store.get(snapshot.snapshot_id[:12]) == found
    assert store.find(snapshot.snapshot_id) == replace(snapshot, head={}) == store.recent("p", None)[0]
    assert [line.example_id for line in store.lines(snapshot.snapshot_id)] == ["ex-000002", "ex-000001"]


def test_the_newest_snapshots_come_first(store: SqlSnapshotStore, files: FsspecFileStore) -> None:
    made = [
        add(store, files, make_frozen(number), hours=number, name=name) for number, name in enumerate(["p", "q", "p"])
    ]
    ids = [snapshot.snapshot_id for snapshot in made]
    assert [found.snapshot_id for found in store.recent(None, 2)] == [ids[2], ids[1]]
    assert [found.snapshot_id for found in store.recent("p", 9)] == [ids[2], ids[0]]
    assert len(store.recent(None, None)) == 3


@pytest.mark.parametrize("unknown", ["", "0" * 64, "%", "_" * 64])
def test_an_id_that_names_no_or_several_snapshots_is_not_found(
    store: SqlSnapshotStore, files: FsspecFileStore, unknown: str
) -> None:
    add(store, files, make_frozen(1))
    add(store, files, make_frozen(2))
    for look in (store.get, store.find):
        with pytest.raises(NotFound):
            look(unknown)


def test_a_snapshot_whose_manifest_is_lost_says_so_and_is_still_found(
    store: SqlSnapshotStore, files: FsspecFileStore
) -> None:
    snapshot = add(store, files, make_frozen())
    Path(files.location(snapshot.snapshot_id)).unlink()
    with pytest.raises(CorruptFile):
        store.get(snapshot.snapshot_id)
    with pytest.raises(CorruptFile):
        next(store.lines(snapshot.snapshot_id))
    assert store.find(snapshot.snapshot_id).files == snapshot.files


def test_a_damaged_manifest_lists_nothing(store: SqlSnapshotStore, files: FsspecFileStore) -> None:
    snapshot = add(store, files, make_frozen(1), make_frozen(2))
    path = Path(files.location(snapshot.snapshot_id))
    path.write_bytes(path.read_bytes().replace(b"ex-000002", b"ex-000003"))
    with pytest.raises(CorruptFile):
        next(store.lines(snapshot.snapshot_id))


def test_an_example_is_found_in_every_snapshot_that_holds_it(store: SqlSnapshotStore, files: FsspecFileStore) -> None:
    first = add(store, files, make_frozen(1), make_frozen(2))
    second = add(store, files, make_frozen(1, version=2, label_id="other"), make_frozen(3), hours=1)
    add(store, files, make_frozen(3), hours=2)
    add(store, files, make_frozen(1), name="q")
    held = store.holding("p", "ex-000001")
    assert [(row["snapshot_id"], row["split"], row["version"], row["label_id"]) for row in held] == [
        (first.snapshot_id, "train", 1, "label-1"),
        (second.snapshot_id, "train", 2, "other"),
    ]
    assert store.holding("p", "ex-000009") == []


def test_what_the_first_release_froze_is_still_read(
    store: SqlSnapshotStore, files: FsspecFileStore, engine: sa.Engine
) -> None:
    listed = [["train", "ex-1", 1, "label-1", "d" * 64]]
    columns = ["split", "example_id", "version", "label_id", "sha256"]
    entries = {
        split: {"sha256": "a" * 64, "file_bytes": 10, "lines": 1, "tokens": 5} for split in ("train", "held_out")
    }
    manifest = {"format": 1, "pipeline": "p", "system": None, "files": entries, "columns": columns, "lines": listed}
    with files.writer() as writer:
        writer.write(json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode() + b"\n")
        snapshot_id, _ = writer.commit()
    row = {"snapshot_id": snapshot_id, "manifest_sha256": snapshot_id, "pipeline": "p", "watermark": 1}
    with engine.begin() as connection:
        connection.execute(sa.insert(snapshots).values(**row, created_at=NOON, files=entries))
    found = store.get(snapshot_id)
    assert (found.head["form"], found.files["train"]) == ("chat", FileEntry("a" * 64, 10, 1, 5, None))
    assert [line.label_id for line in store.lines(snapshot_id)] == ["label-1"]
    assert [row["version"] for row in store.holding("p", "ex-1")] == [1]


def test_contents_are_given_by_version(store: SqlSnapshotStore, engine: sa.Engine) -> None:
    examples = SqlExampleStore(engine, ManualClock())
    for number, text in enumerate(["one", "two"]):
        outcomes = [make_outcome(f"row-{row}", text, at=NOON + timedelta(seconds=number)) for row in range(1200)]
        write_outcomes(
            examples,
            make_pipeline(),
            outcomes,
            appraisers=appraisers,
            gone=(),
            observed_at=NOON + timedelta(seconds=number),
        )
    ids = [example.example_id for example in examples.existing("summaries", [f"row-{n}" for n in range(1200)]).values()]
    wanted = [(example_id, 1 + number % 2) for number, example_id in enumerate(ids)]
    found = store.contents([*wanted, (ids[0], 3), ("ex-unknown", 1)])
    assert found.keys() == set(wanted)
    assert {content[-1].content for (_, version), content in found.items() if version == 2} == {"two"}
    assert store.contents([]) == {}


def test_a_text_that_was_forgotten_is_empty(store: SqlSnapshotStore, engine: sa.Engine) -> None:
    row = {"example_id": "ex-1", "version": 1, "content_hash": "", "content": "", "label_id": None, "created_at": NOON}
    with engine.begin() as connection:
        connection.execute(sa.insert(example_versions).values(row))
    assert store.contents([("ex-1", 1)]) == {("ex-1", 1): ()}


# Two builders of one snapshot.


def freeze_everything(database_url: str, folder: str) -> str:
    """Freeze a pipeline's examples as a worker does."""
    engine = make_engine(database_url)
    files = FsspecFileStore(folder)
    store = SqlSnapshotStore(engine, files)
    pipeline = make_pipeline()
    archive = Archive(
        {}, SqlExampleStore(engine, ManualClock()), store, files, lambda text, _: len(text), lambda _: "characters"
    )
    watermark, built = archive.build(pipeline, model="m")
    store.add(Snapshot(built.snapshot_id, pipeline.name, watermark, NOON, built.files, built.head))
    engine.dispose()
    return built.snapshot_id


@pytest.mark.parametrize("with_processes", [False, True], ids=["threads", "processes"])
def test_builders_of_one_snapshot_end_with_one(
    store: SqlSnapshotStore, engine: sa.Engine, database_url: str, tmp_path: Path, *, with_processes: bool
) -> None:
    outcomes = [make_outcome(f"row-{number}") for number in range(400)]
    examples = SqlExampleStore(engine, ManualClock())
    write_outcomes(examples, make_pipeline(), outcomes, appraisers=appraisers, gone=(), observed_at=NOON)
    folder = str(tmp_path / "files")
    if with_processes:
        with multiprocessing.get_context("spawn").Pool(3) as pool:
            ids = pool.starmap(freeze_everything, [(database_url, folder)] * 6)
    else:
        ids = at_once(4, lambda _: freeze_everything(database_url, folder))
    (snapshot_id,) = set(ids)
    (found,) = store.recent(None, None)
    assert found.snapshot_id == snapshot_id
    hashes = {snapshot_id, *(entry.sha256 for entry in found.files.values())}
    assert everything_under(folder) == sorted(f"/sha256/{sha256[:2]}/{sha256}" for sha256 in hashes)
    assert len(list(store.lines(snapshot_id))) == 400


def test_what_changes_while_it_is_frozen_makes_another_snapshot(
    store: SqlSnapshotStore, engine: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    examples = SqlExampleStore(engine, ManualClock())
    folder = str(tmp_path / "files")
    for number in range(2):
        write_outcomes(
            examples, make_pipeline(), [make_outcome(f"row-{number}")], appraisers=appraisers, gone=(), observed_at=NOON
        )
        freeze_everything(database_url, folder)
    assert len(store.recent(None, None)) == 2
    assert (
        pair("the chat of row-0", "a summary")
        in store.contents(
            [(line.example_id, line.version) for line in store.lines(store.recent(None, 1)[0].snapshot_id)]
        ).values()
    )


# Files that no snapshot names.


def loose_file(store: SqlSnapshotStore, files: FsspecFileStore) -> str:
    """Do what a builder does that is killed before it names its file."""
    with files.writer() as writer:
        writer.write(b"a line\n")
        sha256, _ = writer.digest()
        store.expect([sha256], now=NOON)
        writer.commit()
    return sha256


def is_there(files: FsspecFileStore, sha256: str) -> bool:
    return Path(files.location(sha256)).exists()


def test_a_file_that_nobody_came_to_name_is_dropped_once(store: SqlSnapshotStore, files: FsspecFileStore) -> None:
    name = loose_file(store, files)
    assert store.loose(until=NOON - timedelta(seconds=1)) == []
    assert store.loose(until=NOON) == [name]
    assert store.drop_loose(name, until=NOON, remove=lambda: files.remove(name))
    assert not is_there(files, name)
    assert store.loose(until=NOON) == []
    assert not store.drop_loose(name, until=NOON, remove=pytest.fail)


def test_a_file_that_cannot_be_removed_stays_known(store: SqlSnapshotStore, files: FsspecFileStore) -> None:
    def refuse() -> None:
        raise FilesUnavailable

    name = loose_file(store, files)
    with pytest.raises(FilesUnavailable):
        store.drop_loose(name, until=NOON, remove=refuse)
    assert store.loose(until=NOON) == [name]


def test_what_somebody_began_to_write_again_is_not_dropped(store: SqlSnapshotStore, files: FsspecFileStore) -> None:
    name = loose_file(store, files)
    found = store.loose(until=NOON)
    store.expect([name], now=NOON + timedelta(days=1))
    assert found == [name]
    assert not store.drop_loose(name, until=NOON, remove=pytest.fail)


def test_what_was_named_meanwhile_is_not_dropped(store: SqlSnapshotStore, files: FsspecFileStore) -> None:
    built = build([make_frozen(1)], files, pipeline=make_pipeline("p"))
    names = [built.snapshot_id, *(entry.sha256 for entry in built.files.values())]
    store.expect(names, now=NOON)
    assert set(store.loose(until=NOON)) == set(names)
    store.add(Snapshot(built.snapshot_id, "p", 7, NOON, built.files, built.head))
    assert not any(store.drop_loose(name, until=NOON, remove=pytest.fail) for name in names)


def test_who_wants_to_write_a_file_waits_until_it_was_dropped(store: SqlSnapshotStore, files: FsspecFileStore) -> None:
    name = loose_file(store, files)
    builder = threading.Thread(target=loose_file, args=(store, files))

    def remove() -> None:
        builder.start()
        # Long enough for whoever would not wait.
        builder.join(0.5)
        files.remove(name)

    assert store.drop_loose(name, until=NOON, remove=remove)
    builder.join()
    assert is_there(files, name)
    assert store.loose(until=NOON) == [name]
