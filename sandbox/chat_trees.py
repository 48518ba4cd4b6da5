"""Chat trees: conversations in which every message of a person is answered by several models."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.assets import CHAT_TREE
from sandbox.records import Json

HUMAN = "actor-human"
MODELS = ("northwind-small", "northwind-large", "harbour-mini")


def tree(said: Sequence[str], answers: Sequence[Sequence[str]], *, prefix: str = "m") -> Json:
    """Write a chat in which all answers to one message lead to the same next one.

    Args:
        said: What the person says, in order.
        answers: What the models answer to each of it.
        prefix: Begins every message id.
    """
    messages: dict[str, Json] = {}
    for turn, (text, replies) in enumerate(zip(said, answers, strict=True)):
        keys = [f"{prefix}-{turn}-{n}" for n in range(len(replies))]
        following = [f"{prefix}-{turn + 1}"] if turn + 1 < len(said) else []
        messages[f"{prefix}-{turn}"] = _message(HUMAN, text, keys)
        for n, (key, reply) in enumerate(zip(keys, replies, strict=True)):
            messages[key] = _message(f"actor-model-{n}", reply, following)
    return {
        "type": CHAT_TREE,
        "version": 2,
        "actors": _actors(max(map(len, answers))),
        "messages": messages,
        "rootMessageIds": [f"{prefix}-0"],
    }


def forks(document: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """List the messages that models answered, each with the answers, in the order of the conversation."""
    messages = document.get("messages")
    if not isinstance(messages, dict):
        return []
    humans = {key for key, actor in document["actors"].items() if actor["role"] == "human"}
    return [
        (key, message["childMessageIds"])
        for key, message in messages.items()
        if message["actorId"] in humans and message["childMessageIds"]
    ]


def _message(actor_id: str, text: str, children: Sequence[str]) -> Json:
    return {"actorId": actor_id, "content": [{"type": "text", "content": text}], "childMessageIds": list(children)}


def _actors(models: int) -> Json:
    actors: Json = {HUMAN: {"role": "human", "metadata": {"name": "User"}}}
    for n in range(models):
        metadata = {"modelConfigId": f"config-{n}", "modelConfigName": MODELS[n]}
        actors[f"actor-model-{n}"] = {"role": "model", "metadata": metadata}
    return actors
