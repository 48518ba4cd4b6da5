"""Snapshots without a database: hand-made examples, frozen into files in memory."""

import hashlib
import uuid
from collections.abc import Iterable
from typing import Any

from service.adapters.files_store import FsspecFileStore
from service.domain.contents import Content, content_hash_of, pair, question_of
from service.domain.snapshots import FrozenExample
from service.domain.splits import Split, group_key
from service.ports import FileStore
from service.usecases.build_snapshot import Built, write_files
from tests.support.builders import make_pipeline


def make_frozen(
    number: int = 1,
    split: Split = "train",
    content: Content | None = None,
    **fields: Any,  # noqa: ANN401 - the fields of FrozenExample
) -> FrozenExample:
    """Make an example as an honest store gives it: all about it follows from its content."""
    said = content or pair(f"the chat of {number}", "a summary")
    key = group_key(question_of(said))
    chosen: dict[str, Any] = {
        "example_id": f"ex-{number:06}",
        "version": 1,
        "label_id": f"label-{number}",
        "split": split,
        "content": said,
        "content_hash": content_hash_of(said),
        "group": key,
        "prompt_key": key,
        "cluster": "",
        "tokens": None,
    }
    return FrozenExample(**(chosen | fields))


def in_order(examples: Iterable[FrozenExample]) -> list[FrozenExample]:
    return sorted(examples, key=lambda example: (example.split, example.example_id))


def memory_files() -> FileStore:
    return FsspecFileStore(f"memory://{uuid.uuid4().hex}")


def build(examples: Iterable[FrozenExample], files: FileStore | None = None, **options: Any) -> Built:  # noqa: ANN401 - the options of write_files
    """Freeze these, sorted."""
    pipeline = options.pop("pipeline", make_pipeline())
    count_tokens = options.pop("count_tokens", lambda text: len(text.split()))
    return write_files(
        pipeline,
        in_order(examples),
        files=files or memory_files(),
        count_tokens=count_tokens,
        encoding="words",
        **options,
    )


def content_of(files: FileStore, sha256: str) -> bytes:
    with files.open(sha256) as stream:
        content = stream.read()
    assert hashlib.sha256(content).hexdigest() == sha256
    return content
