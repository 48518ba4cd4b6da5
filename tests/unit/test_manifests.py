"""Manifests: one document, written and read as a stream, and searched without being read."""

import hashlib
import io
import json
from bisect import bisect_left
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import CorruptFile
from service.domain.manifests import SEPARATOR, Line, entries_of, entry_of, head_of, lines_in, manifest_of

HEAD = {"pipeline": "p", "system": "Grüße \u2028", "form": "chat", "counts": {"train": {"examples": 1}}}


def make_line(**fields: Any) -> Line:  # noqa: ANN401 - the fields of Line
    chosen = {"split": "train", "example_id": "ex-1", "version": 1, "label_id": "label-1"}
    return Line(**(chosen | {"content_hash": "c" * 64, "sha256": "d" * 64} | fields))


def manifest(*lines: Line, head: dict[str, Any] = HEAD) -> bytes:
    return b"".join(manifest_of(head, [SEPARATOR.join(map(entry_of, lines))] if lines else []))


def format_1(*lines: Line) -> bytes:
    """Write what the first release wrote."""
    listed = [[line.split, line.example_id, line.version, line.label_id, line.sha256] for line in lines]
    columns = ["split", "example_id", "version", "label_id", "sha256"]
    found = {"format": 1, "pipeline": "p", "system": None, "files": {}, "columns": columns, "lines": listed}
    return json.dumps(found, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode() + b"\n"


texts = st.text(max_size=40)
some_lines = st.lists(
    st.builds(
        make_line,
        split=st.sampled_from(["held_out", "train", "validation"]),
        example_id=st.integers(0, 400).map(lambda number: f"ex-{number:04}" + "x" * (number % 7)),
        version=st.integers(1, 9),
        label_id=st.none() | texts,
    ),
    max_size=300,
).map(lambda lines: sorted(lines, key=lambda line: line.key))


@given(some_lines)
def test_a_manifest_is_one_json_document_that_reads_back(lines: list[Line]) -> None:
    written = manifest(*lines)
    document = json.loads(written)
    assert list(document)[-1] == "lines"
    assert [Line(*values) for values in document.pop("lines")] == lines
    assert head_of(io.BytesIO(written)) == document
    assert document == {**HEAD, "format": 2, "columns": list(Line.__struct_fields__)}
    assert list(lines_in(io.BytesIO(written))) == lines
    assert len(written.splitlines()) == len(lines) + 2


@given(some_lines, st.integers(0, 400))
def test_an_examples_lines_are_found_wherever_they_stand(lines: list[Line], number: int) -> None:
    wanted = f"ex-{number:04}" + "x" * (number % 7)
    mine = [line for line in lines if line.example_id == wanted]
    for written in (manifest(*lines), format_1(*lines)):
        assert [line.key for line in entries_of(io.BytesIO(written), wanted)] == [line.key for line in mine]


def test_every_line_of_a_long_manifest_is_found_and_little_of_it_read() -> None:
    lines = [make_line(example_id=f"ex-{number:06}", label_id="l" * (number % 90)) for number in range(30_000)]
    stream = CountingStream(manifest(*lines))
    for number in (0, 1, 77, 14_999, 29_998, 29_999):
        stream.read_bytes = 0
        assert entries_of(stream, lines[number].example_id) == [lines[number]]
        assert stream.read_bytes < 100_000
        stream.seek(0)
    assert entries_of(stream, "ex-999999") == []


class CountingStream(io.BytesIO):
    read_bytes = 0

    def readline(self, size: int | None = -1) -> bytes:
        found = super().readline(size)
        self.read_bytes += len(found)
        return found


def test_lines_of_one_example_are_found_together_across_splits() -> None:
    lines = [make_line(sha256="1"), make_line(sha256="2"), make_line(split="validation")]
    assert entries_of(io.BytesIO(manifest(*lines)), "ex-1") == lines


def test_the_first_releases_manifests_are_read() -> None:
    lines = [make_line(content_hash=""), make_line(example_id="ex-2", label_id=None, content_hash="")]
    written = format_1(*lines)
    assert list(lines_in(io.BytesIO(written))) == lines
    head = head_of(io.BytesIO(written))
    assert (head["format"], head["form"], "lines" in head) == (1, "chat", False)


WHOLE = manifest(*(make_line(example_id=f"ex-{number}") for number in range(9)))


@pytest.mark.parametrize("cut", [1, 3, 4, 50, 400])
def test_a_manifest_that_ends_early_is_no_shorter_dataset(cut: int) -> None:
    with pytest.raises(CorruptFile):
        list(lines_in(io.BytesIO(WHOLE[:-cut])))


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b'{"format":3,"lines":[]}', b"[" * 100_000])
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(CorruptFile):
        head_of(io.BytesIO(content))


@pytest.mark.parametrize("damage", [b"[1,2]", b"no json", b"\xff", b'["train","ex-1",1,null,null,null]'])
def test_a_damaged_line_is_named_as_damage_wherever_it_is_met(damage: bytes) -> None:
    written = manifest(make_line()).replace(entry_of(make_line()), damage)
    with pytest.raises(CorruptFile):
        list(lines_in(io.BytesIO(written)))
    with pytest.raises(CorruptFile):
        entries_of(io.BytesIO(written), "ex-1")


def test_the_search_finds_what_bisect_finds_in_a_list() -> None:
    lines = [make_line(example_id=f"ex-{number:04}") for number in range(0, 2000, 2)]
    keys = [line.key for line in lines]
    stream = io.BytesIO(manifest(*lines))
    for number in range(2000):
        wanted = f"ex-{number:04}"
        place = bisect_left(keys, ("train", wanted))
        there = lines[place : place + 1] if number % 2 == 0 else []
        stream.seek(0)
        assert entries_of(stream, wanted) == there


def test_the_bytes_are_what_they_were_in_this_release() -> None:
    # Written down once: a change here would rename every snapshot there is.
    assert (
        hashlib.sha256(manifest(make_line())).hexdigest()
        == "ac34c385c9a876c827f53e21621ed311b4bf912dfa4e73dc8cb7a7f2999853e1"
    )
