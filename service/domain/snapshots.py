"""A dataset snapshot: frozen files, named by the SHA-256 of the manifest that lists everything in them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any, NamedTuple

from service.domain.contents import Content, Form, Message, chat_line, lines_of
from service.domain.pipelines import Pipeline
from service.domain.splits import Split

SPLITS: tuple[Split, ...] = ("train", "validation", "held_out")
# They say who learns from the lines and when, not which lines there are.
_NO_SHAPE = frozenset({"name", "system", "train", "trigger", "verdict", "metrics", "budget", "gaps"})
# They say when a snapshot is used, and not what is in it.
_MINIMUMS = frozenset({"min_train", "min_validation", "min_held_out"})


class FrozenExample(NamedTuple):
    """One example at the moment of freezing; a tuple, because a dataset has a million.

    Attributes:
        group: What its split was drawn for.
        prompt_key: The key of its prompt, whatever it is grouped by.
        cluster: What it shares with its near-duplicates; empty without any.
        tokens: Of its lines in the pipeline's form, without each one's ``LineCounter.opening``; None where they must
            be counted now.
    """

    example_id: str
    version: int
    label_id: str | None
    split: Split
    content: Content
    content_hash: str
    group: str
    prompt_key: str
    cluster: str
    tokens: int | None


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a snapshot.

    Attributes:
        sha256: Hash of the bytes, hex; also the name it is stored under.
        file_bytes: Its size.
        lines: Number of lines.
        tokens: Estimated tokens of the whole file, once.
        examples: Number of examples: one gives several preference lines. None in snapshots of the first release.
    """

    sha256: str
    file_bytes: int
    lines: int
    tokens: int
    examples: int | None = None


@dataclass(frozen=True, slots=True)
class Frozen:
    """A pipeline's examples as of one moment.

    Attributes:
        watermark: The newest change that is among them.
        examples: By split and example id.
        duplicates: Content hashes that several have, with their number.
        noted: Number of examples by what was found in them, and of rows that give none by their reason.
    """

    watermark: int
    examples: Iterable[FrozenExample]
    duplicates: Mapping[str, int]
    noted: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frozen dataset.

    Attributes:
        snapshot_id: SHA-256 of the manifest, hex.
        watermark: The newest change it includes.
        head: The manifest without its lines; empty where only the row was read.
        forgotten: Examples that the manifest lists and the files no longer hold, because their text was erased.
    """

    snapshot_id: str
    pipeline: str
    watermark: int
    created_at: datetime
    files: Mapping[Split, FileEntry]
    head: Mapping[str, Any]
    forgotten: frozenset[str] = frozenset()


def sizes_of(files: Mapping[Split, FileEntry]) -> dict[Split, int]:
    """Give the number of examples of each file; in the first release an example was a line."""
    return {split: file.lines if file.examples is None else file.examples for split, file in files.items()}


def frozen_form(split: Split, form: Form) -> Form:
    """Give the form of a split's lines; held-out ones are chats, because they are asked and not taught."""
    return "chat" if split == "held_out" else form


def frozen_lines(content: Content, *, split: Split, system: str | None, form: Form) -> Iterable[bytes]:
    """Give an example's lines, newline included."""
    written = frozen_form(split, form)
    return (chat_line(content, system),) if written == "chat" else lines_of(content, system=system, form=written)


def configuration_of(pipeline: Pipeline, *, encoding: str) -> dict[str, Any]:
    """Give what shaped a snapshot, as JSON holds it: every policy but those of trigger, training and verdict.

    Args:
        pipeline: Whose labels, dataset and checks policies count.
        encoding: By whose tokens its sizes are told.
    """
    shaping = {field.name: getattr(pipeline, field.name) for field in fields(pipeline) if field.name not in _NO_SHAPE}
    return {name: _plain(policy) for name, policy in shaping.items()} | {"encoding": encoding}


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a policy holds
    if is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name)) for field in fields(value) if field.name not in _MINIMUMS
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(_plain, value))
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    # 20 and 20.0 mean the same, and must name the same snapshot.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def read_chats(lines: Iterable[bytes]) -> Iterator[list[Message]]:
    """Read the chats back from a snapshot file's lines."""
    for line in lines:
        yield json.loads(line)["messages"]
