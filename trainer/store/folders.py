"""The data folder: who owns it, where things lie in it, and how bytes get there whole or not at all."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO


class FolderInUse(Exception):
    """Another trainer works in this data folder."""


class Folders:
    """The data folder's parts.

    ::

    trainer.sqlite3              the rows
    files/FILE_ID                uploaded files and results
    jobs/JOB_ID/training.jsonl   the job's own links to its files, gone when it ends
    jobs/JOB_ID/scratch/         the engine's
    jobs/JOB_ID/checkpoints/N/   the model after step N
    tmp/                         what is being written
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in (root, self.tmp, root / "files", root / "jobs"):
            # Training data is private to the account that runs the trainer.
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "trainer.sqlite3"

    @property
    def tmp(self) -> Path:
        """Where things are written before they are moved to their place; emptied at each start."""
        return self.root / "tmp"

    def file(self, file_id: str) -> Path:
        """Give the place of a file's bytes."""
        return self.root / "files" / file_id

    def job(self, job_id: str) -> Path:
        """Give a job's folder."""
        return self.root / "jobs" / job_id

    def checkpoint(self, job_id: str, step: int) -> Path:
        """Give the folder of the model after a step."""
        return self.job(job_id) / "checkpoints" / str(step)

    def lock(self) -> IO[str]:
        """Take the folder for this process until the returned file is closed, or the process ends in any way.

        Raises:
            FolderInUse: Another process has it.
        """
        file = (self.root / "lock").open("w", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise FolderInUse(f"another trainer is running on the data folder {self.root}") from error
        return file

    def empty_tmp(self) -> None:
        """Drop what a killed process was writing."""
        for left in self.tmp.iterdir():
            remove(left)


def move_into_place(part: Path, place: Path) -> None:
    """Move a finished file or folder to its place, so that it survives a power cut once this returns."""
    _sync(part)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if place.is_dir():
        # A folder cannot replace another that holds something.
        remove(place)
    part.replace(place)
    _sync_one(place.parent)


def write_whole(place: Path, tmp: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file that is either there as a whole or not at all."""
    part = tmp / place.name
    with part.open("wb") as file:
        write(file)
    move_into_place(part, place)


def link(source: Path, place: Path, *, skipped_bytes: int = 0) -> None:
    """Give a file a second name; a copy where the file system knows no links, or where its beginning is left out."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if skipped_bytes:
        with source.open("rb") as content, place.open("wb") as copy:
            content.seek(skipped_bytes)
            shutil.copyfileobj(content, copy)
        _sync_one(place)
        return
    try:
        os.link(source, place)
    except (OSError, NotImplementedError):
        shutil.copyfile(source, place)


def remove(place: Path) -> None:
    """Remove a file or a folder with all that is in it; nothing where there is none."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


def _sync(place: Path) -> None:
    for below in place.rglob("*") if place.is_dir() else ():
        _sync_one(below)
    _sync_one(place)


def _sync_one(place: Path) -> None:
    # Some file systems cannot sync a folder; then it is as safe as they make it. A file's error is an error.
    lenient = contextlib.suppress(OSError) if place.is_dir() else contextlib.nullcontext()
    descriptor = os.open(place, os.O_RDONLY)
    try:
        with lenient:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
