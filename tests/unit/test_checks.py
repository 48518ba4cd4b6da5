import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.config.checks import ChecksTable
from service.domain.checks import CHECKS, MAX_LINE_TOKENS, PERSONAL, Limits, findings_of
from service.domain.contents import Content, Turn, has_lines, lines_of, pair
from service.domain.line_rules import RULES
from service.domain.personal_data import Finding
from service.domain.pipelines import ChecksPolicy
from service.domain.snapshots import frozen_lines

ROOT = Path(__file__).parents[2]
texts = st.text(max_size=80)
turns = st.builds(
    Turn,
    role=st.sampled_from(["user", "assistant"]),
    content=texts,
    rejected=st.lists(texts, max_size=2).map(tuple),
    weight=st.sampled_from([0, 1]),
)
contents = st.lists(turns, min_size=1, max_size=5).map(tuple)


def found(answer: str, prompt: str = "Where is my parcel?", **options: object) -> tuple[str, ...]:
    return findings_of(pair(prompt, answer), tokens=10, **options)  # type: ignore[arg-type]


def test_a_plain_example_has_nothing_wrong() -> None:
    assert found("It arrives tomorrow.") == ()


@pytest.mark.parametrize("answer", ["", " \n\t", "\u200b\u2060", "\u00a0", "\u0301"])
def test_an_answer_that_cannot_be_seen_is_empty_and_nothing_else(answer: str) -> None:
    assert found(answer) == ("empty_answer",)


@pytest.mark.parametrize("answer", ["x", " . ", "...", "---", "e\u0301", "\u662f", "5"])
def test_one_character_or_a_repeated_mark_is_hardly_an_answer(answer: str) -> None:
    assert found(answer) == ("one_character_answer",)
    assert found(answer, is_choice=True) == ()


@pytest.mark.parametrize("answer", ["ok", "42", "[]", "?!", "aa"])
def test_two_different_characters_are_an_answer(answer: str) -> None:
    assert found(answer) == ()


def test_an_answer_that_repeats_the_prompt_is_found_whatever_its_case_and_spacing() -> None:
    assert found("where is\nMY parcel? ") == ("answer_repeats_prompt",)
    chat: Content = (*pair("Hello", "Hi there"), *pair("Where?", "hello"))
    assert findings_of(chat, tokens=1) == ("answer_repeats_prompt",)
    assert found("positive", prompt="Positive", is_choice=True) == ()


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\x9f", "\ufeff"])
def test_control_characters_are_found_in_every_text(character: str) -> None:
    assert found(f"It{character} arrives.") == ("control_characters",)
    assert found("It arrives.", prompt=f"Where{character}?") == ("control_characters",)
    loser: Content = (Turn("user", "Where?"), Turn("assistant", "There.", rejected=(f"No{character}where.",)))
    assert findings_of(loser, tokens=1) == ("control_characters",)


def test_tabs_and_line_ends_are_no_control_characters() -> None:
    assert found("a\tb\r\nc") == ()


def test_a_line_above_the_limit_is_found_and_one_at_it_is_not() -> None:
    assert findings_of(pair("q?", "an answer"), tokens=MAX_LINE_TOKENS) == ()
    assert findings_of(pair("q?", "an answer"), tokens=MAX_LINE_TOKENS + 1) == ("too_many_tokens",)
    assert findings_of(pair("q?", "an answer"), tokens=11, max_tokens=10) == ("too_many_tokens",)


def test_of_a_line_above_the_limit_nothing_else_is_looked_for() -> None:
    def names(_: str) -> list[Finding]:
        raise AssertionError("the text may be megabytes")

    broken = pair("q?\x00", "write to ana@example.com")
    assert findings_of(broken, tokens=11, max_tokens=10, names=names) == ("too_many_tokens",)


def test_the_ontologys_limits_are_inclusive() -> None:
    limits = Limits(min_characters=5, max_characters=7)
    assert [found("abcdefghij"[:size], limits=limits) for size in (4, 5, 7, 8)] == [
        ("too_short",),
        (),
        (),
        ("too_long",),
    ]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("Write to ana@example.com.", "personal_email"),
        ("Call +44 20 7946 0958.", "personal_phone"),
        ("Maria was told.", "personal_name"),
        ("Card 4111 1111 1111 1111.", "personal_number"),
        ("Account DE89 3704 0044 0532 0130 00.", "personal_number"),
        ("Her number is 123-45-6789.", "personal_number"),
        ("Order 48213 is late.", "personal_number"),
        ("Sent to 221B Baker Street.", "personal_address"),
    ],
)
def test_personal_data_in_an_answer_is_found_by_its_kind(answer: str, code: str) -> None:
    assert found(answer, prompt="Hi, my name is Maria.") == (code,)
    assert found("It is late.", prompt=f"my name is Maria. {answer}") == ()
    assert found(answer, prompt="Hi, my name is Maria.", is_choice=True) == ()


def test_what_is_not_taught_is_not_held_against_an_example() -> None:
    shown: Content = (
        Turn("user", "Hello"),
        Turn("assistant", "Write to ana@example.com", weight=0),
        Turn("user", "Where?"),
        Turn("assistant", "There it is.", rejected=("",)),
    )
    assert findings_of(shown, tokens=1) == ()


def test_names_that_another_finder_knows_count_as_well() -> None:
    assert found("Zbigniew called.") == ()
    assert found("Zbigniew called.", names=lambda text: [Finding("name", text[:8])]) == ("personal_name",)


@given(content=contents, tokens=st.integers(0, 100), is_choice=st.booleans())
def test_findings_are_codes_in_the_order_of_the_registry(content: Content, tokens: int, is_choice: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    codes = findings_of(content, tokens=tokens, max_tokens=50, is_choice=is_choice, limits=Limits(2, 40))
    assert list(codes) == [code for code in CHECKS if code in codes]


def test_every_kind_of_personal_data_has_a_code() -> None:
    assert set(PERSONAL.values()) == {code for code in CHECKS if code.startswith("personal_")}


def test_each_action_is_the_checks_own_until_the_policy_says_otherwise() -> None:
    policy = ChecksPolicy(actions={"personal_name": "note"})
    assert {code: policy.action_of(code) for code in CHECKS} == {
        **{code: check.action for code, check in CHECKS.items()},
        "personal_name": "note",
    }


def test_what_is_held_out_or_forgotten_is_always_left_out() -> None:
    assert {CHECKS[code].allowed for code in ("held_out_leak", "forgotten", "too_many_tokens")} == {("drop",)}
    assert all(check.action in check.allowed for check in CHECKS.values())


def test_the_configuration_has_a_key_for_every_check() -> None:
    assert ChecksTable.model_fields.keys() - {"phone_regions", "presidio", "presidio_model"} == CHECKS.keys()


def test_the_documentation_explains_every_code_as_the_registries_do() -> None:
    page = (ROOT / "docs/checks.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", page, flags=re.MULTILINE))
    told = {code: f"{check.action} | {check.words} | {check.remedy}" for code, check in CHECKS.items()}
    told |= {code: f"{rule.severity} | {rule.words} | {rule.remedy}" for code, rule in RULES.items()}
    assert rows == told


def test_a_completion_is_one_question_with_its_answer() -> None:
    (line,) = lines_of(pair("Où?", "Là."), system="Be brief.", form="completion")
    assert line == b'{"prompt":"Be brief.\\n\\nO\\u00f9?","completion":"L\\u00e0."}\n'
    (plain,) = lines_of(pair("Where?", "There."), system=None, form="completion")
    assert plain == b'{"prompt":"Where?","completion":"There."}\n'


def test_a_held_out_example_is_asked_as_a_chat_whatever_is_trained() -> None:
    (line,) = frozen_lines(pair("Where?", "There."), split="held_out", system=None, form="completion")
    assert b"messages" in line


@given(content=contents, system=st.none() | texts)
def test_longer_chats_give_no_completion(content: Content, system: str | None) -> None:
    lines = list(lines_of(content, system=system, form="completion"))
    assert len(lines) == has_lines(content, "completion")
    assert has_lines(content, "completion") == (
        [turn.role for turn in content] == ["user", "assistant"] and content[1].weight == 1 and content[0].weight == 1
    )
