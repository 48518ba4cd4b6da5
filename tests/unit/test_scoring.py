"""One function scores for a verdict, a report and a recomputation."""

import json

import pytest

from service.adapters.own_functions import load_function
from service.domain.comparisons import compare
from service.domain.errors import MetricFailed
from service.domain.judging.duels import Choice, duels_of, requests_of
from service.domain.metric_specs import JudgeSpec
from service.domain.metrics import METRICS, Context, Metric, figure_lines, metric_named, metric_of, score
from service.domain.metrics.scoring import duels_for, human_duels
from service.domain.questions import QuestionFacts, question_in

QUESTIONS = [
    question_in([{"role": "user", "content": f"Chat {n}"}, {"role": "assistant", "content": f"answer {n}"}])
    for n in range(4)
]
SPEC = JudgeSpec("openai", "judge-1", "Which is shorter?", human_pairs=2)
JUDGE: Metric = metric_of("careful", SPEC, load=load_function)
ANSWERS = {
    "base": {question.key: "a long answer of the base" for question in QUESTIONS},
    "challenger": {question.key: question.reference for question in QUESTIONS},
    "champion": {question.key: "short" for question in QUESTIONS},
}


def prefers_shorter() -> dict[str, Choice]:
    replies: dict[str, Choice] = {}
    for rival in ("base", "champion"):
        for duel in duels_of(QUESTIONS, ANSWERS["challenger"], ANSWERS[rival]):
            mine, theirs = requests_of(SPEC, duel)
            ours_is_shorter = len(duel.ours) < len(duel.theirs)
            replies |= {mine.key: "A" if ours_is_shorter else "B", theirs.key: "B" if ours_is_shorter else "A"}
    return replies


def test_every_role_is_measured_in_the_order_of_the_questions() -> None:
    scores = score([metric_named("exact_match")], QUESTIONS, ANSWERS)
    assert scores.measured == {"exact_match": {"base": [0.0] * 4, "challenger": [1.0] * 4, "champion": [0.0] * 4}}
    assert scores.against("base")["exact_match"] == {"challenger": [1.0] * 4, "base": [0.0] * 4}


def test_a_judge_scores_the_challenger_against_each_rival() -> None:
    scores = score([JUDGE], QUESTIONS, ANSWERS, Context(judgements=prefers_shorter()))
    assert scores.against("base")["careful"] == {"challenger": [1.0] * 4, "base": [0.0] * 4}
    assert scores.against("champion")["careful"] == {"challenger": [0.0] * 4, "champion": [1.0] * 4}
    # Shown are the challenger's values against the incumbent, and each rival's against the challenger.
    assert scores.table("champion")["careful"] == {
        "base": [0.0] * 4,
        "champion": [1.0] * 4,
        "challenger": [0.0] * 4,
    }
    pair = scores.against("champion")["careful"]
    assert compare(JUDGE, pair["challenger"], pair["champion"]).difference == -1.0
    figures = scores.figures["careful"]
    assert (figures["base"]["won"], figures["champion"]["lost"], figures["base"]["judge"]) == (4, 4, "openai/judge-1")
    assert any("agreement with humans is not known" in words for words in figures["base"]["words"])
    json.dumps(scores.figures)


def test_a_judge_that_was_not_asked_is_an_error_and_no_tie() -> None:
    with pytest.raises(MetricFailed, match="'careful' was not asked"):
        score([JUDGE], QUESTIONS, ANSWERS, Context(judgements={}))


def test_a_model_alone_has_nobody_to_be_judged_against() -> None:
    scores = score([JUDGE, metric_named("chrf")], QUESTIONS, {"base": ANSWERS["base"]})
    assert scores.judged == {"careful": {}}
    assert set(scores.measured["chrf"]) == {"base"}
    assert duels_for(SPEC, QUESTIONS, {"base": ANSWERS["base"]}, Context()) == []


def test_humans_are_asked_about_by_the_closest_choice_and_no_more_than_was_said() -> None:
    facts = {question.key: QuestionFacts(rejected=("close", "far")) for question in QUESTIONS}
    found = human_duels(SPEC, QUESTIONS, facts)
    assert [(duel.ours, duel.theirs) for duel in found] == [(duel.question.reference, "close") for duel in found]
    assert len(found) == 2
    assert human_duels(SPEC, QUESTIONS[::-1], facts) == found
    assert len(duels_for(SPEC, QUESTIONS, ANSWERS, Context(facts))) == 2 * 4 + 2


def test_figures_are_read_line_by_line_as_they_were_stored() -> None:
    metrics = [JUDGE, metric_named("label_f1"), metric_named("chrf")]
    figures = score(metrics, QUESTIONS, ANSWERS, Context(judgements=prefers_shorter())).figures
    lines = list(figure_lines(json.loads(json.dumps(figures))))
    assert "careful against base: won 4, lost 0, even 0" in lines
    assert "label_f1 of challenger: macro F1 100.0, the mean over the labels that humans gave" in lines
    assert list(figure_lines({})) == []


def test_labels_come_with_their_macro_f1_by_role() -> None:
    figures = score([metric_named("label_f1")], QUESTIONS, ANSWERS).figures["label_f1"]
    assert (figures["challenger"]["macro_f1"], figures["base"]["macro_f1"]) == (100, 0)
    assert figures["base"]["answers_with_other_labels"] == 4


# Answers that are none.


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_an_answer_that_is_none_is_the_worst_there_is_whatever_it_says(metric: Metric) -> None:
    lacking = {"challenger": {QUESTIONS[1].key}}
    values = score([metric], QUESTIONS, ANSWERS, Context(unfinished=lacking)).measured[metric.name]
    usual = score([metric], QUESTIONS, ANSWERS).measured[metric.name]
    worst = metric.low if metric.higher_is_better else metric.high
    assert values["challenger"] == [usual["challenger"][0], worst, *usual["challenger"][2:]]
    assert (values["base"], values["champion"]) == (usual["base"], usual["champion"])


def test_labels_of_an_answer_that_is_none_count_in_no_figure() -> None:
    metric = metric_named("label_f1")
    lacking = {"challenger": {question.key for question in QUESTIONS}}
    figures = score([metric], QUESTIONS, ANSWERS, Context(unfinished=lacking)).figures["label_f1"]
    assert (
        figures["challenger"]["macro_f1"]
        == 0.0
        < score([metric], QUESTIONS, ANSWERS).figures["label_f1"]["challenger"]["macro_f1"]
    )


def test_a_judge_is_not_asked_about_an_answer_that_is_none_and_the_other_wins() -> None:
    mine, theirs, both = (QUESTIONS[n].key for n in range(3))
    lacking = {"challenger": {mine, both}, "base": {theirs, both}}
    context = Context(unfinished=lacking)
    answers = {role: ANSWERS[role] for role in ("challenger", "base")}
    asked = [duel for duel in duels_for(SPEC, QUESTIONS, answers, context) if requests_of(SPEC, duel)]
    assert [duel.question for duel in asked] == [QUESTIONS[3]]
    context = Context(unfinished=lacking, judgements=prefers_shorter())
    scores = score([JUDGE], QUESTIONS, answers, context)
    assert scores.against("base")["careful"] == {"challenger": [0.0, 1.0, 0.5, 1.0], "base": [1.0, 0.0, 0.5, 0.0]}
    figures = scores.figures["careful"]["base"]
    assert (figures["won"], figures["lost"], figures["even"], figures["identical"]) == (2, 1, 1, 0)


def test_choices_of_humans_that_no_judge_was_asked_about_are_left_out() -> None:
    """Of what is left after a question was forgotten, others are the first ones."""
    facts = {question.key: QuestionFacts(rejected=("bad",)) for question in QUESTIONS}
    duels = duels_for(SPEC, QUESTIONS, ANSWERS, Context(facts))
    replies: dict[str, Choice] = {request.key: "tie" for duel in duels for request in requests_of(SPEC, duel)}
    whole = score([JUDGE], QUESTIONS, ANSWERS, Context(facts, replies))
    forgotten = min(QUESTIONS, key=lambda question: question.key)
    left = [question for question in QUESTIONS if question is not forgotten]
    again = score([JUDGE], left, ANSWERS, Context(facts, replies))
    assert (whole.figures["careful"]["base"]["undecided"], again.figures["careful"]["base"]["undecided"]) == (2, 1)
