"""How well an answer was predicted: a real loss and a real accuracy, both from the words."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from trainer.engines.memory.pairs import Pair
from trainer.engines.memory.text import words_of

END = ""
"""The word after an answer's last; it makes an empty answer something to predict."""
TRUST = 0.4
"""The share of a word's probability that comes from the recalled answer; the rest comes from all learned answers."""
LEXICON = 10_000
"""The words that an answer is taken to be made of before any was seen, all equally probable."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A mean over answers: loss in nats a word, accuracy 0..1."""

    loss: float
    accuracy: float


def mean(measures: Sequence[Measure]) -> Measure:
    """Give the mean; of nothing, the measure of nothing to learn."""
    if not measures:
        return Measure(0.0, 1.0)
    count = len(measures)
    return Measure(sum(one.loss for one in measures) / count, sum(one.accuracy for one in measures) / count)


class Words:
    """The words of the answers learned so far: how probable each is where nothing else is known."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._total = 0

    def learn(self, text: str) -> None:
        """Count an answer's words."""
        words = [*words_of(text), END]
        self._counts.update(words)
        self._total += len(words)

    def probability(self, word: str) -> float:
        """Give the word's share, with one count added to every word of the lexicon."""
        return (self._counts[word] + 1) / (self._total + LEXICON)


def measure(pair: Pair, recalled: Pair | None, words: Words, beta: float | None) -> Measure:
    """Measure how well the recalled pair's answer predicts the pair's own.

    Args:
        pair: What should have been recalled.
        recalled: What was; None where nothing is near.
        words: The answers learned so far.
        beta: The strength of preference training; None measures the answer alone.
    """
    predicted = None if recalled is None else [*words_of(recalled.text), END]
    wanted = [*words_of(pair.text), END]
    accuracy = _overlap(wanted[:-1], [] if predicted is None else predicted[:-1])
    if beta is None or pair.rejected is None:
        return Measure(-_log_probability(wanted, predicted, words) / len(wanted), accuracy)
    unwanted = [*words_of(pair.rejected), END]
    margin = beta * (_gain(wanted, predicted, words) - _gain(unwanted, predicted, words))
    # log(1 + e^-margin), written so that a large margin of either sign does not overflow.
    return Measure(max(-margin, 0.0) + math.log1p(math.exp(-abs(margin))), accuracy)


def _gain(answer: Sequence[str], predicted: Sequence[str] | None, words: Words) -> float:
    """Tell how much likelier the recalled answer makes an answer than it was before training."""
    return _log_probability(answer, predicted, words) - _log_probability(answer, None, words)


def _log_probability(answer: Sequence[str], predicted: Sequence[str] | None, words: Words) -> float:
    if predicted is None:
        return math.fsum(math.log(words.probability(word)) for word in answer)
    counts, count = Counter(predicted), len(predicted)
    return math.fsum(math.log(TRUST * counts[word] / count + (1 - TRUST) * words.probability(word)) for word in answer)


def _overlap(wanted: Sequence[str], predicted: Sequence[str]) -> float:
    longer = max(len(wanted), len(predicted))
    return (Counter(wanted) & Counter(predicted)).total() / longer if longer else 1.0
