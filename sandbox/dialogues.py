"""The support chats of ``chats`` in parts, for everything else that can be asked about one.

Dialogue 17 of a seed is the chat 17 of that seed.
"""

from dataclasses import dataclass

from sandbox.chat_parts.facts import Case, make_case
from sandbox.chat_parts.situations import AREAS
from sandbox.chat_parts.summaries import summarize, summarize_carelessly
from sandbox.chat_parts.talk import Talk, Turn, converse
from sandbox.ids import seeded

_AREA_OF = {situation.name: area for area, situations in AREAS.items() for situation in situations}


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One chat and what may be said of it.

    Attributes:
        number: Its place, from 0.
        turns: Who said what.
        area: The area of business.
        problem: The situation within the area.
        mood: How the customer takes it.
        given: The personal data that were said.
        summary: What happened, without personal data.
        careless_summary: The same with some of them.
    """

    number: int
    turns: tuple[Turn, ...]
    area: str
    problem: str
    mood: str
    given: frozenset[str]
    summary: str
    careless_summary: str

    @property
    def text(self) -> str:
        """Give the whole chat, a turn a line."""
        return "\n".join(f"{speaker}: {text}" for speaker, text in self.turns)

    @property
    def request(self) -> str:
        """Give what the customer wants, in their own words."""
        return max((text for speaker, text in self.turns if speaker == "Customer"), key=len)

    @property
    def reply_at(self) -> int:
        """Give the place of the agent's answer among the turns; the customer spoke before it."""
        first = next(n for n, (speaker, _) in enumerate(self.turns) if speaker == "Customer")
        places = [n for n, (speaker, _) in enumerate(self.turns) if speaker == "Agent" and n > first]
        return max(places, key=lambda n: len(self.turns[n][1]))

    @property
    def reply(self) -> str:
        """Give the agent's answer."""
        return self.turns[self.reply_at][1]


def dialogue(seed: int, number: int) -> Dialogue:
    """Write one chat."""
    chance = seeded("chat", seed, number)
    case: Case = make_case(chance)
    talk: Talk = converse(case, chance)
    return Dialogue(
        number=number,
        turns=tuple(talk.turns),
        area=_AREA_OF[case.situation.name],
        problem=case.situation.name,
        mood=case.mood,
        given=frozenset(talk.given),
        summary=summarize(case, talk, chance),
        careless_summary=summarize_carelessly(case, talk, chance),
    )
