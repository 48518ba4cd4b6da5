"""The data rows that ``tuneloop labelbox setup`` uploads: their keys, and what of them Labelbox has already."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_KEY_CHARACTERS = 200
MAX_BATCH_ROWS = 100_000
CHAT_TYPE = "application/vnd.labelbox.conversational.model-chat-evaluation"


@dataclass(frozen=True, slots=True)
class UploadRow:
    """One data row to be there.

    Attributes:
        global_key: At most 200 characters, unique in the organisation.
        content: The text, or the document of a conversation.
        metadata: Value by the name of a metadata field that the account knows.
        key_is_derived: Whether the key was made from the content, so that the key alone tells the content.
    """

    global_key: str
    content: str | Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    key_is_derived: bool = False


@dataclass(frozen=True, slots=True)
class RowPlan:
    """What is to be done with the rows.

    Attributes:
        there: Rows that are in the project as they should be.
        make: Rows whose keys Labelbox does not know.
        change: Rows whose keys it knows, to be given their content again.
        join: Keys of the rows that are still to be sent to the project.
    """

    there: int
    make: tuple[UploadRow, ...]
    change: tuple[UploadRow, ...]
    join: tuple[str, ...]


def derived_key(pipeline: str, content: str | Mapping[str, Any]) -> str:
    """Name a row by its content, so that the same one is never uploaded twice for a pipeline."""
    text = content if isinstance(content, str) else canonical(content)
    return f"{pipeline}-{hashlib.sha256(text.encode()).hexdigest()[:40]}"


def empty_chats(pipeline: str, count: int) -> list[UploadRow]:
    """Give the conversations that labelers of a live chat project fill.

    Source: labelbox 7.17, ``ModelEvaluationTemplate``.
    """
    draft = {"type": CHAT_TYPE, "version": 2, "draft": True, "rootMessageIds": [], "actors": {}, "messages": {}}
    return [UploadRow(f"{pipeline}-chat-{number}", draft, key_is_derived=True) for number in range(1, count + 1)]


def plan_rows(rows: Sequence[UploadRow], *, in_project: Mapping[str, str], known: Collection[str]) -> RowPlan:
    """Compare rows with what Labelbox has.

    Args:
        rows: Each key once.
        in_project: The content, as an export gives it, by the key of each row that is in the project.
        known: The keys that any row of the organisation has.
    """
    there: list[UploadRow] = []
    make: list[UploadRow] = []
    change: list[UploadRow] = []
    for row in rows:
        if row.global_key in in_project:
            (there if _is_same(row, in_project[row.global_key]) else change).append(row)
        elif row.global_key not in known:
            make.append(row)
        elif not row.key_is_derived:
            # Its content cannot be read outside the project, so it is given again; the same content changes nothing.
            change.append(row)
    join = tuple(row.global_key for row in rows if row.global_key not in in_project)
    return RowPlan(len(there), tuple(make), tuple(change), join)


def free_batch_name(name: str, taken: Collection[str]) -> str:
    """Give the first of ``name 1``, ``name 2``, ... that no batch of the project has."""
    number = 1
    while f"{name} {number}" in taken:
        number += 1
    return f"{name} {number}"


def canonical(document: Mapping[str, Any]) -> str:
    """Write a document so that equal ones are written alike."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _is_same(row: UploadRow, held: str) -> bool:
    if row.key_is_derived:
        return True
    if isinstance(row.content, str):
        return held == row.content
    try:
        return bool(json.loads(held) == row.content)
    except ValueError:
        return False  # an address in place of the document
