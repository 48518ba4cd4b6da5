"""An inverted index: the prompts nearest to a vector, without looking at all of them."""

import heapq
import math
from collections import defaultdict
from itertools import repeat
from operator import mul

from trainer.engines.memory.vectors import Vector, Vocabulary

Neighbour = tuple[float, int]
"""A cosine, 0..1, and the number of the prompt."""

LOOKED_UP_GRAMS = 48
COMPARED = 24
LONG_POSTINGS = 512
VISITS = 4096


class Index:
    """The vectors that were added, findable by their n-grams.

    A search looks up only the vector's heaviest n-grams, stops after ``VISITS`` entries and compares exactly only the
    ``COMPARED`` most promising vectors, so its time hardly depends on how many vectors are in.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._postings: list[list[int]] = [[] for _ in range(len(vocabulary))]
        self._vectors: dict[int, Vector] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._vectors

    def add(self, number: int, vector: Vector) -> None:
        """Make a vector findable under its number."""
        self._vectors[number] = vector
        for gram in vector.grams:
            self._postings[gram].append(number)

    def nearest(self, vector: Vector, *, without: int = -1) -> list[Neighbour]:
        """Give the nearest vectors, nearest first, equal ones by their number.

        Args:
            vector: What to search for.
            without: The number of a vector that must not find itself.
        """
        weights = dict(zip(vector.grams, vector.weights, strict=True))
        near = [(self._cosine(weights, number), number) for number in self._promising(vector) if number != without]
        return sorted((found for found in near if found[0] > 0), key=lambda found: (-found[0], found[1]))

    def _cosine(self, weights: dict[int, float], number: int) -> float:
        other = self._vectors[number]
        return math.fsum(map(mul, map(weights.get, other.grams, repeat(0.0)), other.weights))

    def _promising(self, vector: Vector) -> list[int]:
        scores: defaultdict[int, float] = defaultdict(float)
        visits = looked_up = 0
        for gram, weight in zip(vector.grams, vector.weights, strict=True):
            postings = self._postings[gram]
            # A long list belongs to an n-gram that says little; it is read only while nothing better was found.
            if not postings or (len(postings) > LONG_POSTINGS and scores):
                continue
            for number in postings[:LONG_POSTINGS]:
                scores[number] += weight
            visits += min(len(postings), LONG_POSTINGS)
            looked_up += 1
            if visits > VISITS or looked_up >= LOOKED_UP_GRAMS:
                break
        return heapq.nsmallest(COMPARED, scores, key=lambda number: (-scores[number], number))
