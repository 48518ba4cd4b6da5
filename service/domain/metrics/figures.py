"""What stands beside the scores of an evaluation, in words."""

from collections.abc import Iterator, Mapping
from typing import Any


def figure_lines(figures: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Give the figures of an evaluation, a line each: how far a judge is to be trusted, and means over labels.

    Args:
        figures: See ``Scores.figures``, as it was stored.
    """
    for name, by_role in figures.items():
        for role, found in by_role.items():
            yield from (f"{name} against {role}: {words}" for words in found.get("words", ()))
            if found.get("macro_f1") is not None:
                yield f"{name} of {role}: macro F1 {found['macro_f1']:.1f}, the mean over the labels that humans gave"
