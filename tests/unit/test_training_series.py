"""What a training measured: reading events, putting sources together, progress and the best checkpoint."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.training_series import CELLS, SeriesPoint, best_checkpoint, merge, point_of, progress_of
from tests.support.samples import sample

points = st.builds(
    SeriesPoint,
    st.integers(0, 6),
    train_loss=st.none() | st.sampled_from([0.5, 1.5]),
    valid_loss=st.none() | st.sampled_from([2.5, 3.5]),
    total_steps=st.none() | st.just(6),
)


def test_the_metric_events_of_a_real_job_become_steps() -> None:
    events = sample("openai/events/lifecycle_b_succeeded_first_page")["data"]
    found = [point_of(event["data"], at=event["created_at"]) for event in events]
    told = merge(point for point in reversed(found) if point is not None)
    assert [point.step for point in told] == [235, 236, 237, 238, 239, 240]
    assert told[0] == SeriesPoint(
        235, train_loss=1.3411770396487555e-06, train_accuracy=1.0, total_steps=240, at=1723886456
    )
    assert told[-1].valid_loss is not None
    assert [event["type"] for event, point in zip(events, found, strict=True) if point is None] == ["message"] * 4


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"step": 1},
        {"train_loss": 0.5},
        {"step": "1", "train_loss": 0.5},
        {"step": True, "train_loss": 0.5},
        {"step": -1, "train_loss": 0.5},
        {"step": 2**40, "train_loss": 0.5},
        {"step": 1.5, "train_loss": 0.5},
        {"step": 1, "train_loss": math.nan},
        {"step": 1, "train_loss": 10**400},
        {"step": 1, "train_loss": "0.5"},
        {"step": 1, "train_loss": None, "color": 3},
    ],
)
def test_an_event_that_measures_nothing_is_no_step(facts: dict[str, Any]) -> None:
    assert point_of(facts) is None


def test_a_training_that_diverged_loses_only_what_is_no_number() -> None:
    facts = {"step": 3.0, "train_loss": math.inf, "valid_loss": 9.5, "total_steps": math.nan}
    assert point_of(facts) == SeriesPoint(3, valid_loss=9.5)


def test_of_one_step_the_later_word_counts_cell_by_cell() -> None:
    told = [SeriesPoint(2, train_loss=1.0, total_steps=9, at=5), SeriesPoint(1, train_loss=3.0)]
    file = [SeriesPoint(2, train_loss=1.25, valid_loss=2.0)]
    assert merge([*told, *file]) == [
        SeriesPoint(1, train_loss=3.0),
        SeriesPoint(2, train_loss=1.25, valid_loss=2.0, total_steps=9, at=5),
    ]


@given(st.lists(points), st.lists(points))
def test_putting_together_twice_or_in_parts_gives_the_same(first: list[SeriesPoint], second: list[SeriesPoint]) -> None:
    whole = merge([*first, *second])
    assert merge([*merge(first), *merge(second)]) == merge([*whole, *second]) == merge(whole) == whole
    assert [point.step for point in whole] == sorted({point.step for point in [*first, *second]})
    for point in whole:
        said = [each for each in [*first, *second] if each.step == point.step]
        for name in CELLS:
            values = [value for each in said if (value := getattr(each, name)) is not None]
            assert getattr(point, name) == (values[-1] if values else None)


# Progress.


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_the_end_is_expected_as_the_trainer_says_or_else_by_the_pace() -> None:
    told = [SeriesPoint(n, train_loss=5.0 - n, total_steps=100, at=1_000_000 + 10 * n) for n in range(1, 5)]
    by_pace = progress_of(told, estimated_finish=None, is_open=True)
    assert by_pace is not None
    assert (by_pace.step, by_pace.total_steps, by_pace.train_loss, by_pace.valid_loss) == (4, 100, 1.0, None)
    assert by_pace.finish_at == moment(1_000_000 + 10 * 100)
    told_so = progress_of(told, estimated_finish=1_000_777, is_open=True)
    ended = progress_of(told, estimated_finish=1_000_777, is_open=False)
    assert told_so is not None
    assert ended is not None
    assert (told_so.finish_at, ended.finish_at) == (moment(1_000_777), None)


@pytest.mark.parametrize(
    "told",
    [
        [SeriesPoint(1, train_loss=1.0, total_steps=9, at=5)],
        [SeriesPoint(1, train_loss=1.0, at=5), SeriesPoint(2, train_loss=1.0, at=6)],
        [SeriesPoint(1, train_loss=1.0, total_steps=9), SeriesPoint(2, train_loss=1.0)],
    ],
)
def test_without_a_pace_nothing_is_expected(told: list[SeriesPoint]) -> None:
    progress = progress_of(told, estimated_finish=None, is_open=True)
    assert progress is not None
    assert progress.finish_at is None


def test_before_the_first_step_there_is_no_progress() -> None:
    assert progress_of([], estimated_finish=5, is_open=True) is None


counts = st.integers(0, 2**31 - 1)
odd_points = st.builds(
    SeriesPoint,
    counts,
    train_loss=st.floats(0, 1),
    total_steps=st.none() | counts,
    at=st.none() | st.integers(0, 2**53),
)


@given(st.lists(odd_points, max_size=5), st.none() | st.integers(-(2**53), 2**53))
def test_whatever_a_trainer_says_of_times_there_is_an_answer(told: list[SeriesPoint], finish: int | None) -> None:
    assert (progress_of(merge(told), estimated_finish=finish, is_open=True) is None) == (not told)


# Checkpoints.


def test_the_best_checkpoint_has_the_least_loss_on_the_whole_validation_file() -> None:
    listed = [
        {"model": item["fine_tuned_model_checkpoint"], "step": item["step_number"], "metrics": item["metrics"]}
        for item in sample("openai/checkpoints/spec_list")["data"]
    ]
    assert best_checkpoint(listed) == "ft:gpt-4o-mini-2024-07-18:my-org:custom-suffix:96olL566:ckpt-step-2000"


@pytest.mark.parametrize(
    ("checkpoints", "best"),
    [
        ([], None),
        ([("a", 1, {"train_loss": 0.1})], None),
        ([(None, 1, {"full_valid_loss": 0.1})], None),
        ([("a", 1, {"full_valid_loss": math.nan})], None),
        ([("a", 1, {"full_valid_loss": 1}), ("b", 2, {"full_valid_loss": 1.0})], "b"),
        ([("a", None, {"full_valid_loss": 1}), ("b", 2, None)], "a"),
    ],
)
def test_a_checkpoint_without_that_loss_is_not_the_best_and_of_two_alike_the_later_is(
    checkpoints: list[tuple[Any, Any, Any]], best: str | None
) -> None:
    listed = [{"model": model, "step": step, "metrics": metrics} for model, step, metrics in checkpoints]
    assert best_checkpoint(listed) == best
