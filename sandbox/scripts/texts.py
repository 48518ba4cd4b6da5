"""Text projects: chats sorted by nested questions, with metadata, and chats that three people label."""

from random import Random

from sandbox.chat_parts.facts import MOODS
from sandbox.chat_parts.situations import AREAS
from sandbox.dialogues import Dialogue
from sandbox.given import Answer, Given
from sandbox.kinds import Kind
from sandbox.people import half_of
from sandbox.records import Consensus, Json
from sandbox.scripts.script import Item, Script, choice, question, value_of

_ALL_MOODS = tuple(dict.fromkeys(mood for moods in MOODS.values() for mood in moods))
_PERSONAL = {"full": "Name", "phone": "Phone", "email": "E-mail", "address": "Address", "number": "Number"}
_AREA = question(
    "radio",
    "area",
    "What is it about?",
    *(
        choice(area.capitalize(), question("radio", "problem", "Which problem?", *(one.name for one in situations)))
        for area, situations in AREAS.items()
    ),
    choice("Something else", archived=True),
    required=True,
)
_MOOD = question(
    "radio",
    "mood",
    "How does the customer take it?",
    *(choice(mood.capitalize()) for mood in _ALL_MOODS if mood != "upset"),
    choice("Upset", question("text", "why", "Why?", required=True)),
)
_FOUND = question(
    "checklist",
    "personal",
    "Which personal data are there?",
    *(choice(shown) for shown in _PERSONAL.values() if shown != "Number"),
    choice("Number", question("text", "which", "Of what?")),
)
# Asked once, and not any more.
_LANGUAGE = question("radio", "language", "In which language is it?", "English", "Another", archived=True)
_RESOLVED = question("radio", "resolved", "Was it resolved?", "Yes", "Partly", "No", required=True)
_SUMMARY = question("text", "summary", "Summary", required=True)
_METADATA = (
    {"name": "words", "kind": "CustomMetadataNumber"},
    {"name": "ticket", "kind": "CustomMetadataString"},
    {
        "name": "channel",
        "kind": "CustomMetadataEnum",
        "options": [
            {"name": "app", "kind": "CustomMetadataEnumOption"},
            {"name": "web", "kind": "CustomMetadataEnumOption"},
        ],
    },
)


def _sort(dialogue: Dialogue, chance: Random) -> Item:
    wrong = chance.choice([area for area in AREAS if area != dialogue.area])
    area: Json = {"value": dialogue.area, "answers": {"problem": value_of(dialogue.problem)}}
    found = _found(dialogue)
    final: dict[str, Answer] = {"area": area, "mood": _mood(dialogue)} | ({"personal": found} if found else {})
    return Item(
        shown=dialogue.text,
        labels={
            "final": Given(final),
            "draft": Given({"area": dialogue.area}),
            "careless": Given({"area": wrong, "mood": _mood(dialogue)}),
        },
        metadata={
            "words": len(dialogue.text.split()),
            "ticket": f"T-{dialogue.number:05}",
            "channel": chance.choice(("app", "web")),
        },
    )


def _mood(dialogue: Dialogue) -> Answer:
    if dialogue.mood == "upset":
        return {"value": "upset", "answers": {"why": f"It is about: {dialogue.problem}."}}
    return value_of(dialogue.mood)


def _found(dialogue: Dialogue) -> list[str | Json]:
    found: list[str | Json] = []
    for fact, shown in _PERSONAL.items():
        if fact in dialogue.given:
            value = value_of(shown)
            found.append({"value": value, "answers": {"which": dialogue.area}} if fact == "number" else value)
    return found


def _judge(dialogue: Dialogue, chance: Random) -> Item:
    right = {"pleased": "yes", "content": "yes", "open": "partly", "grudging": "partly"}.get(dialogue.mood, "no")
    wrong = chance.choice([value for value in ("yes", "partly", "no") if value != right])
    return Item(
        shown=dialogue.text,
        labels={
            "final": Given({"resolved": right, "summary": dialogue.summary}),
            "draft": Given({"resolved": right, "summary": half_of(dialogue.summary)}),
            "careless": Given({"resolved": wrong, "summary": dialogue.careless_summary}),
        },
    )


SCRIPTS = (
    Script(
        "classification",
        "Support chats by area",
        Kind("TEXT"),
        {"classifications": [_LANGUAGE, _AREA, _MOOD, _FOUND]},
        _sort,
        metadata=_METADATA,
    ),
    Script(
        "consensus",
        "Support chats, labelled by three",
        Kind("TEXT"),
        {"classifications": [_RESOLVED, _SUMMARY]},
        _judge,
        consensus=Consensus(number_of_labels=3),
    ),
)
