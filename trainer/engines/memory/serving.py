"""The engine itself: what it offers, and its models."""

from collections.abc import Sequence
from pathlib import Path

from trainer.engine import BaseModel, Model, Reply, Report, Sampling, TrainingTask
from trainer.engines.memory.memory import Memory
from trainer.engines.memory.summary import summarize
from trainer.engines.memory.text import answer_text, content_of, count_tokens, prompt_text, tokens_of
from trainer.engines.memory.training import Training, trained_tokens
from trainer.values import Asked, Hyperparameters, JsonObject, MethodType, auto_batch_size, auto_epochs

BASE = BaseModel("memory-base-1", created_at=1_763_856_000)
AUTO_BETA = 0.1


class MemoryEngine:
    """See ``Engine``."""

    def base_models(self) -> Sequence[BaseModel]:
        """See ``Engine``."""
        return [BASE]

    def resolve(self, method: MethodType, asked: Asked, examples: int) -> Hyperparameters:
        """See ``Engine``."""
        given = {name: value for name, value in asked.items() if value != "auto"}
        return Hyperparameters(
            n_epochs=int(given.get("n_epochs", auto_epochs(examples))),
            batch_size=int(given.get("batch_size", auto_batch_size(examples))),
            learning_rate_multiplier=float(given.get("learning_rate_multiplier", 1.0)),
            beta=float(given.get("beta", AUTO_BETA)) if method == "dpo" else None,
        )

    def train(self, task: TrainingTask, report: Report) -> int:
        """See ``Engine``."""
        Training(task).run(report)
        return trained_tokens(task)

    def load(self, base_model: str, folder: Path | None) -> Model:
        """See ``Engine``; there is one base model, so its name makes no difference."""
        del base_model
        return MemoryModel(None if folder is None else Memory.load(folder))


class MemoryModel:
    """See ``Model``. Without a memory, or where nothing is near, it is the base model."""

    def __init__(self, memory: Memory | None) -> None:
        self._memory = memory

    def complete(self, messages: Sequence[JsonObject], tools: Sequence[JsonObject], sampling: Sampling) -> Reply:
        """See ``Model``; one answer is the best one, so temperature and seed make no difference."""
        functions = frozenset(tool["function"]["name"] for tool in tools)
        pair = self._memory.recall(prompt_text(messages), functions) if self._memory else None
        answer: JsonObject = pair.answer if pair else {"content": summarize(_last_said(messages))}
        asked = count_tokens(messages, tools)
        if answer.get("tool_calls"):
            spent = len(tokens_of(answer_text(answer)))
            return Reply(answer["content"], asked, spent, "tool_calls", tuple(answer["tool_calls"]))
        tokens = tokens_of(_until_stop(answer["content"], sampling.stop))
        kept = tokens[: sampling.max_tokens]
        return Reply("".join(kept), asked, len(kept), "stop" if len(kept) == len(tokens) else "length")

    def pieces(self, content: str) -> Sequence[str]:
        """See ``Model``."""
        return tokens_of(content)


def _last_said(messages: Sequence[JsonObject]) -> str:
    said = [message for message in messages if message["role"] == "user"]
    return content_of(said[-1] if said else messages[-1])


def _until_stop(text: str, stops: Sequence[str]) -> str:
    return text[: min((place for stop in stops if (place := text.find(stop)) >= 0), default=len(text))]
