"""Writing a snapshot into a folder: as its own layout, or as one that ``datasets.load_dataset`` reads."""

import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from service.domain.dataset_cards import NAMES, card_of
from service.domain.errors import ServiceError
from service.domain.snapshots import SPLITS, Snapshot
from service.ports import FileStore

MANIFEST = "manifest.json"
_PART = ".part"


class Layout(StrEnum):
    """Which files a folder gets."""

    FILES = "files"
    HUGGINGFACE = "huggingface"


class FolderTaken(ServiceError):
    """The folder holds something that is no export."""

    remedy = "Name a new or empty folder, or one that this command wrote before with the same layout."


def export_snapshot(files: FileStore, snapshot: Snapshot, folder: Path, layout: Layout = Layout.FILES) -> None:
    """Write a snapshot's files, each checked by its hash, into a folder.

    Each file gets its name when it is complete, the manifest last: a folder without one is no whole export. An
    earlier export in the same folder loses its manifest first.

    Raises:
        FolderTaken: There are other things in it.
    """
    sources = _sources(files, snapshot, layout)
    _require_ours(folder, sources)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / MANIFEST).exists():
        (folder / MANIFEST).replace(folder / (MANIFEST + _PART))
    else:
        # Whoever is interrupted may write here again.
        (folder / (MANIFEST + _PART)).touch()
    for name, source in sources.items():
        _write(folder / name, source)


Source = partial[AbstractContextManager[BinaryIO]]


def _sources(files: FileStore, snapshot: Snapshot, layout: Layout) -> Mapping[str, Source]:
    """Give what opens each file, by its path in the folder; the manifest last."""
    if layout is Layout.FILES:
        data = {f"{split}.jsonl": partial(files.open, snapshot.files[split].sha256) for split in SPLITS}
    else:
        data = {f"data/{NAMES[split]}.jsonl": partial(files.open, snapshot.files[split].sha256) for split in SPLITS}
        data["README.md"] = partial(_text, card_of(snapshot))
    return data | {MANIFEST: partial(files.open, snapshot.snapshot_id)}


def _text(text: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(BytesIO(text.encode()))


def _require_ours(folder: Path, sources: Mapping[str, object]) -> None:
    if not folder.exists():
        return
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    known = {name + end for name in sources for end in ("", _PART)}
    if found - known or (found and found.isdisjoint({MANIFEST, MANIFEST + _PART})):
        raise FolderTaken(f"{folder} holds {min(found - known or found)}")


def _write(path: Path, source: Source) -> None:
    path.parent.mkdir(exist_ok=True)
    passing = path.with_name(path.name + _PART)
    with source() as content, passing.open("wb") as target:
        shutil.copyfileobj(content, target)
    passing.replace(path)
