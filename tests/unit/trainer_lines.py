"""Made-up training lines: short calls to a bicycle shop, each with its summary."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

SYSTEM = "Say in one sentence what the caller wants, without names or numbers."
WANTS = [
    ("the rear brake squeals", "The brake is noisy."),
    ("a spoke broke on the way to work", "A spoke needs replacing."),
    ("the invoice shows the wrong amount", "The bill is disputed."),
    ("the helmet is too small", "The helmet should be exchanged."),
    ("the delivery did not arrive", "A parcel is late."),
    ("the battery loses charge overnight", "The battery is failing."),
]
NAMES = ["Orla Finch", "Tam Reyes", "Ines Okoro", "Piet Halloran", "Sun Adeyemi"]


def call(number: int) -> tuple[str, str]:
    """Give a call, different for each number, and its summary."""
    want, summary = WANTS[number % len(WANTS)]
    name = NAMES[number // len(WANTS) % len(NAMES)]
    return f"Agent: Good day!\nCaller: {name} here, order {1000 + number}. I call because {want}.", summary


def chat_line(prompt: str, answer: str, system: str = SYSTEM) -> dict[str, Any]:
    said = [("system", system), ("user", prompt), ("assistant", answer)]
    return {"messages": [{"role": role, "content": content} for role, content in said]}


def preference_line(prompt: str, preferred: str, rejected: str) -> dict[str, Any]:
    return {
        "input": {"messages": [{"role": "user", "content": prompt}]},
        "preferred_output": [{"role": "assistant", "content": preferred}],
        "non_preferred_output": [{"role": "assistant", "content": rejected}],
    }


def calls(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [chat_line(*call(number)) for number in range(start, start + count)]


def jsonl(lines: Iterable[Any]) -> bytes:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def prompt_of(line: dict[str, Any]) -> Sequence[dict[str, Any]]:
    messages: list[dict[str, Any]] = line["messages"]
    return messages[:-1]


def answer_of(line: dict[str, Any]) -> str:
    content: str = line["messages"][-1]["content"]
    return content
