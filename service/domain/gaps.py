"""What is worth a labeler's time next: which rows, why, and which of them are only watched.

A plan is the same for the same candidates, on every machine of an installation: a dry run shows what would be sent.
"""

import hashlib
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Literal

GapKind = Literal["conflict", "failure", "slice", "stale"]
Action = Literal["batch", "priority", "rework"]
# planned, sending while nobody knows whether Labelbox did it; what was overtaken, is gone or was refused was not sent.
RowState = Literal["planned", "sending", "sent", "overtaken", "gone", "refused", "control"]

# By kind, in the order in which they take turns: what it is, in words.
KINDS: Mapping[GapKind, str] = {
    "conflict": "labels that contradict each other",
    "failure": "unlabelled prompts like those that the model fails at",
    "slice": "unlabelled prompts of kinds that the model is weak at",
    "stale": "labels that may no longer be right",
}
# No row is asked for twice within this time, whatever became of it; one that was only watched is left alone as long.
AGAIN_AFTER = timedelta(days=90)
# After this long without an answer a row no longer counts as out: nobody may want it.
OPEN_FOR = timedelta(days=30)
DEFAULT_MOST = 50
# From 1,000 on the SDK makes an empty batch and fills it afterwards: a process killed between left one that looks done.
_BATCH_ROWS = 500


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that may be sent.

    Attributes:
        action: ``batch`` sends a row that the project does not have, ``priority`` moves one that waits there to the
            front, ``rework`` moves a labelled one to the rework queue.
        reason: For people, without anything of a prompt or an answer.
        target: What it is meant to improve: a held-out question's key, a slice, or the row itself.
        near: Of a row that is meant for a slice the key of that slice's question that it is most like.
        label_id: The label in doubt; None for unlabelled rows.
        content_hash: The example's content as it stands; empty for unlabelled rows.
        activity_at: Labelbox's own time of that state; None for unlabelled rows.
    """

    kind: GapKind
    action: Action
    data_row_id: str
    reason: str
    target: str
    label_id: str | None = None
    content_hash: str = ""
    activity_at: datetime | None = None
    near: str | None = None

    @property
    def question(self) -> str | None:
        """The held-out question that may gain by it most."""
        return self.target if self.kind == "failure" else self.near


@dataclass(frozen=True, slots=True)
class GapRow:
    """A row of a plan and what became of it."""

    plan_id: str
    candidate: Candidate
    state: RowState = "planned"
    sent_at: datetime | None = None

    @property
    def is_control(self) -> bool:
        """Whether it is only watched."""
        return self.state == "control"


@dataclass(frozen=True, slots=True)
class GapPlan:
    """Rows that are sent together.

    Attributes:
        ordinal: Counts the plans of a pipeline.
        run_id: The run whose evaluation it was made from; None without one.
        role: Whose scores in it counted: the model's that served.
        is_open: Whether something of it is still to be sent.
    """

    plan_id: str
    pipeline: str
    ordinal: int
    run_id: str | None
    created_at: datetime
    rows: tuple[GapRow, ...]
    role: str | None = None
    is_open: bool = True


def plan_id_of(installation: str, pipeline: str, ordinal: int, candidates: Sequence[Candidate]) -> str:
    """Name a plan; the name decides which rows are watched, so it is known before anything is written.

    Another installation counts its plans from 1 as well, and one that was restored from a backup counts some again:
    two plans of one name in a project would each take the other's batches for its own.
    """
    rows = (item.data_row_id for item in candidates)
    named = "\n".join([installation, pipeline, str(ordinal), *rows])
    return "g-" + hashlib.sha256(named.encode()).hexdigest()[:12]


def choose(by_kind: Sequence[Sequence[Candidate]], *, most: int, busy: Collection[str]) -> list[Candidate]:
    """Take candidates, a kind at a time in turns, each row once.

    Args:
        by_kind: Of each kind its candidates, best first.
        most: So many at most.
        busy: Rows to be passed over.
    """
    chosen: list[Candidate] = []
    taken = set(busy)
    waiting = [iter(kind) for kind in by_kind]
    while waiting and len(chosen) < most:
        for candidates in list(waiting):
            fresh = next((item for item in candidates if item.data_row_id not in taken), None)
            if fresh is None:
                waiting.remove(candidates)
            elif len(chosen) < most:
                chosen.append(fresh)
                taken.add(fresh.data_row_id)
    return chosen


def planned_rows(plan_id: str, candidates: Sequence[Candidate], *, control_percent: float) -> tuple[GapRow, ...]:
    """Draw the rows that are only watched, of each kind as many as the share says.

    Prompts like one held-out question are drawn together with all others like it, so that the question itself can be
    watched; all other rows are drawn one by one.

    Args:
        plan_id: The seed.
        candidates: What would be sent.
        control_percent: The share; where it falls between two numbers chance decides, so that it holds over many plans.
    """
    controls: set[str] = set()
    for kind in KINDS:
        units = sorted({_unit(item) for item in candidates if item.kind == kind}, key=lambda unit: _draw(plan_id, unit))
        number = math.floor(len(units) * control_percent / 100 + _draw(plan_id, kind))
        controls.update(units[:number])
    return tuple(GapRow(plan_id, item, "control" if _unit(item) in controls else "planned") for item in candidates)


def batches_of(plan: GapPlan) -> dict[str, list[GapRow]]:
    """Give the batches of a plan by name, always the same ones: each is looked for by its name before it is made."""
    found: dict[str, list[GapRow]] = {}
    for kind in KINDS:
        rows = [row for row in plan.rows if row.candidate.kind == kind and row.candidate.action == "batch"]
        mine = [row for row in rows if not row.is_control]
        for place, start in enumerate(range(0, len(mine), _BATCH_ROWS), 1):
            name = f"tuneloop gaps {plan.plan_id} {kind}"
            found[name if place == 1 else f"{name} {place}"] = mine[start : start + _BATCH_ROWS]
    return found


def remark_on(row: GapRow) -> str:
    """Say to a labeler why a row comes back; the plan's name tells it from another plan's remark."""
    return f"{row.candidate.reason[:1].upper()}{row.candidate.reason[1:]}. Please check this label. ({row.plan_id})"


def in_turns(lists: Sequence[Sequence[Candidate]]) -> Iterator[Candidate]:
    """Give the first of each list, then the second of each, and so on."""
    return (item for some in zip_longest(*lists) for item in some if item is not None)


def _unit(candidate: Candidate) -> str:
    return f"{candidate.kind}\n{candidate.question or candidate.data_row_id}"


def _draw(plan_id: str, name: str) -> float:
    """Give a number from 0 up to 1 that looks like chance and is the same every time."""
    return int.from_bytes(hashlib.sha256(f"{plan_id}\n{name}".encode()).digest()[:8]) / 2**64
