"""From a row of a Labelbox export to one example, or to the reason why there is none."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from service.domain.errors import UnreadableRow
from service.domain.ontologies import Question

NOT_LABELLED = "not_labelled"
# Text rows hold the prompt itself; anything else behind row_data is an address or a document of another kind.
_TEXT_ASSETS = frozenset({"text", ""})
# A text that was uploaded as a file. Its address is signed anew for every export, so each look at it would be
# a new content.
# Rows of the retired kinds hold a small document that only names the kind.
_DOCUMENT = re.compile(r'\s*\{\s*"type"\s*:\s*"application/')
_ADDRESS = re.compile(r"\s*(?:https?|gs|s3)://\S+\s*")
# A NUL or half a surrogate pair, which no database and no UTF-8 file can hold.
_BROKEN = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What one data row says at the moment of an export.

    Exactly one of ``prompt`` with ``response``, and ``reason``, is given.

    Attributes:
        data_row_id: Labelbox's id of the row.
        global_key: The uploader's own key of the row, if any.
        activity_at: When the row, its labels, reviews or metadata were last touched.
        label_ids: Every label on the row, whether it counts or not.
        label_id: The label that counts.
        prompt: The text that was shown to the labeler.
        response: The labeler's answer.
        reason: Why this row gives no example: a stable code.
        touched_at: The newest ``updated_at`` of any label on the row; None if unknown.
    """

    data_row_id: str
    global_key: str | None
    activity_at: datetime
    label_ids: tuple[str, ...] = ()
    label_id: str | None = None
    prompt: str | None = None
    response: str | None = None
    reason: str | None = None
    touched_at: datetime | None = None


def read_row(row: Mapping[str, Any], *, project_id: str, question: Question, accept: str = "done") -> RowOutcome:
    """Choose the label of an exported row that counts and read its answer.

    Args:
        row: One line of an export with project, label, performance and data row details.
        project_id: The project whose labels count.
        question: The question whose answer is wanted, see ``response_question``.
        accept: ``done`` for approved rows only, ``submitted`` for any label.

    Raises:
        UnreadableRow: The row has no data row id or no project details.

    Source: Labelbox documentation, "Export overview"; ``skipped`` and ``selected_label_id`` need the
    performance and project details.
    """
    try:
        data_row = row["data_row"]
        project = row.get("projects", {}).get(project_id)
        labels = project["labels"] if project else []
        found = RowOutcome(
            data_row_id=_id(data_row["id"]),
            global_key=_global_key(data_row.get("global_key")),
            activity_at=_moment(data_row["details"]["last_activity_at"]),
            label_ids=tuple(_id(label["id"]) for label in labels),
        )
        if reason := _refuse_row(row, project, accept):
            return replace(found, reason=reason)
        label = _chosen_label(project)
        if isinstance(label, str):
            return replace(found, reason=label)
        response = _answer(label, question)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableRow(f"export row of unexpected shape: {error!r}") from error
    if not response.strip():
        return replace(found, label_id=label["id"], reason="no_answer")
    if _BROKEN.search(response):
        return replace(found, label_id=label["id"], reason="broken_text")
    return replace(found, label_id=label["id"], prompt=data_row["row_data"], response=response)


def _refuse_row(row: Mapping[str, Any], project: Mapping[str, Any] | None, accept: str) -> str | None:
    if project is None:
        return "not_in_project"
    if not project["labels"]:
        return NOT_LABELLED
    if accept == "done":
        if "project_details" not in project:
            # An export made without that option; the service's own always have it.
            return "status_unknown"
        if project["project_details"]["workflow_status"] != "DONE":
            return "not_done"
    return _refuse_prompt(row)


def _refuse_prompt(row: Mapping[str, Any]) -> str | None:
    prompt = row["data_row"].get("row_data")
    is_text = row.get("media_attributes", {}).get("asset_type", "") in _TEXT_ASSETS and isinstance(prompt, str)
    if not is_text or _ADDRESS.fullmatch(prompt) or _DOCUMENT.match(prompt):
        return "prompt_not_text"
    if _BROKEN.search(prompt):
        return "broken_text"
    return None if prompt.strip() else "empty_prompt"


def _chosen_label(project: Mapping[str, Any]) -> Mapping[str, Any] | str:
    """Give the label that counts, or the reason why none does."""
    useful: list[Mapping[str, Any]] = [label for label in project["labels"] if not _skipped(label)]
    if not useful:
        return "skipped"
    selected = project.get("project_details", {}).get("selected_label_id")
    for label in useful:
        if label["id"] == selected:
            return label
    if len(useful) == 1:
        return useful[0]
    return max(useful, key=lambda label: (_changed_at(label), label["id"]))


def _skipped(label: Mapping[str, Any]) -> bool:
    return bool(label.get("performance_details", {}).get("skipped"))


def _changed_at(label: Mapping[str, Any]) -> datetime:
    # updated_at moves when a sibling label arrives; content_last_updated_at only with the text.
    details = label["label_details"]
    return _moment(details.get("content_last_updated_at") or details["created_at"])


def _answer(label: Mapping[str, Any], question: Question) -> str:
    for item in label["annotations"]["classifications"]:
        if item.get("feature_schema_id") != question.feature_schema_id:
            continue
        if question.answer == "text":
            return _optional_text(item["text_answer"]["content"]) or ""
        if question.answer == "radio":
            return _option(item["radio_answer"], question)
        # In the ontology's order, because the export has the order in which the labeler clicked.
        ticked = {answer["feature_schema_id"]: answer for answer in item["checklist_answers"]}
        known = [key for key in question.options if key in ticked]
        return ", ".join(_option(ticked[key], question) for key in known + sorted(set(ticked) - set(known)))
    return ""


def _option(answer: Mapping[str, Any], question: Question) -> str:
    # The ontology's machine value: shown names may be edited without any label changing.
    return question.options.get(answer["feature_schema_id"]) or str(answer["value"])


def _id(value: object) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise TypeError("an id is no text")
    return value


def _global_key(value: object) -> str | None:
    key = _optional_text(value)
    if key is not None and _BROKEN.search(key):
        raise ValueError("a global key is broken")
    return key


def _optional_text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError("a text is no text")
    return value


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    # The export writes +00:00; a naive stamp could only be UTC as well.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
