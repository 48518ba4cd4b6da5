"""Which of many fingerprints are nearly the same, without comparing each with each."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

# Prompts of one template meet by the thousand: each is compared with some neighbours, fewer where there are many.
_NEIGHBOURS = 64
_COMPARISONS = 200_000

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


def near_rows(buckets: Array, sides: Array, *, alike: Callable[[int, int], bool]) -> Mask:
    """Say which rows have one that is alike on another side.

    Args:
        buckets: For each row the buckets of its fingerprint. The rows stand in an order that depends on what they
            hold, so that the same ones are compared wherever they were found.
        sides: For each row its side.
        alike: Compares two rows of one bucket.
    """
    near = np.zeros(len(sides), np.bool_)
    for band in range(buckets.shape[1] if len(sides) else 0):
        keys = buckets[:, band]
        order = np.argsort(keys, kind="stable")
        left = _COMPARISONS
        for shift in range(1, _NEIGHBOURS + 1):
            meet = np.flatnonzero(keys[order[shift:]] == keys[order[:-shift]])
            one, other = order[meet + shift], order[meet]
            useful = (sides[one] != sides[other]) & ~(near[one] & near[other])
            for row, neighbour in zip(one[useful].tolist(), other[useful].tolist(), strict=True):
                if alike(row, neighbour):
                    near[row] = near[neighbour] = True
            left -= int(useful.sum())
            # Only between two rounds, so that no row's place in the file decides.
            if not len(meet) or left < 0:
                break
    return near
