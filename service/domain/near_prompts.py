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
# Texts of a mebibyte by the thousand do not fit in memory at once.
_PIECE = 500
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
    holders = np.zeros(_VALUES)
    for text in (*anchors, *pool):
        holders[np.unique(_runs(text))] += 1
    rarity = np.log((1 + len(anchors) + len(pool)) / (1 + holders)) + 1
    wanted = _vectors(anchors, rarity)
    pieces = [pool[start : start + _PIECE] for start in range(0, len(pool), _PIECE)]
    likeness = np.hstack([(wanted @ _vectors(piece, rarity).T).toarray() for piece in pieces])
    # Stable, so that equal ones stay in the pool's order.
    best = np.argsort(-likeness, axis=1, kind="stable")[:, :most]
    return [
        [(int(place), float(row[place])) for place in places if row[place] > 0]
        for row, places in zip(likeness, best, strict=True)
    ]


def _vectors(texts: Sequence[str], rarity: Any) -> Any:  # noqa: ANN401 - a sparse matrix
    from scipy.sparse import csr_matrix

    counted = [np.unique(_runs(text), return_counts=True) for text in texts]
    rows = [(1 + np.log(counts)) * rarity[runs] for runs, counts in counted]
    # Of length 1, so that their product is the cosine; an empty text stays empty.
    weights = np.concatenate([row / max(float(np.linalg.norm(row)), 1e-12) for row in rows])
    ends = np.cumsum([0, *map(len, rows)])
    return csr_matrix((weights, np.concatenate([runs for runs, _ in counted]), ends), shape=(len(texts), _VALUES))


def _runs(text: str) -> Any:  # noqa: ANN401 - an array of places
    plain = " ".join(unicodedata.normalize("NFKC", text[:_SHOWN_CHARACTERS]).casefold().split())
    codes = np.frombuffer(f" {plain} ".encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    if len(codes) < _RUN:
        return np.zeros(0, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(codes, _RUN)
    mixed = (windows * _FACTORS).sum(axis=1, dtype=np.uint64)
    return ((mixed ^ (mixed >> np.uint64(29))) % np.uint64(_VALUES)).astype(np.int64)
