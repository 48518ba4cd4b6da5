"""What is told of a run, in which words, and how it is written for programs."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from service.domain import errors
from service.domain.alerts import paused, slow
from service.domain.errors import ModelEnds, OverBudget, ServiceError
from service.domain.notices import (
    KINDS,
    MAX_ATTEMPTS,
    PAUSES,
    Interest,
    Notice,
    Sending,
    event_body,
    message_id,
    pause_after,
)
from service.domain.run_notices import notice_of_champion, notice_of_gone, notice_of_transition
from service.domain.run_notices import told as error_facts
from service.domain.runs import RunState
from service.domain.watching import notice_of_letters, notice_of_silence
from tests.support.builders import make_run
from tests.support.fakes import NOON

SCHEMA = Draft202012Validator(json.loads(Path("docs/notices.schema.json").read_text()), format_checker=FormatChecker())
TOLD = {
    RunState.CLAIMED: "started",
    RunState.AWAITING_APPROVAL: "awaiting_approval",
    RunState.NEEDS_ATTENTION: "needs_attention",
    RunState.PROMOTED: "promoted",
    RunState.KEPT: "kept",
    RunState.FAILED: "failed",
    RunState.CANCELLED: "cancelled",
}
names = st.text(max_size=20)


def told(state: RunState, *, cause: str = "because", number: int = 1, **facts: Any) -> Notice:  # noqa: ANN401 - JSON
    notice = notice_of_transition(make_run(state=state), cause=cause, facts=facts, number=number)
    assert notice is not None
    return notice


@pytest.mark.parametrize("state", RunState)
def test_a_transition_is_told_where_people_care_and_nowhere_else(state: RunState) -> None:
    notice = notice_of_transition(make_run(state=state), cause="c", facts={}, number=1)
    assert (notice.kind if notice else None) == TOLD.get(state)
    if notice:
        assert notice.kind in KINDS
        assert "run-1" in notice.text or "models show" in notice.text
        assert "tuneloop " in notice.text


def test_a_state_reached_twice_is_told_twice_and_one_transition_once() -> None:
    first, again, second = (told(RunState.NEEDS_ATTENTION, number=number) for number in (7, 7, 9))
    assert first.notice_id == again.notice_id != second.notice_id


def test_a_start_tells_how_many_examples_are_new() -> None:
    run = make_run(facts={"new_examples": 52})
    notice = notice_of_transition(run, cause="threshold", facts={}, number=1)
    assert notice is not None
    assert "52 new or changed examples" in notice.text
    # A run of a snapshot that was frozen before takes up none.
    retraining = notice_of_transition(make_run(facts={"new_examples": 0}), cause="retraining", facts={}, number=1)
    assert retraining is not None
    assert "new or changed" not in retraining.text


def test_a_verdicts_numbers_and_a_budgets_are_repeated() -> None:
    assert "12.40 USD is above 5.00 USD" in told(RunState.AWAITING_APPROVAL, cause="12.40 USD is above 5.00 USD").text
    assert "0.0 % against 61.9 %" in told(RunState.PROMOTED, cause="pii_leak: 0.0 % against 61.9 %.").text


def test_our_own_errors_are_told_with_their_numbers_and_their_remedy() -> None:
    notice = told(
        RunState.FAILED, **error_facts(OverBudget("9.00 USD, but 3.00 of 50.00 USD left")), remedy="Raise it."
    )
    assert "OverBudget: 9.00 USD, but 3.00 of 50.00 USD left" in notice.text
    assert "What to do: Raise it." in notice.text
    assert notice.facts["error"] == "OverBudget"


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.NEEDS_ATTENTION])
@pytest.mark.parametrize(
    "error", ["line 3: 'jane@example.com'", "TrainerRefused: line 3 'jane@example.com'", "Jane: jane@example.com", ""]
)
def test_a_trainers_words_are_never_told_for_they_may_quote_a_label(state: RunState, error: str) -> None:
    notice = told(state, cause=f"job failed: {error}", error=error, remedy="Read the trainer's message.")
    whole = repr(notice) + event_body(notice, NOON).decode()
    assert "jane" not in whole.lower()
    assert "Read the trainer's message." in notice.text


OUR_ERRORS = sorted(
    name for name, made in vars(errors).items() if isinstance(made, type) and issubclass(made, ServiceError)
)
# A label's text stands in a trainer's words like this, among anything else.
QUOTED = "jane q. public <jane@example.com>"


@given(
    state=st.sampled_from([RunState.FAILED, RunState.NEEDS_ATTENTION]),
    name=st.sampled_from(OUR_ERRORS),
    before=st.text(max_size=40),
    after=st.text(max_size=40),
)
def test_a_trainers_words_are_not_told_even_if_they_begin_as_an_error_of_ours_does(
    state: RunState, name: str, before: str, after: str
) -> None:
    words = f"{name}: {before}{QUOTED}{after}"
    notice = told(state, cause=f"job failed: {words}", error=words, remedy="Read the trainer's message.")
    assert "jane" not in repr(notice) + event_body(notice, NOON).decode()
    assert notice.facts["error"] is None


@given(name=st.sampled_from(["TrainerRefused", "TrainerBusy", "TrainerUnreachable", "OutcomeUnknown"]), text=st.text())
def test_an_error_whose_words_are_a_trainers_is_told_by_its_name_alone(name: str, text: str) -> None:
    error = getattr(errors, name)(f"{text}{QUOTED}")
    notice = told(RunState.NEEDS_ATTENTION, cause=str(error), **error_facts(error))
    assert "jane" not in repr(notice)
    assert name in notice.text
    assert notice.facts["error"] == name


@given(before=st.text(max_size=40), after=st.text(max_size=40))
def test_what_a_trainer_gives_for_a_name_is_told_only_where_it_is_one(before: str, after: str) -> None:
    sentence = f"{before}{QUOTED}{after}"
    run = make_run(state=RunState.FAILED, job_id=sentence, tuned_model=sentence)
    notices = [
        notice_of_transition(run, cause="x", facts={"error": "no"}, number=1),
        notice_of_champion(run, before=sentence, cause="by hand", number=1),
        notice_of_gone("p", sentence, "box", number=1),
        paused(run, NOON - timedelta(days=1), now=NOON),
    ]
    assert "jane" not in repr(notices)
    assert None not in notices


def test_another_champion_is_told_with_the_one_before() -> None:
    run = make_run(state=RunState.KEPT, tuned_model="ft:2")
    notice = notice_of_champion(run, before="ft:1", cause="by hand", number=4)
    assert "ft:2 of run 1 at box serves now instead of ft:1; by hand" in notice.text
    assert notice.facts["before"] == "ft:1"
    assert "instead" not in notice_of_champion(run, before=None, cause="by hand", number=4).text


def test_another_champion_is_named_as_it_is_asked_and_by_its_trainers_name_too() -> None:
    run = make_run(state=RunState.KEPT, tuned_model="base.ft-2", facts={"inference_model": "tuneloop-2"})
    notice = notice_of_champion(run, before="tuneloop-1", cause="by hand", number=4)
    assert "tuneloop-2 of run 1 at box serves now instead of tuneloop-1" in notice.text
    assert (notice.facts["answers_as"], notice.facts["tuned_model"]) == ("tuneloop-2", "base.ft-2")


def test_a_model_that_ends_is_told_with_its_day() -> None:
    notice = told(RunState.FAILED, **error_facts(ModelEnds("base-model at box shuts down on 2027-01-14, in 9 days")))
    assert "ModelEnds: base-model at box shuts down on 2027-01-14, in 9 days" in notice.text


def test_the_model_of_a_run_that_was_taken_down_is_not_offered() -> None:
    assert "models promote" in told(RunState.KEPT).text
    run = make_run(state=RunState.KEPT, facts={"taken_down": True})
    notice = notice_of_transition(run, cause="no better.", facts={"taken_down": True}, number=1)
    assert notice is not None
    assert "models promote" not in notice.text
    assert "tuneloop runs show run-1" in notice.text


def test_what_is_told_of_an_open_job_is_of_a_kind_that_can_be_chosen() -> None:
    run, since = make_run(job_id="job-1"), NOON - timedelta(days=2)
    notices = [paused(run, since, now=NOON), slow(run, since, now=NOON, what="Job job-1 has been running")]
    for notice in notices:
        assert notice is not None
        assert KINDS[notice.kind].startswith("run.")


def test_every_kind_is_documented_with_its_type() -> None:
    page = Path("docs/notices.md").read_text()
    assert [kind for kind, event in KINDS.items() if f"| `{kind}` | `{event}` |" not in page] == []


# Who hears what.


def test_nothing_chosen_is_everything_and_what_is_of_no_pipeline_concerns_all() -> None:
    mine, general = Notice("failed", "k", "t", "x", pipeline="a"), Notice("budget_near", "k", "t", "x")
    assert all(Interest().covers(notice) for notice in (mine, general))
    assert Interest(pipelines=["b"]).covers(general)
    assert not Interest(pipelines=["b"]).covers(mine)
    assert Interest(kinds=["failed"], pipelines=["a"]).covers(mine)
    assert not Interest(kinds=["failed"]).covers(general)


# For programs.


@given(kind=names, key=names, channel=names, other=names)
def test_a_messages_id_is_the_same_at_every_try_and_another_at_another_channel(
    kind: str, key: str, channel: str, other: str
) -> None:
    notice = Notice(kind, key, "t", "x")
    sendings = [Sending(notice, channel, NOON, attempts) for attempts in (1, 2)]
    assert len({sending.message_id for sending in sendings}) == 1
    assert (message_id(notice, other) == sendings[0].message_id) == (other == channel)


@given(
    title=names,
    text=names,
    facts=st.dictionaries(names, st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | names),
)
def test_every_event_is_as_its_schema_says_and_the_same_bytes_at_every_try(
    title: str, text: str, facts: dict[str, Any]
) -> None:
    notice = Notice("budget_near", "k", title, text, facts=facts)
    body = event_body(notice, NOON)
    event = json.loads(body)
    SCHEMA.validate(event)
    assert event["type"] == "budget.near"
    assert event["data"]["facts"] == facts
    assert body == event_body(replace(notice, facts=dict(reversed(facts.items()))), NOON)


@pytest.mark.parametrize("state", TOLD)
def test_the_events_of_runs_are_as_their_schema_says(state: RunState) -> None:
    event = json.loads(event_body(told(state, error="TrainerRefused: no", remedy="r"), NOON))
    SCHEMA.validate(event)
    assert event["type"] == f"run.{TOLD[state]}"
    del event["data"]["facts"]["run_id"]
    assert not SCHEMA.is_valid(event)


def test_the_event_of_a_champion_is_as_its_schema_says() -> None:
    run = make_run(state=RunState.PROMOTED, tuned_model="ft:2")
    SCHEMA.validate(json.loads(event_body(notice_of_champion(run, before=None, cause="c", number=1), NOON)))


def test_every_type_is_written_as_the_schema_says() -> None:
    pattern = json.loads(Path("docs/notices.schema.json").read_text())["properties"]["type"]["pattern"]
    assert [event_type for event_type in KINDS.values() if not re.fullmatch(pattern, event_type)] == []
    assert len(set(KINDS.values())) == len(KINDS)


def test_the_pauses_are_those_of_standard_webhooks_and_the_last_one_stays() -> None:
    hours = [pause / timedelta(hours=1) for pause in PAUSES[3:]]
    assert [pause.total_seconds() for pause in PAUSES[:3]] == [5, 300, 1800]
    assert hours == [2, 5, 10, 14, 20, 24]
    assert [pause_after(attempts) for attempts in range(1, MAX_ATTEMPTS)] == list(PAUSES)
    assert pause_after(MAX_ATTEMPTS + 5) == PAUSES[-1]


# The service's own health.


def letter(hours_ago: float, kind: str = "run") -> dict[str, Any]:
    return {"kind": kind, "created_at": NOON - timedelta(hours=hours_ago)}


def test_letters_are_told_while_new_ones_come_and_once_a_day() -> None:
    assert notice_of_letters([], total=0, now=NOON) is None
    assert notice_of_letters([letter(25)], total=1, now=NOON) is None
    notice = notice_of_letters([letter(1), letter(2, "row"), letter(30)], total=3, now=NOON)
    assert notice is not None
    assert notice.facts == {"total": 3, "new": 2, "kinds": ["row", "run"]}
    later = notice_of_letters([letter(0)], total=9, now=NOON + timedelta(hours=3))
    tomorrow = notice_of_letters([letter(-24)], total=9, now=NOON + timedelta(days=1))
    assert later is not None
    assert tomorrow is not None
    assert notice.notice_id == later.notice_id != tomorrow.notice_id


@pytest.mark.parametrize(
    ("hours", "every_min", "is_told"), [(0.9, 5, False), (1.1, 5, True), (5, 30, False), (7, 30, True)]
)
def test_a_project_that_is_not_read_any_more_is_told(hours: float, every_min: int, *, is_told: bool) -> None:
    read_at = NOON - timedelta(hours=hours)
    notice = notice_of_silence("p", read_at, every=timedelta(minutes=every_min), now=NOON)
    assert (notice is not None) == is_told
