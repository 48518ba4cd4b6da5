"""What one chat is about: who, what, when and how much."""

from dataclasses import dataclass
from random import Random

from sandbox.chat_parts.people import Person, make_number, make_person
from sandbox.chat_parts.phrases import NUMBER_NAMES, TONES
from sandbox.chat_parts.situations import SITUATIONS, Line, Situation
from sandbox.chat_parts.things import CITIES, COLOURS, COMPANIES, MONTHS, THINGS, WEEKDAYS

# What a customer may be asked for; a summary must hold none of it.
PERSONAL = ("full", "first", "family", "phone", "email", "address", "card", "number")
MOODS = {
    "friendly": ("pleased", "pleased", "content"),
    "neutral": ("content", "pleased", "open"),
    "curt": ("content", "grudging", "content"),
    "annoyed": ("grudging", "upset", "content"),
    "chatty": ("pleased", "content", "open"),
    "worried": ("pleased", "content", "grudging"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One customer's case.

    Attributes:
        person: The customer.
        situation: What brings them here.
        says: How they put it.
        cause: What the agent finds.
        does: What the agent does.
        tone: How the customer talks.
        mood: How they take it.
        facts: What fills the gaps of the sentences.
    """

    person: Person
    situation: Situation
    says: Line
    cause: Line
    does: Line
    tone: str
    mood: str
    facts: dict[str, str]


def make_case(rng: Random) -> Case:
    """Invent a case."""
    situation, person, agent = rng.choice(SITUATIONS), make_person(rng), make_person(rng)
    thing, wrong = rng.sample(THINGS[situation.things], 2)
    says = rng.choice(situation.lines["says"])
    cause = rng.choice(situation.fitting("cause", says))
    tone = rng.choice(TONES)
    currency = rng.choice(("€{}", "£{}", "${}", "EUR {}", "{} CHF", "US${}"))
    facts = {
        "thing": thing,
        "a_thing": _with_article(thing),
        "a_wrong": _with_article(wrong),
        "n": str(rng.randint(2, 12)),
        "weekday": rng.choice(WEEKDAYS),
        "month": rng.choice(MONTHS),
        "time": f"{rng.randint(1, 12)}{rng.choice(('', ':15', ':30', ':45'))} {rng.choice(('am', 'pm'))}",
        "amount": currency.format(_price(rng, 21, 480)),
        "small": currency.format(_price(rng, 3, 20)),
        "city": rng.choice(CITIES),
        "colour": rng.choice(COLOURS),
        "agent": agent.first,
        "company": rng.choice(COMPANIES),
        "full": person.full,
        "first": person.first,
        "family": person.family,
        "title": person.title,
        "phone": person.phone,
        "email": person.email,
        "address": person.address,
        "card": person.card,
        "number": make_number(situation.number, rng),
        "number_name": NUMBER_NAMES[situation.number],
    }
    return Case(
        person=person,
        situation=situation,
        says=says,
        cause=cause,
        does=rng.choice(situation.fitting("does", says, cause)),
        tone=tone,
        mood=rng.choice(MOODS[tone]),
        facts=facts,
    )


def _with_article(thing: str) -> str:
    return f"{'an' if thing[0] in 'aeiouAEIOUX' and not thing.startswith('uku') else 'a'} {thing}"


def _price(rng: Random, low: int, high: int) -> str:
    whole = rng.randint(low, high)
    return rng.choice((str(whole), f"{whole}.{rng.choice(('50', '90', '95', '99', '20'))}"))
