"""Which of many texts are most like a few others, by the runs of four characters that they share.

Rare runs count more (tf-idf), case and spacing nothing; the measure is the cosine, 0 to 1. It finds prompts about
the same things in other words, where ``fingerprints`` finds the same prompt with a word changed.
"""

import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

_RUN = 4
# Runs are told apart by a hash of this many values; what two of them share by accident is lost in the sum.
_VALUES = 1 << 20
_SHOWN_CHARACTERS = 4_000
_FACTORS = np.array([1_000_003**power % (1 << 61) for power in range(_RUN)], dtype=np.uint64)


def nearest(anchors: Sequence[str], pool: Sequence[str], *, most: int) -> list[list[tuple[int, float]]]:
    """Give for each anchor the places in the pool of the texts most like it, with their likeness, best first.

    Args:
        anchors: A few texts.
        pool: Many; what has nothing in common with an anchor is not among its nearest.
        most: So many for each anchor.
    """
    if not anchors or not pool:
        return [[] for _ in anchors]
    found = _vectors([*anchors, *pool])
    likeness = (found[: len(anchors)] @ found[len(anchors) :].T).toarray()
    # Stable, so that equal ones stay in the pool's order.
    best = np.argsort(-likeness, axis=1, kind="stable")[:, :most]
    return [
        [(int(place), float(row[place])) for place in places if row[place] > 0]
        for row, places in zip(likeness, best, strict=True)
    ]


def _vectors(texts: Sequence[str]) -> Any:  # noqa: ANN401 - a sparse matrix, whose types depend on its format
    from scipy.sparse import csr_matrix, diags_array

    counted = [np.unique(_runs(text), return_counts=True) for text in texts]
    columns = np.concatenate([runs for runs, _ in counted])
    weights = np.concatenate([1 + np.log(counts) for _, counts in counted])
    ends = np.cumsum([0, *(len(runs) for runs, _ in counted)])
    counts = csr_matrix((weights, columns, ends), shape=(len(texts), _VALUES))
    holders = np.bincount(columns, minlength=_VALUES)
    weighed = counts @ diags_array(np.log((1 + len(texts)) / (1 + holders)) + 1)
    lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    return diags_array(1 / np.maximum(lengths, 1e-12)) @ weighed


def _runs(text: str) -> Any:  # noqa: ANN401 - an array of places
    plain = " ".join(unicodedata.normalize("NFKC", text[:_SHOWN_CHARACTERS]).casefold().split())
    codes = np.frombuffer(f" {plain} ".encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    if len(codes) < _RUN:
        return np.zeros(0, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(codes, _RUN)
    mixed = (windows * _FACTORS).sum(axis=1, dtype=np.uint64)
    return ((mixed ^ (mixed >> np.uint64(29))) % np.uint64(_VALUES)).astype(np.int64)
