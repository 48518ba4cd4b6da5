"""What the lines of one file have in common with each other and with another file's, in little memory.

A line takes 48 bytes here, and some 300 on disk for its question's fingerprint: half a gigabyte of lines fits.
"""

import tempfile
from array import array
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from service.domain.fingerprints import NEAR, Fingerprint, similarity
from service.domain.near_rows import Array, near_rows

_LINE, _ASKED, _ANSWER, _QUESTION = range(4)
_KEYS = 4

Numbers = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class LineKeys:
    """Hashes of 64 bits of a line, of what it asks, of its answer, and of the humans' part of what it asks."""

    line: int
    asked: int
    answer: int
    question: int


class LineIndex:
    """Remembers a file's lines by their hashes."""

    def __init__(self) -> None:
        self._numbers = array("I")
        self._keys = array("Q")
        self._signed = array("I")
        self._ends = array("Q", [0])
        # Gone with the process.
        self._signatures = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the index
        self._buckets = tempfile.TemporaryFile()  # noqa: SIM115 - the same

    def add(self, number: int, keys: LineKeys, fingerprint: Fingerprint | None) -> None:
        """Remember a line by its number, its hashes, and its question's fingerprint if it is long enough for one."""
        if fingerprint is not None:
            self._signed.append(len(self._numbers))
            self._signatures.write(fingerprint.signature)
            self._ends.append(self._ends[-1] + len(fingerprint.signature))
            self._buckets.write(np.array(fingerprint.buckets, np.int64).tobytes())
        self._numbers.append(number)
        self._keys.extend(astuple(keys))

    def close(self) -> None:
        """Give the disk back."""
        self._signatures.close()
        self._buckets.close()

    def doubles(self) -> Numbers:
        """Give the lines that stand further up already."""
        lines = self.column(_LINE)
        order = np.argsort(lines, kind="stable")
        return self._lines(order[1:][lines[order][1:] == lines[order][:-1]])

    def conflicts(self) -> Numbers:
        """Give the lines whose answer differs from that of another line that asks the same."""
        asked, answers = self.column(_ASKED), self.column(_ANSWER)
        order = np.lexsort((answers, asked))
        starts = asked[order][1:] != asked[order][:-1]
        differs = ~starts & (answers[order][1:] != answers[order][:-1])
        group = np.cumsum(np.concatenate(([0], starts)))[: len(order)]
        return self._lines(order[np.isin(group, group[1:][differs])])

    def nearly_equal(self) -> Numbers:
        """Give the lines whose question is nearly, but not quite, that of another line."""
        questions, rows = self.questions()

        def alike(one: int, other: int) -> bool:
            return similarity(self.signature(rows[one]), self.signature(rows[other])) >= NEAR

        near = near_rows(self.buckets()[rows], np.arange(len(rows)), alike=alike)
        return self._lines(np.flatnonzero(np.isin(self.column(_QUESTION), questions[near])))

    def also_in(self, other: "LineIndex") -> tuple[Numbers, Numbers]:
        """Give the lines that stand in another file, and those whose question does or nearly does."""
        both = np.isin(self.column(_LINE), other.column(_LINE))
        questions = self.column(_QUESTION)
        close = np.isin(questions, other.column(_QUESTION)) | np.isin(questions, self._near_in(other))
        return self._lines(np.flatnonzero(both)), self._lines(np.flatnonzero(close & ~both))

    def _near_in(self, other: "LineIndex") -> Array:
        """Give the questions that are nearly one of another file."""
        (questions, ours), (_, theirs) = self.questions(), other.questions()
        others = other.buckets()[theirs]
        # Of a large file only what meets the other at all is looked at.
        likely = np.flatnonzero(np.isin(self.buckets()[ours], others).any(axis=1))
        if not len(likely):
            return questions[:0]
        files = [(self, row) for row in ours[likely].tolist()] + [(other, row) for row in theirs.tolist()]

        def alike(one: int, another: int) -> bool:
            signatures = [files[place][0].signature(files[place][1]) for place in (one, another)]
            return similarity(*signatures) >= NEAR

        together = np.concatenate((self.buckets()[ours[likely]], others))
        near = near_rows(together, np.repeat([0, 1], [len(likely), len(theirs)]), alike=alike)
        return questions[likely[near[: len(likely)]]]

    def questions(self) -> tuple[Array, Array]:
        """Give the different questions that have a fingerprint, in ascending order, and where each one's is."""
        return np.unique(self.column(_QUESTION)[np.frombuffer(self._signed, np.uint32)], return_index=True)

    def buckets(self) -> Array:
        """Give the buckets of every fingerprint; they stay on disk."""
        if not self._signed:
            return np.empty((0, 0), np.int64)
        self._buckets.flush()
        return np.memmap(self._buckets, np.int64, "r").reshape(len(self._signed), -1)

    def signature(self, row: int) -> bytes:
        """Give a fingerprint's signature."""
        self._signatures.seek(self._ends[row])
        return self._signatures.read(self._ends[row + 1] - self._ends[row])

    def column(self, place: int) -> Array:
        """Give one of the four hashes of every line."""
        return np.frombuffer(self._keys, np.uint64).reshape(-1, _KEYS)[:, place]

    def _lines(self, rows: npt.NDArray[Any]) -> Numbers:
        return np.sort(np.frombuffer(self._numbers, np.uint32)[rows])
