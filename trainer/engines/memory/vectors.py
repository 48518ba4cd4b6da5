"""Prompts as sparse vectors: the weights (tf-idf) of their most telling character n-grams."""

import math
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

GRAM = 4
KEPT_GRAMS = 192
"""N-grams kept of a prompt, the heaviest. The rest says little about it and costs time at every answer."""


@dataclass(frozen=True, slots=True)
class Vector:
    """A prompt's n-grams by number and their weights, heaviest first; the weights' squares sum to 1."""

    grams: "array[int]"
    weights: "array[float]"


def grams_of(text: str) -> Counter[str]:
    """Count a text's character n-grams; case and the kind and number of spaces make no difference."""
    plain = " ".join(text.lower().split())
    if len(plain) <= GRAM:
        return Counter([plain] if plain else [])
    return Counter(map("".join, zip(*(islice(plain, start, None) for start in range(GRAM)), strict=False)))


class Vocabulary:
    """The n-grams of a set of prompts, and how rare each is among them."""

    def __init__(self, prompts: Iterable[str]) -> None:
        self._numbers: dict[str, int] = {}
        found_in: list[int] = []
        self.prompts = 0
        for prompt in prompts:
            self.prompts += 1
            for gram in grams_of(prompt):
                number = self._numbers.setdefault(gram, len(found_in))
                if number == len(found_in):
                    found_in.append(0)
                found_in[number] += 1
        # An n-gram of every prompt (a shared system text) weighs next to nothing.
        self._rarity = [math.log((self.prompts + 1) / (count + 0.5)) for count in found_in]

    def __len__(self) -> int:
        return len(self._numbers)

    def vector(self, text: str) -> Vector:
        """Weigh a text's n-grams; those that no prompt of the set has are left out."""
        number_of, rarity = self._numbers.get, self._rarity
        weighed = [
            (rarity[number] * (1.0 + math.log(count)), number)
            for gram, count in grams_of(text).items()
            if (number := number_of(gram)) is not None
        ]
        weighed.sort(reverse=True)
        heaviest = weighed[:KEPT_GRAMS]
        length = math.sqrt(math.fsum(weight * weight for weight, _ in heaviest)) or 1.0
        return Vector(array("I", [n for _, n in heaviest]), array("d", [weight / length for weight, _ in heaviest]))
