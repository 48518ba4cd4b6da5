"""The situations that bring customers to a support chat.

A situation is written in lines of ``kind: text`` in the notation of ``grammar``. What follows ``=>`` is the answer to
a question (``asks``), or how a summary tells what was said (``cause``: a clause, ``does``: what the agent did).

Marks after the kind say which lines belong together, as in ``does b13``: letters tie a line to what the customer
``says``, figures to the first, second, third ``cause``. A line without marks fits all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.chat_parts.texts_accounts import ACCOUNTS
from sandbox.chat_parts.texts_banking import BANKING
from sandbox.chat_parts.texts_devices import DEVICES
from sandbox.chat_parts.texts_journeys import JOURNEYS
from sandbox.chat_parts.texts_lines import LINES
from sandbox.chat_parts.texts_meals import MEALS
from sandbox.chat_parts.texts_parcels import PARCELS
from sandbox.chat_parts.texts_purchases import PURCHASES


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to say.

    Attributes:
        said: In the chat, or in a summary where it is said only there.
        told: The answer to a question, or how a summary tells it.
        marks: What it belongs to.
        place: Its place among the lines of its kind, from 1.
    """

    said: str
    told: str
    marks: frozenset[str]
    place: int

    def fits(self, says: "Line", cause: "Line | None" = None) -> bool:
        """Say whether the line belongs to what the customer says and what the agent finds."""
        letters = {mark for mark in self.marks if mark.isalpha()}
        figures = self.marks - letters
        return (not letters or bool(letters & says.marks)) and (
            not figures or (cause is not None and str(cause.place) in figures)
        )


@dataclass(frozen=True, slots=True)
class Situation:
    """One reason to contact support.

    Attributes:
        name: What it is, for people.
        number: The kind of number that the agent asks for.
        things: The kind of thing it is about, see ``things``.
        lines: What is said, by kind: ``says``, ``title``, ``problem``, ``asks``, ``cause``, ``does``.
    """

    name: str
    number: str
    things: str
    lines: Mapping[str, Sequence[Line]]

    def fitting(self, kind: str, says: Line, cause: Line | None = None) -> list[Line]:
        """Give the lines of a kind that belong together with others."""
        return [line for line in self.lines[kind] if line.fits(says, cause)]


def _parse(text: str) -> Situation:
    name, *rest = text.replace("\n    ", " ").splitlines()
    lines: dict[str, list[Line]] = {}
    for line in rest:
        key, _, content = line.partition(": ")
        kind, _, marks = key.partition(" ")
        said, _, told = content.partition(" => ")
        same = lines.setdefault(kind, [])
        same.append(Line(said, told, frozenset(marks), len(same) + 1))
    return Situation(name, lines.pop("number")[0].said, lines.pop("things")[0].said, lines)


_TEXTS = {
    "parcels": PARCELS,
    "purchases": PURCHASES,
    "accounts": ACCOUNTS,
    "lines": LINES,
    "devices": DEVICES,
    "banking": BANKING,
    "journeys": JOURNEYS,
    "meals": MEALS,
}
# By the area of business, which is what a chat may be sorted by.
AREAS = {area: tuple(_parse(block) for block in text.strip("\n# ").split("\n\n# ")) for area, text in _TEXTS.items()}
SITUATIONS = tuple(situation for situations in AREAS.values() for situation in situations)
