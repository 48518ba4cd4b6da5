"""What the base model does: it repeats the most telling sentences of what it was given."""

import re
from collections import Counter

SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
KEPT_SHARE = 0.34
MOST_KEPT = 6
SHORT_WORD = 3


def summarize(text: str) -> str:
    """Give the sentences or turns that hold most of the text's matter, in their order and word for word.

    Nothing is left out for being personal: this is the model that training has to improve on.
    """
    sentences = [sentence.strip() for sentence in SENTENCE_END.split(text) if sentence.strip()]
    kept = min(MOST_KEPT, max(1, round(len(sentences) * KEPT_SHARE)))
    telling = [_telling_words(sentence) for sentence in sentences]
    matter = Counter(word for words in telling for word in words)
    ranked = sorted(range(len(sentences)), key=lambda place: (-_weight(telling[place], matter), place))
    return "\n".join(sentences[place] for place in sorted(ranked[:kept]))


def _weight(words: list[str], matter: Counter[str]) -> int:
    return sum(matter[word] for word in set(words))


def _telling_words(sentence: str) -> list[str]:
    # Names and numbers are short, and yet what a text is about.
    return [
        word.lower()
        for word in re.findall(r"\w+", sentence)
        if len(word) > SHORT_WORD or word[0].isupper() or word[0].isdigit()
    ]
