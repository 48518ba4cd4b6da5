"""Models that a trainer does not have, and those that may be meant."""

from collections.abc import Collection
from difflib import get_close_matches

from service.domain.triggers import Reason

_MOST = 3


def closest(model: str, others: Collection[str]) -> list[str]:
    """Give the few names that are most like a model's, the likeliest first."""
    return get_close_matches(model, others, n=_MOST)


def not_listed(model: str, *, trainer: str, others: Collection[str] = ()) -> Reason:
    """Say that a trainer does not have a model, and which names come close.

    Args:
        model: Its name.
        trainer: Where, for the words.
        others: The names that the trainer has; none where they are not known.
    """
    near = closest(model, others)
    meant = f"; the closest of its {len(others)}: {', '.join(near)}" if near else ""
    text = f"{model} is not among the models of {trainer}{meant}"
    return Reason("model_not_listed", text, {"model": model, "trainer": trainer, "closest": near})
