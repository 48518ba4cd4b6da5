"""A run's report as people read it."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from service.cli.run_lines import SPARKLINE_WIDTH, csv_of, line_of_event, sparkline, table_of
from service.domain.training_series import CELLS, SeriesPoint
from service.ports import JobEvent


def test_a_falling_loss_is_drawn_falling() -> None:
    assert sparkline([8, 7, 6, 5, 4, 3, 2, 1]) == "█▇▆▅▄▃▂▁"
    assert sparkline([0.5]) == sparkline([0.0]) == "▁"
    assert sparkline([2.0, 2.0]) == "▁▁"


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=500))
def test_any_series_is_drawn_in_the_same_width(values: list[float]) -> None:
    assert len(sparkline(values)) == min(len(values), SPARKLINE_WIDTH)


@given(st.integers(0, 300), st.integers(1, 30))
def test_a_table_is_short_and_begins_and_ends_where_the_series_does(steps: int, most: int) -> None:
    head, *rows = table_of([SeriesPoint(n, train_loss=1 / n) for n in range(1, steps + 1)], most=most)
    assert head.split() == ["step", *CELLS[:6]]
    assert len(rows) <= most + 1
    if steps:
        assert (rows[0].split()[0], rows[-1].split()[0]) == ("1", str(steps))


def test_as_csv_every_step_is_there_exactly() -> None:
    written = "\n".join(csv_of([SeriesPoint(1, train_loss=6e-05), SeriesPoint(2, valid_loss=0.1 + 0.2, at=5)]))
    rows = list(csv.DictReader(io.StringIO(written)))
    assert [(row["step"], row["train_loss"], row["valid_loss"], row["at"]) for row in rows] == [
        ("1", "6e-05", "", ""),
        ("2", "", "0.30000000000000004", "5"),
    ]


def test_an_event_without_a_time_is_told_all_the_same() -> None:
    assert line_of_event(JobEvent("e", 0, "warn", "message", "Odd", {})) == f"{'-':<19}  warn  Odd"
    assert line_of_event(JobEvent("e", 2**53, "info", "message", "Late", {})).startswith("-  ")
    assert line_of_event(JobEvent("e", 1_723_885_748, "info", "message", "Go", {})) == "2024-08-17 09:09:08  info  Go"
