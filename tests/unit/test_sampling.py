"""How models are asked is part of what their answers are kept under."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.judging.duels import Duel, requests_of
from service.domain.metric_specs import JudgeSpec
from service.domain.questions import question_in
from service.domain.sampling import USUAL, Sampling, stored_name

samplings = st.builds(
    Sampling,
    temperature=st.one_of(st.just("omit"), st.just(0), st.floats(0, 2).map(lambda value: round(value, 3))),
    top_p=st.none() | st.floats(0.001, 1).map(lambda value: round(value, 3)),
    seed=st.none() | st.integers(0, 2**31 - 1),
    max_tokens=st.integers(1, 131_072),
)


def test_answers_asked_for_as_ever_are_found_as_ever() -> None:
    assert stored_name("box", "m") == stored_name("box", "m", Sampling(0.0)) == "box/m"
    assert stored_name("box", "m", Sampling(0.5, seed=7)) == "box/m?temperature=0.5&seed=7"
    assert stored_name("box", "m", Sampling(1)) == stored_name("box", "m", Sampling(1.0))


@given(one=samplings, other=samplings)
def test_other_settings_are_other_answers(one: Sampling, other: Sampling) -> None:
    assert (stored_name("box", "m", one) == stored_name("box", "m", other)) == (one == other)


@given(sampling=samplings)
def test_changes_give_the_settings_again(sampling: Sampling) -> None:
    assert USUAL.but(sampling.changes) == sampling


@given(sampling=samplings)
def test_what_is_not_set_is_not_sent(sampling: Sampling) -> None:
    sent = sampling.sent(length_field="most")
    assert sent["most"] == sampling.max_tokens
    assert ("temperature" in sent) == (sampling.temperature != "omit")
    assert ("top_p" in sent, "seed" in sent) == (sampling.top_p is not None, sampling.seed is not None)


@given(sampling=samplings)
def test_a_judge_asked_otherwise_is_asked_anew(sampling: Sampling) -> None:
    question = question_in([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}])
    duel = Duel(question, "one", "two")
    usual, own = (
        {request.key for request in requests_of(JudgeSpec("box", "j", "?", sampling=ways), duel)}
        for ways in ({}, sampling.changes)
    )
    assert (usual == own) == (sampling == USUAL)
    assert usual.isdisjoint(own) or usual == own
