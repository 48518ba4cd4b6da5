"""What a stored evaluation says, whichever version wrote it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.domain.metrics import METRICS, Metric
from service.domain.reports import MetricFacts, VerdictFacts
from service.domain.slices import Slices

Facts = Mapping[str, Any]

_CHALLENGER = "challenger"


def metric_in(facts: Facts, name: str) -> Metric | None:
    """Give one of an evaluation's metrics as it was then; None where neither it nor this version describes it."""
    described = facts.get("metrics", {}).get(name)
    return Metric(name=name, measure=None, **described) if described else METRICS.get(name)


def is_judged(facts: Facts, name: str) -> bool:
    """Say whether a metric's values are a judge's: who of two is better, which says nothing of a third."""
    return any("judge" in figure for figure in facts.get("figures", {}).get(name, {}).values())


def values_in(facts: Facts, name: str, role: str = _CHALLENGER) -> dict[str, float]:
    """Give a model's values by the question's key, without those of forgotten questions."""
    values = facts.get("scores", {}).get(name, {}).get(role, [])
    return {key: value for key, value in zip(facts.get("questions", []), values, strict=False) if key}


def slices_in(facts: Facts) -> Slices:
    """Give the keys of each slice as it was then, without forgotten questions; none where it was not stored."""
    keys = facts.get("questions", [])
    return {
        name: frozenset(keys[place] for place in places) - {""}
        for name, places in facts.get("slice_members", {}).items()
    }


def verdict_in(facts: Facts) -> VerdictFacts:
    """Give what was decided."""
    return VerdictFacts(
        outcome=facts["outcome"],
        sentence=facts["sentence"],
        incumbent=facts["incumbent"],
        further_examples_needed=facts.get("further_examples_needed"),
        failed_guards=tuple(facts.get("failed_guards", ())),
        look=facts.get("look"),
        notes=tuple(_notes(facts)),
    )


def _notes(facts: Facts) -> Iterator[str]:
    look = facts.get("look")
    if look:
        yield f"Look {look['number']} at these examples: a difference is proven where p is below {look['alpha']:.3g}."
    if facts.get("below_base"):
        yield "The challenger is below the base, though there is a champion."
    if facts.get("champion_gone"):
        yield "The champion did not answer, and was not compared with."
    if facts.get("champion_unasked"):
        used = "its stored answers were used" if "champion" in facts.get("models", {}) else "it was not compared with"
        yield f"The champion's trainer was not configured: {used}."
    if facts.get("base_gone"):
        yield "The base did not answer any more: its stored answers were used."


def metrics_in(facts: Facts) -> Iterator[MetricFacts]:
    """Give the metrics, the one that decides first; one that nothing describes any more is left out."""
    failed = facts.get("failed_guards", ())
    for place, (name, scores) in enumerate(facts["intervals"].items()):
        if metric := metric_in(facts, name):
            yield MetricFacts(
                name=name,
                words=metric.words,
                kind=metric.kind,
                higher_is_better=metric.higher_is_better,
                low=metric.low,
                high=metric.high,
                part="guard" if place else "primary",
                is_failed=name in failed,
                scores=scores,
                differences={rival: of[name] for rival, of in facts["comparisons"].items() if name in of},
            )


@dataclass(frozen=True, slots=True)
class Ranked:
    """One example by its numbers: how much better the challenger is than the incumbent, in points, and all scores."""

    key: str
    change: Mapping[str, float]
    scores: Mapping[str, Mapping[str, float]]


def rank_examples(facts: Facts) -> list[Ranked]:
    """Give the examples that are not forgotten: the greatest loss of the first metric first, then of the next.

    Where nothing differs the challenger's worst answers come first.
    """
    metrics = [metric for name in facts["intervals"] if (metric := metric_in(facts, name))]
    by_metric = {
        metric.name: {role: values_in(facts, metric.name, role) for role in facts["scores"].get(metric.name, {})}
        for metric in metrics
    }
    incumbent = facts["incumbent"]

    def ranked(key: str) -> Ranked:
        scores = {
            name: {role: values[key] for role, values in by_role.items() if key in values}
            for name, by_role in by_metric.items()
        }
        change = {metric.name: _change(metric, scores[metric.name], incumbent) for metric in metrics}
        return Ranked(key, change, scores)

    def by_loss(one: Ranked) -> tuple[list[float], list[float], str]:
        achieved = [_sign(metric) * one.scores[metric.name].get(_CHALLENGER, 0.0) for metric in metrics]
        return [one.change[metric.name] for metric in metrics], achieved, one.key

    return sorted(map(ranked, filter(None, facts.get("questions", []))), key=by_loss)


def _change(metric: Metric, scores: Mapping[str, float], incumbent: str) -> float:
    if _CHALLENGER not in scores or incumbent not in scores:
        return 0.0
    return _sign(metric) * (scores[_CHALLENGER] - scores[incumbent]) * 100 / (metric.high - metric.low)


def _sign(metric: Metric) -> int:
    return 1 if metric.higher_is_better else -1
