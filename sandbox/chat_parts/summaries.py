"""How labelers tell a case: each in their own style, the careful ones without anybody's data."""

import re
from collections.abc import Mapping
from random import Random

from sandbox.chat_parts.facts import Case
from sandbox.chat_parts.grammar import expand, sentence
from sandbox.chat_parts.phrases import PHRASES
from sandbox.chat_parts.summary_phrases import SUMMARY_PHRASES
from sandbox.chat_parts.talk import Talk
from sandbox.chat_parts.things import NUMBER_WORDS

_CHANCE_OF_MOOD = _CHANCE_OF_NOTE = 0.5


def summarize(case: Case, talk: Talk, rng: Random) -> str:
    """Tell what happened and what was done, without any personal data."""
    return _tell(case, talk, rng, who=_phrase("customer", rng, {}), agent=_phrase("agent", rng, {}))


def summarize_carelessly(case: Case, talk: Talk, rng: Random) -> str:
    """Tell the same, but name the customer, and perhaps leave more of what they gave in."""
    contacts = [f"contact {fact}" for fact in sorted(talk.given) if f"contact {fact}" in SUMMARY_PHRASES]
    facts = {**case.facts, "title_name": case.person.title}
    facts["contact"] = _phrase(rng.choice(contacts), rng, facts) if contacts else "by chat"
    who = _phrase("named", rng, facts)
    agent = rng.choice((_phrase("agent", rng, {}), case.facts["agent"]))
    told = _tell(case, talk, rng, who=who, agent=agent)
    if not re.search(rf"\b({case.person.first}|{case.person.family})\b", told):
        # This style has no subject, so the name stands beside it.
        told = _phrase("filed", rng, {**facts, "told": told})
    if contacts and rng.random() < _CHANCE_OF_NOTE:
        facts["contact"] = _phrase(rng.choice(contacts), rng, facts)
        told += " " + _phrase("noted", rng, facts)
    return told


def _phrase(kind: str, rng: Random, facts: Mapping[str, str]) -> str:
    return expand(rng.choice(SUMMARY_PHRASES[kind]), rng, facts)


def _tell(case: Case, talk: Talk, rng: Random, *, who: str, agent: str) -> str:
    past = rng.choice((True, True, False))
    facts = dict(case.facts)
    if rng.choice((True, False)):
        facts["n"] = NUMBER_WORDS[int(facts["n"])]
    parts = {
        "problem": rng.choice(case.situation.fitting("problem", case.says)).said,
        "title": rng.choice(case.situation.fitting("title", case.says)).said,
        "cause": case.cause.told,
        "does": case.does.told,
        "aside": talk.aside or "",
    }
    told = {name: expand(text, rng, facts, past=past) for name, text in parts.items()}
    told |= {"who": who, "agent": agent}
    told |= {name.capitalize(): text[:1].upper() + text[1:] for name, text in told.items()}
    styles = [rng.choice(SUMMARY_PHRASES["style"])]
    if talk.aside:
        styles.append(rng.choice(SUMMARY_PHRASES["aside"]))
    if rng.random() < _CHANCE_OF_MOOD:
        styles.append(rng.choice(PHRASES[f"told {case.mood}"]))
    return " ".join(_in_sentences(expand(style, rng, told, past=past)) for style in styles)


def _in_sentences(text: str) -> str:
    return " ".join(sentence(part) for part in text.split(". "))
