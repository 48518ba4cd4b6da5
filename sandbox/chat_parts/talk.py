"""How a case becomes a conversation: which turns it has, in which order."""

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from sandbox.chat_parts.facts import PERSONAL, Case
from sandbox.chat_parts.grammar import expand, sentence
from sandbox.chat_parts.phrases import PHRASES
from sandbox.chat_parts.typing_habits import HABITS, retype

Speaker = Literal["Agent", "Customer"]
Turn = tuple[Speaker, str]
LEAST_TURNS, MOST_TURNS = 4, 16
# What a conversation may have beyond the four turns it must have, and how many turns each adds at most.
_EXTRAS = {
    "hello": 2,
    "ask who": 2,
    "ask more": 2,
    "repeat": 2,
    "first detail": 2,
    "second detail": 2,
    "wait": 2,
    "interruption": 2,
    "digression": 2,
    "reaction": 2,
    "question": 2,
    "aside": 2,
    "more": 1,
    "empathy": 1,
    "farewell": 1,
}


@dataclass(slots=True)
class Talk:
    """A conversation and what it gives away.

    Attributes:
        turns: Who said what.
        given: The personal facts that were said.
        aside: How a summary names what the customer asked besides.
    """

    turns: list[Turn] = field(default_factory=list)
    given: set[str] = field(default_factory=set)
    aside: str | None = None


def converse(case: Case, rng: Random) -> Talk:
    """Let customer and agent talk about a case."""
    talk = _Composer(case, rng).compose()
    # Half of the people type carefully.
    habit = rng.choice(("careful", "careful", *HABITS))
    kept = [case.facts[fact] for fact in PERSONAL]
    talk.turns = [
        (speaker, retype(text, habit, rng, kept=kept) if speaker == "Customer" else text)
        for speaker, text in talk.turns
    ]
    return talk


def _choose_extras(rng: Random) -> set[str]:
    room = rng.randint(LEAST_TURNS, MOST_TURNS) - LEAST_TURNS
    chosen: set[str] = set()
    for extra in rng.sample(sorted(_EXTRAS), len(_EXTRAS)):
        # Only what was asked for is repeated.
        if _EXTRAS[extra] <= room and (extra != "repeat" or "ask who" in chosen):
            chosen.add(extra)
            room -= _EXTRAS[extra]
    return chosen


class _Composer:
    """Writes one conversation."""

    def __init__(self, case: Case, rng: Random) -> None:
        self.case, self.rng, self.talk = case, rng, Talk()
        self.extras = _choose_extras(rng)
        self.agent_first = rng.choice((True, False))
        self.introduced = False
        self.unasked = rng.sample(["number", "phone", "email", "address"], 4)

    def compose(self) -> Talk:
        """Write it from the greeting to the farewell."""
        self._open()
        for speaker, text in self._middle():
            self._say(speaker, text)
        self._answer()
        self._close()
        return self.talk

    def _say(self, speaker: Speaker, *texts: str) -> None:
        """Add a turn of some sentences; a dash says nothing."""
        if speaker == "Agent" and not self.introduced:
            texts = (self._one("agent joins"), *texts)
        self.introduced |= speaker == "Agent"
        said = [sentence(self._filled(text)) for text in texts if text != "-"]
        self.talk.turns.append((speaker, " ".join(said)))

    def _filled(self, text: str) -> str:
        wording = expand(text, self.rng, {fact: "{" + fact + "}" for fact in self.case.facts})
        self.talk.given |= {fact for fact in PERSONAL if "{" + fact + "}" in wording}
        return wording.format_map(self.case.facts)

    def _one(self, kind: str) -> str:
        return self.rng.choice(PHRASES[kind])

    def _pair(self, kind: str) -> list[str]:
        return self._one(kind).split(" => ")

    def _open(self) -> None:
        if "hello" in self.extras:
            self._say("Customer", self._one("hello"))
        if self.agent_first or "hello" in self.extras:
            self.introduced = True
            self._say("Agent", self._one("agent opens"))
        parts = [self.case.says.said]
        if "ask who" not in self.extras:
            who = self._one("introduction")
            parts = self.rng.choice(([who, *parts], [*parts, who]))
            parts += [self._one(f"give {name}") for name in self._next_unasked()]
        self._say("Customer", self._one(f"start {self.case.tone}"), *parts)
        if "more" in self.extras:
            self._say("Customer", self._one("more"))
        if "empathy" in self.extras:
            self._say("Agent", self._one("empathy"))

    def _next_unasked(self) -> list[str]:
        """Take one or two of the data that identify a customer; each is given once."""
        count = self.rng.randint(1, 2)
        taken, self.unasked = self.unasked[:count], self.unasked[count:]
        return taken

    def _middle(self) -> list[Turn]:
        blocks = [self._identity()] if "ask who" in self.extras else []
        if "ask more" in self.extras:
            blocks.append(self._asked(self.unasked[-1:]))
        questions = self.case.situation.fitting("asks", self.case.says)
        for extra, line in zip(("first detail", "second detail"), questions, strict=False):
            if extra in self.extras:
                blocks.append([("Agent", line.said), ("Customer", line.told)])
        for extra in ("interruption", "digression"):
            if extra in self.extras:
                says, answers = self._pair(extra)
                blocks.append([("Customer", says), ("Agent", answers)])
        self.rng.shuffle(blocks)
        if "wait" in self.extras:
            says, answers = self._pair("wait")
            blocks.append([("Agent", says), ("Customer", answers)])
        return [turn for block in blocks for turn in block]

    def _identity(self) -> list[Turn]:
        names = ["name", *self._next_unasked()]
        turns = self._asked(names)
        if "repeat" in self.extras:
            turns += [("Agent", self._one(f"repeat {self.rng.choice(names)}")), ("Customer", self._one("confirm"))]
        return turns

    def _asked(self, names: list[str]) -> list[Turn]:
        questions = " ".join(self._one(f"ask {name}") for name in names)
        answers = ". ".join(self._one(f"answer {name}") for name in names)
        return [("Agent", questions), ("Customer", answers)]

    def _answer(self) -> None:
        cause = self._one("cause").replace("{text}", self.case.cause.said)
        start = self._one("does").removeprefix("-")
        does = f"{start} {self.case.does.said}".strip()
        if "reaction" in self.extras:
            self._say("Agent", self._one("thanks"), cause)
            self._say("Customer", self._one(f"reaction {self.case.tone}"))
            self._say("Agent", does)
        else:
            self._say("Agent", self._one("thanks"), cause, does)

    def _close(self) -> None:
        blocks = [self._pair(extra) for extra in ("question", "aside") if extra in self.extras]
        self.rng.shuffle(blocks)
        for says, answers, *named in blocks:
            self._say("Customer", says)
            self._say("Agent", answers)
            self.talk.aside = named[0] if named else self.talk.aside
        self._say("Customer", self._one(f"end {self.case.mood}"))
        if "farewell" in self.extras or not self.agent_first:
            self._say("Agent", self._one("farewell upset" if self.case.mood == "upset" else "farewell"))
