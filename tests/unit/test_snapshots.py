import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.contents import Content, Form, Turn, pair
from service.domain.pipelines import DatasetPolicy, LabelPolicy
from service.domain.snapshots import configuration_of, frozen_lines, read_chats
from tests.support.builders import make_pipeline


def line_of(content: Content, *, system: str | None = None) -> bytes:
    (line,) = frozen_lines(content, split="train", system=system, form="chat")
    return line


@given(prompt=st.text(), response=st.text(), system=st.none() | st.text(min_size=1))
def test_a_line_is_one_line_of_ascii_and_reads_back_unchanged(prompt: str, response: str, system: str | None) -> None:
    line = line_of(pair(prompt, response), system=system)
    assert line.isascii()
    assert line.decode().splitlines(keepends=True) == [line.decode()]
    (messages,) = read_chats(iter([line]))
    assert [message["content"] for message in messages] == [*([system] if system else []), prompt, response]
    assert messages[-1]["role"] == "assistant"


@pytest.mark.parametrize("separator", ["\n", "\r", "\x0b", "\x1c", "\x85", "\u2028", "\u2029"])
def test_no_character_of_a_text_ends_the_line(separator: str) -> None:
    line = line_of(pair("a chat", f"one{separator}two")).decode()
    assert len(line.splitlines()) == 1


PREFERENCE = (
    Turn("user", "one"),
    Turn("assistant", "good", ("bad", "worse")),
    Turn("user", "two"),
    Turn("assistant", "fine", ("poor",)),
)


def test_preference_gives_a_line_for_each_pair_with_what_came_before_it() -> None:
    found = frozen_lines(PREFERENCE, split="train", system="Be kind.", form="preference")
    lines = [json.loads(line) for line in found]
    asked = [[message["content"] for message in line["input"]["messages"]] for line in lines]
    assert asked == [["Be kind.", "one"], ["Be kind.", "one"], ["Be kind.", "one", "good", "two"]]
    pairs = [(line["preferred_output"][0]["content"], line["non_preferred_output"][0]["content"]) for line in lines]
    assert pairs == [("good", "bad"), ("good", "worse"), ("fine", "poor")]


@pytest.mark.parametrize("form", ["chat", "preference"])
def test_held_out_lines_are_chats_because_they_are_asked(form: Form) -> None:
    (line,) = frozen_lines(PREFERENCE, split="held_out", system=None, form=form)
    assert [message["content"] for message in json.loads(line)["messages"]] == ["one", "good", "two", "fine"]


def test_what_nobody_judged_is_shown_and_not_taught() -> None:
    content = (Turn("user", "a"), Turn("assistant", "b", weight=0), Turn("user", "c"), Turn("assistant", "d"))
    assert [message.get("weight") for message in json.loads(line_of(content))["messages"]] == [None, 0, None, None]


def test_what_shapes_a_snapshot_is_recorded_and_nothing_else() -> None:
    pipeline = make_pipeline(labels=LabelPolicy("project-1", where={"grade": ("good",)}))
    found = configuration_of(pipeline, encoding="o200k_base")
    assert found["labels"]["where"] == {"grade": ["good"]}
    assert found["dataset"]["held_out_percent"] == 20
    assert found["encoding"] == "o200k_base"
    # A key more would give every snapshot another name: budgets, metrics and the like shape no line.
    assert found.keys() == {"labels", "dataset", "checks", "encoding"}
    assert json.loads(json.dumps(found)) == found


def test_a_number_is_recorded_one_way_however_it_was_written() -> None:
    written = [
        json.dumps(configuration_of(make_pipeline(dataset=policy), encoding="e"))
        for policy in (DatasetPolicy(held_out_percent=25), replace(DatasetPolicy(), held_out_percent=25.0))
    ]
    assert written[0] == written[1]
