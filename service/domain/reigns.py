"""Who serves, who served before, and on what grounds: a pipeline's champions in their order."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar

Decided = Literal["automatic", "by hand", "rollback"]
ANYBODY: Final = -1
"""In the place of a champion's position: whoever serves may be replaced."""

_TOLD = ("outcome", "sentence", "held_out", "incumbent", "system")


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a model becomes the champion; written with the change.

    Attributes:
        decided: By the verdict alone, by a person, or by a person who went back.
        evidence: What was measured on held-out examples, see ``evidence_of``.
        by: Which person, as far as it is known.
        reason: In that person's words.
        over: The position of the champion that may be replaced, None where there must be none; ``ANYBODY`` where it
            does not matter.
    """

    decided: Decided = "by hand"
    evidence: Mapping[str, Any] = field(default_factory=dict)
    by: str | None = None
    reason: str | None = None
    over: int | None = ANYBODY


BY_HAND: Final = Grounds()
Who = TypeVar("Who", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Crowning(Generic[Who]):
    """One entry of a pipeline's history of champions; a run may have several models, of which one served."""

    who: Who
    decided: str | None


def evidence_of(evaluation: Mapping[str, Any], *, run_id: str, snapshot_id: str | None) -> dict[str, Any]:
    """Choose from an evaluation what a champion keeps of it; the rest is found by its run."""
    told = {name: evaluation.get(name) for name in _TOLD}
    look = evaluation.get("look") or {}
    # Only of a checkpoint: everything else is the model that its training ended with.
    step = {"checkpoint": evaluation["checkpoint"]} if "checkpoint" in evaluation else {}
    return {**told, "look": look.get("number"), "run_id": run_id, "snapshot_id": snapshot_id, **step}


def predecessors(history: Iterable[Crowning[Who]]) -> list[Who]:
    """Give those who served before today's champion, the one that served last first.

    A rollback takes back what came after: a model that was rolled back is none to go back to, so that a second
    rollback goes further back and not forth again.

    Args:
        history: Of one pipeline, oldest first.
    """
    reigns: list[Who] = []
    for crowning in history:
        if crowning.decided == "rollback" and crowning.who in reigns:
            reigns = reigns[: reigns.index(crowning.who)]
        reigns = [who for who in reigns if who != crowning.who]
        reigns.append(crowning.who)
    return reigns[-2::-1] if len(reigns) > 1 else []
