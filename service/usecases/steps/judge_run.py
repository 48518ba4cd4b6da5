"""From stored answers to an evaluation: the one way in which a run is judged, and judged again from what is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from importlib.metadata import version
from typing import Any

from service.domain.comparisons import interval
from service.domain.contests import Rival
from service.domain.guards import GuardRule
from service.domain.judgements import judge_scores
from service.domain.metric_specs import MetricSpec
from service.domain.metrics import Context, Metric, described, score
from service.domain.pipelines import Pipeline, VerdictPolicy
from service.domain.questions import Question
from service.domain.repeated_looks import Look
from service.domain.slices import Slices, score_slices, slices_of
from service.domain.unfinished import unfinished_words


def judged_by(pipeline: Pipeline, by_name: Mapping[str, Metric]) -> list[Metric]:
    """Give the metrics that decide a pipeline's verdicts, the primary one first."""
    return [by_name[name] for name in (pipeline.verdict.primary, *pipeline.verdict.guard)]


def judge(
    policy: VerdictPolicy,
    metrics: Sequence[Metric],
    questions: Sequence[Question],
    answers: Mapping[str, Mapping[str, str]],
    context: Context,
    *,
    look: Look,
    slices: Slices | None = None,
) -> dict[str, Any]:
    """Score every answer and compare the challenger with the base, and with the champion where there is one.

    Args:
        policy: What counts as better.
        metrics: The primary one first, then the guards.
        questions: The held-out examples.
        answers: By role and question's key.
        context: What is known beside them.
        look: Says how surely a gain has to be proven.
        slices: Those of an earlier time; None makes them of what is known now.

    Returns:
        Verdict, look, scores, intervals and comparisons, as JSON can hold them.
    """
    scores = score(metrics, questions, answers, context)
    rivals: tuple[Rival, ...] = ("champion", "base") if "champion" in answers else ("base",)
    rule = GuardRule(policy.guard_margin, proven=policy.guard_proven)
    judgement = judge_scores(metrics, {rival: scores.against(rival) for rival in rivals}, look=look, rule=rule)
    table = scores.table(judgement.incumbent)
    parts_of = slices_of(questions, context.facts) if slices is None else slices
    return {
        **asdict(judgement.verdict),
        "sentence": judgement.verdict.sentence + unfinished_words(context.unfinished, len(questions)),
        "failed_guards": list(judgement.verdict.failed_guards),
        "incumbent": judgement.incumbent,
        "look": asdict(look),
        "held_out": len(questions),
        "questions": [question.key for question in questions],
        "metrics": {metric.name: described(metric) for metric in metrics},
        "scores": table,
        "intervals": {
            metric.name: {role: interval(metric, given)._asdict() for role, given in table[metric.name].items()}
            for metric in metrics
        },
        "comparisons": {
            rival: {name: asdict(comparison) for name, comparison in by_metric.items()}
            for rival, by_metric in judgement.comparisons.items()
        },
        "figures": scores.figures,
        "slices": score_slices(metrics, table, questions, parts_of),
        "slice_members": members_of(questions, parts_of),
        **unfinished_in(context),
    }


def judge_base(
    metrics: Sequence[Metric],
    questions: Sequence[Question],
    answers: Mapping[str, str],
    context: Context,
    *,
    slices: Slices | None = None,
) -> dict[str, Any]:
    """Score the answers of an untuned model, which is compared with nobody.

    Args:
        metrics: Those that need no second model.
        questions: The held-out examples.
        answers: By question's key.
        context: What is known beside them.
        slices: Those of an earlier time; None makes them of what is known now.
    """
    scores = score(metrics, questions, {"base": answers}, context)
    table = scores.table("base")
    parts_of = slices_of(questions, context.facts) if slices is None else slices
    return {
        "held_out": len(questions),
        "questions": [question.key for question in questions],
        "metrics": {metric.name: described(metric) for metric in metrics},
        "scores": table,
        "intervals": {
            metric.name: {"base": interval(metric, table[metric.name]["base"])._asdict()} for metric in metrics
        },
        "figures": scores.figures,
        "slices": score_slices(metrics, table, questions, parts_of),
        "slice_members": members_of(questions, parts_of),
        **unfinished_in(context),
    }


def unfinished_in(context: Context) -> dict[str, Any]:
    """Give how many answers count as the worst; nothing of the time when such answers were measured as they are."""
    numbers = {role: len(keys) for role, keys in context.unfinished.items()}
    return {"unfinished": numbers} if numbers else {}


def rules_of(pipeline: Pipeline) -> dict[str, Any]:
    """Give the configuration that a verdict rests on, as JSON holds it: without it no number could be had again."""
    policy = pipeline.verdict
    used = {policy.primary, *policy.guard}
    margin = policy.guard_margin
    return {
        "edition": version("tuneloop"),
        "rules": {
            "primary": policy.primary,
            "guard": list(policy.guard),
            "guard_margin": dict(margin) if isinstance(margin, Mapping) else margin,
            "guard_proven": policy.guard_proven,
            "phone_regions": list(pipeline.checks.phone_regions),
            "specs": {name: _spec_facts(spec) for name, spec in pipeline.metrics.items() if name in used},
        },
    }


def _spec_facts(spec: MetricSpec) -> dict[str, Any]:
    return {field.name: getattr(spec, field.name) for field in fields(spec)}


def members_of(questions: Sequence[Question], slices: Slices) -> dict[str, list[int]]:
    """Give by slice the places of its questions: metadata may change, and a forgotten question leaves no key."""
    return {
        name: [place for place, question in enumerate(questions) if question.key in keys]
        for name, keys in slices.items()
    }
