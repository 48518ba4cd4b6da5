"""Small rules: answers, chunks, versions, filters, ids, stamps, settings."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.answers import annotate, plain_answers, questions
from sandbox.chunks import Chunks
from sandbox.content import annotate_all
from sandbox.errors import MalformedRequest
from sandbox.export_filters import read_filters
from sandbox.faults import Faults
from sandbox.given import Answers
from sandbox.ids import Ids
from sandbox.older_vocabulary import older_vocabulary
from sandbox.ontologies import with_ids
from sandbox.people import KnownTexts, Texts
from sandbox.plain_writer import PlainWriter
from sandbox.records import Batch, DataRow, Json, Label, Ontology, ProjectRow
from sandbox.settings import read_arguments
from sandbox.stamps import api_stamp, export_stamp, filter_moment, hook_stamp, whole_second
from sandbox.versions import Versions

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
ASKED: list[Json] = [
    {"type": "response-text", "name": "summary", "instructions": "Summary:", "required": True},
    {"type": "response-radio", "name": "tone", "options": [{"value": "kind"}, {"value": "cold", "label": "Cold!"}]},
    {"type": "checklist", "name": "faults", "options": [{"value": "long"}, {"value": "wrong"}]},
]


def ontology(asked: list[Json]) -> Ontology:
    return Ontology("o", "o", "TEXT", with_ids({"classifications": asked}, Ids(0)), START, START)


def annotated(asked: Ontology, answers: Answers, ids: Ids) -> tuple[Json, ...]:
    return annotate(questions(asked), answers, ids)


def project_row(text: str = "text") -> ProjectRow:
    data_row = DataRow("row", "dataset", text, "key", None, START, START)
    return ProjectRow(data_row, Batch("b", "b", START), 5, "TO_LABEL", START)


def test_answers_survive_the_way_into_the_export_and_back() -> None:
    answers = {"faults": ["wrong", "long"], "summary": "s ✓\n", "tone": "cold"}
    written = annotated(ontology(ASKED), answers, Ids(1))
    assert [item["value"] for item in written] == list(answers)
    assert plain_answers(written) == answers
    assert written[2]["radio_answer"]["name"] == "Cold!"


def test_a_question_may_be_named_by_its_feature_schema_id() -> None:
    asked = ontology(ASKED)
    key = asked.normalized["classifications"][0]["featureSchemaId"]
    assert plain_answers(annotated(asked, {key: "s"}, Ids(1))) == {"summary": "s"}


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"summary": "s", "other": "x"},
        {"summary": ["s"]},
        {"summary": "s", "tone": "loud"},
        {"summary": "s", "faults": "long"},
        {"summary": "s", "faults": ["none"]},
    ],
)
def test_answers_that_do_not_fit_the_questions_are_refused(answers: dict[str, str | list[str]]) -> None:
    with pytest.raises(MalformedRequest):
        annotated(ontology(ASKED), answers, Ids(1))


def test_dropdowns_and_drawing_tools_are_not_imitated() -> None:
    with pytest.raises(MalformedRequest, match="dropdown"):
        annotated(ontology([{"type": "dropdown", "name": "p"}]), {"p": "x"}, Ids(1))
    with pytest.raises(MalformedRequest, match="tools"):
        with_ids({"tools": [{"tool": "rectangle"}]}, Ids(0))


def test_the_older_vocabulary_is_json_in_a_string_joined_by_the_same_schema_ids() -> None:
    written = annotated(ontology(ASKED), {"summary": "ü", "faults": ["long"]}, Ids(1))
    label = Label("l", START, START, START, "by", written, skipped=False, seconds_to_label=1)
    text, checklist = json.loads(older_vocabulary(label))["classifications"]
    assert text == {
        "featureId": written[0]["feature_id"],
        "schemaId": written[0]["feature_schema_id"],
        "title": "Summary:",
        "value": "summary",
        "answer": "ü",
    }
    assert [answer["schemaId"] for answer in checklist["answers"]] == [
        answer["feature_schema_id"] for answer in written[1]["checklist_answers"]
    ]


def test_people_answer_every_kind_of_question_and_know_some_texts() -> None:
    known = KnownTexts({"key": Texts("All is well with it.", "Bob is well.")}.get, otherwise=PlainWriter())
    row = project_row().data_row
    for writer in (known, PlainWriter()):
        for care in ("final", "draft", "careless"):
            assert annotate_all(ontology(ASKED), row, writer.write(row, ontology(ASKED), care), Ids(1)).classifications
    assert known.write(row, ontology(ASKED), "final").answers["summary"] == "All is well with it."
    assert known.write(row, ontology(ASKED), "careless").answers["summary"] == "Bob is well."
    assert known.write(row, ontology(ASKED), "draft").answers["summary"] == "All is well"


@given(
    lines=st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line), min_size=1), size=st.integers(1, 50)
)
def test_chunks_follow_each_other_and_end_with_whole_lines(lines: list[bytes], size: int) -> None:
    chunks = Chunks(lines, chunk_bytes=size)
    read, offset, next_line = b"", 0, 0
    while offset < chunks.total_bytes:
        chunk = chunks.at(offset)
        assert chunk is not None
        assert (chunk.start, chunk.first_line) == (offset, next_line)
        piece = chunks.read(chunk, offset)
        assert len(piece) == chunk.end - chunk.start + 1
        assert piece.endswith(b"\n")
        read, offset, next_line = read + piece, chunk.end + 1, chunk.last_line + 1
    assert read == b"".join(line + b"\n" for line in lines)
    assert chunks.total_lines == next_line == len(lines)
    assert chunks.at(offset) is None


@given(minutes=st.lists(st.integers(0, 40), min_size=1, max_size=20), lag=st.integers(0, 10))
def test_an_older_state_is_the_last_one_before_the_moment(minutes: list[int], lag: int) -> None:
    moments = [START + timedelta(minutes=minute) for minute in sorted(minutes)]
    versions = Versions(project_row("0"), moments[0])
    for number, at in enumerate(moments[1:], start=1):
        versions.put(project_row(str(number)), at)
    wanted = moments[-1] - timedelta(minutes=lag)
    expected = [number for number, at in enumerate(moments) if at <= wanted]
    found = versions.as_of(wanted)
    assert (found and found.data_row.row_data) == (str(expected[-1]) if expected else None)
    assert versions.current.data_row.row_data == str(len(moments) - 1)


def test_filters_join_and_their_ends_belong_to_them() -> None:
    at = START.strftime("%Y-%m-%dT%H:%M:%S%z")
    for operator, value in (
        ("BETWEEN", {"min": at, "max": at}),
        ("GREATER_THAN_OR_EQUAL", at),
        ("LESS_THAN_OR_EQUAL", at),
    ):
        item = {"type": "data_row_last_activity_at", "value": {"operator": operator, "timezone": "UTC", "value": value}}
        assert read_filters([item]).takes(project_row())
        assert not read_filters([item, {"type": "task_queue_status", "status": "Done"}]).takes(project_row())
    assert read_filters([{"type": "task_queue_not_exist"}]).takes(project_row())
    assert read_filters([{"ids": ["k"], "operator": "is", "type": "global_key"}]).are_global_keys


@pytest.mark.parametrize(
    "item",
    [
        {"type": "task_queue_status", "status": "DONE"},
        {"type": "labeled_at", "value": {"operator": "EQUALS", "value": "2026-11-20"}},
        {"type": "labeled_at", "value": {"operator": "LESS_THAN_OR_EQUAL", "value": "yesterday"}},
        {"type": "colour"},
    ],
)
def test_a_filter_that_is_not_imitated_is_never_ignored(item: Json) -> None:
    with pytest.raises(MalformedRequest):
        read_filters([item])


def test_ids_are_those_of_the_seed_and_never_twice() -> None:
    first, second = Ids(5), Ids(5)
    made = [first.cuid() for _ in range(1000)]
    assert made == [second.cuid() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert {len(one) for one in made} == {25}
    assert first.uuid() == second.uuid() != first.uuid()
    assert Ids(6).cuid() != made[0]


def test_stamps_are_written_as_labelbox_writes_them() -> None:
    at = datetime(2026, 11, 20, 10, 0, 0, 877_000, tzinfo=UTC)
    assert api_stamp(at) == "2026-11-20T10:00:00.877Z"
    assert export_stamp(at) == "2026-11-20T10:00:00.877+00:00"
    assert (hook_stamp(at), hook_stamp(START)) == ("2026-11-20T10:00:00.877Z", "2026-11-20T10:00:00Z")
    assert export_stamp(whole_second(at)) == "2026-11-20T10:00:01.000+00:00"
    assert filter_moment("2026-11-20T12:00:00+0200") == filter_moment("2026-11-20 10:00:00") == START


def test_the_command_line_is_read() -> None:
    written = (
        "--port 0 --scenario support-chats --labels 60 --rate 20 --sign sha1 --lost 0.1 --export-lag 3 "
        "--webhook-url http://127.0.0.1:9 --webhook-secret 00ff"
    )
    settings = read_arguments(written.split())
    assert (settings.host, settings.labels, settings.rate, settings.signing) == ("127.0.0.1", 60, 20.0, "sha1")
    assert settings.faults == Faults(lost=0.1, export_lag_s=3.0)
    assert not settings.in_files
    assert read_arguments(["--port", "0", "--scenario", "all", "--in-files"]).in_files


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["--port", "0", "--lost", "2"],
        ["--port", "0", "--labels", "3"],
        ["--port", "0", "--scenario", "support-chats", "--labels", "-1"],
        ["--port", "0", "--rate", "nan"],
        ["--port", "0", "--scenario", "images"],
        ["--port", "0", "--truncated-chunks", "-1"],
        ["--port", "0", "--most-exports", "many"],
        ["--port", "0", "--people", "0"],
        ["--port", "0", "--webhook-url", "http://127.0.0.1:9"],
    ],
)
def test_a_wrong_command_line_ends_with_two(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_arguments(wrong)
    assert ended.value.code == 2
    assert "error" in capsys.readouterr().err
