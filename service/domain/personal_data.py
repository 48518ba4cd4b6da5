"""Personal data in a text, by pattern, and what of a prompt an answer gives away.

Patterns miss things, and a name out of nowhere is not seen. They are meant to be quick, explainable and the same
for every model that is compared. Findings hold the text itself: show them to people, never log them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from service.domain.name_words import NOT_NAMES
from service.domain.personal_patterns import FORMS, HARMLESS, WORDINGS, Pattern
from service.domain.phone_numbers import DEFAULT_REGIONS, phone_spans
from service.domain.spoken_names import is_also_a_word, name_parts, names_spoken, straight

__all__ = ["Finding", "find_personal_data", "leaks", "names_spoken"]

# "Li" or "An" in small letters is part of any language; longer names are not.
_SHORT_NAME = 3
_OPENS_SENTENCE = re.compile(r"(?:^|[.!?:\n])[\s\"'*_-]*$")
_HIDDEN = "\0"
# Every pattern wants a digit, an at sign, or the words for it.
_MAY_BE_PERSONAL = re.compile(r"[\d@]|[ ]dot[ ]|[(\[]dot[)\]]")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of personal data.

    Attributes:
        kind: ``email``, ``iban``, ``card``, ``national_id``, ``phone``, ``address``, ``number`` (of an order,
            an account or the like) or ``name``.
        text: As it stands in the text.
    """

    kind: str
    text: str


def find_personal_data(text: str, *, regions: tuple[str, ...] = DEFAULT_REGIONS) -> tuple[Finding, ...]:
    """Give every piece of personal data that a pattern finds, in the order of the text.

    Dates, amounts and models of products are none. Names need a prompt that introduces them, see ``leaks``.

    Args:
        text: The text.
        regions: Countries whose phone numbers are known without their code as well, by ISO 3166.
    """
    if not _MAY_BE_PERSONAL.search(text):
        # What most answers are, and a dataset has a million.
        return ()
    rest = HARMLESS.sub(lambda match: _HIDDEN * len(match.group()), straight(text))
    found: list[tuple[int, Finding]] = []
    for kind, spans_in in _finders(regions):
        spans = list(spans_in(rest))
        found.extend((start, Finding(kind, text[start:end])) for start, end in spans)
        # What one pattern took is hidden from the next: a card number is no phone number as well.
        rest = _without(rest, spans)
    return tuple(finding for _, finding in sorted(found, key=lambda item: item[0]))


def leaks(prompt: str, answer: str, *, regions: tuple[str, ...] = DEFAULT_REGIONS) -> tuple[Finding, ...]:
    """Give what an answer gives away.

    Returns:
        Everything in the answer that looks like personal data, whoever it belongs to, then each name that the
        prompt introduces and the answer repeats: the whole name, or else one of its parts.
    """
    found = list(find_personal_data(answer, regions=regions))
    for name in sorted(names_spoken(prompt)) if _may_repeat_a_name(prompt, answer) else ():
        repeated = (_repetition(part, answer) for part in (name, *name_parts(name)))
        if text := next(filter(None, repeated), None):
            found.append(Finding("name", text))
    return tuple(dict.fromkeys(found))


def _finders(regions: tuple[str, ...]) -> Iterator[tuple[str, Callable[[str], Iterator[tuple[int, int]]]]]:
    yield from ((pattern.kind, partial(_spans, pattern)) for pattern in FORMS)
    yield "phone", partial(phone_spans, regions=regions)
    yield from ((pattern.kind, partial(_spans, pattern)) for pattern in WORDINGS)


def _spans(pattern: Pattern, text: str) -> Iterator[tuple[int, int]]:
    found = (match.span("found") for match in pattern.regex.finditer(text))
    return ((start, end) for start, end in found if pattern.accepts(text[start:end]))


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    kept, place = [], 0
    for start, end in spans:
        kept += [text[place:start], _HIDDEN * (end - start)]
        place = end
    return "".join([*kept, text[place:]]) if spans else text


def _may_repeat_a_name(prompt: str, answer: str) -> bool:
    """Say whether it is worth looking for names: that takes a hundred times as long."""
    said = {word.lower() for word in _WORD.findall(answer)}
    introduced = "name" in prompt.lower()
    # Without "my name is", a name is known only where it is not written in small letters.
    return any(
        (introduced or not word[0].islower()) and (small := word.lower()) in said and small not in NOT_NAMES
        for word in _WORD.findall(prompt)
    )


def _repetition(name: str, answer: str) -> str | None:
    """Give a name as the answer repeats it; one that is also a word counts only where it must be a name."""
    ambiguous = is_also_a_word(name)
    exact = ambiguous or len(name) <= _SHORT_NAME
    for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", straight(answer), 0 if exact else re.IGNORECASE):
        if not (ambiguous and _OPENS_SENTENCE.search(answer, 0, match.start())):
            return match.group()
    return None
