"""OpenAI's rules for training files, one by one, each fault with its line's number."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.trainer_lines import calls, jsonl, preference_line
from trainer.dataset.check import FileRefused, check_file
from trainer.dataset.faults import LineFault
from trainer.dataset.lines import LineFile, parse_line
from trainer.dataset.rules import check_line
from trainer.values import MethodType

Line = dict[str, Any]
TOOL = {"type": "function", "function": {"name": "stock", "parameters": {"type": "object"}}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://shop.example/1.png"}}


def written(folder: Path, content: bytes) -> Path:
    path = folder / "lines.jsonl"
    path.write_bytes(content)
    return path


def refusal(path: Path, method: MethodType = "supervised") -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        check_file(path, method, "training_file")
    return refused.value


def chat(*messages: Line, **more: Any) -> Line:  # noqa: ANN401 - any JSON
    return {"messages": [{"role": "user", "content": "Hm?"}, *messages], **more}


def said(content: Any = "Yes.", **more: Any) -> Line:  # noqa: ANN401 - any JSON
    return {"role": "assistant", "content": content, **more}


def calling(arguments: Any = "{}", **more: Any) -> Line:  # noqa: ANN401 - any JSON
    function = {"name": "stock", "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": function, **more}]}


RIGHT: dict[str, Line] = {
    "plain": chat(said()),
    "an empty answer": chat(said("")),
    "no user": {"messages": [said()]},
    "a name": chat({"role": "user", "content": "Hm?", "name": "Tam"}, said()),
    "weights": chat(said(weight=0), {"role": "user", "content": "?"}, said(weight=1)),
    "parts": chat({"role": "user", "content": [{"type": "text", "text": "Look:"}, IMAGE]}, said()),
    "a tool call": chat(calling(), tools=[TOOL], parallel_tool_calls=False),
    "a tool's answer": chat(calling(), {"role": "tool", "tool_call_id": "c1", "content": "3"}, said(), tools=[TOOL]),
    "a called function": chat(
        {"role": "assistant", "function_call": {"name": "stock", "arguments": "{}"}}, functions=[TOOL["function"]]
    ),
    "no tools": chat(said(), tools=[]),
}
WRONG: dict[str, tuple[Line, str]] = {
    "no messages": ({"prompt": "a", "completion": "b"}, "there are no messages"),
    "empty messages": ({"messages": []}, "at least one entry"),
    "an unknown key": (chat(said(), mesages=[]), "unknown key 'mesages'"),
    "an unknown message key": (chat(said(wieght=0)), "unknown key 'wieght'"),
    "a message that is none": ({"messages": ["hello"]}, "must be a JSON object"),
    "an unknown role": (chat({"role": "developer", "content": "x"}, said()), "role is 'developer'"),
    "a role that is no text": (chat({"role": ["user"], "content": "x"}, said()), "role is"),
    "no content": (chat({"role": "assistant"}), "content may be absent only"),
    "a null content": (chat(said(None)), "content may be absent only"),
    "a number as content": (chat(said(7)), "must be a list"),
    "the last from the user": (chat(said(), {"role": "user", "content": "And?"}), "last message"),
    "a weight of a half": (chat(said(weight=0.5)), "weight must be 0 or 1"),
    "a weight of 1.0": (chat(said(weight=1.0)), "weight must be 0 or 1"),
    "a weight of true": (chat(said(weight=True)), "weight must be 0 or 1"),
    "a user's weight": (chat({"role": "user", "content": "x", "weight": 1}, said()), "unknown key 'weight'"),
    "a name that is no text": (chat({"role": "user", "content": "x", "name": 1}, said()), "name must be a string"),
    "an image from the assistant": (chat(said([IMAGE])), "image_url"),
    "an image without address": (
        chat({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, said()),
        "url must be a string",
    ),
    "too many images": (chat({"role": "user", "content": [IMAGE] * 11}, said()), "11 images"),
    "an undeclared tool": (chat(calling()), "does not declare"),
    "arguments as an object": (chat(calling({}), tools=[TOOL]), "written as a string"),
    "arguments encoded twice": (chat(calling(json.dumps("{}")), tools=[TOOL]), "must hold a JSON object"),
    "arguments that are no JSON": (chat(calling("{"), tools=[TOOL]), "not valid JSON"),
    "a call without id": (chat(calling(id=None), tools=[TOOL]), "id must be a string"),
    "a call of another type": (chat(calling(type="web"), tools=[TOOL]), 'type must be "function"'),
    "an answer to no call": (
        chat({"role": "tool", "tool_call_id": "c9", "content": "3"}, said(), tools=[TOOL]),
        "answers no call",
    ),
    "a tool's name with spaces": (
        chat(said(), tools=[{"type": "function", "function": {"name": "my stock"}}]),
        "1 to 64 letters",
    ),
    "a parallel that is no flag": (chat(said(), parallel_tool_calls="no"), "true or false"),
    "a preference line": (preference_line("a", "b", "c"), "there are no messages"),
}


@pytest.mark.parametrize("line", RIGHT.values(), ids=RIGHT)
def test_a_line_that_keeps_the_rules_passes(line: Line) -> None:
    check_line(line, "supervised")


@pytest.mark.parametrize(("line", "reason"), WRONG.values(), ids=WRONG)
def test_a_line_that_breaks_a_rule_is_refused_with_the_reason(line: Line, reason: str) -> None:
    with pytest.raises(LineFault, match=reason):
        check_line(line, "supervised")


def changed(**more: Any) -> Line:  # noqa: ANN401 - any JSON
    return preference_line("a", "b", "c") | more


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (chat(said()), "there is no input"),
        (changed(weight=1), "unknown key"),
        (changed(input={"messages": [said()]}), "before the assistant's answer"),
        (changed(input={"messages": []}), "at least one entry"),
        (changed(input=[]), "must be a JSON object"),
        (changed(input={"messages": [{"role": "user", "content": [IMAGE]}]}), "text only"),
        (changed(preferred_output="b"), "must be a list"),
        (changed(preferred_output=[said(), said()]), "must be one message"),
        (changed(non_preferred_output=[{"role": "user", "content": "c"}]), "role must be assistant"),
        (changed(preferred_output=[calling()]), "does not declare"),
    ],
)
def test_a_preference_line_that_breaks_a_rule_is_refused(line: Line, reason: str) -> None:
    with pytest.raises(LineFault, match=reason):
        check_line(line, "dpo")


def test_a_preference_line_passes() -> None:
    check_line(preference_line("a", "b", "c"), "dpo")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "blank"),
        (b"  ", "blank"),
        (b"{", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[1]", "must be a JSON object"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "byte-order mark"),
        (rb'{"a": "\ud800"}', "surrogate"),
    ],
)
def test_bytes_that_are_no_line_are_refused(line: bytes, reason: str) -> None:
    with pytest.raises(LineFault, match=reason):
        parse_line(line)


def test_an_escaped_pair_of_surrogates_is_a_character() -> None:
    assert parse_line(rb'{"a": "\ud83d\ude00"}') == {"a": "\U0001f600"}


@given(value=st.binary(max_size=80))
def test_no_bytes_break_the_reading(value: bytes) -> None:
    # Anything but a fault would fail the test.
    with suppress(LineFault):
        check_line(parse_line(value), "supervised")


KEYS = st.sampled_from(["role", "content", "messages", "tools", "type", "function", "tool_calls"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["user", "assistant", "tool", "function"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(one=JSON, other=JSON)
def test_no_json_breaks_the_rules(one: Any, other: Any) -> None:  # noqa: ANN401 - any JSON
    with suppress(LineFault):
        check_line({"messages": one, "tools": other}, "supervised")
    with suppress(LineFault):
        check_line({"input": {"messages": one}, "preferred_output": other, "non_preferred_output": one}, "dpo")
    with suppress(LineFault):
        check_line(chat({"role": "assistant", "content": one, "tool_calls": other}), "supervised")


def test_a_good_file_is_counted(tmp_path: Path) -> None:
    assert check_file(written(tmp_path, jsonl(calls(11))), "supervised", "training_file") == 11


def test_the_last_line_may_lack_its_end_and_lines_may_end_as_on_windows(tmp_path: Path) -> None:
    content = jsonl(calls(10)).replace(b"\n", b"\r\n").rstrip()
    assert check_file(written(tmp_path, content), "supervised", "training_file") == 10


def test_too_few_lines_are_refused_with_their_number(tmp_path: Path) -> None:
    error = refusal(written(tmp_path, jsonl(calls(9))))
    assert (error.code, error.param) == ("invalid_n_examples", "training_file")
    assert "9 example(s)" in str(error)


def test_a_validation_file_may_be_short(tmp_path: Path) -> None:
    assert check_file(written(tmp_path, jsonl(calls(1))), "supervised", "validation_file") == 1


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda content: content.replace(b"\n", b"\n\n", 1), "Line 2: the line is blank."),
        (lambda content: content + b"\n", "Line 13: the line is blank."),
        (lambda content: b"\xef\xbb\xbf" + content, "Line 1: there is a byte-order mark"),
        (lambda content: content.replace(b'"weight"', b"", 1)[:-3], "Line 12: the line is not valid JSON."),
    ],
)
def test_faults_of_a_file_name_the_line(tmp_path: Path, spoil: Callable[[bytes], bytes], told: str) -> None:
    error = refusal(written(tmp_path, spoil(jsonl(calls(12)))))
    assert error.code == "invalid_training_file"
    assert told in str(error)


def test_only_the_first_faults_are_told(tmp_path: Path) -> None:
    told = str(refusal(written(tmp_path, b"{}\n" * 50)))
    assert told.count("Line ") == 5
    assert "Line 5:" in told


def test_a_file_of_lines_is_read_anew_each_time(tmp_path: Path) -> None:
    lines = LineFile(written(tmp_path, jsonl(calls(10))), 10)
    assert list(lines) == list(lines) == calls(10)
    assert len(lines) == 10
    assert calls(1)[0] in lines
