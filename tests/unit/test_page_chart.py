"""From what a job measured to the numbers of a picture."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from service.domain.training_series import SeriesPoint
from service.web.pages.chart import BOTTOM, HEIGHT, LEFT, MOST_POINTS, RIGHT, TOP, WIDTH, charts_of, thinned
from service.web.pages.series import Point, lines_of

values = st.floats(-1e12, 1e12, allow_nan=False)
points_drawn = st.builds(Point, st.integers(0, 10**6), values)
series = st.lists(points_drawn, min_size=1, max_size=1000, unique_by=lambda point: point.step)


# Series.


def test_lines_are_in_the_order_of_the_steps_whatever_the_order_of_the_points() -> None:
    found = lines_of([SeriesPoint(step, train_loss=step / 10) for step in (3, 1, 2)])
    assert found == {"train_loss": [(1, 0.1), (2, 0.2), (3, 0.3)]}


def test_what_was_not_measured_is_no_line_and_a_step_without_a_value_no_point() -> None:
    found = lines_of([SeriesPoint(1, train_loss=2.0, total_steps=2, at=9), SeriesPoint(2, valid_accuracy=0.0)])
    assert found == {"train_loss": [(1, 2.0)], "valid_accuracy": [(2, 0.0)]}
    assert lines_of([]) == {}


# Pictures.


def test_losses_and_accuracies_are_two_pictures_with_the_training_first() -> None:
    names = ("full_valid_loss", "train_loss", "train_mean_token_accuracy")
    loss, accuracy = charts_of({name: [Point(1, 0.5), Point(20, 0.25)] for name in names})
    assert (loss.title, [line.name for line in loss.lines]) == ("Loss", ["train loss", "full valid loss"])
    assert (accuracy.title, [line.name for line in accuracy.lines]) == ("Accuracy", ["train mean token accuracy"])
    assert (loss.last_step, loss.lines[0].first, loss.lines[0].last) == ("20", "0.5", "0.25")
    assert loss.lines[0].path == f"M{LEFT} {TOP} L{WIDTH - RIGHT} {HEIGHT - BOTTOM}"


def test_of_nothing_there_is_no_picture() -> None:
    assert charts_of({}) == []
    assert charts_of({"train_loss": []}) == []


def test_a_single_value_is_a_dot_in_the_middle() -> None:
    (chart,) = charts_of({"train_loss": [Point(7, 0.0)]})
    assert chart.lines[0].first == "0"
    assert chart.lines[0].dots == ((LEFT + (WIDTH - RIGHT - LEFT) / 2, TOP + (HEIGHT - BOTTOM - TOP) / 2),)


@given(points=series)
@example(points=[Point(1, 0.0), Point(2, 5e-324)])
@example(points=[Point(1, 1.0), Point(2, 1.0000000000000002)])
@example(points=[Point(1, -3e14), Point(2, 3e14)])
def test_everything_drawn_is_inside_the_picture(points: list[Point]) -> None:
    (chart,) = charts_of({"train_loss": sorted(points)})
    across, up = [tick.place for tick in chart.across], [tick.place for tick in chart.up]
    numbers = chart.lines[0].path.removeprefix("M").replace(" L", " ").split()
    assert all(LEFT <= place <= WIDTH - RIGHT for place in [*across, *map(float, numbers[::2])])
    assert all(TOP <= place <= HEIGHT - BOTTOM for place in [*up, *map(float, numbers[1::2])])
    assert 1 <= len(up) <= 10
    assert 1 <= len(across) <= 10


@given(points=series)
def test_thinning_keeps_the_order_and_both_extremes(points: list[Point]) -> None:
    ordered = sorted(points)
    kept = thinned(ordered)
    assert len(kept) <= MOST_POINTS
    assert all(one.step < other.step for one, other in pairwise(kept))
    assert {min(point.value for point in kept), max(point.value for point in kept)} == {
        min(point.value for point in ordered),
        max(point.value for point in ordered),
    }
