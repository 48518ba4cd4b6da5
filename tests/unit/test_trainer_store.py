"""What the trainer remembers, and that a crash between two steps leaves neither half nor double."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.trainer_scene import Scene
from trainer.store.database import Database, DatabaseTooNew
from trainer.store.events import Event
from trainer.store.files import FileRecord
from trainer.store.folders import FolderInUse, Folders
from trainer.work.lifecycle import KeyReused
from trainer.work.tidying import Tidying


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.stores.database.close()


def test_one_key_makes_one_job_and_another_request_with_it_is_refused(scene: Scene) -> None:
    assert scene.job("ftjob-1", key="k") == "ftjob-1"
    assert scene.job("ftjob-2", key="k") == "ftjob-1"
    assert scene.stores.jobs.get("ftjob-2") is None
    with pytest.raises(KeyReused):
        scene.job("ftjob-3", key="k", sha256="bb")


def test_jobs_without_a_key_are_never_taken_for_repeats(scene: Scene) -> None:
    assert scene.job("ftjob-1") != scene.job("ftjob-2")


def test_a_transaction_that_fails_leaves_nothing(scene: Scene) -> None:
    def half() -> None:
        with scene.stores.database.transaction():
            scene.job()
            scene.stores.database.change("INSERT INTO jobs (id) VALUES (NULL)")

    with pytest.raises(sqlite3.IntegrityError):
        half()
    assert scene.stores.jobs.get("ftjob-1") is None
    scene.job()
    assert scene.status() == "validating_files"


def test_a_step_told_twice_is_remembered_once(scene: Scene) -> None:
    job_id = scene.job()
    for _ in range(2):
        scene.stores.events.add(job_id, Event("Step 1", step=1), 0)
        scene.stores.events.add(job_id, Event("twice said"), 0)
    assert scene.messages()[2:] == ["Step 1", "twice said", "twice said"]


def test_a_job_ends_once_however_many_try(scene: Scene) -> None:
    job_id = scene.job()
    assert scene.lifecycle.cancel(job_id)
    assert not scene.lifecycle.cancel(job_id)
    scene.lifecycle.fail(job_id, code="x", message="y")
    assert scene.status() == "cancelled"
    rows = scene.stores.database.rows("SELECT body FROM deliveries")
    assert ["fine_tuning.job.cancelled" in row["body"] for row in rows] == [True]


def test_what_a_killed_process_left_half_done_is_removed_at_the_start(scene: Scene) -> None:
    scene.job()
    (scene.folders.tmp / "file-half").write_text("h")
    (scene.folders.tmp / "checkpoint-half").mkdir()
    scene.folders.file("file-unknown").write_text("u")
    scene.folders.file("file-known").write_text("k")
    scene.stores.files.add(FileRecord("file-known", "k.jsonl", 1, "fine-tune", 0, None))
    scene.folders.job("ftjob-unknown").mkdir()
    Tidying(scene.stores, scene.folders).at_start()
    assert list(scene.folders.tmp.iterdir()) == []
    assert [place.name for place in (scene.folders.root / "files").iterdir()] == ["file-known"]
    assert [place.name for place in (scene.folders.root / "jobs").iterdir()] == ["ftjob-1"]


def test_an_expired_file_is_gone_at_once_and_its_bytes_a_little_later(scene: Scene) -> None:
    scene.folders.file("file-1").write_text("k")
    scene.stores.files.add(FileRecord("file-1", "k.jsonl", 1, "fine-tune", 0, 100))
    assert scene.stores.files.get("file-1", 99) is not None
    assert scene.stores.files.get("file-1", 100) is None
    Tidying(scene.stores, scene.folders).expired_files(100)
    assert not scene.folders.file("file-1").exists()


def test_two_processes_cannot_share_a_folder(tmp_path: Path) -> None:
    with Folders(tmp_path).lock(), pytest.raises(FolderInUse):
        Folders(tmp_path).lock()
    Folders(tmp_path).lock().close()


def test_a_folder_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    database = Database(tmp_path / "t.sqlite3")
    with database.transaction() as connection:
        connection.execute("PRAGMA user_version = 999")
    database.close()
    with pytest.raises(DatabaseTooNew):
        Database(tmp_path / "t.sqlite3")
