"""Snapshots in SQL: a row each; what they list is in their manifests, which are files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa

from service.adapters.sql_engine import chunks, reading, upsert
from service.adapters.sql_tables import example_versions, snapshots
from service.domain.contents import Content, decode_content
from service.domain.errors import NotFound
from service.domain.manifests import Line, entries_of, head_of, lines_in
from service.domain.snapshots import FileEntry, Snapshot
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
            "files": {split: asdict(entry) for split, entry in snapshot.files.items()},
            "manifest_sha256": snapshot.snapshot_id,
        }
        with self._engine.begin() as connection:
            connection.execute(upsert(connection, snapshots).values(row).on_conflict_do_nothing())

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
            for line in self._places_of(row.snapshot_id, example_id)
        ]

    def _places_of(self, snapshot_id: str, example_id: str) -> list[Mapping[str, Any]]:
        with self._files.peek(snapshot_id) as stream:
            # An example's several preference lines are one place.
            mine = {(line.split, line.version, line.label_id) for line in entries_of(stream, example_id)}
        return [{"split": split, "version": version, "label_id": label} for split, version, label in sorted(mine)]

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
    return Snapshot(row.snapshot_id, row.pipeline, row.watermark, row.created_at, files, head)
