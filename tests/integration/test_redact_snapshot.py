"""Snapshots that hold forgotten rows: other files, the same name, and everything else as before."""

import hashlib
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.adapters.sql_tables import example_versions
from service.cli.exporting import export_snapshot
from service.domain.differences import differences
from service.domain.errors import CorruptFile, FilesReplaced
from service.domain.manifests import Line
from service.domain.runs import RunState as S
from service.domain.snapshots import SPLITS, Snapshot
from service.domain.splits import Split
from service.usecases.mend_snapshot import opened
from service.usecases.redact_snapshot import redact_snapshot, remove_loose_files
from service.usecases.verify_snapshot import verify_snapshot
from tests.support.storing import everything_under, read
from tests.support.workshop import Workshop


@pytest.fixture
def snapshot(shop: Workshop) -> Snapshot:
    return freeze(shop)


def freeze(shop: Workshop) -> Snapshot:
    return shop.snapshots.get(str(shop.go(shop.start(), S.SNAPSHOTTED).snapshot_id))


def lines_of(shop: Workshop, snapshot: Snapshot, split: Split) -> list[Line]:
    return [line for line in shop.snapshots.lines(snapshot.snapshot_id) if line.split == split]


def take_out(shop: Workshop, snapshot: Snapshot, *lines: Line) -> Snapshot:
    ids = [line.example_id for line in lines]
    assert redact_snapshot(snapshot.snapshot_id, ids, shop.archive, now=shop.clock.now) == len(ids)
    return shop.snapshots.get(snapshot.snapshot_id)


def erase_texts(shop: Workshop, *lines: Line) -> None:
    with shop.engine.begin() as connection:
        mine = example_versions.c.example_id.in_([line.example_id for line in lines])
        connection.execute(sa.update(example_versions).where(mine).values(content="", content_hash=""))


def hashes_in(shop: Workshop, snapshot: Snapshot, split: Split) -> list[str]:
    content = read(shop.files, snapshot.files[split].sha256)
    return [hashlib.sha256(line).hexdigest() for line in content.splitlines(keepends=True)]


@pytest.mark.parametrize("split", SPLITS)
def test_the_other_lines_stay_byte_for_byte_and_in_order(shop: Workshop, snapshot: Snapshot, split: Split) -> None:
    first, second, *others = lines_of(shop, snapshot, split)
    changed = take_out(shop, snapshot, second)
    assert hashes_in(shop, changed, split) == [line.sha256 for line in (first, *others)]
    changed = take_out(shop, snapshot, first)
    assert hashes_in(shop, changed, split) == [line.sha256 for line in others]
    assert changed.forgotten == {first.example_id, second.example_id}
    untouched = [name for name in SPLITS if name != split]
    assert [changed.files[name] for name in untouched] == [snapshot.files[name] for name in untouched]


def test_sizes_and_tokens_are_those_of_what_is_left(shop: Workshop, snapshot: Snapshot) -> None:
    gone = lines_of(shop, snapshot, "train")[:3]
    changed = take_out(shop, snapshot, *gone).files["train"]
    before = snapshot.files["train"]
    content = read(shop.files, changed.sha256)
    assert (changed.lines, changed.file_bytes) == (before.lines - 3, len(content))
    assert (changed.examples, before.examples) == (changed.lines, before.lines)
    # Every example of the workshop has the same number of words.
    assert changed.tokens * before.lines == before.tokens * changed.lines


def test_taking_out_what_is_out_or_was_never_in_changes_nothing(shop: Workshop, snapshot: Snapshot) -> None:
    line = lines_of(shop, snapshot, "train")[0]
    changed = take_out(shop, snapshot, line)
    for ids in ([line.example_id], ["ex-unknown"], []):
        assert redact_snapshot(snapshot.snapshot_id, ids, shop.archive, now=shop.clock.now) == 0
    assert shop.snapshots.get(snapshot.snapshot_id) == changed


def test_old_files_go_when_no_other_snapshot_needs_them(shop: Workshop, snapshot: Snapshot) -> None:
    run_id = shop.runs.recent(None, 1)[0].run_id
    shop.go(run_id, S.SUBMITTED)
    shop.finish_job()
    shop.go(run_id)
    shop.fill(60, 61)
    other = freeze(shop)
    shared = [split for split in SPLITS if other.files[split].sha256 == snapshot.files[split].sha256]
    assert len(shared) == 2
    for split in SPLITS:
        take_out(shop, snapshot, lines_of(shop, snapshot, split)[0])
    assert remove_loose_files(shop.archive, until=shop.clock.now) == 1
    for split in shared:
        assert read(shop.files, other.files[split].sha256)
    for split in shared:
        take_out(shop, other, lines_of(shop, other, split)[0])
    assert remove_loose_files(shop.archive, until=shop.clock.now) == 2
    names = {path.rpartition("/")[2] for path in everything_under(str(shop.folder))}
    standing = [shop.snapshots.get(found.snapshot_id) for found in (snapshot, other)]
    files = {entry.sha256 for found in standing for entry in found.files.values()}
    assert names == files | {found.snapshot_id for found in standing}


def test_what_a_killed_builder_left_is_removed(shop: Workshop) -> None:
    freeze(shop)
    shop.fill(60, 70)
    before = everything_under(str(shop.folder))
    pipeline = shop.pipelines["summaries"]
    since = shop.clock.now
    shop.archive.build(
        pipeline, model="base-model", expect=lambda names: shop.snapshots.expect(names, now=shop.clock.now)
    )
    left = set(everything_under(str(shop.folder))) - set(before)
    assert len(left) >= 2
    assert remove_loose_files(shop.archive, until=since.replace(year=since.year - 1)) == 0
    assert remove_loose_files(shop.archive, until=since) == len(left)
    assert everything_under(str(shop.folder)) == before


def test_a_verified_snapshot_counts_what_was_forgotten_as_no_damage(shop: Workshop, snapshot: Snapshot) -> None:
    gone = [lines_of(shop, snapshot, "train")[0], *lines_of(shop, snapshot, "held_out")[:2]]
    take_out(shop, snapshot, *gone)
    erase_texts(shop, *gone)
    found = verify_snapshot(snapshot.snapshot_id, shop.archive)
    assert found.is_whole
    assert {file.state for file in found.files} == {"whole"}
    assert found.gaps == {("train", "forgotten"): 1, ("held_out", "forgotten"): 2}
    assert (found.lines, found.first_gaps) == (57, [])


def test_a_changed_file_is_rebuilt_byte_for_byte(shop: Workshop, snapshot: Snapshot) -> None:
    line = lines_of(shop, snapshot, "train")[0]
    changed = take_out(shop, snapshot, line)
    erase_texts(shop, line)
    path = Path(shop.files.location(changed.files["train"].sha256))
    content = path.read_bytes()
    path.write_bytes(content[:-9])
    found = verify_snapshot(snapshot.snapshot_id, shop.archive, repair=True)
    assert {file.name: file.state for file in found.files}["train"] == "rebuilt"
    assert path.read_bytes() == content


def test_a_text_that_was_erased_but_is_still_in_a_file_is_told_of(shop: Workshop, snapshot: Snapshot) -> None:
    line = lines_of(shop, snapshot, "train")[0]
    erase_texts(shop, line)
    found = verify_snapshot(snapshot.snapshot_id, shop.archive)
    assert not found.is_whole
    assert found.not_taken_out == {"train": 1}


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_broken_file_is_built_again_without_the_lines(shop: Workshop, snapshot: Snapshot, damage: str) -> None:
    path = Path(shop.files.location(snapshot.files["train"].sha256))
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    first, *others = lines_of(shop, snapshot, "train")
    # An earlier call had come so far.
    erase_texts(shop, first)
    changed = take_out(shop, snapshot, first)
    assert hashes_in(shop, changed, "train") == [line.sha256 for line in others]


def test_a_broken_file_whose_other_lines_are_unknown_is_left_alone_and_told_of(
    shop: Workshop, snapshot: Snapshot
) -> None:
    path = Path(shop.files.location(snapshot.files["train"].sha256))
    path.write_bytes(path.read_bytes()[:-1])
    first, second, *_ = lines_of(shop, snapshot, "train")
    erase_texts(shop, second)
    with pytest.raises(CorruptFile):
        take_out(shop, snapshot, first)
    assert shop.snapshots.get(snapshot.snapshot_id) == snapshot
    assert path.exists()


def test_two_who_take_out_at_once_both_succeed(shop: Workshop, snapshot: Snapshot) -> None:
    """Whoever comes second begins anew from what the first one left."""
    first, second, *others = lines_of(shop, snapshot, "train")
    replace_files = shop.snapshots.replace_files
    calls = []

    def overtaken(*arguments: object, **options: object) -> bool:
        if not calls:
            calls.append("overtaken")
            take_out(shop, snapshot, second)
        return replace_files(*arguments, **options)  # type: ignore[arg-type]

    shop.snapshots.replace_files = overtaken  # type: ignore[method-assign]
    changed = take_out(shop, snapshot, first)
    assert hashes_in(shop, changed, "train") == [line.sha256 for line in others]


def test_a_run_that_meets_other_files_meanwhile_tries_again_with_those(shop: Workshop, snapshot: Snapshot) -> None:
    changed = take_out(shop, snapshot, lines_of(shop, snapshot, "train")[0])
    remove_loose_files(shop.archive, until=shop.clock.now)
    with pytest.raises(FilesReplaced) as raised, opened(snapshot, "train", shop.archive, keep=list):
        pass
    assert raised.value.retryable
    with opened(changed, "train", shop.archive, keep=list) as file:
        assert len(file.readlines()) == changed.files["train"].lines


def test_it_is_exported_and_compared_as_before(shop: Workshop, snapshot: Snapshot, tmp_path: Path) -> None:
    line = lines_of(shop, snapshot, "train")[0]
    changed = take_out(shop, snapshot, line)
    erase_texts(shop, line)
    remove_loose_files(shop.archive, until=shop.clock.now)
    export_snapshot(shop.files, changed, tmp_path / "out")
    exported = (tmp_path / "out" / "train.jsonl").read_bytes()
    assert exported == read(shop.files, changed.files["train"].sha256)
    manifest = (tmp_path / "out" / "manifest.json").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == snapshot.snapshot_id
    assert len(json.loads(manifest)["lines"]) == 60
    ids = (snapshot.snapshot_id, snapshot.snapshot_id)
    assert list(differences(*map(shop.snapshots.lines, ids))) == []
