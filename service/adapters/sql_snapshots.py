"""Snapshots in SQL: a row each; what they list is in their manifests, which are files."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, BinaryIO

import sqlalchemy as sa

from service.adapters.sql_engine import chunks, reading, upsert
from service.adapters.sql_tables import example_versions, loose_files, snapshots
from service.domain.contents import Content, decode_content
from service.domain.errors import CorruptFile, NotFound
from service.domain.manifests import Line, entries_of, head_of, lines_in
from service.domain.snapshots import FileEntry, Snapshot
from service.domain.splits import Split
from service.ports import FileStore


class SqlSnapshotStore:
    """See ``SnapshotStore``."""

    def __init__(self, engine: sa.Engine, files: FileStore) -> None:
        self._engine = engine
        self._files = files

    def add(self, snapshot: Snapshot) -> None:
        """See ``SnapshotStore``; of two builders the first one's row stays."""
        row = {
            "snapshot_id": snapshot.snapshot_id,
            "pipeline": snapshot.pipeline,
            "watermark": snapshot.watermark,
            "created_at": snapshot.created_at,
            "files": _plain(snapshot.files),
            "manifest_sha256": snapshot.snapshot_id,
            "forgotten": _words(snapshot.forgotten),
        }
        with self._engine.begin() as connection:
            connection.execute(upsert(connection, snapshots).values(row).on_conflict_do_nothing())
            _tie(connection, [snapshot.snapshot_id, *_names(snapshot.files)])

    def find(self, snapshot_id: str) -> Snapshot:
        """See ``SnapshotStore``."""
        begins = snapshots.c.snapshot_id.startswith(snapshot_id, autoescape=True)
        with reading(self._engine) as connection:
            found = connection.execute(sa.select(snapshots).where(begins).limit(2)).all()
        if len(found) != 1:
            raise NotFound(
                f"{'several' if found else 'no'} snapshots begin with {snapshot_id!r}",
                remedy="List them: tuneloop datasets list",
            )
        return _snapshot_of(found[0], {})

    def get(self, snapshot_id: str) -> Snapshot:
        """See ``SnapshotStore``; whoever needs the lines has the whole manifest checked, see ``lines``."""
        found = self.find(snapshot_id)
        with self._files.peek(found.snapshot_id) as stream:
            return replace(found, head=head_of(stream))

    def lines(self, snapshot_id: str) -> Iterator[Line]:
        """See ``SnapshotStore``."""
        with self._files.open(snapshot_id) as stream:
            yield from lines_in(stream)

    def recent(self, pipeline: str | None, limit: int | None) -> list[Snapshot]:
        """See ``SnapshotStore``."""
        wanted = sa.select(snapshots).order_by(snapshots.c.created_at.desc()).limit(limit)
        if pipeline is not None:
            wanted = wanted.where(snapshots.c.pipeline == pipeline)
        with reading(self._engine) as connection:
            return [_snapshot_of(row, {}) for row in connection.execute(wanted)]

    def holding(self, pipeline: str, example_id: str) -> list[Mapping[str, Any]]:
        """See ``SnapshotStore``; looks into the manifests, which alone say what a snapshot holds."""
        wanted = sa.select(snapshots).where(snapshots.c.pipeline == pipeline).order_by(snapshots.c.created_at)
        with reading(self._engine) as connection:
            found = connection.execute(wanted).all()
        return [
            {"snapshot_id": row.snapshot_id, "created_at": row.created_at, **line}
            for row in found
            for line in self._places_of(_snapshot_of(row, {}), example_id)
        ]

    def _places_of(self, snapshot: Snapshot, example_id: str) -> list[Mapping[str, Any]]:
        try:
            with self._files.peek(snapshot.snapshot_id) as stream:
                # An example's several preference lines are one place.
                mine = {(line.split, line.version, line.label_id) for line in entries_of(stream, example_id)}
        except CorruptFile:
            return [dict.fromkeys(("split", "version", "label_id", "file")) | {"forgotten": False}]
        facts = {"forgotten": example_id in snapshot.forgotten}
        return [
            {"split": split, "version": version, "label_id": label, "file": snapshot.files[split].sha256, **facts}
            for split, version, label in sorted(mine)
        ]

    def entries(self, snapshot_id: str, example_ids: Iterable[str]) -> list[Line]:
        """See ``SnapshotStore``; checked, because what is overlooked is not forgotten."""
        with self._files.open(snapshot_id) as stream:
            return [line for example_id in example_ids for line in _looked_up(stream, example_id)]

    def with_file(self, sha256: str) -> list[tuple[Snapshot, Split]]:
        """See ``SnapshotStore``; a pass over the snapshots, of which there is one a run."""
        written = sa.cast(snapshots.c.files, sa.Text).contains(sha256, autoescape=True)
        with reading(self._engine) as connection:
            found = connection.execute(sa.select(snapshots).where(written).order_by(snapshots.c.created_at)).all()
        made = [_snapshot_of(row, {}) for row in found]
        return [(item, split) for item in made for split, entry in item.files.items() if entry.sha256 == sha256]

    def replace_files(
        self, snapshot: Snapshot, files: Mapping[Split, FileEntry], *, forgotten: Collection[str]
    ) -> bool:
        """See ``SnapshotStore``."""
        mine = (snapshots.c.snapshot_id == snapshot.snapshot_id, snapshots.c.forgotten == _words(snapshot.forgotten))
        values = {"files": _plain(files), "forgotten": _words(snapshot.forgotten.union(forgotten))}
        with self._engine.begin() as connection:
            if connection.execute(sa.update(snapshots).where(*mine).values(values)).rowcount != 1:
                return False
            _loosen(connection, _names(snapshot.files), snapshot.created_at)
            _tie(connection, _names(files))
        return True

    def expect(self, names: Collection[str], *, now: datetime) -> None:
        """See ``SnapshotStore``."""
        with self._engine.begin() as connection:
            _loosen(connection, names, now)

    def loose(self, *, until: datetime) -> list[str]:
        """See ``SnapshotStore``; one that another snapshot names as well is not."""
        wanted = sa.select(loose_files.c.sha256).where(loose_files.c.since <= until).order_by(loose_files.c.sha256)
        with reading(self._engine) as connection:
            found = list(connection.scalars(wanted))
        return [name for name in found if not self.with_file(name) and not self._is_snapshot(name)]

    def drop_loose(self, name: str, *, until: datetime, remove: Callable[[], object]) -> bool:
        """See ``SnapshotStore``; its row is locked until the file is gone, and every builder writes that row first."""
        gone = sa.delete(loose_files).where(loose_files.c.sha256 == name, loose_files.c.since <= until)
        with self._engine.begin() as connection:
            if connection.execute(gone).rowcount != 1:
                return False
            remove()
        return True

    def _is_snapshot(self, name: str) -> bool:
        with reading(self._engine) as connection:
            wanted = sa.select(snapshots.c.snapshot_id).where(snapshots.c.snapshot_id == name)
            return connection.scalar(wanted) is not None

    def contents(self, versions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Content]:
        """See ``SnapshotStore``."""
        columns = (example_versions.c.example_id, example_versions.c.version, example_versions.c.content)
        wanted, found = set(versions), {}
        with reading(self._engine) as connection:
            for chunk in chunks(sorted({example_id for example_id, _ in versions})):
                rows = sa.select(*columns).where(example_versions.c.example_id.in_(chunk))
                for example_id, version, content in connection.execute(rows):
                    if (example_id, version) in wanted:
                        found[example_id, version] = decode_content(content)
        return found


def _snapshot_of(row: sa.Row[Any], head: Mapping[str, Any]) -> Snapshot:
    files = {name: FileEntry(**entry) for name, entry in row.files.items()}
    gone = frozenset(row.forgotten.split())
    return Snapshot(row.snapshot_id, row.pipeline, row.watermark, row.created_at, files, head, gone)


def _plain(files: Mapping[Split, FileEntry]) -> dict[str, Any]:
    return {split: asdict(entry) for split, entry in files.items()}


def _words(example_ids: Iterable[str]) -> str:
    return " ".join(sorted(example_ids))


def _looked_up(stream: BinaryIO, example_id: str) -> list[Line]:
    stream.seek(0)
    return entries_of(stream, example_id)


def _names(files: Mapping[Split, FileEntry]) -> list[str]:
    return [entry.sha256 for entry in files.values()]


def _loosen(connection: sa.Connection, names: Iterable[str], since: datetime) -> None:
    statement = upsert(connection, loose_files)
    statement = statement.on_conflict_do_update(index_elements=["sha256"], set_={"since": statement.excluded.since})
    connection.execute(statement, [{"sha256": name, "since": since} for name in sorted(set(names))])


def _tie(connection: sa.Connection, names: Iterable[str]) -> None:
    connection.execute(sa.delete(loose_files).where(loose_files.c.sha256.in_(list(names))))
