"""A run's report as people read it."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.run_lines import (
    SPARKLINE_WIDTH,
    csv_of,
    line_of_event,
    lines_of_ledger,
    lines_of_run,
    lines_of_story,
    sparkline,
    table_of,
)
from service.domain.runs import RunState
from service.domain.training_series import CELLS, SeriesPoint
from service.ports import JobEvent
from tests.support.builders import make_run


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


def test_money_that_was_given_back_is_told_with_how_much_it_was() -> None:
    entries = [
        {"kind": "reserved", "usd": 4.5, "tokens": 900, "note": "estimate"},
        {"kind": "released", "usd": 0.0, "tokens": None, "note": "the run has no job"},
    ]
    assert [line.split(maxsplit=1) for line in lines_of_ledger(entries)] == [
        ["reserved", "4.50 USD for 900 tokens (estimate)"],
        ["released", "4.50 USD given back (the run has no job)"],
    ]


def test_a_run_is_told_with_its_trainer_its_base_model_and_the_files_it_sent() -> None:
    run = make_run(trainer="box", model="base", facts={"training_file": "file-1"})
    told = {line[2:15].strip(): line[15:] for line in lines_of_run(run)}
    assert (told["trainer"], told["base model"]) == ("box", "base")
    assert (told["train file"], told["valid file"]) == ("file-1", "-")


@pytest.mark.parametrize("state", RunState)
def test_an_error_is_told_only_of_a_run_that_it_stands_in_the_way_of(state: RunState) -> None:
    run = make_run(state=state, facts={"error": "TrainerBusy: 429", "remedy": "Wait."})
    told = list(lines_of_story(run, []))
    assert bool(told) == (state not in {RunState.PROMOTED, RunState.KEPT, RunState.CANCELLED})


def test_an_event_without_a_time_is_told_all_the_same() -> None:
    assert line_of_event(JobEvent("e", 0, "warn", "message", "Odd", {})) == f"{'-':<19}  warn  Odd"
    assert line_of_event(JobEvent("e", 2**53, "info", "message", "Late", {})).startswith("-  ")
    assert line_of_event(JobEvent("e", 1_723_885_748, "info", "message", "Go", {})) == "2024-08-17 09:09:08  info  Go"
