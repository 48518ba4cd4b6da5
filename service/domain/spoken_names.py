"""The names of people that a chat introduces, by the phrases that introduce them."""

import re
from collections import Counter

from service.domain.name_words import ALSO_WORDS, LEAD_WORDS, NOT_NAMES, ORGANISATION_WORDS, PARTICLES

_WORD = r"(?:(?:[^\W\d_]|[mdj]r|mrs|m[sx]|prof|st)\.(?= )|[^\W\d_](?:[^\W\d_]|['-](?=[^\W\d_]))*)"
# Words on one line: "Maria\nThe order" is one word of a name.
_NAME = rf"(?P<name>{_WORD}(?: {_WORD}){{0,4}})"
_ROLE = r"(?:agent|customer|support|user|client|caller|advisor|adviser|representative|rep|operator|assistant)"
_RELATIVE = (
    r"(?:wife|husband|partner|son|daughter|mother|father|mum|mom|dad|brother|sister|neighbou?r|colleague|flatmate"
    r"|roommate|boyfriend|girlfriend|fianc[eé]e?|assistant|boss)"
)
_SOMEBODY = r"(?:someone|somebody|colleague|agent|driver|courier|technician|engineer|lady|man|woman|guy|friend|person)"

_ASSENT = r"(?:sure|yes|yep|yeah|of course|certainly|ok|okay|hi|it's|it is)"
_GREETING = r"(?:hi|hello|hey|dear|morning|afternoon|evening|welcome|bye|goodbye|thanks|thank you|sorry)"

# A name follows even where it is typed in small letters.
_SURE = (
    r"\bmy (?:full |first |last |sur)?name(?:'s| is|:) ",
    r"(?:^|[.!?:,;] )(?:full |customer |account )?name ?[:=] ?",
)
# A name follows if it is capitalised; more of the sentence may follow it.
_LIKELY = (
    r"\b(?:this is|i'm|i am|call me) ",
    r"\b(?:the|her|his|their|your) (?:full )?name(?: on (?:it|file|the \w+))?(?:'s| is| was|:) ",
    r"\b(?:in|under|by) the name(?: of)? ",
    r"\b(?:speaking|chatting|talking|spoke|chatted) (?:with|to) ",
    r"\b(?:registered to|account holder(?: is|:)|cardholder(?: is|:)) ",
    rf"\b{_SOMEBODY} (?:named|called) ",
    rf"\bmy {_RELATIVE}(?:'s name)?,?(?: is)? ",
    r"(?<!\w)(?:mr|mrs|ms|miss|mx|dr|prof|professor|señora?|herr|frau|monsieur|madame)\.? ",
    r"^(?:from|to|cc|passenger|guest|patient|cardholder|account holder|recipient|attn|contact): ?",
)
# The answer to "who is this?" and to "may I have your name?". One word may answer something else: "May, I think".
_ANSWERED = (
    rf"\bwho (?:am i|is this|do i)\b[^\n?]{{0,30}}\?[^\n]{{0,80}}\n+[^\n:]{{1,40}}: (?:{_ASSENT}[,.!:]? )*",
    rf"\bname\b[^\n?]{{0,80}}\?[^\n]{{0,80}}\n+[^\n:]{{1,40}}: (?:{_ASSENT}[,.!:]? )*",
)
# The name is all there is before the mark or word that closes the phrase.
_WHOLE = (
    rf"\b{_GREETING}(?: so much| very much| again| back)?,? {_NAME}(?=[,.!?;]|\s*$)",
    rf"\bit's {_NAME} (?:again|from)\b",
    rf"\b(?:regards|wishes|sincerely|cheers|thanks|thank you|best|yours|faithfully),?[ ]*\n\s*[-~]?\s*{_NAME}\s*$",
    rf"^(?:\w+: )?[-~\u2013\u2014] ?{_NAME}\s*$",
    rf"^\[?{_ROLE}\]? [(\[]?{_NAME}[)\]]?:",
    rf"^\[?{_ROLE}\]?[(\[]{_NAME}[)\]]:",
)
# Before "here" and "speaking" nothing but capitals may tell where the name begins.
_CAPITALISED_HERE = (
    r"(?<!\w)(?P<name>[^\W\d_a-z][\w'-]+(?: (?:[a-z]{2,3} )?[^\W\d_a-z][\w'-]+){0,2}) (?:here|speaking)\b"
)
_FLAGS = re.IGNORECASE | re.MULTILINE
# The name after a phrase is looked at, not taken: in "I'm happy. This is Ana" it holds the next phrase.
_SURE_PHRASES = [re.compile(f"{phrase}(?={_NAME})", _FLAGS) for phrase in _SURE]
_LIKELY_PHRASES = [re.compile(f"{phrase}(?={_NAME})", _FLAGS) for phrase in _LIKELY]
_ANSWERED_PHRASES = [re.compile(f"{phrase}(?={_NAME})", _FLAGS) for phrase in _ANSWERED]
_WHOLE_PHRASES = [*(re.compile(phrase, _FLAGS) for phrase in _WHOLE), re.compile(_CAPITALISED_HERE)]
_SPEAKER = re.compile(rf"^{_NAME}:", _FLAGS)
_TYPED_SMALL_WORDS = 2
_CONTRACTION = re.compile(r"'(?:re|ve|ll|m|d|t)$", re.IGNORECASE)


def names_spoken(prompt: str) -> frozenset[str]:
    """Give the names that a chat introduces, of customers, agents and others, as they are written there."""
    text = straight(prompt)
    found = {
        name
        for phrases, small in ((_SURE_PHRASES, True), (_LIKELY_PHRASES, False))
        for phrase in phrases
        for match in phrase.finditer(text)
        if (name := _beginning(match["name"], may_be_small=small))
    }
    for phrase in _ANSWERED_PHRASES:
        names = (_beginning(match["name"], may_be_small=False) for match in phrase.finditer(text))
        found |= {name for name in names if name and not is_also_a_word(name)}
    for phrase in _WHOLE_PHRASES:
        found |= {name for match in phrase.finditer(text) if (name := _all_of(match["name"]))}
    # Once it may be a heading, "Delivery: tomorrow"; a speaker has a second turn.
    speakers = Counter(name for match in _SPEAKER.finditer(text) if (name := _all_of(match["name"])))
    return frozenset(found | {name for name, turns in speakers.items() if turns > 1})


def straight(text: str) -> str:
    """Give the text with the apostrophes of typewriters, at the same length: telephones type another one."""
    return text.replace("\u2019", "'")


def name_parts(name: str) -> tuple[str, ...]:
    """Give the words of a name that tell a person, without particles, titles and initials."""
    words = name.split(" ")
    telling = (word for word in words if not word.endswith(".") and word.casefold() not in PARTICLES)
    return tuple(word for word in telling if len(word) > 1) if len(words) > 1 else ()


def is_also_a_word(name: str) -> bool:
    """Say whether a name could as well be an ordinary word, such as Will or Grace."""
    return all(word in ALSO_WORDS or word in NOT_NAMES for word in name.casefold().split(" "))


def _all_of(words: str) -> str:
    """Give the name if the words are one and nothing else, but for a greeting or title before it."""
    name = _beginning(words, may_be_small=False)
    return name if words.endswith(name) else ""


def _beginning(words: str, *, may_be_small: bool) -> str:
    """Give the name that the words begin with, or nothing."""
    rest = words.split(" ")
    while rest and rest[0].casefold() in LEAD_WORDS:
        rest = rest[1:]
    small = may_be_small and bool(rest) and rest[0].islower()
    name: list[str] = []
    for word in rest:
        if not _may_belong(word, small=small, may_shout=may_be_small):
            break
        name.append(word)
    if any(word.casefold() in ORGANISATION_WORDS for word in name):
        return ""
    while name and name[-1].casefold() in PARTICLES:
        name.pop()
    return " ".join(name[:_TYPED_SMALL_WORDS] if small else name).removesuffix("'s")


def _may_belong(word: str, *, small: bool, may_shout: bool) -> bool:
    if word.casefold() in PARTICLES:
        return True
    if word.casefold() in NOT_NAMES or _CONTRACTION.search(word):
        return False
    if word.isupper() and len(word) > 1 and not word.endswith("."):
        # "This is RIDICULOUS", "I'm with DHL".
        return may_shout
    return small or not word[0].islower()
