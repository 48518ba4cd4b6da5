"""Evaluations as lines of text."""

from collections.abc import Iterator, Mapping
from typing import Any

from service.domain.plurals import how_many
from service.usecases.recompute import Recomputed

# Enough to see what is wrong; JSON gives them all.
_MOST = 20


def lines_of_recomputed(found: Recomputed) -> Iterator[str]:
    """Say whether an evaluation was reproduced, and what differs."""
    if found.is_equal:
        yield f"equal: all {found.values:,} values of {found.name} follow from its stored answers"
    else:
        yield f"not reproduced: {found.name}"
    if found.gone:
        yield (
            f"{found.gone} held-out examples or their answers are gone (forgotten, or the answers were removed): only "
            f"the scores of the others and the intervals were compared, {found.values:,} values"
        )
    for difference in found.differences[:_MOST]:
        yield f"{difference.path}: stored {difference.stored}, now {difference.again}"
    if (more := len(found.differences) - _MOST) > 0:
        yield f"and {more:,} more; --json shows all"
    if found.judged_by != found.recomputed_by:
        yield f"judged by edition {found.judged_by}, recomputed by {found.recomputed_by}"


def lines_of_evaluation(found: Mapping[str, Any]) -> Iterator[str]:
    """Tell an evaluation's sentence, if it compares models, and each metric by model and slice."""
    if "sentence" in found:
        yield str(found["sentence"])
    yield f"{found['held_out']} held-out examples"
    for role, ends in found.get("finished", {}).items():
        if odd := ", ".join(f"{number} {end}" for end, number in ends.items() if end != "stop"):
            yield f"answers of {role} that did not end by themselves: {odd}"
    if any(found.get("unfinished", {}).values()):
        told = ", ".join(f"{number} of {role}" for role, number in found["unfinished"].items())
        yield f"answers that were cut or refused, and count as the worst: {told}"
    for metric, by_role in found["intervals"].items():
        for role, interval in by_role.items():
            yield f"{metric}, {role}: {in_words(interval)}"
    for name, part in found.get("slices", {}).items():
        if isinstance(part["scores"], str):
            yield f"  {name}: {how_many(part['n'], 'example')}, {part['scores']}"
            continue
        for metric, by_role in part["scores"].items():
            told = ", ".join(f"{role} {in_words(interval)}" for role, interval in by_role.items())
            yield f"  {name} ({part['n']}), {metric}: {told}"


def in_words(interval: Mapping[str, Any]) -> str:
    """Tell a mean and its 95 % interval."""
    if interval["mean"] is None:
        return "not measured"
    return f"{interval['mean']:.3g} ({interval['low']:.3g} to {interval['high']:.3g})"
