"""Answers that are none: cut at their limit, or refused."""

from collections.abc import Collection, Mapping

# Ours, for a question that is longer than the model can read.
CONTEXT_LENGTH = "context_length"
# Servers' words for why an answer ended, in lower case; "refusal" is ours as well, see ``Answer``.
CUT = frozenset({"length", "max_tokens", "model_length"})
REFUSED = frozenset({"refusal", "content_filter", "safety", CONTEXT_LENGTH})
UNFINISHED = CUT | REFUSED


def unfinished_words(numbers: Mapping[str, Collection[str]], of: int) -> str:
    """Say how many answers of each role are none; empty where all are some.

    Args:
        numbers: By role, the questions whose answers are none.
        of: How many were asked.
    """
    told = ", ".join(f"{len(keys)} of {of} of the {role}" for role, keys in numbers.items() if keys)
    return f" Answers that were cut or refused count as the worst: {told}." if told else ""
