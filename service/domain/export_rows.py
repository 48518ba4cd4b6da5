"""The lines of a Labelbox export, as far as they are read.

Keys without a value are absent, their order is free, and unknown ones come and go: all of them are passed over.

Source: Labelbox documentation, "Export overview" and "Export glossary"; exports published by others.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from service.domain.errors import UnreadableRow


class _Part(msgspec.Struct, gc=False):
    """A part of an export row."""


class Details(_Part):
    """``data_row.details``."""

    last_activity_at: str | None = None


class DataRow(_Part):
    """``data_row``: ``row_data`` is a text, an address, or a JSON document as a text."""

    id: str
    row_data: Any = None
    global_key: str | None = None
    details: Details | None = None


class MediaAttributes(_Part):
    """``media_attributes``."""

    asset_type: str | None = None


class TextAnswer(_Part):
    """A written answer."""

    content: str | None = None


class Choice(_Part):
    """A ticked option, with the answers to the questions it asks in turn."""

    feature_schema_id: str | None = None
    name: str | None = None
    value: str | None = None
    classifications: "list[Answer] | None" = None


class Answer(_Part):
    """An answered question; in chats with the message that it is about, and with other names of the same things."""

    feature_schema_id: str | None = None
    message_id: str | None = None
    text_answer: TextAnswer | None = None
    radio_answer: Choice | None = None
    checklist_answers: list[Choice] | None = None
    conversational_text_answer: TextAnswer | None = None
    conversational_radio_answer: Choice | None = None
    conversational_checklist_answers: list[Choice] | None = None

    @property
    def text(self) -> str | None:
        """What was written."""
        given = self.text_answer or self.conversational_text_answer
        return given.content if given else None

    @property
    def ticked(self) -> list[Choice]:
        """The options chosen, one for a radio question."""
        one = self.radio_answer or self.conversational_radio_answer
        return [one] if one else self.checklist_answers or self.conversational_checklist_answers or []


class MessageReference(_Part):
    """A message that a judgement names; ``order`` 1 is the best."""

    message_id: str
    order: int | None = None


class SelectedMessages(_Part):
    """``selected_messages``."""

    messages: list[MessageReference]


class RankedMessages(_Part):
    """``ranked_messages``."""

    ranked_messages: list[MessageReference]


class Judgement(_Part):
    """An annotation that compares answers of models; other annotations leave all three empty."""

    feature_schema_id: str | None = None
    selected_message: MessageReference | None = None
    selected_messages: SelectedMessages | None = None
    ranked_messages: RankedMessages | None = None


class Annotations(_Part):
    """``annotations`` of a label."""

    classifications: list[Answer] = []
    objects: list[Judgement] = []


class LabelDetails(_Part):
    """``label_details``."""

    created_at: str | None = None
    updated_at: str | None = None
    content_last_updated_at: str | None = None


class Performance(_Part):
    """``performance_details``."""

    skipped: bool | None = None
    consensus_score: float | None = None
    benchmark_score: float | None = None


class Label(_Part):
    """One label of a data row."""

    id: str
    annotations: Annotations = msgspec.field(default_factory=Annotations)
    label_details: LabelDetails | None = None
    performance_details: Performance | None = None


class ProjectDetails(_Part):
    """``project_details``."""

    workflow_status: str | None = None
    batch_name: str | None = None
    selected_label_id: str | None = None
    consensus_expected_label_count: int | None = None


class Project(_Part):
    """What one project knows of a data row."""

    labels: list[Label]
    project_details: ProjectDetails | None = None


class ExportRow(_Part):
    """One line of an export."""

    data_row: DataRow
    projects: dict[str, Project] = {}
    media_attributes: MediaAttributes | None = None
    # Only looked at where examples are grouped by it, so an odd one makes no row unreadable.
    metadata_fields: Any = None


_DECODER = msgspec.json.Decoder(ExportRow)


def row_of(exported: object) -> ExportRow:
    """Read an exported row that is already decoded.

    Raises:
        UnreadableRow: It has not the shape that Labelbox documents.
    """
    try:
        return msgspec.convert(exported, ExportRow)
    except (msgspec.ValidationError, UnicodeEncodeError, RecursionError) as error:
        # Half a surrogate pair where no text belongs stops even the error's words.
        raise UnreadableRow(f"export row of unexpected shape: {type(error).__name__}") from error


def row_of_line(line: bytes) -> ExportRow:
    """Read one line of an export file.

    Raises:
        UnreadableRow: It is JSON, but has not the shape that Labelbox documents.
        msgspec.DecodeError: It is no JSON, or holds half a surrogate pair.
        UnicodeDecodeError: It is no UTF-8.
        RecursionError: It is nested beyond all reason.
    """
    try:
        return _DECODER.decode(line)
    except msgspec.ValidationError as error:
        raise UnreadableRow(f"export row of unexpected shape: {error}") from error


def moment_of(text: str) -> datetime:
    """Read a time stamp.

    Raises:
        ValueError: It is none.
    """
    moment = datetime.fromisoformat(text)
    # The export writes +00:00; a naive stamp could only be UTC as well.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def all_answers(answers: list[Answer]) -> Iterator[Answer]:
    """Give answers and, below each ticked option, the answers to what it asked in turn."""
    for answer in answers:
        yield answer
        for choice in answer.ticked:
            yield from all_answers(choice.classifications or [])
