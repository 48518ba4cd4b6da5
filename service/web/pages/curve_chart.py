"""A learning curve as the numbers of an SVG."""

from dataclasses import dataclass

from service.domain.learning_curves import CurvePoint, LearningCurve
from service.web.pages.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Tick


@dataclass(frozen=True, slots=True)
class Dot:
    """One version, with its interval."""

    x: float
    y: float
    low: float
    high: float
    is_compared: bool
    words: str


@dataclass(frozen=True, slots=True)
class CurveChart:
    """The picture; ``path`` is the law's, empty without one, and ``now`` where the largest version is."""

    dots: tuple[Dot, ...]
    path: str
    now: float | None
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    title: str


def chart_of_curve(curve: LearningCurve) -> CurveChart | None:
    """Draw it; None where there is nothing to draw."""
    points = [point for point in curve.points if point.mean is not None]
    if not points:
        return None
    factor = 100 if curve.kind == "yes_no" else 1
    told = {point: point_words(curve, point) for point in points}
    sizes = Axis.over([*(float(p.trained_on) for p in points), *(x for x, _ in curve.line)], LEFT, WIDTH - RIGHT)
    ends = [end * factor for point in points for end in (point.low, point.high)]
    values = Axis.over([*ends, *(y * factor for _, y in curve.line)], HEIGHT - BOTTOM, TOP)
    line = [(sizes.place(x), values.place(y * factor)) for x, y in curve.line]
    return CurveChart(
        dots=tuple(_dot(point, sizes, values, factor, words) for point, words in told.items()),
        path="M" + " L".join(f"{x:g} {y:g}" for x, y in line) if line else "",
        now=sizes.place(max(point.trained_on for point in points)) if line else None,
        across=sizes.ticks(),
        up=values.ticks(),
        title=f"{curve.metric} by examples trained on: " + "; ".join(told.values()),
    )


def _dot(point: CurvePoint, sizes: Axis, values: Axis, factor: int, words: str) -> Dot:
    mean, low, high = (values.place(value * factor) for value in (point.mean or 0.0, point.low, point.high))
    return Dot(sizes.place(point.trained_on), mean, low, high, point.is_compared, words)


def point_words(curve: LearningCurve, point: CurvePoint) -> str:
    """Write what a version scored."""
    factor, unit = (100, " %") if curve.kind == "yes_no" else (1, "")
    mean, low, high = (value * factor for value in (point.mean or 0.0, point.low, point.high))
    beside = "" if point.is_compared else ", not compared"
    shown = f"{mean:.1f}{unit} [{low:.1f}, {high:.1f}]"
    return f"run {point.ordinal}, {point.trained_on:,} examples: {shown} on {point.n} questions{beside}"
