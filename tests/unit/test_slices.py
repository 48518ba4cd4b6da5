"""Parts of the held-out examples, each scored by itself."""

import json
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.export_rows import ExportRow
from service.domain.labels import metadata_of
from service.domain.metrics import Context, metric_named, score
from service.domain.metrics.label_sets import FEWEST
from service.domain.questions import Question, QuestionFacts, question_in
from service.domain.slices import OTHERS, TOO_FEW, Slicer, score_slices, slices_of


def asked(prompt: str, reference: str = "yes") -> Question:
    return question_in(
        [
            {"role": "system", "content": "the same everywhere"},
            {"role": "user", "content": prompt},
            {"role": "assistant", "content": reference},
        ]
    )


def test_metadata_cuts_by_its_values() -> None:
    questions = [asked(f"chat {n}") for n in range(12)]
    facts = {
        question.key: QuestionFacts({"channel": "mail" if n < 7 else "phone", "agent": f"agent-{n}"})
        for n, question in enumerate(questions)
    }
    found = slices_of(questions, facts)
    assert found["metadata channel: mail"] == {question.key for question in questions[:7]}
    assert found["metadata channel: phone"] == {question.key for question in questions[7:]}
    # Each value is one example's: put together, and none is named.
    assert found[f"metadata agent: {OTHERS}"] == {question.key for question in questions}
    assert not any("agent-" in name for name in found)


@pytest.mark.parametrize("name", ["app", 'it\'s a "chat"', "a, b"])
def test_an_option_is_shown_by_its_name(name: str) -> None:
    """As an export has it: the sandbox and Labelbox write the chosen option as a list."""
    field = {"schema_name": "channel", "value": [{"schema_id": "cm0000t2fsjttdb040jmg27zm", "schema_name": name}]}
    metadata = metadata_of(msgspec.convert({"data_row": {"id": "row"}, "metadata_fields": [field]}, ExportRow))
    questions = [asked(f"chat {n}") for n in range(6)]
    found = slices_of(questions, {question.key: QuestionFacts(metadata) for question in questions})
    assert f"metadata channel: {name}" in found
    assert f"metadata channel: {name}" in Slicer(found, questions).of(5, metadata)
    # Stored by an evaluation of before.
    (old,) = (f"metadata {field}: {value}" for field, value in metadata.items())
    assert old in Slicer({old: frozenset()}, questions).of(5, metadata)


@given(text=st.text() | st.text().map("[{{{}".format) | st.sampled_from(["[{}]", "[{'schema_name'}]", "[{" * 300]))
def test_a_text_that_looks_like_an_option_stays_as_it_is(text: str) -> None:
    questions = [asked(f"chat {n}") for n in range(6)]
    found = slices_of(questions, {question.key: QuestionFacts({"note": text}) for question in questions})
    assert f"metadata note: {text}" in found


def test_lengths_cut_into_thirds_and_never_between_equals() -> None:
    questions = [asked("x" * length, "y" * 3) for length in (1, 2, 3, 10, 11, 12, 100, 101, 1000)]
    found = slices_of(questions, {})
    lengths = {name: sorted(len(q.prompt) for q in questions if q.key in keys) for name, keys in found.items()}
    assert lengths["prompt: short (up to 3 characters)"] == [1, 2, 3]
    assert lengths["prompt: medium (up to 12 characters)"] == [10, 11, 12]
    assert lengths["prompt: long (above 12 characters)"] == [100, 101, 1000]
    assert [name for name in found if name.startswith("answer")] == ["answer: short (up to 3 characters)"]


def test_labels_cut_only_where_answers_are_labels() -> None:
    questions = [asked(f"chat {n}", "refund" if n % 2 else "refund, delay") for n in range(12)]
    facts = {question.key: QuestionFacts(is_choice=True) for question in questions}
    found = slices_of(questions, facts)
    assert found["label: refund"] == {question.key for question in questions}
    assert found["label: delay"] == {question.key for question in questions[::2]}
    assert not any(name.startswith("label") for name in slices_of(questions, {}))


values = st.sampled_from(["a", "b", "c"])


@given(
    st.lists(st.tuples(st.integers(0, 40), values, st.booleans()), max_size=40, unique_by=lambda item: item[0]),
    st.randoms(use_true_random=False),
)
def test_slices_cover_everything_and_do_not_depend_on_the_order(
    rows: list[tuple[int, str, bool]],
    random: Random,
) -> None:
    questions = [asked("x" * n + str(n), value) for n, value, _ in rows]
    facts = {
        question.key: QuestionFacts({"field": value}, is_choice)
        for question, (_, value, is_choice) in zip(questions, rows, strict=True)
    }
    found = slices_of(questions, facts)
    everything = {question.key for question in questions}
    for what in ("prompt", "answer", "metadata field"):
        parts = [keys for name, keys in found.items() if name.startswith(f"{what}:")]
        assert sum(map(len, parts)) == len(everything)
        assert frozenset().union(*parts) == everything
    shuffled = list(questions)
    random.shuffle(shuffled)
    assert slices_of(shuffled, facts) == found
    assert all(len(keys) >= FEWEST or name.endswith(OTHERS) for name, keys in found.items() if "metadata" in name)


def test_a_slice_is_scored_with_its_interval_or_said_to_be_too_small() -> None:
    questions = [asked(f"chat {n}", "yes") for n in range(9)]
    facts = {
        question.key: QuestionFacts({"channel": "mail" if n < 6 else "phone"}) for n, question in enumerate(questions)
    }
    metric = metric_named("exact_match")
    answers = {"base": {question.key: "yes" if n % 2 else "no" for n, question in enumerate(questions)}}
    scores = score([metric], questions, answers, Context(facts))
    found = score_slices([metric], scores.table("base"), questions, slices_of(questions, facts))
    mail = found["metadata channel: mail"]
    assert (mail["n"], mail["scores"]["exact_match"]["base"]["mean"]) == (6, 0.5)
    assert 0 < mail["scores"]["exact_match"]["base"]["low"] < 0.5 < mail["scores"]["exact_match"]["base"]["high"] < 1
    assert found[f"metadata channel: {OTHERS}"] == {"n": 3, "scores": TOO_FEW}
    json.dumps(found)


def test_many_values_are_bounded() -> None:
    questions = [asked(f"chat {n}") for n in range(30 * FEWEST)]
    facts = {question.key: QuestionFacts({"field": f"v{n % 30:02}"}) for n, question in enumerate(questions)}
    found = [name for name in slices_of(questions, facts) if name.startswith("metadata")]
    assert len(found) == 21
    assert found[-1] == f"metadata field: {OTHERS}"


@pytest.mark.parametrize("questions", [[], [asked("one")]])
def test_few_questions_give_few_slices(questions: list[Question]) -> None:
    assert len(slices_of(questions, {})) == 2 * len(questions)
