"""Is labelling still paying? Scores of one dataset version after the other, and what further labels would bring.

Versions are only compared by questions that all of them were asked: a held-out set grows, and newer questions may be
harder. Points are hundredths of the metric's range, and positive where something gets better.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from service.domain.comparisons import Interval, interval
from service.domain.curve_fits import Fit, Measured, fit_power_law
from service.domain.metrics import Metric

Answer = Literal["pays", "hardly", "cannot tell"]
Why = Literal["few_versions", "alike_sizes", "flat", "wide"]

FURTHER = 50
FEWEST_VERSIONS = 4
# The largest version must be so many times the smallest: a law from one spot leads anywhere.
LEAST_SPREAD = 1.5
# With fewer questions in common a version is shown and not compared.
FEWEST_COMMON = 10
# With fewer the sentence says that they are few: other questions may say something else.
MANY_COMMON = 30
# A gain that is surely below a point is hardly one.
HARDLY_POINTS = 1.0
_NORMAL_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Version:
    """What one judged run says: its challenger's values, by the question's key.

    Attributes:
        model: The base model: versions of different ones are no curve.
        trained_on: Examples in the training file.
    """

    run_id: str
    ordinal: int
    model: str
    trained_on: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One version's score.

    Attributes:
        n: Questions that it is the mean of.
        is_compared: Whether these are the questions of all that are compared; if not it only stands beside them.
    """

    run_id: str
    ordinal: int
    model: str
    trained_on: int
    n: int
    mean: float | None
    low: float
    high: float
    is_compared: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """What so many further labels would bring, in points, with the 95 % interval."""

    further: int
    points: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """A pipeline's curve; plain values only, so that it can be told as JSON.

    Attributes:
        common: Questions that all compared versions were asked.
        points: By size.
        line: Size and score of the fitted law, in the metric's unit.
        answer: Whether labelling pays.
        why: Why it cannot be told.
        sentence: The answer, as a manager reads it.
    """

    metric: str
    words: str
    kind: str
    higher_is_better: bool
    common: int
    points: tuple[CurvePoint, ...]
    line: tuple[tuple[float, float], ...]
    forecast: Forecast | None
    answer: Answer
    why: Why | None
    sentence: str


def draw_curve(metric: Metric, versions: Iterable[Version], *, further: int = FURTHER) -> LearningCurve:
    """Compare the versions of the newest run's base model, and foretell what further labels would bring.

    Args:
        metric: What was measured.
        versions: In any order.
        further: How many labels more.
    """
    known = sorted(versions, key=lambda version: (version.ordinal, version.run_id))
    compared, common = _comparable(known)
    points = sorted((_point(metric, version, compared, common) for version in known), key=_by_size)
    chosen = [point for point in points if point.is_compared]
    why = _hindrance(chosen)
    fit = None if why else _fit(metric, chosen, further)
    forecast = _forecast(metric, fit, further) if fit else None
    answer = _answer(forecast)
    if forecast and answer == "cannot tell":
        why = "wide"
    sign = 1 if metric.higher_is_better else -1
    return LearningCurve(
        metric=metric.name,
        words=metric.words,
        kind=metric.kind,
        higher_is_better=metric.higher_is_better,
        common=len(common),
        points=tuple(points),
        line=tuple((size, sign * score) for size, score in zip(fit.sizes, fit.scores, strict=True)) if fit else (),
        forecast=forecast,
        answer=answer,
        why=why,
        sentence=_sentence(chosen, len(common), forecast, answer, why),
    )


def _comparable(versions: Sequence[Version]) -> tuple[Collection[str], Collection[str]]:
    """Give ids of the runs that can be compared, and the questions they share: the newest, and each older that fits."""
    chosen: list[str] = []
    common: frozenset[str] = frozenset()
    for version in reversed(versions):
        shared = common.intersection(version.values) if chosen else frozenset(version.values)
        if version.model == versions[-1].model and len(shared) >= FEWEST_COMMON:
            chosen.append(version.run_id)
            common = shared
    return chosen, common


def _point(metric: Metric, version: Version, compared: Collection[str], common: Collection[str]) -> CurvePoint:
    is_compared = version.run_id in compared
    # By key, so that no sum depends on an order.
    asked = sorted(common if is_compared else version.values)
    found: Interval = interval(metric, [version.values[key] for key in asked])
    place = (version.run_id, version.ordinal, version.model, version.trained_on)
    return CurvePoint(*place, len(asked), *found, is_compared=is_compared)


def _by_size(point: CurvePoint) -> tuple[int, int, str]:
    return point.trained_on, point.ordinal, point.run_id


def _hindrance(chosen: Sequence[CurvePoint]) -> Why | None:
    sizes = {point.trained_on for point in chosen} - {0}
    if len(sizes) < FEWEST_VERSIONS:
        return "few_versions"
    if max(sizes) < LEAST_SPREAD * min(sizes):
        return "alike_sizes"
    return "flat" if len({point.mean for point in chosen}) == 1 else None


def _fit(metric: Metric, chosen: Sequence[CurvePoint], further: int) -> Fit:
    sign = 1 if metric.higher_is_better else -1
    measured = [
        Measured(point.trained_on, sign * (point.mean or 0.0), (point.high - point.low) / (2 * _NORMAL_95))
        for point in chosen
        if point.trained_on
    ]
    low, high = sorted((sign * metric.low, sign * metric.high))
    return fit_power_law(measured, further=further, bounds=(low, high))


def _forecast(metric: Metric, fit: Fit, further: int) -> Forecast:
    span = (metric.high - metric.low) / 100
    return Forecast(further, fit.gain / span, fit.low / span, fit.high / span)


def _answer(forecast: Forecast | None) -> Answer:
    if forecast is None:
        return "cannot tell"
    if forecast.high < HARDLY_POINTS:
        return "hardly"
    return "pays" if forecast.low > 0 else "cannot tell"


def _sentence(
    chosen: Sequence[CurvePoint], common: int, forecast: Forecast | None, answer: Answer, why: Why | None
) -> str:
    on = f"{len(chosen)} versions on {'only ' if common < MANY_COMMON else ''}{common} common questions"
    if forecast and answer != "cannot tell":
        seen = f"as {on} show"
        limits = f"95 % interval {forecast.low:+.1f} to {forecast.high:+.1f}"
        if answer == "pays":
            return (
                f"Labelling still pays: {forecast.further} more labels would bring about {forecast.points:.1f} points "
                f"({limits}), {seen}."
            )
        if forecast.high < 0:
            return (
                f"Labelling does not pay as it is done now: scores fall, and {forecast.further} more labels would cost "
                f"about {-forecast.points:.1f} points ({limits}), {seen}. Look at the newest labels."
            )
        return (
            f"Labelling hardly pays any more: {forecast.further} more labels would bring less than "
            f"{HARDLY_POINTS:g} point ({limits}), {seen}."
        )
    return f"Whether labelling still pays cannot be told yet: {_reason(chosen, on, forecast, why)}."


def _reason(chosen: Sequence[CurvePoint], on: str, forecast: Forecast | None, why: Why | None) -> str:
    sizes = [point.trained_on for point in chosen]
    match why:
        case "few_versions":
            return (
                f"{len(set(sizes))} versions of different size were asked the same {FEWEST_COMMON} questions or more, "
                f"and it takes {FEWEST_VERSIONS}"
            )
        case "alike_sizes":
            return (
                f"all versions were trained on {min(sizes)} to {max(sizes)} examples, and the largest has to be "
                f"{LEAST_SPREAD:g} times the smallest"
            )
        case "flat":
            return f"{on} all score the same, so that nothing shows what labels bring"
    if forecast is None:
        return "nothing was measured"
    return (
        f"{forecast.further} more labels may bring anything from {forecast.low:+.1f} to {forecast.high:+.1f} points "
        f"(95 % interval), as {on} show; more versions and more held-out examples narrow that"
    )
