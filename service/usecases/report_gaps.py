"""Say what was sent back to the labelers and what it changed, against the rows that were only watched."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from service.domain.errors import NotFound
from service.domain.examples import Example
from service.domain.gap_effects import Effect, Shares, effect_on_means, effect_on_shares
from service.domain.gap_outcomes import OUTCOMES, outcomes_of
from service.domain.gaps import KINDS, GapPlan, GapRow
from service.domain.metrics import Metric
from service.domain.pipelines import Pipeline
from service.usecases.gap_parts import GapParts, Scored, newest_scores, scores_of
from service.usecases.send_gaps import rows_out


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
        "scores": _scores(parts.pipelines[name], plans, parts),
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


def _scores(pipeline: Pipeline, plans: Sequence[GapPlan], parts: GapParts) -> dict[str, Any]:
    newest = newest_scores(pipeline, parts)
    followed = list(_followed(pipeline, plans, parts, newest)) if newest else []
    found: dict[str, Any] = {
        "metric": pipeline.verdict.primary,
        "run": newest.run_id if newest else None,
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


def _followed(
    pipeline: Pipeline, plans: Sequence[GapPlan], parts: GapParts, newest: Scored
) -> Iterator[tuple[GapPlan, Scored, dict[str, float]]]:
    """Give each plan that a newer evaluation followed, the scores that it was made from, and how they changed."""
    for plan in plans:
        facts = parts.evaluations.evaluation(plan.run_id) if plan.run_id and plan.run_id != newest.run_id else None
        if facts is not None and plan.run_id and plan.role:
            before = scores_of(pipeline, parts, plan.run_id, plan.role, facts)
            if before is not None:
                yield plan, before, _changes(before, newest)


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
