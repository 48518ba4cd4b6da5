"""How the page writes moments, states, scores, and what may be done."""

from datetime import timedelta

import pytest

from service.domain.runs import TERMINAL, WAITS_FOR_A_PERSON, RunState
from service.web.pages.commands import commands_for, commands_for_letter
from service.web.pages.verdict import scores_of
from service.web.pages.words import ago, at, number, plain, reason, short, state, usd
from tests.support.builders import make_run
from tests.support.fakes import NOON

S = RunState


@pytest.mark.parametrize(
    ("back_s", "words"),
    [
        (0, "0 seconds ago"),
        (1, "1 second ago"),
        (119, "1 minute ago"),
        (7200, "2 hours ago"),
        (86_400 * 40, "40 days ago"),
        (-90, "in 1 minute"),
    ],
)
def test_how_long_ago_is_said_in_the_greatest_unit_that_fits(back_s: int, words: str) -> None:
    written = ago(NOON - timedelta(seconds=back_s), NOON)
    assert f">{words}</time>" in written
    assert ago(NOON, NOON).startswith('<time datetime="2026-11-02T12:00:00+00:00" title="2026-11-02 12:00:00 UTC">')


def test_a_trainers_seconds_and_our_moments_are_written_alike() -> None:
    assert at(NOON.timestamp()) == at(NOON)
    assert ">2026-11-02 12:00:00</time>" in at(NOON)
    assert [at(odd) for odd in (10**30, -(10**13))] == ["-", "-"]


def test_a_state_that_the_page_has_no_words_for_is_shown_as_it_is_and_escaped() -> None:
    assert state("deploying_model") == '<span class="badge busy">deploying model</span>'
    assert "<b>" not in state("<b>")
    assert state(S.NEEDS_ATTENTION) == '<span class="badge bad">needs attention</span>'


def test_numbers_money_and_names_are_short_and_plain() -> None:
    assert (number(1_234_567), number(None), usd(1234.5)) == ("1,234,567", "-", "1,234.50 USD")
    assert (short("a" * 64), short(None)) == ("a" * 12, "-")
    assert (plain("text"), plain(["é"]), plain(None)) == ("text", '["é"]', "null")
    assert reason("not_done") == "the row is not approved (any more)"
    assert reason("from_a_later_version") == "from a later version"


@pytest.mark.parametrize("each", S)
def test_whatever_state_a_run_is_in_the_commands_are_those_that_work_there(each: RunState) -> None:
    verbs = [command.line.split()[2] for command in commands_for(make_run(state=each))]
    assert ("approve" in verbs) == (each in WAITS_FOR_A_PERSON)
    assert ("cancel" in verbs) == (each not in TERMINAL)
    # Whether another run may be started is not the state's to say.
    assert "start" not in verbs
    assert ("promote" in verbs) == (each == S.KEPT)


def test_a_model_that_was_taken_down_is_not_offered_to_be_promoted() -> None:
    assert commands_for(make_run(state=S.KEPT, facts={"taken_down": True})) == ()


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("delivery", "tuneloop dead-letters replay id-1"),
        ("notice", "tuneloop dead-letters replay id-1"),
        ("run", "tuneloop runs show subject-1"),
        ("aftermath", "tuneloop runs show subject-1"),
        ("deployment", "tuneloop models undeploy subject-1"),
        ("orphan", "tuneloop runs orphans"),
        ("reconcile", "tuneloop dead-letters show id-1"),
    ],
)
def test_a_dead_letter_has_the_command_of_its_kind(kind: str, line: str) -> None:
    lines = [command.line for command in commands_for_letter(kind, "id-1", "subject-1")]
    assert lines == [line, "tuneloop dead-letters dismiss id-1"]


def test_scores_of_a_metric_that_is_no_longer_known_or_of_nothing_compared_are_shown_too() -> None:
    nothing = {"n": 0, "kind": "score", "words": "gone", "better_on": 0, "worse_on": 0}
    evaluation = {
        "incumbent": "base",
        "intervals": {"gone": {"base": {"mean": None, "low": 0.0, "high": 1.0}}, "alone": {}},
        "comparisons": {"base": {"gone": nothing}},
    }
    gone, alone = scores_of(evaluation)
    assert (gone.words, gone.scores, gone.difference) == ("gone", {"base": "-"}, "nothing was compared")
    assert (alone.words, alone.difference, alone.counts) == ("", "-", "-")
