"""Lines over steps, as the numbers of an SVG: the template only writes them down."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.web.pages.series import Point

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 28
# More points than this cannot be told apart on the picture.
MOST_POINTS = 400
# So few are marked, each with a dot: one alone would be no line.
DOTTED = 30
_TICKS = 5
_TINY = 1e-9
_GROUPS = (("Loss", "loss"), ("Accuracy", "accuracy"))


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis, in the picture's units, and what is written there."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One series.

    Attributes:
        name: With spaces, for people.
        path: The ``d`` of an SVG path.
        dots: Where dots are.
        first: Its first value, written out.
        last: Its last.
    """

    name: str
    path: str
    dots: tuple[tuple[float, float], ...]
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of one kind of value; ``last_step`` is as far as the job came."""

    title: str
    last_step: str
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def charts_of(series: Mapping[str, Sequence[Point]]) -> list[Chart]:
    """Draw the losses, and the accuracies; nothing of what there is none of."""
    grouped = [
        (title, {name: points for name, points in series.items() if name.endswith(ending) and points})
        for title, ending in _GROUPS
    ]
    return [_draw(title, chosen) for title, chosen in grouped if chosen]


def _draw(title: str, series: Mapping[str, Sequence[Point]]) -> Chart:
    every = [point for points in series.values() for point in points]
    steps = Axis.over([point.step for point in every], LEFT, WIDTH - RIGHT)
    values = Axis.over([point.value for point in every], HEIGHT - BOTTOM, TOP)
    return Chart(
        title=title,
        last_step=f"{max(point.step for point in every):g}",
        lines=tuple(_line(name, points, steps, values) for name, points in sorted(series.items(), key=_order)),
        across=steps.ticks(),
        up=values.ticks(),
    )


def _order(named: tuple[str, Sequence[Point]]) -> tuple[bool, str]:
    """Put what was trained on first: it has the most points, and the first line is drawn whole."""
    return not named[0].startswith("train"), named[0]


def _line(name: str, points: Sequence[Point], steps: "Axis", values: "Axis") -> Line:
    places = [(steps.place(step), values.place(value)) for step, value in thinned(points)]
    return Line(
        name=name.replace("_", " "),
        path="M" + " L".join(f"{x:g} {y:g}" for x, y in places),
        dots=tuple(places) if len(places) <= DOTTED else (),
        first=f"{points[0].value:.4g}",
        last=f"{points[-1].value:.4g}",
    )


def thinned(points: Sequence[Point]) -> list[Point]:
    """Keep the least and the greatest value of each stretch of steps, so that no spike is lost."""
    if len(points) <= MOST_POINTS:
        return list(points)
    stretch = math.ceil(2 * len(points) / MOST_POINTS)
    kept: list[Point] = []
    for begin in range(0, len(points), stretch):
        some = points[begin : begin + stretch]
        ends = {min(some, key=lambda point: point.value), max(some, key=lambda point: point.value)}
        kept += sorted(ends)
    return kept


@dataclass(frozen=True, slots=True)
class Axis:
    """From a range of values to a range of places."""

    low: float
    high: float
    begin: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], begin: float, end: float) -> "Axis":
        """Make the axis that these values just fit on."""
        low, high = min(values), max(values)
        # A line that is flat, or as good as flat, stands in the middle.
        is_flat = high - low <= max(1e-9 * max(abs(low), abs(high)), _TINY)
        margin = max(abs(low) / 2, _TINY) if is_flat else 0.0
        return cls(low - margin, high + margin, begin, end)

    def place(self, value: float) -> float:
        """Give where a value is."""
        return round(self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin), 1)

    def ticks(self) -> tuple[Tick, ...]:
        """Give marks at round values."""
        step = _round_step((self.high - self.low) / _TICKS)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return tuple(Tick(self.place(n * step), f"{n * step:g}") for n in range(first, last + 1))


def _round_step(least: float) -> float:
    """Give the next of 1, 2, 5, 10, 20 ... and of their fractions."""
    size = 10.0 ** math.floor(math.log10(least))
    return next(factor * size for factor in (1, 2, 5, 10) if factor * size >= least * (1 - 1e-9))
