"""From answers to scores: the one way in which a verdict, a report or a recomputation measures."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from service.domain.errors import MetricFailed
from service.domain.judging.duels import Choice, Duel, duels_of, judge_name, requests_of, value_of
from service.domain.judging.reports import choices_in, judge_report, report_words
from service.domain.metric_specs import JudgeSpec
from service.domain.metrics.metric import Metric
from service.domain.questions import Question, QuestionFacts

CHALLENGER = "challenger"
# One a question, in their order.
Values = list[float]
ByRole = Mapping[str, Values]


@dataclass(frozen=True, slots=True)
class Context:
    """What is known beside questions and answers.

    Attributes:
        facts: By question's key, as far as anything is known.
        judgements: What judges replied, by key of the request.
        unfinished: By role, the questions to which its answers are none: cut or refused.
    """

    facts: Mapping[str, QuestionFacts] = field(default_factory=dict)
    judgements: Mapping[str, Choice] = field(default_factory=dict)
    unfinished: Mapping[str, Collection[str]] = field(default_factory=dict)

    def lacking(self, role: str) -> Collection[str]:
        """Give the questions to which a model's answers are none."""
        return self.unfinished.get(role, ())


@dataclass(frozen=True, slots=True)
class Scores:
    """What every model scored on every question.

    Attributes:
        measured: By metric and role.
        judged: By judge's metric, rival and role: a judge only ever says who of two is better.
        figures: By metric, what only all examples together say, as JSON holds it.
    """

    measured: Mapping[str, ByRole]
    judged: Mapping[str, Mapping[str, ByRole]]
    figures: Mapping[str, Mapping[str, Any]]

    def against(self, rival: str) -> Mapping[str, ByRole]:
        """Give, by metric, the challenger's values and a rival's, as they can be compared in pairs."""
        judged = {name: rivals[rival] for name, rivals in self.judged.items() if rival in rivals}
        return {**{name: self._pair(by_role, rival) for name, by_role in self.measured.items()}, **judged}

    def table(self, incumbent: str) -> Mapping[str, ByRole]:
        """Give, by metric and role, values to show; where judged, the challenger's are those against the incumbent."""
        judged = {
            name: {
                **{role: by_role[role] for role, by_role in rivals.items()},
                **{role: values for role, values in rivals.get(incumbent, {}).items() if role == CHALLENGER},
            }
            for name, rivals in self.judged.items()
        }
        return {**self.measured, **judged}

    @staticmethod
    def _pair(by_role: ByRole, rival: str) -> ByRole:
        return {role: by_role[role] for role in (CHALLENGER, rival)}


def score(
    metrics: Sequence[Metric],
    questions: Sequence[Question],
    answers: Mapping[str, Mapping[str, str]],
    context: Context = Context(),
) -> Scores:
    """Score every answer by every metric.

    Args:
        metrics: The metrics.
        questions: What was asked.
        answers: By role (``challenger``, ``base``, ``champion``) and question's key: what each model answered.
        context: See ``Context``; judges need the replies to ``requests_for``.

    Raises:
        MetricFailed: A metric cannot measure an answer, or a judge was not asked about it yet.
    """
    measured = {
        metric.name: {role: _values(metric, questions, given, context.lacking(role)) for role, given in answers.items()}
        for metric in metrics
        if metric.measure
    }
    judged = {
        metric.name: {
            rival: _judged(metric, metric.judge, _duels(questions, answers, rival, context), rival, context)
            for rival in rivals_in(answers)
        }
        for metric in metrics
        if metric.judge
    }
    figures = {metric.name: found for metric in metrics if (found := _figures(metric, questions, answers, context))}
    return Scores(measured, judged, figures)


def rivals_in(answers: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    """Give the answers of those whom a challenger is compared with; nobody without a challenger."""
    return {role: given for role, given in answers.items() if role != CHALLENGER} if CHALLENGER in answers else {}


def human_duels(spec: JudgeSpec, questions: Sequence[Question], facts: Mapping[str, QuestionFacts]) -> list[Duel]:
    """Give the choices that humans made among the held-out examples, the closest one each, as many as a judge is asked.

    Which ones depends on the questions' hashes and on nothing else.
    """
    chosen = [
        Duel(question, question.reference, found.rejected[0])
        for question in sorted(questions, key=lambda question: question.key)
        if (found := facts.get(question.key)) and found.rejected
    ]
    return chosen[: spec.human_pairs]


def duels_for(
    spec: JudgeSpec, questions: Sequence[Question], answers: Mapping[str, Mapping[str, str]], context: Context
) -> list[Duel]:
    """Give every duel that a judge has to see before ``score`` can be called.

    ``requests_of`` gives what to ask of each.
    """
    between = [_duels(questions, answers, rival, context) for rival in rivals_in(answers)]
    return [*(duel for duels in between for duel in duels), *human_duels(spec, questions, context.facts)]


def _duels(
    questions: Sequence[Question], answers: Mapping[str, Mapping[str, str]], rival: str, context: Context
) -> list[Duel]:
    unfinished = (context.lacking(CHALLENGER), context.lacking(rival))
    return duels_of(questions, answers[CHALLENGER], answers[rival], unfinished=unfinished)


def _values(
    metric: Metric, questions: Sequence[Question], answers: Mapping[str, str], lacking: Collection[str]
) -> Values:
    measure = metric.measure
    if measure is None:
        return []
    # An answer that is none leaks nothing and is short: measured as it is, a model that refuses would win.
    return [
        metric.worst if question.key in lacking else measure(question.prompt, question.reference, answers[question.key])
        for question in questions
    ]


def _judged(metric: Metric, spec: JudgeSpec, duels: Sequence[Duel], rival: str, context: Context) -> ByRole:
    try:
        ours = [value_of(choices_in(spec, duel, context.judgements), duel.winner) for duel in duels]
    except KeyError:
        raise MetricFailed(f"the judge of the metric {metric.name!r} was not asked about every answer") from None
    return {CHALLENGER: ours, rival: [1.0 - value for value in ours]}


def _figures(
    metric: Metric, questions: Sequence[Question], answers: Mapping[str, Mapping[str, str]], context: Context
) -> Mapping[str, Any]:
    if metric.judge:
        return _figures_of_judge(metric.judge, questions, answers, context)
    if metric.corpus is None:
        return {}
    return {
        role: metric.corpus(
            [
                (question.reference, "" if question.key in context.lacking(role) else given[question.key])
                for question in questions
            ]
        )
        for role, given in answers.items()
    }


def _figures_of_judge(
    spec: JudgeSpec, questions: Sequence[Question], answers: Mapping[str, Mapping[str, str]], context: Context
) -> Mapping[str, Any]:
    # Where questions were forgotten others are the first ones, which no judge was asked about.
    humans = [
        duel
        for duel in human_duels(spec, questions, context.facts)
        if all(request.key in context.judgements for request in requests_of(spec, duel))
    ]
    found: dict[str, Mapping[str, Any]] = {}
    for rival in rivals_in(answers):
        duels = _duels(questions, answers, rival, context)
        report = judge_report(spec, duels, humans, context.judgements)
        found[rival] = {**asdict(report), "judge": judge_name(spec), "words": list(report_words(report))}
    return found
