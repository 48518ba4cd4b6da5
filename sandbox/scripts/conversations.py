"""Conversations (version 1): one more answer to write, and two answers to choose from."""

from random import Random

from sandbox.assets import CONVERSATION
from sandbox.dialogues import Dialogue
from sandbox.given import Answers, Given
from sandbox.kinds import Kind
from sandbox.people import Care, half_of
from sandbox.records import Json
from sandbox.scripts.script import CARELESS, Item, Script, question

_SECOND_USEC = 1_000_000
_REPLY = question("text", "reply", "What should the agent answer next?", required=True)
_QUALITY = question("radio", "quality", "How did the agent do so far?", "Good", "Fair", "Poor")
_INTENT = question("radio", "intent", "What is this message for?", "Ask", "Tell", "Thank", scope="index")
_TRAITS = question("checklist", "traits", "What is true of it?", "Polite", "Long", "Typed in haste", scope="index")
_NOTE = question("text", "note", "Anything to note?", scope="index")
_BETTER = question("radio", "better", "Which response is better?", "Response A", "Response B", "Tie", required=True)
_LONG = 120


def _continue(dialogue: Dialogue, chance: Random) -> Item:
    turns = dialogue.turns[: dialogue.reply_at]
    messages = [_message(n, speaker, text) for n, (speaker, text) in enumerate(turns)]
    on_messages = {one["messageId"]: _about(one, chance) for one in messages if one["user"]["userId"] == "customer"}
    quality = {"quality": chance.choice(("good", "fair"))}
    return Item(
        shown={"type": CONVERSATION, "version": 1, "messages": messages},
        labels={
            "final": Given({"reply": dialogue.reply, **quality}, on_messages),
            "draft": Given({"reply": half_of(dialogue.reply)}),
            "careless": Given({"quality": "poor", "reply": chance.choice(CARELESS)}),
        },
    )


def _message(number: int, speaker: str, text: str) -> Json:
    customer = speaker == "Customer"
    return {
        "messageId": f"message-{number}",
        "timestampUsec": number * _SECOND_USEC,
        "content": text,
        "user": {"userId": speaker.lower(), "name": speaker},
        "align": "right" if customer else "left",
        "canLabel": True,
    }


def _about(message: Json, chance: Random) -> Answers:
    text = message["content"]
    answers: dict[str, str | list[str]] = {"intent": "ask" if "?" in text else "tell"}
    traits = [trait for trait, holds in (("polite", "please" in text.lower()), ("long", len(text) > _LONG)) if holds]
    if traits:
        answers["traits"] = traits
    if chance.choice((True, False)):
        answers["note"] = f"{len(text.split())} words"
    return answers


def _prefer(dialogue: Dialogue, chance: Random) -> Item:
    outputs = [dialogue.summary, dialogue.careless_summary]
    chance.shuffle(outputs)
    right = "response_a" if outputs[0] == dialogue.summary else "response_b"
    wrong = "response_b" if right == "response_a" else "response_a"
    task = f"Summarise this chat without personal data:\n\n{dialogue.text}"
    shown: Json = {
        "type": CONVERSATION,
        "version": 1,
        "messages": [_message(0, "Customer", task)],
        "modelOutputs": [
            {"title": f"Response {letter}", "content": output, "modelConfigName": f"model-{letter.lower()}"}
            for letter, output in zip("AB", outputs, strict=True)
        ],
    }
    given: dict[Care, str] = {"final": right, "draft": "tie", "careless": wrong}
    return Item(shown, {care: Given({"better": value}) for care, value in given.items()})


SCRIPTS = (
    Script(
        "conversations",
        "Support conversations to go on with",
        Kind("CONVERSATIONAL"),
        {"classifications": [_REPLY, _QUALITY, _INTENT, _TRAITS, _NOTE]},
        _continue,
    ),
    Script(
        "preference", "The better of two summaries", Kind("CONVERSATIONAL"), {"classifications": [_BETTER]}, _prefer
    ),
)
