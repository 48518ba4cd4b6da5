"""A dataset snapshot: frozen files, named by the SHA-256 of everything that went into them."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from service.domain.contents import Content, Form, Message, lines_of
from service.domain.splits import Split

FORMAT = 1
SPLITS: tuple[Split, ...] = ("train", "validation", "held_out")


@dataclass(frozen=True, slots=True)
class FrozenExample:
    """One example at the moment of freezing."""

    example_id: str
    version: int
    label_id: str | None
    split: Split
    content: Content


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a snapshot.

    Attributes:
        sha256: Hash of the bytes, hex; also the name it is stored under.
        file_bytes: Its size.
        lines: Number of examples.
        tokens: Estimated tokens of the whole file, once.
    """

    sha256: str
    file_bytes: int
    lines: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frozen dataset.

    Attributes:
        snapshot_id: SHA-256 of the manifest, hex.
        watermark: The newest change it includes.
        manifest: Everything the id is made of, as JSON can hold it.
    """

    snapshot_id: str
    pipeline: str
    watermark: int
    created_at: datetime
    files: Mapping[Split, FileEntry]
    manifest: Mapping[str, Any]


def frozen_lines(example: FrozenExample, *, system: str | None, form: Form) -> Iterator[bytes]:
    """Give an example's lines, newline included; held-out ones are chats, because they are asked and not taught."""
    return lines_of(example.content, system=system, form="chat" if example.split == "held_out" else form)


def manifest_of(
    pipeline: str,
    *,
    system: str | None,
    form: Form = "chat",
    files: Mapping[Split, FileEntry],
    lines: list[list[Any]],
) -> dict[str, Any]:
    """Give the document that the snapshot's id is made of; no clock and no machine in it.

    Args:
        pipeline: The pipeline's name.
        system: The system text that opens every chat.
        form: What the lines of the training and validation files are for.
        files: The three files.
        lines: For each line, in file order: split, example id, version, label id, SHA-256 of the line.
    """
    return {
        "format": FORMAT,
        "pipeline": pipeline,
        "system": system,
        # Left out where it is the usual one: snapshots of the first release keep their names.
        **({} if form == "chat" else {"form": form}),
        "files": {name: asdict(files[name]) for name in SPLITS},
        "columns": ["split", "example_id", "version", "label_id", "sha256"],
        "lines": lines,
    }


def snapshot_id_of(manifest: Mapping[str, Any]) -> str:
    """Name a manifest by its content."""
    return hashlib.sha256(manifest_bytes(manifest)).hexdigest()


def manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    """Write a manifest the one way its hash is taken of."""
    return json.dumps(manifest, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def read_chats(lines: Iterator[bytes]) -> Iterator[list[Message]]:
    """Read the chats back from a snapshot file's lines."""
    for line in lines:
        yield json.loads(line)["messages"]
