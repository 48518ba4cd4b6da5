"""How like an answer is to the human's: the same, the same words in the same order, the same runs of characters.

None of them reads the prompt. What is the same gives the greatest value, whatever it is.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from service.domain.splits import fold

HIGHEST = 100.0
_WORD = re.compile(r"\w+")


def exact_match(prompt: str, reference: str, answer: str) -> float:  # noqa: ARG001 - every metric has this shape
    """Give 1.0 where both say the same but for spacing, case and Unicode form."""
    return 1.0 if fold(answer) == fold(reference) else 0.0


def chrf(prompt: str, reference: str, answer: str) -> float:  # noqa: ARG001 - every metric has this shape
    """Give chrF2, 0 to 100, as sacrebleu computes it. Source: Popovic 2015."""
    if answer == reference:
        # sacrebleu gives 0 to two empty texts.
        return HIGHEST
    return min(HIGHEST, float(_chrf_scorer().sentence_score(answer, [reference]).score))


def rouge_l(prompt: str, reference: str, answer: str) -> float:  # noqa: ARG001 - every metric has this shape
    """Give the F-measure of the longest common subsequence of words, 0 to 100.

    Words are runs of letters and digits of any script, folded, and not stemmed. Source: Lin 2004, sentence level.
    """
    said, wanted = _WORD.findall(fold(answer)), _WORD.findall(fold(reference))
    if not said or not wanted:
        return HIGHEST if answer == reference else 0.0
    return HIGHEST * 2 * common_subsequence(said, wanted) / (len(said) + len(wanted))


def common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Give the length of the longest common subsequence.

    One row of the usual table is the bits of one number, so that ten thousand words cost a fraction of a second and
    not a hundred million steps. Source: Hyyro 2004, "Bit-parallel LCS-length computation revisited".
    """
    places: dict[str, int] = {}
    for place, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << place
    everywhere = (1 << len(first)) - 1
    row = everywhere
    for word in second:
        met = row & places.get(word, 0)
        row = ((row + met) | (row - met)) & everywhere
    return len(first) - row.bit_count()


@cache
def _chrf_scorer() -> Any:  # noqa: ANN401 - sacrebleu has no types
    # Imported at the first use: it takes a good part of a second, which no other command should wait for.
    from sacrebleu.metrics import CHRF

    return CHRF()
