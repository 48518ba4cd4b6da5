"""Result files of OpenAI and of Azure, whole and broken."""

import base64
import csv
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import UnreadableResult
from service.domain.result_files import read_result_file
from service.domain.training_series import SeriesPoint
from tests.support.samples import sample_bytes

PLAIN = sample_bytes("openai/results/drone_94_steps.csv")
AZURE = (
    "step,train_loss,train_mean_token_accuracy,valid_loss,validation_mean_token_accuracy,full_valid_loss,"
    "full_valid_mean_token_accuracy\n1,2.5,0.4,2.75,0.35,,\n2,1.5,0.6,,,1.25,0.7\n"
)


def test_the_file_that_openai_sends_in_base64_is_the_one_that_is_plain() -> None:
    table = read_result_file(sample_bytes("openai/results/drone_94_steps_as_downloaded.b64"))
    assert table == read_result_file(PLAIN)
    assert (len(table.points), table.odd_cells) == (94, 0)
    assert table.points[0] == SeriesPoint(1, train_loss=3.63265, train_accuracy=0.5)
    assert table.points[29] == SeriesPoint(30, train_loss=6e-05, train_accuracy=1.0)


@pytest.mark.parametrize("wrap", [bytes, base64.b64encode, base64.encodebytes, lambda plain: b"\xef\xbb\xbf" + plain])
def test_azures_columns_are_read_under_our_names(wrap: Callable[[bytes], bytes]) -> None:
    assert read_result_file(wrap(AZURE.encode())).points == (
        SeriesPoint(1, train_loss=2.5, train_accuracy=0.4, valid_loss=2.75, valid_accuracy=0.35),
        SeriesPoint(2, train_loss=1.5, train_accuracy=0.6, full_valid_loss=1.25, full_valid_accuracy=0.7),
    )


@pytest.mark.parametrize(
    "text",
    [
        "Step , Train_Loss\r\n 1 , 0.5 \r\n\r\n",
        ",train_loss,step\n0,0.5,1.0\n",
        'step,train_loss\n"1","0.5"',
    ],
)
def test_spaces_quotes_and_other_line_ends_and_orders_are_read(text: str) -> None:
    table = read_result_file(text.encode())
    assert (table.points, table.odd_cells) == ((SeriesPoint(1, train_loss=0.5),), 0)


def test_what_was_not_measured_or_overflowed_is_no_number_and_nothing_odd() -> None:
    table = read_result_file(b"step,train_loss,valid_loss\n1,nan,inf\n2,,None\n3,1e-05,-inf\n4\n")
    assert (table.points, table.odd_cells) == ((SeriesPoint(3, train_loss=1e-05),), 0)


@pytest.mark.parametrize(
    ("row", "odd"),
    [
        ("1,secret words", 1),
        ("1,1_0", 1),
        ("1,\u0661", 1),
        ("x,0.5", 2),
        ("-1,0.5", 1),
        ("1.5,0.5", 1),
        (",0.5", 1),
        ("1,0.5,more", 1),
    ],
)
def test_cells_that_are_no_numbers_are_counted_and_the_rest_is_read(row: str, odd: int) -> None:
    table = read_result_file(f"step,train_loss\n{row}\n2,0.25\n".encode())
    assert table.odd_cells == odd
    assert table.points[-1] == SeriesPoint(2, train_loss=0.25)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"step",
        b"step\n1\n",
        b"a,b\n1,2\n",
        b"step,color\n1,2\n",
        b"<html>Bad gateway</html>",
        b'{"messages": [], "role": "user"}\n',
        b"step,train_loss,what a customer wrote\n1,2,3\n",
        b"\x1f\x8b\x08\x00,\xff",
        b"\xff\xfes\x00t\x00e\x00p\x00,\x00",
        base64.b64encode(b"no table at all"),
        base64.b64encode(base64.b64encode(PLAIN)),
        b"step,train_loss\n1,\xff\n",
        b'step,train_loss\n1,"' + b"x" * 200_000,
    ],
)
def test_what_is_no_result_file_is_refused_without_repeating_it(content: bytes) -> None:
    with pytest.raises(UnreadableResult) as raised:
        read_result_file(content)
    assert "customer" not in str(raised.value)
    assert raised.value.remedy


def test_a_quote_that_never_ends_is_refused_although_a_library_lifted_the_readers_limit() -> None:
    before = csv.field_size_limit(10_000_000)
    try:
        with pytest.raises(UnreadableResult, match="longer than 1,000 characters"):
            read_result_file(b'step,train_loss\n1,"' + b"x" * 200_000)
    finally:
        csv.field_size_limit(before)


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda tail: b"step,train_loss\n" + tail))
def test_any_bytes_are_read_or_refused_and_nothing_else(content: bytes) -> None:
    try:
        table = read_result_file(content)
    except UnreadableResult:
        return
    assert all(point.step >= 0 for point in table.points)


Row = tuple[int, float, float | None, float | None]
cells = st.none() | st.floats(allow_nan=False, allow_infinity=False)
rows = st.lists(st.tuples(st.integers(0, 10**6), st.floats(-10, 10), cells, cells), max_size=20)


@given(rows=rows, wrap=st.sampled_from([bytes, base64.b64encode]))
def test_what_was_written_is_read_again(rows: list[Row], wrap: Callable[[bytes], bytes]) -> None:
    lines = [",".join("" if cell is None else repr(cell) for cell in row) for row in rows]
    text = "\n".join(["step,train_loss,valid_loss,full_valid_loss", *lines]).encode()
    table = read_result_file(wrap(text))
    assert table.odd_cells == 0
    assert table.points == tuple(
        SeriesPoint(step, train_loss=loss, valid_loss=valid, full_valid_loss=full) for step, loss, valid, full in rows
    )
