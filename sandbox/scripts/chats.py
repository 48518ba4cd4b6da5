"""Multimodal chats (version 2): trees to choose from, uploaded or held with models."""

from random import Random

from sandbox.assets import empty_chat
from sandbox.chat_trees import tree
from sandbox.dialogues import Dialogue
from sandbox.given import Choice, Given
from sandbox.kinds import LIVE_CHAT, Kind
from sandbox.people import Care, half_of
from sandbox.records import Json
from sandbox.scripts.script import CARELESS, Item, Script, question

_TOOLS: list[Json] = [
    {"tool": "message-single-selection", "name": "better", "required": False},
    {"tool": "message-multi-selection", "name": "usable", "required": False},
    {"tool": "message-ranking", "name": "order", "required": False},
]
_QUESTIONS = [
    question("radio", "quality", "How good was the best answer?", "Good", "Fair", "Poor"),
    question("text", "reason", "Why?", scope="index"),
]
_ONTOLOGY: Json = {"tools": _TOOLS, "classifications": _QUESTIONS}
_GO_ON = "Please sum that up in a sentence or two, without my personal data."


def _chat(dialogue: Dialogue, chance: Random) -> tuple[Json, Given, Given, Given]:
    """Hold a chat of two turns, each with two or three answers, and choose well, halfway and badly."""
    good = [
        [dialogue.reply, half_of(dialogue.reply), chance.choice(CARELESS)],
        [dialogue.summary, dialogue.careless_summary],
    ]
    if chance.choice((True, False)):
        del good[0][1]
    orders = [chance.sample(range(len(answers)), len(answers)) for answers in good]
    answers = [[texts[n] for n in order] for texts, order in zip(good, orders, strict=True)]
    prefix = f"chat{dialogue.number}"
    best = [tuple(f"{prefix}-{turn}-{order.index(n)}" for n in range(len(order))) for turn, order in enumerate(orders)]
    worst = [messages[::-1] for messages in best]
    reason = {f"{prefix}-1": {"reason": f"It is about: {dialogue.problem}."}}
    return (
        tree([dialogue.request, _GO_ON], answers, prefix=prefix),
        Given({"quality": "good"}, reason, _choices(dialogue.number, prefix, best)),
        Given(choices=_choices(dialogue.number, prefix, best[:1])),
        Given({"quality": "poor"}, choices=_choices(dialogue.number, prefix, worst)),
    )


def _choices(number: int, prefix: str, best_first: list[tuple[str, ...]]) -> list[Choice]:
    """Use the tools by turns: rank everything, select one, or select one and name all but the last as usable."""
    chosen: list[Choice] = []
    for turn, messages in enumerate(best_first):
        parent = f"{prefix}-{turn}"
        if number % 3 == 0:
            chosen.append(Choice("order", parent, messages))
            continue
        chosen.append(Choice("better", parent, messages[:1]))
        if number % 3 == 1:
            chosen.append(Choice("usable", parent, messages[:-1]))
    return chosen


def _uploaded(dialogue: Dialogue, chance: Random) -> Item:
    document, final, draft, careless = _chat(dialogue, chance)
    return Item(document, {"final": final, "draft": draft, "careless": careless})


def _held(dialogue: Dialogue, chance: Random) -> Item:
    document, *made = _chat(dialogue, chance)
    cares: tuple[Care, ...] = ("final", "draft", "careless")
    return Item(
        shown="",
        labels={
            care: Given(given.answers, given.on_messages, given.choices, document)
            for care, given in zip(cares, made, strict=True)
        },
    )


SCRIPTS = (
    Script(
        "chat-trees",
        "Support chats with several models",
        Kind("CONVERSATIONAL", "OFFLINE_MODEL_CHAT_EVALUATION"),
        _ONTOLOGY,
        _uploaded,
    ),
    Script(
        "live-chats",
        "Live support chats with several models",
        Kind("CONVERSATIONAL", LIVE_CHAT, makes_rows=True),
        _ONTOLOGY,
        _held,
        slot=empty_chat(),
    ),
)
