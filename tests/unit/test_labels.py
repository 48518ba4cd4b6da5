from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.contents import pair
from service.domain.errors import UnreadableRow
from service.domain.export_rows import row_of
from service.domain.labels import RowOutcome, RowReader
from service.domain.pipelines import LabelPolicy


def question(kind: str, key: str, name: str, options: Mapping[str, str] | None = None) -> dict[str, Any]:
    listed = [{"featureSchemaId": option, "value": value, "label": value} for option, value in (options or {}).items()]
    return {"type": kind, "featureSchemaId": key, "name": name, "options": listed}


TEXT = question("text", "q-text", "summary")
RADIO = question("radio", "q-radio", "grade", {"o-good": "good", "o-bad": "bad"})
CHECKLIST = question("checklist", "q-list", "issues", {"o-1": "short", "o-2": "rude", "o-3": "wrong"})


def text_answer(content: object, schema: str = "q-text") -> dict[str, Any]:
    return {"feature_id": "f", "feature_schema_id": schema, "name": "Summarize", "text_answer": {"content": content}}


def label(label_id: str, *answers: dict[str, Any], at: str = "2026-11-01T10:00:00.000+00:00", **more: Any) -> Any:  # noqa: ANN401 - any JSON
    return {
        "label_kind": "Default",
        "id": label_id,
        "label_details": {"created_at": "2026-11-01T09:00:00.000+00:00", "content_last_updated_at": at},
        "performance_details": {"skipped": False},
        "annotations": {"objects": [], "classifications": list(answers), "relationships": []},
        **more,
    }


def row(*labels: Any, status: str = "DONE", prompt: object = "a chat", **details: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {
        "data_row": {
            "id": "row-1",
            "global_key": "key-1",
            "row_data": prompt,
            "details": {"last_activity_at": "2026-11-02T12:00:00.000+00:00"},
        },
        "media_attributes": {"asset_type": "text", "mime_type": "text/plain"},
        "projects": {
            "p": {"name": "n", "labels": list(labels), "project_details": {"workflow_status": status, **details}}
        },
    }


def read(exported: Mapping[str, Any], question: Mapping[str, Any] = TEXT, **policy: Any) -> RowOutcome:  # noqa: ANN401 - the fields of LabelPolicy
    reader = RowReader({"classifications": [question]}, LabelPolicy("p", **policy))
    return reader.read(row_of(exported))


def answer(exported: Mapping[str, Any], question: Mapping[str, Any] = TEXT, **policy: Any) -> str | None:  # noqa: ANN401 - the fields of LabelPolicy
    content = read(exported, question, **policy).content
    return content[-1].content if content else None


def test_an_approved_row_gives_prompt_and_response() -> None:
    assert read(row(label("l-1", text_answer("a summary")))) == RowOutcome(
        data_row_id="row-1",
        global_key="key-1",
        activity_at=datetime(2026, 11, 2, 12, tzinfo=UTC),
        label_ids=("l-1",),
        label_id="l-1",
        choice="only",
        content=pair("a chat", "a summary"),
    )


@given(prompt=st.text(), response=st.text())
def test_a_row_has_either_a_reason_or_both_texts_unchanged(prompt: str, response: str) -> None:
    found = read(row(label("l-1", text_answer(response)), prompt=prompt))
    assert found.content == (pair(prompt, response) if found.reason is None else None)


@pytest.mark.parametrize("status", ["TO_LABEL", "IN_REVIEW", "SOMETHING_NEW"])
def test_a_row_that_is_not_approved_counts_only_where_submitted_is_enough(status: str) -> None:
    exported = row(label("l-1", text_answer("a summary")), status=status)
    assert read(exported).reason == "not_done"
    assert answer(exported, accept="submitted") == "a summary"


def test_a_label_that_a_reviewer_sent_back_never_counts() -> None:
    exported = row(label("l-1", text_answer("a summary")), status="IN_REWORK")
    assert (read(exported).reason, read(exported, accept="submitted").reason) == ("not_done", "in_rework")


@pytest.mark.parametrize(
    ("exported", "reason"),
    [
        (row(), "not_labelled"),
        (row(status="TO_LABEL"), "not_labelled"),
        (row(label("l-1", text_answer("x"), performance_details={"skipped": True})), "skipped"),
        (row(label("l-1")), "no_answer"),
        (row(label("l-1", text_answer(" \n\t "))), "no_answer"),
        (row(label("l-1", text_answer(None))), "no_answer"),
        (row(label("l-1", text_answer("x", schema="another question"))), "no_answer"),
        (row(label("l-1", text_answer("x")), prompt="  "), "empty_prompt"),
        (row(label("l-1", text_answer("x")), prompt={"type": "chat"}), "prompt_not_text"),
        (row(label("l-1", text_answer("x")), prompt=None), "prompt_not_text"),
    ],
)
def test_a_row_without_an_example_says_why(exported: dict[str, Any], reason: str) -> None:
    found = read(exported)
    assert found.reason == reason
    assert found.content is None


@pytest.mark.parametrize(
    "address",
    [
        "https://storage.labelbox.com/o%2Fchat.txt?Expires=1790000000000&KeyName=k&Signature=s",
        " https://example.com/chat.txt\n",
        "gs://bucket/chat.txt",
        "s3://bucket/chat.txt",
        "http://example.com",
    ],
)
def test_the_address_of_a_text_is_not_taken_for_the_text(address: str) -> None:
    # Its signature is new in every export: each look would be a new content and, in the end, a new training.
    assert read(row(label("l-1", text_answer("x")), prompt=address)).reason == "prompt_behind_address"


def test_a_prompt_that_mentions_an_address_is_a_prompt() -> None:
    assert read(row(label("l-1", text_answer("x")), prompt="see https://example.com please")).reason is None


@pytest.mark.parametrize("asset", ["image", "html", "llm"])
def test_a_row_of_another_kind_is_no_text_prompt(asset: str) -> None:
    exported = row(label("l-1", text_answer("x")))
    exported["media_attributes"]["asset_type"] = asset
    assert read(exported).reason == "prompt_not_text"


@pytest.mark.parametrize("broken", ["half an emoji \ud83d", "a \x00 byte"])
def test_a_text_that_no_database_can_hold_is_refused_and_does_not_break_anything(broken: str) -> None:
    assert read(row(label("l-1", text_answer(broken)))).reason == "broken_text"
    assert read(row(label("l-1", text_answer("x")), prompt=broken)).reason == "broken_text"


def test_a_row_of_another_project_only_is_no_example() -> None:
    exported = row(label("l-1", text_answer("x")))
    reader = RowReader({"classifications": [TEXT]}, LabelPolicy("another"))
    assert reader.read(row_of(exported)).reason == "not_in_project"
    del exported["projects"]
    assert read(exported).reason == "not_in_project"


# Which label counts.


def test_the_selected_label_counts_even_if_another_is_newer() -> None:
    old = label("l-1", text_answer("chosen"), at="2026-11-01T08:00:00+00:00")
    new = label("l-2", text_answer("newer"), at="2026-11-01T11:00:00+00:00")
    assert answer(row(old, new, selected_label_id="l-1")) == "chosen"
    assert read(row(new, old, selected_label_id="l-1")).label_ids == ("l-2", "l-1")


def test_without_a_selection_the_newest_content_counts_whatever_the_order() -> None:
    old = label("l-1", text_answer("old"), at="2026-11-01T08:00:00.000+00:00")
    # updated_at of the older label jumped when its sibling came.
    old["label_details"]["updated_at"] = "2026-11-01T23:00:00.000+00:00"
    new = label("l-2", text_answer("new"), at="2026-11-01T11:00:00.000+00:00")
    assert read(row(old, new)).label_id == read(row(new, old)).label_id == "l-2"


def test_of_two_labels_of_one_moment_the_same_one_counts_in_every_order() -> None:
    one, other = label("l-1", text_answer("one")), label("l-2", text_answer("other"))
    assert read(row(one, other)) == read(row(other, one)) or (
        read(row(one, other)).label_id == read(row(other, one)).label_id
    )


def test_a_skipped_label_does_not_count_beside_a_useful_one() -> None:
    skipped = label("l-2", text_answer("x"), at="2026-11-01T23:00:00+00:00", performance_details={"skipped": True})
    assert answer(row(skipped, label("l-1", text_answer("useful")))) == "useful"


def test_where_the_selected_label_is_missing_no_other_speaks_for_the_row() -> None:
    assert read(row(label("l-1", text_answer("x")), selected_label_id="gone")).reason == "selection_missing"


def test_performance_details_are_not_needed() -> None:
    exported = row(label("l-1", text_answer("x")))
    del exported["projects"]["p"]["labels"][0]["performance_details"]
    assert answer(exported) == "x"


# Answers of every kind.


def choice(key: str, value: str = "shown") -> dict[str, Any]:
    return {"feature_id": "f", "feature_schema_id": key, "name": value.title(), "value": value, "classifications": []}


def test_a_radio_answer_is_the_ontologys_value_not_the_shown_name() -> None:
    given = {"feature_schema_id": "q-radio", "radio_answer": choice("o-good", "Renamed")}
    assert answer(row(label("l-1", given)), RADIO) == "good"


def test_an_option_that_left_the_ontology_keeps_its_exported_value() -> None:
    given = {"feature_schema_id": "q-radio", "radio_answer": choice("o-gone", "archived")}
    assert answer(row(label("l-1", given)), RADIO) == "archived"


@given(st.permutations(["o-1", "o-2", "o-3", "o-gone"]))
def test_a_checklist_answer_does_not_depend_on_the_order_of_the_clicks(order: list[str]) -> None:
    given = {"feature_schema_id": "q-list", "checklist_answers": [choice(key) for key in order]}
    assert answer(row(label("l-1", given)), CHECKLIST) == "short, rude, wrong, shown"


def test_an_empty_checklist_is_no_answer() -> None:
    given = {"feature_schema_id": "q-list", "checklist_answers": []}
    assert read(row(label("l-1", given)), CHECKLIST).reason == "no_answer"


def test_the_place_of_an_answer_says_nothing() -> None:
    answers = [text_answer("a comment", "q-comment"), text_answer("a summary")]
    assert answer(row(label("l-1", *answers))) == answer(row(label("l-1", *answers[::-1]))) == "a summary"


@pytest.mark.parametrize("stamp", ["2026-11-02T12:00:00Z", "2026-11-02T13:00:00+01:00", "2026-11-02T12:00:00"])
def test_moments_are_utc_however_they_are_written(stamp: str) -> None:
    exported = row()
    exported["data_row"]["details"]["last_activity_at"] = stamp
    assert read(exported).activity_at == datetime(2026, 11, 2, 12, tzinfo=UTC)


# Rows of unexpected shape.

PLACES = [
    ("data_row",),
    ("data_row", "id"),
    ("data_row", "global_key"),
    ("data_row", "details"),
    ("data_row", "details", "last_activity_at"),
    ("projects", "p", "labels"),
    ("projects", "p", "project_details"),
    ("projects", "p", "labels", 0, "id"),
    ("projects", "p", "labels", 0, "annotations"),
    ("projects", "p", "labels", 0, "annotations", "classifications", 0, "text_answer"),
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
@pytest.mark.parametrize("odd", [None, 7, "", "odd", "\ud800", [], [7]], ids=ascii)
def test_a_row_of_unexpected_shape_raises_one_error_and_no_other(place: tuple[Any, ...], odd: object) -> None:
    exported = deepcopy(row(label("l-1", text_answer("x"))))
    inner: Any = exported
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = odd
    try:
        found = read(exported)
    except UnreadableRow:
        return
    assert (found.reason is None) == bool(found.content)
    assert found.data_row_id in {"row-1", "odd"}
    assert found.global_key in {"key-1", "odd", "", None}
    assert set(found.label_ids) <= {"l-1", "odd"}


@pytest.mark.parametrize("exported", [{}, {"data_row": {"id": "row-1"}}, {"projects": {}}])
def test_a_row_without_its_details_is_unreadable(exported: dict[str, Any]) -> None:
    with pytest.raises(UnreadableRow):
        read(exported)
