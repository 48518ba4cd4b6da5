"""What is learned from a line: each prompt with the answer that should follow it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trainer.engines.memory.text import answer_text, called_functions, prompt_text
from trainer.values import JsonObject, MethodType


@dataclass(frozen=True, slots=True)
class Pair:
    """A prompt and its answer.

    Attributes:
        answer: The assistant's message: ``content`` and, where there are any, ``tool_calls``.
        rejected: The answer that preference training teaches to avoid, as text; None elsewhere.
    """

    prompt: str
    answer: JsonObject
    rejected: str | None = None

    @property
    def text(self) -> str:
        """The answer as one text."""
        return answer_text(self.answer)

    @property
    def functions(self) -> frozenset[str]:
        """The functions that the answer calls."""
        return frozenset(name for name, _ in called_functions(self.answer))


def pairs_of(line: JsonObject, method: MethodType) -> list[Pair]:
    """Give the pairs of a validated line; none where every assistant message has the weight 0."""
    if method == "dpo":
        return [_preference_pair(line)]
    return list(_chat_pairs(line["messages"]))


def _preference_pair(line: JsonObject) -> Pair:
    preferred, rejected = line["preferred_output"][0], line["non_preferred_output"][0]
    return Pair(prompt_text(line["input"]["messages"]), answer_of(preferred), answer_text(rejected))


def _chat_pairs(messages: Sequence[JsonObject]) -> Iterator[Pair]:
    # Every assistant message is an answer to what stands before it, not only the last one.
    for place, message in enumerate(messages):
        if message["role"] == "assistant" and message.get("weight", 1) != 0:
            yield Pair(prompt_text(messages[:place]), answer_of(message))


def answer_of(message: JsonObject) -> JsonObject:
    """Keep of an assistant's message what an answer can give back."""
    calls = [{"type": "function", "function": _function(call["function"])} for call in message.get("tool_calls") or []]
    if message.get("function_call"):
        calls.append({"type": "function", "function": _function(message["function_call"])})
    content = answer_text({"role": "assistant", "content": message.get("content")})
    return {"content": content if content or not calls else None} | ({"tool_calls": calls} if calls else {})


def _function(function: JsonObject) -> JsonObject:
    return {"name": function["name"], "arguments": function["arguments"]}
