"""The three retired kinds: people write prompts and responses, prompts alone, or responses to uploaded prompts."""

from random import Random

from sandbox import kinds
from sandbox.assets import PROMPT, PROMPT_RESPONSE
from sandbox.dialogues import Dialogue
from sandbox.given import Answers, Given
from sandbox.people import Care, half_of
from sandbox.scripts.script import CARELESS, Item, Script, question

_PROMPT = question("prompt", "prompt", "Write a task for the assistant", required=True, minCharacters=5)
del _PROMPT["scope"]
_REPLY = question("response-text", "reply", "Write the best answer", required=True, minCharacters=5, maxCharacters=4000)
_QUALITY = question("response-radio", "quality", "How good is it?", "Good", "Fair", "Poor", required=True)
_TRAITS = question("response-checklist", "traits", "What is true of it?", "Polite", "Complete", "Short")
_TASKS = (
    "Write the answer of a support agent to this message",
    "A customer writes the following. What do you answer?",
    "Answer this customer kindly and to the point",
)


def _replies(dialogue: Dialogue, chance: Random) -> tuple[Answers, Answers, Answers]:
    good = chance.choice(("good", "good", "fair"))
    traits = [trait for trait in ("polite", "complete", "short") if chance.random() < 0.6]  # noqa: PLR2004 - more than not
    final = {"reply": dialogue.reply, "quality": good, "traits": traits}
    draft = {"reply": half_of(dialogue.reply), "quality": "fair"}
    return final, draft, {"reply": chance.choice(CARELESS), "quality": "poor"}


def _prompt(dialogue: Dialogue, chance: Random) -> str:
    return f"{chance.choice(_TASKS)}:\n\n{dialogue.request}"


def _prompt_response(dialogue: Dialogue, chance: Random) -> Item:
    prompt = {"prompt": _prompt(dialogue, chance)}
    final, draft, careless = _replies(dialogue, chance)
    return Item(
        shown="",
        labels={
            "final": Given({**prompt, **final}),
            "draft": Given({**prompt, **draft}),
            "careless": Given({**careless, **prompt}),
        },
    )


def _prompts(dialogue: Dialogue, chance: Random) -> Item:
    prompt = _prompt(dialogue, chance)
    written: dict[Care, str] = {"final": prompt, "draft": half_of(prompt), "careless": chance.choice(CARELESS)}
    return Item(shown="", labels={care: Given({"prompt": text}) for care, text in written.items()})


def _responses(dialogue: Dialogue, chance: Random) -> Item:
    shown = _prompt(dialogue, chance)
    final, draft, careless = _replies(dialogue, chance)
    return Item(shown, {"final": Given(final), "draft": Given(draft), "careless": Given(careless)})


SCRIPTS = (
    Script(
        "prompt-response",
        "Support prompts with answers",
        kinds.PROMPT_RESPONSE,
        {"classifications": [_PROMPT, _REPLY, _QUALITY, _TRAITS]},
        _prompt_response,
        slot={"type": PROMPT_RESPONSE, "version": 1},
    ),
    Script(
        "prompts",
        "Support prompts",
        kinds.PROMPTS,
        {"classifications": [_PROMPT]},
        _prompts,
        slot={"type": PROMPT, "version": 1},
    ),
    Script(
        "responses",
        "Answers to support prompts",
        kinds.RESPONSES,
        {"classifications": [_REPLY, _QUALITY, _TRAITS]},
        _responses,
    ),
)
