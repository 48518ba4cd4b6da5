"""What an example can be found guilty of, and what happens to it then; ``docs/checks.md`` explains each code.

Nothing is ever masked or shortened: an example is taken, left out, or held until a person decides.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from service.domain.contents import Content, Turn
from service.domain.personal_data import Finding, leaks
from service.domain.phone_numbers import DEFAULT_REGIONS
from service.domain.splits import group_key

# ``drop`` leaves the example out, ``hold`` until a person decides, ``note`` only counts it.
Action = Literal["drop", "hold", "note"]
# Finds personal data by other means than patterns, such as a language model of its own.
NameFinder = Callable[[str], Iterable[Finding]]

# What models of the gpt-4o and gpt-4.1 families take a line. Source: OpenAI, "Fine-tuning best practices".
MAX_LINE_TOKENS = 65_536

_ANY: tuple[Action, ...] = ("drop", "hold", "note")
_PERSONAL_REMEDY = "Correct the label in Labelbox, or release the example if it is meant to be said."


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that may be wrong with an example.

    Attributes:
        words: What it is.
        remedy: What a person does about it.
        action: What happens unless the configuration says otherwise.
        allowed: What the configuration may say.
    """

    words: str
    remedy: str
    action: Action
    allowed: tuple[Action, ...] = _ANY


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an answer may be, in characters, as the question in the ontology says; None is no limit."""

    min_characters: int | None = None
    max_characters: int | None = None


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "empty_answer": Check(
            "an answer holds nothing that can be seen",
            "Answer the question in Labelbox, or skip the row.",
            "drop",
            ("drop", "hold"),
        ),
        "one_character_answer": Check(
            "an answer is one character, or one mark repeated, as labelers type to get past a question",
            "Write the answer in Labelbox, or release the example if it is one.",
            "hold",
        ),
        "answer_repeats_prompt": Check(
            "an answer is the prompt again, but for case and spacing",
            "Write the answer in Labelbox, or release the example if repeating is the task.",
            "hold",
        ),
        "control_characters": Check(
            "a text holds control characters or a byte-order mark, as broken copies do",
            "Correct the text in Labelbox.",
            "hold",
        ),
        "too_many_tokens": Check(
            "the line is longer than the model learns from: it would be cut from the end, which is the answer",
            "Shorten the prompt, or train a model that takes longer lines.",
            "drop",
            ("drop",),
        ),
        "too_short": Check(
            "an answer has fewer characters than the question asks for",
            "Lengthen it in Labelbox, or release it.",
            "hold",
        ),
        "too_long": Check(
            "an answer has more characters than the question allows", "Shorten it in Labelbox, or release it.", "hold"
        ),
        "personal_email": Check("an answer holds an e-mail address", _PERSONAL_REMEDY, "hold"),
        "personal_phone": Check("an answer holds a phone number", _PERSONAL_REMEDY, "hold"),
        "personal_name": Check("an answer holds the name of a person", _PERSONAL_REMEDY, "hold"),
        "personal_number": Check(
            "an answer holds the number of a card, an account, a document, an order or the like",
            _PERSONAL_REMEDY,
            "hold",
        ),
        "personal_address": Check("an answer holds a postal address", _PERSONAL_REMEDY, "hold"),
        "exact_duplicate": Check(
            "another example says exactly the same",
            "Nothing, or archive the row in Labelbox.",
            "drop",
            ("drop", "note"),
        ),
        "near_duplicate": Check(
            "another prompt is nearly the same",
            "Nothing: all of them share one split; many teach little.",
            "note",
            ("note",),
        ),
        "conflicting_answers": Check(
            "the same prompt has different answers",
            "Decide in Labelbox which answer is right, if only one can be.",
            "note",
            ("note",),
        ),
        "held_out_leak": Check(
            "the example, its group or its near-duplicate is held out, so it is never trained on",
            "Nothing: this keeps the evaluation honest.",
            "drop",
            ("drop",),
        ),
        "forgotten": Check(
            "its text was erased on request and must not come back",
            "Delete the row in Labelbox as well.",
            "drop",
            ("drop",),
        ),
    }
)
# The code of each kind of ``Finding``.
PERSONAL: Mapping[str, str] = MappingProxyType(
    {
        "email": "personal_email",
        "phone": "personal_phone",
        "name": "personal_name",
        "card": "personal_number",
        "iban": "personal_number",
        "national_id": "personal_number",
        "number": "personal_number",
        "address": "personal_address",
    }
)

# C0 but for tab and line ends, DEL, C1, and a byte-order mark.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff]")
# Others and separators cannot be seen; marks belong to the character before them.
_UNSEEN = ("C", "Z", "M")


def findings_of(
    content: Content,
    *,
    tokens: int,
    max_tokens: int = MAX_LINE_TOKENS,
    is_choice: bool = False,
    limits: Limits | None = None,
    names: NameFinder | None = None,
    regions: tuple[str, ...] = DEFAULT_REGIONS,
) -> tuple[str, ...]:
    """Give the codes of everything that is wrong with an example's content, in the order of ``CHECKS``.

    Args:
        content: The turns; only answers that are taught are looked at for what answers can be guilty of.
        tokens: What its longest line has; of too long a one nothing else is looked for, it may be megabytes.
        max_tokens: What the model learns from at most.
        is_choice: Whether the answers are ticked options: the ontology's own words, which may be short.
        limits: How long an answer may be.
        names: Finds more personal data than patterns do.
        regions: See ``find_personal_data``.
    """
    if tokens > max_tokens:
        return ("too_many_tokens",)
    found: set[str] = set()
    if any(_CONTROL.search(text) for turn in content for text in (turn.content, *turn.rejected)):
        found.add("control_characters")
    for place, turn in enumerate(content):
        if turn.role == "assistant" and turn.weight:
            found.update(_of_length(turn.content, is_choice=is_choice, limits=limits or Limits()))
            if not is_choice:
                found.update(_of_words(turn.content, content[:place], names, regions))
    return tuple(code for code in CHECKS if code in found) if found else ()


def _of_length(answer: str, *, is_choice: bool, limits: Limits) -> Iterator[str]:
    seen = _first_seen(answer)
    if not seen:
        yield "empty_answer"
        return
    if len(seen) == 1 and not is_choice:
        yield "one_character_answer"
    if limits.min_characters is not None and len(answer) < limits.min_characters:
        yield "too_short"
    if limits.max_characters is not None and len(answer) > limits.max_characters:
        yield "too_long"


def _first_seen(text: str) -> str:
    """Give the first two characters that can be seen; a punctuation mark that repeats counts once."""
    found = ""
    for character in text:
        kind = unicodedata.category(character)
        if kind[0] not in _UNSEEN and not (kind[0] == "P" and character == found):
            found += character
            if len(found) > 1:
                break
    return found


def _of_words(
    answer: str, before: tuple[Turn, ...], names: NameFinder | None, regions: tuple[str, ...]
) -> Iterator[str]:
    asked = {group_key(turn.content) for turn in before if turn.role == "user"}
    if group_key(answer) in asked and _first_seen(answer):
        yield "answer_repeats_prompt"
    said = "\n".join(turn.content for turn in before)
    found = [*leaks(said, answer, regions=regions), *(names(answer) if names else ())]
    yield from (PERSONAL[finding.kind] for finding in found)
