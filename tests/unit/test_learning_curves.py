"""Is labelling still paying? What the curve says, and where it says that nothing can be said."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.curve_fits import Measured, fit_power_law
from service.domain.learning_curves import LearningCurve, Version, draw_curve
from service.domain.metrics import Metric
from tests.unit.compared_models import CHRF, PII

SIZES = (50, 100, 150, 200)


def version(number: int, size: int, values: dict[str, float], *, model: str = "base") -> Version:
    return Version(f"run-{number}", number, model, size, values)


def rising(size: int) -> float:
    return 60 - 300 * size**-0.7


def versions(*sizes: int, questions: int = 40, noise: float = 2.0, model: str = "base") -> list[Version]:
    """Give versions that get better as they grow, the same questions being hard for all."""
    draw = np.random.default_rng(7)
    hard = draw.normal(0, 8, questions)

    def values_at(size: int) -> dict[str, float]:
        scores = np.clip(rising(size) + hard + draw.normal(0, noise, questions), 0, 100)
        return {f"q{place}": float(score) for place, score in enumerate(scores)}

    return [version(number, size, values_at(size), model=model) for number, size in enumerate(sizes, start=1)]


def unsteady() -> list[Version]:
    """Give versions that go up and down."""
    means = zip(SIZES, (30, 60, 35, 62), strict=True)
    return [version(n, size, {f"q{k}": mean + k % 5 for k in range(12)}) for n, (size, mean) in enumerate(means)]


def test_scores_that_rise_foretell_a_gain() -> None:
    curve = draw_curve(CHRF, versions(*SIZES))
    assert curve.answer == "pays"
    assert curve.forecast is not None
    assert curve.forecast.low <= rising(250) - rising(200) <= curve.forecast.high
    assert curve.sentence.startswith("Labelling still pays: 50 more labels would bring about ")
    assert curve.sentence.endswith("as 4 versions on 40 common questions show.")
    assert [point.trained_on for point in curve.points] == list(SIZES)
    assert (curve.line[0][0], curve.line[-1][0]) == (50, 250)


def test_scores_that_have_levelled_off_say_that_it_hardly_pays() -> None:
    curve = draw_curve(CHRF, versions(400, 800, 1200, 1600, 2000))
    assert (curve.answer, curve.why) == ("hardly", None)
    assert "50 more labels would bring less than 1 point" in curve.sentence


def test_scores_that_fall_are_no_gain() -> None:
    sinking = [version(n, size, {f"q{k}": 60 - size / 20 + k % 7 for k in range(40)}) for n, size in enumerate(SIZES)]
    curve = draw_curve(CHRF, sinking)
    assert curve.forecast is not None
    assert curve.forecast.high < 0
    assert "Look at the newest labels." in curve.sentence


def test_where_less_is_better_falling_is_a_gain() -> None:
    falling = [
        version(n, size, {f"q{k}": float(k < 60 - 11 * n) for k in range(80)}) for n, size in enumerate(SIZES, start=1)
    ]
    curve = draw_curve(PII, falling)
    assert curve.forecast is not None
    assert curve.forecast.points > 0
    # The line is in the metric's own unit, and goes down with it.
    assert curve.line[0][1] > curve.line[-1][1] >= 0


@pytest.mark.parametrize(
    ("found", "why", "words"),
    [
        ([], "few_versions", "0 versions of different size"),
        (versions(50, 100, 200), "few_versions", "and it takes 4"),
        (versions(50, 50, 100, 200), "few_versions", "3 versions of different size"),
        (versions(100, 110, 120, 130), "alike_sizes", "all versions were trained on 100 to 130 examples"),
        (versions(*SIZES, questions=9), "few_versions", "0 versions of different size"),
        (unsteady(), "wide", "more labels may bring anything from -"),
        (unsteady(), "wide", "points (95 % interval), as 4 versions on only 12 common questions show; more versions"),
    ],
)
def test_where_nothing_can_be_said_the_reason_is(found: list[Version], why: str, words: str) -> None:
    curve = draw_curve(CHRF, found)
    assert (curve.answer, curve.why) == ("cannot tell", why)
    assert curve.sentence.startswith("Whether labelling still pays cannot be told yet: ")
    assert words in curve.sentence
    assert (curve.forecast is None) == (why != "wide")


def test_versions_are_compared_by_the_questions_that_all_were_asked() -> None:
    grown = versions(*SIZES)
    # The newest was asked more, which were all easy; that must not look like a gain of the last labels.
    easy = grown[-1].values | {f"new{place}": 100.0 for place in range(40)}
    curve = draw_curve(CHRF, [*grown[:-1], version(4, 200, easy)])
    assert curve == draw_curve(CHRF, grown)
    assert {point.n for point in curve.points} == {40}


def test_a_version_that_was_asked_other_questions_stands_beside_the_curve() -> None:
    others = version(0, 25, {f"old{place}": 90.0 for place in range(30)})
    curve = draw_curve(CHRF, [others, *versions(*SIZES)])
    beside, *compared = curve.points
    assert (beside.run_id, beside.n, beside.is_compared) == ("run-0", 30, False)
    assert all(point.is_compared for point in compared)
    assert curve.forecast == draw_curve(CHRF, versions(*SIZES)).forecast


def test_versions_of_another_base_model_stand_beside_the_curve() -> None:
    before = versions(*SIZES, model="an older base")
    after = [version(older.ordinal + 4, older.trained_on, dict(older.values)) for older in before]
    curve = draw_curve(CHRF, [*before, *after])
    assert [point.model for point in curve.points if not point.is_compared] == ["an older base"] * 4
    assert curve.forecast == draw_curve(CHRF, after).forecast


# Properties.

values = st.floats(0, 100, width=32)
tables = st.integers(10, 25).flatmap(
    lambda n: st.lists(st.lists(values, min_size=n, max_size=n), min_size=4, max_size=6)
)
few = settings(max_examples=25, deadline=None)


def from_table(table: list[list[float]]) -> list[Version]:
    return [
        version(number, 40 * number, {f"q{place}": value for place, value in enumerate(row)})
        for number, row in enumerate(table, start=1)
    ]


@few
@given(table=tables, seed=st.integers(0, 2**16))
def test_no_order_of_versions_or_questions_changes_anything(table: list[list[float]], seed: int) -> None:
    straight, mixed = from_table(table), from_table(table)
    shuffle = random.Random(seed).shuffle
    shuffle(mixed)
    for place, one in enumerate(mixed):
        keys = list(one.values)
        shuffle(keys)
        mixed[place] = version(one.ordinal, one.trained_on, {key: one.values[key] for key in keys})
    assert draw_curve(CHRF, mixed) == draw_curve(CHRF, straight)


@few
@given(score=values, questions=st.integers(10, 30), sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=8))
def test_no_gain_is_claimed_where_all_versions_score_the_same(score: float, questions: int, sizes: list[int]) -> None:
    for metric, value in ((CHRF, score), (PII, float(score > 50))):
        same = [version(n, size, {f"q{k}": value for k in range(questions)}) for n, size in enumerate(sizes)]
        curve = draw_curve(metric, same)
        assert (curve.answer, curve.forecast) == ("cannot tell", None)


@few
@given(table=tables)
def test_the_interval_holds_the_forecast_and_stays_in_the_range(table: list[list[float]]) -> None:
    curve: LearningCurve = draw_curve(CHRF, from_table(table))
    if curve.forecast:
        assert -100 <= curve.forecast.low <= curve.forecast.points <= curve.forecast.high <= 100
        assert all(0 <= score <= 100 for _, score in curve.line)


@few
@given(table=tables)
def test_whoever_is_told_a_forecast_is_told_its_interval_and_on_how_few_questions_it_stands(
    table: list[list[float]],
) -> None:
    curve = draw_curve(CHRF, from_table(table))
    if curve.forecast:
        assert f"{curve.forecast.low:+.1f} to {curve.forecast.high:+.1f}" in curve.sentence
        assert f"versions on {'only ' if curve.common < 30 else ''}{curve.common} common questions" in curve.sentence
    else:
        assert (curve.answer, curve.sentence.startswith("Whether labelling still pays cannot")) == ("cannot tell", True)


@pytest.mark.parametrize("metric", [CHRF, PII])
def test_on_ten_questions_a_gain_that_is_none_is_seldom_foretold(metric: Metric) -> None:
    claimed = 0
    for life in range(40):
        draw = np.random.default_rng([11, life])
        hard = draw.random(10)
        scores = [hard * 60 + draw.normal(20, 9, 10) if metric is CHRF else draw.random(10) < hard for _ in SIZES]
        found = [
            version(n, size, {f"q{k}": float(value) for k, value in enumerate(one)})
            for n, (size, one) in enumerate(zip(SIZES, scores, strict=True))
        ]
        claimed += draw_curve(metric, found).answer == "pays"
    assert claimed <= 2


@few
@given(scores=st.lists(st.floats(30, 70), min_size=5, max_size=5), error=st.floats(0.1, 2), times=st.floats(2, 8))
def test_more_noise_widens_the_interval(scores: list[float], error: float, times: float) -> None:
    def width(of: float) -> float:
        measured = [Measured(50 * n, score, of) for n, score in enumerate(scores, start=1)]
        fit = fit_power_law(measured, further=50, bounds=(-1000, 1000))
        return fit.high - fit.low

    assert width(error * times) >= width(error) * 0.999


def test_fewer_questions_widen_the_interval() -> None:
    def width(questions: int) -> float:
        forecast = draw_curve(CHRF, versions(*SIZES, questions=questions)).forecast
        assert forecast is not None
        return forecast.high - forecast.low

    assert width(12) > width(400)


def test_a_law_needs_three_sizes_that_differ() -> None:
    with pytest.raises(ValueError, match="3 sizes that differ"):
        fit_power_law([Measured(size, 1.0, 1.0) for size in (50, 50, 100)], further=50, bounds=(0, 9))
