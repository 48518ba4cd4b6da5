"""Snapshots that were damaged: what is said of them, and what is put back, byte for byte."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import fsspec
import pytest
import sqlalchemy as sa

from service.adapters.files_store import FsspecFileStore
from service.adapters.sql_snapshots import SqlSnapshotStore
from service.adapters.sql_tables import example_versions, snapshots
from service.domain.errors import NotFound
from service.domain.pipelines import DatasetPolicy, TrainPolicy
from service.domain.runs import RunState as S
from service.domain.snapshots import SPLITS, Snapshot
from service.usecases.advance_run import advance_run
from service.usecases.verify_snapshot import NAMED, verify_snapshot
from tests.support.builders import make_pipeline
from tests.support.storing import everything_under
from tests.support.workshop import Workshop

Damage = Callable[[Path], object]
DAMAGES: dict[str, Damage] = {
    "missing": Path.unlink,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "changed": lambda path: path.write_bytes(path.read_bytes().replace(b"parcel", b"Parcel", 1)),
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.fixture
def shop(engine: sa.Engine, tmp_path: Path) -> Workshop:
    shop = Workshop(engine, tmp_path / "files")
    shop.fill()
    return shop


@pytest.fixture
def snapshot(shop: Workshop) -> Snapshot:
    return frozen(shop)


def frozen(shop: Workshop) -> Snapshot:
    return shop.snapshots.get(str(shop.go(shop.start(), S.SNAPSHOTTED).snapshot_id))


def path_of(shop: Workshop, snapshot: Snapshot, name: str) -> Path:
    entry = snapshot.files.get(name)  # type: ignore[call-overload]
    return Path(shop.files.location(entry.sha256 if entry else snapshot.snapshot_id))


def states(shop: Workshop, snapshot: Snapshot, *, repair: bool = False) -> dict[str, str]:
    found = verify_snapshot(snapshot.snapshot_id, shop.archive, repair=repair)
    return {file.name: file.state for file in found.files}


WHOLE = dict.fromkeys(("manifest", *SPLITS), "whole")


def test_a_whole_snapshot_is_built_again_line_by_line(shop: Workshop, snapshot: Snapshot) -> None:
    found = verify_snapshot(snapshot.snapshot_id[:10], shop.archive)
    assert (found.is_whole, found.lines, found.gaps, found.first_gaps) == (True, 60, {}, [])
    assert {file.name: file.state for file in found.files} == WHOLE
    with pytest.raises(NotFound):
        verify_snapshot("no such", shop.archive)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_broken_file_is_told_of_and_then_put_back(
    shop: Workshop, snapshot: Snapshot, damage: Damage, split: str
) -> None:
    path = path_of(shop, snapshot, split)
    before = path.read_bytes()
    everything = everything_under(str(shop.folder))
    damage(path)
    assert states(shop, snapshot) == WHOLE | {split: "rebuildable"}
    assert not verify_snapshot(snapshot.snapshot_id, shop.archive).is_whole
    assert states(shop, snapshot, repair=True) == WHOLE | {split: "rebuilt"}
    assert path.read_bytes() == before
    assert everything_under(str(shop.folder)) == everything
    assert states(shop, snapshot) == WHOLE


def test_later_edits_and_withdrawals_do_not_keep_a_snapshot_from_being_built_again(
    shop: Workshop, snapshot: Snapshot
) -> None:
    shop.fill(answer=lambda _: "something else now")
    for split in SPLITS:
        path_of(shop, snapshot, split).unlink()
    assert verify_snapshot(snapshot.snapshot_id, shop.archive, repair=True).is_whole
    assert states(shop, snapshot) == WHOLE


def test_preferences_are_built_again_in_their_own_form(shop: Workshop) -> None:
    shop.pipelines["summaries"] = make_pipeline(
        system="Be kind.",
        train=TrainPolicy("box", "base-model", method="preference"),
        dataset=DatasetPolicy(min_train=0),
    )
    snapshot = frozen(shop)
    path_of(shop, snapshot, "held_out").unlink()
    assert states(shop, snapshot, repair=True) == WHOLE | {"held_out": "rebuilt"}


def test_what_sql_no_longer_has_is_listed_and_no_wrong_file_is_written(shop: Workshop, snapshot: Snapshot) -> None:
    lines = [line for line in shop.snapshots.lines(snapshot.snapshot_id) if line.split == "train"]
    gone, changed = lines[0], lines[1]
    with shop.engine.begin() as connection:
        connection.execute(sa.delete(example_versions).where(example_versions.c.example_id == gone.example_id))
        other = sa.select(example_versions.c.content).where(example_versions.c.example_id == lines[2].example_id)
        connection.execute(
            sa.update(example_versions)
            .where(example_versions.c.example_id == changed.example_id)
            .values(content=other.scalar_subquery())
        )
    # The files are still whole, but no longer provable.
    assert states(shop, snapshot) == WHOLE
    assert not verify_snapshot(snapshot.snapshot_id, shop.archive).is_whole
    everything = everything_under(str(shop.folder))
    path_of(shop, snapshot, "train").unlink()
    found = verify_snapshot(snapshot.snapshot_id, shop.archive, repair=True)
    assert not found.is_whole
    assert {file.name: (file.state, file.was) for file in found.files}["train"] == ("lost", "missing")
    assert dict(found.gaps) == {("train", "unknown_version"): 1, ("train", "differs"): 1}
    told = {(gap.example_id, gap.version, gap.label_id, gap.reason) for gap in found.first_gaps}
    assert told == {
        (gone.example_id, 1, gone.label_id, "unknown_version"),
        (changed.example_id, 1, changed.label_id, "differs"),
    }
    left = everything_under(str(shop.folder))
    assert len(left) == len(everything) - 1
    assert set(left) < set(everything)


def test_what_was_forgotten_on_purpose_is_no_loss(shop: Workshop, snapshot: Snapshot) -> None:
    line = next(line for line in shop.snapshots.lines(snapshot.snapshot_id) if line.split == "train")
    with shop.engine.begin() as connection:
        mine = example_versions.c.example_id == line.example_id
        connection.execute(sa.update(example_versions).where(mine).values(content=""))
    path_of(shop, snapshot, "train").unlink()
    found = verify_snapshot(snapshot.snapshot_id, shop.archive, repair=True)
    assert {file.name: file.state for file in found.files}["train"] == "erased"
    assert dict(found.gaps) == {("train", "forgotten"): 1}
    assert found.is_whole


def test_only_the_first_lost_lines_are_named_and_all_are_counted(shop: Workshop, snapshot: Snapshot) -> None:
    with shop.engine.begin() as connection:
        connection.execute(sa.delete(example_versions))
    found = verify_snapshot(snapshot.snapshot_id, shop.archive)
    assert (found.gaps.total(), len(found.first_gaps), found.lines) == (60, NAMED, 0)


@pytest.mark.parametrize("damage", [DAMAGES["missing"], DAMAGES["cut"]])
def test_a_lost_manifest_is_built_again_while_the_examples_are_what_it_lists(
    shop: Workshop, snapshot: Snapshot, damage: Damage
) -> None:
    path = path_of(shop, snapshot, "manifest")
    before = path.read_bytes()
    damage(path)
    path_of(shop, snapshot, "train").unlink()
    found = verify_snapshot(snapshot.snapshot_id, shop.archive)
    assert [file.state for file in found.files] == ["rebuildable", "rebuildable", "whole", "whole"]
    assert found.lines is None
    found = verify_snapshot(snapshot.snapshot_id, shop.archive, repair=True)
    assert [file.state for file in found.files] == ["rebuilt", "rebuilt", "whole", "whole"]
    assert (found.is_whole, found.lines) == (True, 60)
    assert path.read_bytes() == before


def test_a_manifest_whose_examples_have_changed_is_lost_and_nothing_else_is_made_of_it(
    shop: Workshop, snapshot: Snapshot
) -> None:
    path_of(shop, snapshot, "manifest").unlink()
    path_of(shop, snapshot, "validation").unlink()
    everything = everything_under(str(shop.folder))
    shop.fill(60, 61)
    found = verify_snapshot(snapshot.snapshot_id, shop.archive, repair=True)
    assert [file.state for file in found.files] == ["lost", "whole", "lost", "whole"]
    assert not found.is_whole
    assert everything_under(str(shop.folder)) == everything
    del shop.pipelines["summaries"]
    assert verify_snapshot(snapshot.snapshot_id, shop.archive).files[0].state == "lost"


def test_a_snapshot_of_the_first_release_is_verified_and_put_back(shop: Workshop, snapshot: Snapshot) -> None:
    lines = [
        [li.split, li.example_id, li.version, li.label_id, li.sha256]
        for li in shop.snapshots.lines(snapshot.snapshot_id)
    ]
    files = {split: {**snapshot.head["files"][split], "lines": 1, "tokens": 1} for split in SPLITS}
    columns = ["split", "example_id", "version", "label_id", "sha256"]
    old = {"format": 1, "pipeline": "summaries", "system": None, "files": files, "columns": columns, "lines": lines}
    with shop.files.writer() as writer:
        writer.write(json.dumps(old, sort_keys=True, separators=(",", ":")).encode() + b"\n")
        old_id, _ = writer.commit()
    row = {"snapshot_id": old_id, "manifest_sha256": old_id, "pipeline": "summaries", "watermark": 1}
    with shop.engine.begin() as connection:
        connection.execute(sa.insert(snapshots).values(**row, created_at=shop.clock.now, files=files))
    path_of(shop, snapshot, "train").unlink()
    found = verify_snapshot(old_id, shop.archive, repair=True)
    assert (found.is_whole, found.lines) == (True, 60)
    content = path_of(shop, snapshot, "train").read_bytes()
    assert hashlib.sha256(content).hexdigest() == snapshot.files["train"].sha256


def test_a_snapshot_in_a_bucket_is_built_found_verified_and_put_back(
    engine: sa.Engine, tmp_path: Path, bucket: str
) -> None:
    shop = Workshop(engine, tmp_path)
    shop.files = FsspecFileStore(bucket)
    shop.snapshots = SqlSnapshotStore(engine, shop.files)
    shop.fill()
    snapshot = frozen(shop)
    assert states(shop, snapshot) == WHOLE
    line = next(shop.snapshots.lines(snapshot.snapshot_id))
    assert [row["version"] for row in shop.snapshots.holding("summaries", line.example_id)] == [1]
    system, root = fsspec.core.url_to_fs(bucket, use_listings_cache=False)
    for sha256 in (snapshot.snapshot_id, snapshot.files["train"].sha256):
        system.pipe_file(f"{root}/sha256/{sha256[:2]}/{sha256}", b"damaged")
    assert states(shop, snapshot, repair=True) == WHOLE | {"manifest": "rebuilt", "train": "rebuilt"}
    assert states(shop, snapshot) == WHOLE


# A run that meets a broken file.


def flip_in_last_line(path: Path) -> None:
    """Damage a hash that stands at the end, where nobody looks who only wants the beginning."""
    lines = path.read_bytes().splitlines(keepends=True)
    at = -2 if lines[-1] == b"]}\n" else -1
    lines[at] = lines[at].translate(bytes.maketrans(b"0123456789", b"1234567890"))
    path.write_bytes(b"".join(lines))


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"something else"), flip_in_last_line])
@pytest.mark.parametrize("name", ["train", "validation", "manifest"])
def test_a_run_that_uploads_puts_back_what_is_broken(shop: Workshop, name: str, damage: Damage) -> None:
    run_id = shop.start()
    snapshot = shop.snapshots.get(str(shop.go(run_id, S.SNAPSHOTTED).snapshot_id))
    damage(path_of(shop, snapshot, name))
    run = shop.go(run_id, S.UPLOADED)
    uploaded = hashlib.sha256(shop.trainer.files[run.fact("training_file")]).hexdigest()
    assert uploaded == snapshot.files["train"].sha256
    assert states(shop, snapshot) == WHOLE


def test_a_run_that_evaluates_puts_back_what_is_broken(shop: Workshop) -> None:
    run_id = shop.train()
    snapshot = shop.snapshots.get(str(shop.runs.get(run_id).snapshot_id))
    path_of(shop, snapshot, "held_out").unlink()
    flip_in_last_line(path_of(shop, snapshot, "manifest"))
    assert shop.go(run_id).state == S.PROMOTED
    assert states(shop, snapshot) == WHOLE


class SlowFiles(FsspecFileStore):
    """Files that are far away; whenever one was fetched, another worker looks whether the run is free."""

    shop: Workshop
    run_id: str

    @contextmanager
    def open(self, sha256: str) -> Iterator[BinaryIO]:
        self.shop.clock.forward(self.shop.timing.lease.total_seconds() / 6)
        assert advance_run(self.run_id, self.shop.parts) is None
        with super().open(sha256) as file:
            yield file


@pytest.mark.parametrize("name", ["train", "manifest"])
def test_mending_that_takes_longer_than_a_lease_keeps_the_run(shop: Workshop, name: str) -> None:
    run_id = shop.start()
    snapshot = shop.snapshots.get(str(shop.go(run_id, S.SNAPSHOTTED).snapshot_id))
    path_of(shop, snapshot, name).unlink()
    files = SlowFiles(str(shop.folder))
    files.shop, files.run_id = shop, run_id
    archive = replace(shop.archive, files=files, snapshots=SqlSnapshotStore(shop.engine, files))
    begin = shop.clock.now
    run = advance_run(run_id, replace(shop.parts, archive=archive))
    assert run is not None
    # One file a step: the first is sent, by the worker that kept the run.
    assert run.fact("training_file") is not None
    assert shop.clock.now - begin > shop.timing.lease


def test_every_file_and_every_batch_says_that_a_verification_goes_on(shop: Workshop, snapshot: Snapshot) -> None:
    calls: list[None] = []
    verify_snapshot(snapshot.snapshot_id, shop.archive, keep=lambda: calls.append(None))
    assert len(calls) == 4 + 1
    path_of(shop, snapshot, "manifest").unlink()
    verify_snapshot(snapshot.snapshot_id, shop.archive, repair=True, keep=lambda: calls.append(None))
    assert len(calls) == 4 + 1 + 4 + 1 + 1


def forget_texts(shop: Workshop) -> None:
    with shop.engine.begin() as connection:
        connection.execute(sa.delete(example_versions))


def test_a_snapshot_file_that_is_lost_asks_a_person(shop: Workshop) -> None:
    run_id = shop.train()
    snapshot = shop.snapshots.get(str(shop.runs.get(run_id).snapshot_id))
    path_of(shop, snapshot, "held_out").unlink()
    forget_texts(shop)
    run = shop.go(run_id)
    assert run.state == S.NEEDS_ATTENTION
    assert "start another run" in run.fact("remedy")


@pytest.mark.parametrize("name", ["train", "manifest"])
def test_a_damaged_snapshot_file_is_not_trained_on(shop: Workshop, name: str) -> None:
    run_id = shop.start()
    snapshot = shop.snapshots.get(str(shop.go(run_id, S.SNAPSHOTTED).snapshot_id))
    path_of(shop, snapshot, name).write_bytes(b"something else")
    forget_texts(shop)
    shop.fill(60, 61)
    ended = shop.go(run_id)
    assert (ended.state, ended.job_id) == (S.FAILED, None)
    assert "CorruptFile" in str(ended.fact("error"))
