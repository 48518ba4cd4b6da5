"""Say what was sent back to the labelers and what it changed, against the rows that were only watched."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from service.domain.errors import NotFound
from service.domain.examples import Example
from service.domain.gap_effects import Effect, Shares, effect_on_means, effect_on_shares
from service.domain.gap_outcomes import OUTCOMES, outcomes_of
from service.domain.gaps import KINDS, GapPlan, GapRow
from service.domain.metrics import Metric
from service.domain.pipelines import Pipeline
from service.usecases.gap_parts import GapParts, Scored, scores_of
from service.usecases.send_gaps import rows_out

# Each takes a look into its snapshot; older models say little of what was sent lately.
_MOST_EVALUATIONS = 20


@dataclass(frozen=True, slots=True)
class _Taught:
    """The scores of a model that was trained on rows sent, when they were measured, and which rows."""

    scored: Scored
    at: datetime
    rows: frozenset[str]

    def follows(self, plan: GapPlan) -> bool:
        """Say whether it was trained on some of a plan's rows; of one that only watches, whether it came later."""
        sent = _new_rows(plan)
        return not sent.isdisjoint(self.rows) if sent else plan.created_at < self.at


def report_gaps(name: str, parts: GapParts) -> dict[str, Any]:
    """Give everything that is known, as JSON holds it.

    Raises:
        NotFound: There is no such pipeline.
    """
    if name not in parts.pipelines:
        raise NotFound(f"no pipeline {name!r}", remedy=f"There are: {', '.join(parts.pipelines)}")
    plans = parts.gaps.plans(name)
    rows = [row for plan in plans for row in plan.rows]
    standing = parts.archive.examples.existing(name, sorted({row.candidate.data_row_id for row in rows}))
    by_kind = {kind: [row for row in rows if row.candidate.kind == kind] for kind in KINDS}
    return {
        "pipeline": name,
        "plans": [_plan(plan, standing) for plan in plans],
        "out": len(rows_out(name, parts, now=parts.clock())),
        "kinds": {kind: _compared(mine, standing) for kind, mine in by_kind.items()},
        "scores": _scores(parts.pipelines[name], plans, standing, parts),
    }


def _plan(plan: GapPlan, standing: Mapping[str, Example]) -> dict[str, Any]:
    states = [row.state for row in plan.rows]
    return {
        "plan": plan.plan_id,
        "at": plan.created_at.isoformat(),
        "is_open": plan.is_open,
        "rows": {state: states.count(state) for state in dict.fromkeys(states)},
        "outcomes": _compared(plan.rows, standing),
    }


def _compared(rows: Sequence[GapRow], standing: Mapping[str, Example]) -> dict[str, Any]:
    """Count what became of rows; what was overtaken, gone or refused was neither sent nor only watched."""
    sent = [row for row in rows if row.state == "sent"]
    control = [row for row in rows if row.is_control]
    became = [
        Counter(name for row in side for name in outcomes_of(row, standing.get(row.candidate.data_row_id)))
        for side in (sent, control)
    ]
    found: dict[str, Any] = {"sent": len(sent), "control": len(control)}
    for name in OUTCOMES:
        shares = Shares(len(sent), became[0][name], len(control), became[1][name])
        found[name] = {"sent": became[0][name], "control": became[1][name], **_told(effect_on_shares(shares))}
    return found


def _scores(
    pipeline: Pipeline, plans: Sequence[GapPlan], standing: Mapping[str, Example], parts: GapParts
) -> dict[str, Any]:
    sent = {row_id for plan in plans for row_id in _new_rows(plan)}
    taught = _newest_taught(pipeline, {row_id: standing[row_id] for row_id in sent if row_id in standing}, parts)
    followed = list(_followed(pipeline, plans, parts, taught)) if taught else []
    found: dict[str, Any] = {
        "metric": pipeline.verdict.primary,
        "run": taught.scored.run_id if taught else None,
        "sent": len(sent),
        "taught": len(taught.rows) if taught else 0,
        "slices": [facts for plan, before, changes in followed for facts in _slices(plan, before, changes)],
    }
    for name, kind in (("failures", "failure"), ("weak", "slice")):
        found[name] = _by_lot([(row, changes) for plan, _, changes in followed for row in plan.rows], kind)
    return found


def _by_lot(rows: Iterable[tuple[GapRow, Mapping[str, float]]], kind: str) -> dict[str, Any]:
    """Compare the questions that rows of a kind were sent for with those whose rows were only watched.

    A question counts once, as the first plan drew it: what a later one drew came too late to be chance alone.

    Args:
        rows: Each with how every question changed since its plan.
        kind: A key of ``KINDS``.
    """
    drawn: dict[str, tuple[str, float]] = {}
    for row, changes in rows:
        key = row.candidate.question
        if row.candidate.kind == kind and row.state in {"sent", "control"} and key is not None and key in changes:
            drawn.setdefault(key, (row.state, changes[key]))
    sent, control = ([change for state, change in drawn.values() if state == side] for side in ("sent", "control"))
    return {"sent": _mean(sent), "control": _mean(control), **_told(effect_on_means(sent, control))}


def _newest_taught(pipeline: Pipeline, sent: Mapping[str, Example], parts: GapParts) -> _Taught | None:
    """Find the newest evaluated model that was trained on rows sent, whether it serves or not.

    The one that serves may never have seen them: what it scores says nothing of them.

    Args:
        pipeline: Whose.
        sent: What became of the rows that were sent without a label, by data row.
        parts: What evaluations are read with.
    """
    rows = {example.example_id: row_id for row_id, example in sent.items()}
    for found in parts.reads.newest(pipeline.name, limit=_MOST_EVALUATIONS) if rows else ():
        lines = parts.archive.snapshots.entries(found.facts["snapshot_id"], rows)
        learned = frozenset(rows[line.example_id] for line in lines if line.split == "train")
        scored = scores_of(pipeline, parts, found.run_id, "challenger", found.facts) if learned else None
        if scored is not None:
            return _Taught(scored, found.at, learned)
    return None


def _new_rows(plan: GapPlan) -> set[str]:
    """Give the rows that were sent without a label; one that went to rework may have been trained on before."""
    return {row.candidate.data_row_id for row in plan.rows if row.state == "sent" and row.candidate.action != "rework"}


def _followed(
    pipeline: Pipeline, plans: Sequence[GapPlan], parts: GapParts, taught: _Taught
) -> Iterator[tuple[GapPlan, Scored, dict[str, float]]]:
    """Give each plan that the model was taught of, the scores that it was made from, and how they changed."""
    for plan in plans:
        if not taught.follows(plan) or plan.run_id is None or plan.role is None:
            continue
        facts = parts.evaluations.evaluation(plan.run_id)
        before = scores_of(pipeline, parts, plan.run_id, plan.role, facts) if facts is not None else None
        if before is not None:
            yield plan, before, _changes(before, taught.scored)


def _changes(before: Scored, after: Scored) -> dict[str, float]:
    """Give by how much each question that was asked both times is answered better; nothing on another scale."""
    if _scale(before.metric) != _scale(after.metric):
        return {}
    sign, old, new = 1 if before.metric.higher_is_better else -1, before.by_key(), after.by_key()
    return {key: sign * (new[key] - old[key]) for key in old if key in new}


def _scale(metric: Metric) -> tuple[str, bool, float, float]:
    return metric.kind, metric.higher_is_better, metric.low, metric.high


def _slices(plan: GapPlan, before: Scored, changes: Mapping[str, float]) -> list[dict[str, Any]]:
    """Compare each slice that rows were sent for with all other questions, and by lot within it."""
    found = []
    for name in dict.fromkeys(
        row.candidate.target for row in plan.rows if row.candidate.kind == "slice" and row.state == "sent"
    ):
        members = before.slices.get(name, frozenset())
        inside = [change for key, change in changes.items() if key in members]
        outside = [change for key, change in changes.items() if key not in members]
        told = _told(effect_on_means(inside, outside))
        mine = [(row, changes) for row in plan.rows if row.candidate.target == name]
        facts = {"plan": plan.plan_id, "slice": name, "inside": _mean(inside), "others": _mean(outside), **told}
        found.append(facts | {"by_lot": _by_lot(mine, "slice")})
    return found


def _mean(values: Sequence[float]) -> dict[str, Any]:
    return {"questions": len(values), "moved": math.fsum(values) / len(values) if values else None}


def _told(effect: Effect | None) -> dict[str, Any]:
    return {"effect": asdict(effect) if effect else None, "words": effect.words if effect else "cannot tell yet"}
