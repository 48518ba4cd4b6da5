"""Files of data rows: every form is read alike, and every bad row is named without its text."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.row_files import RowsFormat, format_of, read_rows
from service.domain.setup_rows import CHAT_TYPE, UploadRow, derived_key

# What UTF-8 can hold; a NUL is no CSV.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), min_size=1).filter(str.strip)
CHAT = {"type": CHAT_TYPE, "version": 2, "messages": {}}


def read(text: str, rows_format: RowsFormat = "jsonl") -> tuple[list[UploadRow], list[str]]:
    return read_rows(text, rows_format, pipeline="p", kind="text")


def mistakes(*records: object) -> list[str]:
    return read("\n".join(json.dumps(record) for record in records))[1]


@given(st.lists(texts, min_size=1, max_size=5))
def test_jsonl_and_csv_give_the_same_rows_whatever_the_text_holds(prompts: list[str]) -> None:
    lines = "\n".join(json.dumps({"row_data": text}, ensure_ascii=False) for text in prompts)
    cells = io.StringIO(newline="")
    csv.writer(cells).writerows([["row_data"], *([text] for text in prompts)])
    found, wrong = read(lines)
    assert len(wrong) == len(read(cells.getvalue(), "csv")[1])
    assert found == read(cells.getvalue(), "csv")[0]
    assert [row.content for row in found] == list(
        dict.fromkeys(text for text in prompts if not text.startswith("s3:/"))
    )


def test_a_line_of_plain_text_is_a_prompt() -> None:
    rows, wrong = read("\nfirst \r\n\n  second\u2028half\nfirst \n", "text")
    assert [row.content for row in rows] == ["first ", "  second\u2028half"]
    assert wrong == []


def test_keys_are_the_given_ones_or_those_of_the_content() -> None:
    (first, second), _ = read('{"prompt": "a", "global_key": "k", "metadata": {"team": "red"}}\n{"row_data": "b"}')
    assert first == UploadRow("k", "a", {"team": "red"})
    assert second == UploadRow(derived_key("p", "b"), "b", key_is_derived=True)


def test_a_csv_may_hold_keys_and_metadata_and_cells_of_several_lines() -> None:
    rows, wrong = read('prompt,global_key,metadata\n"two\nlines",k,"{""team"": 1}"\nx,,\n', "csv")
    assert rows == [
        UploadRow("k", "two\nlines", {"team": 1}),
        UploadRow(derived_key("p", "x"), "x", key_is_derived=True),
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ([], "must be an object"),
        ("text", "must be an object"),
        ({}, "either row_data or prompt"),
        ({"prompt": "a", "row_data": "a"}, "either row_data or prompt"),
        ({"prompt": " \n"}, "prompt must be a text that is not empty"),
        ({"row_data": {"a": 1}}, "row_data must be a text"),
        ({"prompt": "a", "id": 1}, "unknown key 'id'"),
        ({"prompt": "a", "global_key": ""}, "global_key must be a text of 1 to 200"),
        ({"prompt": "a", "global_key": "k" * 201}, "global_key must be a text of 1 to 200"),
        ({"prompt": "a", "global_key": 5}, "global_key must be a text of 1 to 200"),
        ({"prompt": "a", "metadata": []}, "metadata must be an object"),
        ({"prompt": "\ud800"}, "surrogate"),
        ({"prompt": "a", "global_key": "\ud800"}, "surrogate"),
        ({"prompt": "https://example.com/chat"}, "is an address"),
        ({"row_data": "s3://bucket/chat"}, "takes no s3://"),
    ],
)
def test_a_bad_row_is_named_with_its_line(record: object, words: str) -> None:
    (found,) = mistakes({"prompt": "good"}, record)
    assert found.startswith("2: ")
    assert words in found


def test_what_is_no_json_or_csv_is_named_with_its_line() -> None:
    assert read('{"prompt": "a"}\n{"prompt"\n' + "[" * 100_000)[1] == ["2: no JSON", "3: no JSON"]
    assert read("prompt\na,b\n", "csv")[1] == ["2: it has more cells than the header"]
    (broken,) = read('prompt\nfine\n"open\n', "csv")[1]
    assert "no CSV" in broken
    assert read("text\nfine\n", "csv")[1] == [
        "2: unknown key 'text'; allowed are row_data, prompt, global_key, metadata"
    ]
    assert read('prompt,metadata\na,"{"\n', "csv")[1] == [
        "2: metadata must be an object: value by the name of a metadata field"
    ]


def test_no_mistake_repeats_a_text() -> None:
    hidden = {"prompt": ["hidden"]}, {"prompt": "https://hidden"}, {"prompt": "a", "metadata": "hidden"}, "hidden"
    assert "hidden" not in "".join(mistakes(*hidden))


def test_one_key_with_two_contents_is_a_mistake_and_a_repeat_is_none() -> None:
    one, other = {"prompt": "a", "global_key": "k"}, {"prompt": "b", "global_key": "k"}
    assert mistakes(one, other) == ["2: its global_key stands in the file already, with another content"]
    assert mistakes(one, one) == []


def test_a_long_cell_is_read() -> None:
    rows, wrong = read(f"prompt\n{'x' * 1_000_000}\n", "csv")
    assert (len(str(rows[0].content)), wrong) == (1_000_000, [])


@pytest.mark.parametrize("kind", ["chat", "offline-chat"])
def test_a_chat_project_takes_conversations_only(kind: str) -> None:
    rows, wrong = read_rows(
        "\n".join(
            json.dumps(record) for record in ({"row_data": CHAT}, {"row_data": json.dumps(CHAT)}, {"prompt": "a"})
        ),
        "jsonl",
        pipeline="p",
        kind=kind,  # type: ignore[arg-type] # both are kinds
    )
    assert [row.content for row in rows] == [CHAT]
    assert len(wrong) == 1
    assert "must be a conversation" in wrong[0]


@pytest.mark.parametrize(
    ("name", "found"),
    [("a.jsonl", "jsonl"), ("b.NDJSON", "jsonl"), ("c.csv", "csv"), ("d.txt", "text"), ("e", None), ("-", None)],
)
def test_the_ending_of_a_name_tells_the_format(name: str, found: str | None) -> None:
    assert format_of(name) == found
