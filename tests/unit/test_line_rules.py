"""Training lines: what each rule refuses, and that no bytes can confuse the reader."""

import json
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.cli.validation import compare, examine
from service.domain.checks import CHECKS
from service.domain.contents import Content, Form, Turn, lines_of
from service.domain.line_rules import FEWEST_LINES, MOST_FILE_BYTES, RULES, severity_of, words_of

USER = {"role": "user", "content": "Where is my parcel?"}
ANSWER = {"role": "assistant", "content": "It arrives tomorrow."}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
PICTURE = {"role": "user", "content": [{"type": "text", "text": "What is it?"}, IMAGE]}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
OLD_CALL = {"role": "assistant", "function_call": {"name": "look", "arguments": "{}"}}
PAIR = {
    "input": {"messages": [USER], "tools": [], "parallel_tool_calls": True},
    "preferred_output": [ANSWER],
    "non_preferred_output": [{"role": "assistant", "content": "No idea, sorry."}],
}


def chat(*messages: object, **more: object) -> dict[str, Any]:
    return {"messages": list(messages), **more}


def call(arguments: object = "{}", name: str = "look", **more: object) -> dict[str, Any]:
    made = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}} | more
    return {"role": "assistant", "tool_calls": [made]}


def checked(*lines: object, form: Form | None = None, fewest: int = 1, model: str = "") -> dict[str, int]:
    written = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return counts_in(b"".join(line + b"\n" for line in written), form=form, fewest=fewest, model=model)


def counts_in(text: bytes, *, form: Form | None = None, fewest: int = 1, model: str = "") -> dict[str, int]:
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        file.write(text)
        file.flush()
        with examine(Path(file.name), model=model, form=form, fewest=fewest, shown=9) as found:
            return {code: tally.count for code, tally in found.findings.items()}


@pytest.mark.parametrize(
    "line",
    [
        chat(USER, ANSWER),
        chat({"role": "system", "content": "Be brief.", "name": "boss"}, USER, ANSWER, parallel_tool_calls=False),
        chat(USER, ANSWER | {"weight": 0}, USER, ANSWER | {"weight": 1}),
        chat(USER, call(), {"role": "tool", "tool_call_id": "c1", "content": "late"}, ANSWER, tools=[TOOL]),
        chat(USER, OLD_CALL, functions=[TOOL["function"]]),
        chat(PICTURE, ANSWER),
        chat(USER, {"role": "assistant", "content": None, "refusal": "I must not."}),
        PAIR,
        {"prompt": "Where?", "completion": " There it is."},
    ],
)  # fmt: skip
def test_what_is_documented_is_taken(line: dict[str, Any]) -> None:
    assert checked(line) == {}


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("not_utf8", b'{"messages": "\xff"}'),
        ("bom", b"\xef\xbb\xbf" + json.dumps(chat(USER, ANSWER)).encode()),
        ("blank_line", b""),
        ("blank_line", b" \t\r"),
        ("not_json", b"{"),
        ("not_json", b'{"messages": NaN}'),
        ("not_json", b"[" * 100_000),
        ("not_json", b'{"a":' * 100_000),
        ("not_an_object", b"[]"),
        ("not_an_object", b"null"),
        ("half_character", b'{"messages":[{"role":"user","content":"\\ud800"}]}'),
        ("half_character", b'{"messages":[{"role":"user","content":"\\uDC00"}]}'),
        ("duplicate_key", b'{"messages":[{"role":"user","content":"Hi"},{"role":"user","role":"user","content":"x"}]}'),
        ("unknown_key", chat(USER, ANSWER, mesages=[])),
        ("unknown_key", chat(USER | {"contents": "x"}, ANSWER)),
        ("unknown_key", chat(USER | {"tool_calls": []}, ANSWER)),
        ("unknown_key", PAIR | {"tools": []}),
        ("unknown_key", {"prompt": "Where?", "completion": "There.", "weight": 1}),
        ("no_messages", {}),
        ("no_messages", {"messages": []}),
        ("no_messages", {"messages": {"role": "user"}}),
        ("message_not_object", chat(USER, "hello", ANSWER)),
        ("unknown_role", chat({"role": "human", "content": "Hi"}, ANSWER)),
        ("unknown_role", chat({"role": ["user"], "content": "Hi"}, ANSWER)),
        ("developer_role", chat({"role": "developer", "content": "Be brief."}, USER, ANSWER)),
        ("content_missing", chat({"role": "user"}, ANSWER)),
        ("content_missing", chat(USER, {"role": "assistant", "content": None})),
        ("content_missing", chat(USER, {"role": "assistant", "tool_calls": []})),
        ("content_not_text", chat({"role": "user", "content": 5}, ANSWER)),
        ("content_not_text", chat({"role": "user", "content": []}, ANSWER)),
        ("content_not_text", chat({"role": "user", "content": [{"type": "text"}]}, ANSWER)),
        ("content_not_text", chat({"role": "user", "content": [{"type": ["text"], "text": "x"}]}, ANSWER)),
        ("content_not_text", chat({"role": "user", "content": ["Hi"]}, ANSWER)),
        ("image_in_answer", chat(USER, PICTURE | {"role": "assistant"})),
        ("too_many_images", chat({"role": "user", "content": [IMAGE] * 11}, ANSWER)),
        ("name_not_text", chat(USER | {"name": 3}, ANSWER)),
        ("bad_weight", chat(USER, ANSWER | {"weight": 2})),
        ("bad_weight", chat(USER, ANSWER | {"weight": True})),
        ("bad_weight", chat(USER, ANSWER | {"weight": 1.0})),
        ("bad_weight", chat(USER, ANSWER | {"weight": "1"})),
        ("weight_not_assistant", chat(USER | {"weight": 0}, ANSWER)),
        ("nothing_taught", chat(USER, ANSWER | {"weight": 0})),
        ("no_assistant", chat(USER)),
        ("last_not_assistant", chat(USER, ANSWER, USER)),
        ("malformed_tool", chat(USER, ANSWER, tools={})),
        ("malformed_tool", chat(USER, ANSWER, tools=[TOOL["function"]])),
        ("malformed_tool", chat(USER, ANSWER, tools=[{"type": "function", "function": {"name": "two words"}}])),
        ("malformed_tool", chat(USER, ANSWER, tools=[TOOL | {"function": {"name": "a", "parameters": []}}])),
        ("malformed_tool", chat(USER, ANSWER, parallel_tool_calls="yes")),
        ("malformed_tool", chat(USER, call(id=None), tools=[TOOL])),
        ("malformed_tool", chat(USER, {"role": "assistant", "tool_calls": ["look"]}, tools=[TOOL])),
        ("malformed_tool", chat(USER, {"role": "assistant", "function_call": "look"}, tools=[TOOL])),
        ("tool_not_declared", chat(USER, call())),
        ("tool_not_declared", chat(USER, call(name="other"), tools=[TOOL])),
        ("tool_without_call", chat(USER, {"role": "tool", "tool_call_id": "c1", "content": "late"}, ANSWER)),
        ("tool_without_call", chat(USER, {"role": "tool", "content": "late"}, ANSWER)),
        ("arguments_not_text", chat(USER, call({"a": 1}), tools=[TOOL])),
        ("arguments_not_text", chat(USER, call("{"), tools=[TOOL])),
        ("arguments_not_text", chat(USER, call("[" * 100_000), tools=[TOOL])),
        ("arguments_encoded_twice", chat(USER, call(json.dumps("{}")), tools=[TOOL])),
        ("arguments_not_object", chat(USER, call("[1]"), tools=[TOOL])),
        ("no_pair", {key: value for key, value in PAIR.items() if key != "preferred_output"}),
        ("no_pair", PAIR | {"input": "Where?"}),
        ("no_messages", PAIR | {"input": {"messages": []}}),
        ("unknown_key", PAIR | {"input": {"messages": [USER], "functions": []}}),
        ("output_not_one_answer", PAIR | {"preferred_output": [ANSWER, ANSWER]}),
        ("output_not_one_answer", PAIR | {"preferred_output": ANSWER}),
        ("output_not_one_answer", PAIR | {"non_preferred_output": [USER]}),
        ("input_ends_with_assistant", PAIR | {"input": {"messages": [USER, ANSWER]}}),
        ("pair_not_text", PAIR | {"input": {"messages": [{"role": "user", "content": [IMAGE]}]}}),
        ("pair_not_text", PAIR | {"preferred_output": [ANSWER | call()]}),
        ("outputs_equal", PAIR | {"non_preferred_output": [ANSWER]}),
        ("no_completion", {"prompt": "Where?"}),
        ("no_completion", {"prompt": ["Where?"], "completion": "There."}),
    ],
)  # fmt: skip
def test_each_rule_refuses_what_breaks_it(code: str, line: object) -> None:
    assert checked(line)[code] == 1


def test_every_rule_is_broken_by_a_test() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [code for code in RULES if f'"{code}"' not in source] == []


def test_only_what_a_trainer_refuses_is_an_error() -> None:
    errors = {code for code in CHECKS if severity_of(code) == "error"}
    assert errors == {"too_many_tokens"}
    assert not CHECKS.keys() & RULES.keys()
    assert all(all(words_of(code)) for code in (*CHECKS, *RULES))


def test_a_file_needs_ten_lines_and_blank_ones_are_none() -> None:
    lines = [chat({"role": "user", "content": f"Where is parcel {place}?"}, ANSWER) for place in range(FEWEST_LINES)]
    assert checked(*lines, fewest=FEWEST_LINES) == {}
    assert checked(*lines[1:], b"", fewest=FEWEST_LINES) == {"too_few_lines": 1, "blank_line": 1}
    assert counts_in(b"") == {"too_few_lines": 1}


def test_the_last_line_should_end_in_a_newline_and_may_in_two_characters() -> None:
    line = json.dumps(chat(USER, ANSWER)).encode()
    assert counts_in(line) == {"no_final_newline": 1}
    assert counts_in(line + b"\r\n") == {}


def test_a_line_of_another_form_than_most_is_told_or_than_the_one_that_is_wanted() -> None:
    completion = {"prompt": "Where?", "completion": "There it is."}
    lines = [chat(USER, ANSWER), chat({"role": "user", "content": "When?"}, ANSWER), completion]
    assert checked(*lines) == {"mixed_forms": 1}
    assert checked(*lines, form="completion") == {"mixed_forms": 2}
    assert checked({}, form="completion") == {"no_completion": 1}
    assert checked({}, form="preference") == {"no_pair": 1}


def test_a_line_of_too_many_tokens_is_refused_by_the_models_own_limit() -> None:
    # " word" is one token.
    line = chat(USER, {"role": "assistant", "content": "word" + " word" * 20_000})
    assert checked(line) == {}
    assert checked(line, model="ft:gpt-3.5-turbo-0125:o::i") == {"too_many_tokens": 1}
    endless = chat(USER, {"role": "assistant", "content": "word " * 2_000_000})
    assert checked(endless) == {"too_many_tokens": 1}


def test_a_line_that_never_ends_is_passed_over_and_the_file_too_large(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    with path.open("wb") as file:
        # A hole on the disk.
        file.seek(MOST_FILE_BYTES)
        file.write(b"\n" + json.dumps(chat(USER, ANSWER)).encode() + b"\n")
    with examine(path, model="", form=None, fewest=1, shown=9) as found:
        assert {code: tally.first for code, tally in found.findings.items()} == {
            "line_too_large": [1],
            "file_too_large": [],
        }
        assert (found.lines, found.file_bytes) == (2, path.stat().st_size)


LONG = "The customer asks why the parcel that was ordered last week has still not arrived at the office in town today"


def asked(question: str, answer: str = "It arrives tomorrow.") -> dict[str, Any]:
    return chat({"role": "user", "content": question}, {"role": "assistant", "content": answer})


def test_duplicates_are_counted_beyond_the_first_whatever_their_spacing() -> None:
    spaced = json.dumps(dict(reversed(asked(LONG).items())), indent=None, separators=(" , ", " : ")).encode()
    assert checked(asked(LONG), asked("Where is it?"), spaced, asked(LONG)) == {"exact_duplicate": 2}


def test_questions_that_are_nearly_the_same_are_counted_on_both_sides() -> None:
    assert checked(asked(LONG), asked("Where is it?"), asked(f"Hello {LONG}")) == {"near_duplicate": 2}
    assert checked(asked(LONG), asked(LONG.replace("parcel", "letter").replace("office", "shop"))) == {}


def test_the_same_question_with_different_answers_conflicts() -> None:
    assert checked(asked(LONG), asked(LONG.upper(), "It is lost."), asked("Where?")) == {"conflicting_answers": 2}
    assert checked(asked(LONG), asked(LONG, "it ARRIVES tomorrow.")) == {}


def test_the_pairs_of_one_question_conflict_only_the_other_way_round() -> None:
    better, worse = PAIR["preferred_output"], PAIR["non_preferred_output"]
    third = [{"role": "assistant", "content": "Ask the courier."}]
    assert checked(PAIR, PAIR | {"non_preferred_output": third}) == {}
    turned = PAIR | {"preferred_output": worse, "non_preferred_output": better}
    assert checked(PAIR, turned) == {"conflicting_answers": 2}


def test_what_stands_in_the_validation_file_is_found_exactly_and_nearly(tmp_path: Path) -> None:
    training, validation = tmp_path / "t", tmp_path / "v"
    rows = [asked(LONG), asked("Where is it?"), asked("When?"), asked("Why so late?")]
    training.write_text("".join(json.dumps(row) + "\n" for row in rows))
    others = [asked(f"Hello {LONG}"), asked("WHERE is it?", "Here."), asked("When?"), asked("Who?")]
    validation.write_text("".join(json.dumps(row) + "\n" for row in others))
    with (
        examine(training, model="", form=None, fewest=1, shown=9) as one,
        examine(validation, model="", form=None, fewest=1, shown=9) as other,
    ):
        compare(one, other)
        assert {code: tally.first for code, tally in one.findings.items()} == {
            "also_validates": [3],
            "nearly_validates": [1, 2],
        }
        assert other.findings == {}


KEYS = [
    *("messages", "role", "content", "weight", "name", "tools", "functions", "tool_calls", "function", "type", "text"),
    *("image_url", "input", "preferred_output", "non_preferred_output", "prompt", "completion"),
]
PIECES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"\n", b"\r\n", b"\xef\xbb\xbf", b"NaN", b'{"messages":', b'"\\ud800"', b"[" * 3000, b"null"]),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["user", "assistant", "tool"]),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(KEYS),
                inner,
                max_size=5,
            )
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode() + b"\n"),
)


@settings(max_examples=150, deadline=None)
@given(pieces=st.lists(PIECES, max_size=8), form=st.sampled_from([None, "chat", "preference", "completion"]))
def test_no_bytes_confuse_the_reader(pieces: list[bytes], form: Form | None) -> None:
    assert counts_in(b"".join(pieces), form=form).keys() <= RULES.keys() | CHECKS.keys()


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@st.composite
def conversations(draw: st.DrawFn) -> Content:
    turns: list[Turn] = []
    for _ in range(draw(st.integers(1, 3))):
        losers = draw(st.lists(texts, max_size=2).map(tuple))
        turns += [Turn("user", draw(texts)), Turn("assistant", draw(texts), losers, draw(st.sampled_from([0, 1])))]
    last = turns[-1]
    return (*turns[:-1], Turn("assistant", last.content, last.rejected, 1))


@settings(max_examples=60, deadline=None)
@given(
    contents=st.lists(conversations(), min_size=1, max_size=6),
    system=st.none() | texts,
    form=st.sampled_from(["chat", "preference", "completion"]),
)
def test_the_lines_that_we_write_break_no_rule(contents: list[Content], system: str | None, form: Form) -> None:
    lines = [line for content in contents for line in lines_of(content, system=system, form=form)]
    found = counts_in(b"".join(lines), form=form, fewest=0)
    assert found.keys() <= CHECKS.keys() | {"outputs_equal"}


@settings(max_examples=40, deadline=None)
@given(contents=st.lists(conversations(), min_size=2, max_size=8), seed=st.integers(0, 99))
def test_the_order_of_lines_changes_no_count(contents: list[Content], seed: int) -> None:
    lines = [line for content in contents for line in lines_of(content, system=None, form="chat")]
    lines += [b"\n", b"{}\n", lines[0], lines[0].replace(b"user", b"human")]
    shuffled = random.Random(seed).sample(lines, len(lines))
    assert counts_in(b"".join(shuffled)) == counts_in(b"".join(lines))


def test_the_order_of_many_near_lines_changes_no_count() -> None:
    chosen = random.Random(3)
    words = LONG.split()
    lines = []
    for _ in range(300):
        mixed = [chosen.choice(["red", "blue"]) if chosen.random() < 0.03 else word for word in words]
        lines.append(json.dumps(asked(" ".join(mixed))).encode() + b"\n")
    expected = counts_in(b"".join(lines))
    assert expected["near_duplicate"] > 200
    for _ in range(3):
        chosen.shuffle(lines)
        assert counts_in(b"".join(lines)) == expected
