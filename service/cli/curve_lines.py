"""A learning curve on the terminal."""

from collections.abc import Iterator

from service.domain.learning_curves import CurvePoint, LearningCurve


def lines_of_curve(curve: LearningCurve) -> Iterator[str]:
    """Write the answer first, then each version."""
    yield curve.sentence
    better = "higher" if curve.higher_is_better else "lower"
    yield f"{curve.metric} ({curve.words}, {better} is better), 95 % intervals in brackets:"
    for point in curve.points:
        yield f"  {_words(point, percent=curve.kind == 'yes_no')}"


def _words(point: CurvePoint, *, percent: bool) -> str:
    factor, unit = (100, " %") if percent else (1, "")
    mean, low, high = ((value or 0.0) * factor for value in (point.mean, point.low, point.high))
    beside = "" if point.is_compared else "  not compared: other questions or another base model"
    return (
        f"{point.trained_on:>7,} examples  {mean:.1f}{unit} [{low:.1f}, {high:.1f}]  "
        f"on {point.n} questions  {point.run_id}{beside}"
    )
