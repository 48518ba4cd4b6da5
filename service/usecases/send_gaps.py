"""Send work back to the labelers: a plan is written before anything is sent, and whoever comes next completes it."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from service.domain.errors import GapsBusy, GapsRefused, NotFound, ServiceError
from service.domain.gap_outcomes import is_out
from service.domain.gaps import (
    AGAIN_AFTER,
    KINDS,
    OPEN_FOR,
    GapPlan,
    GapRow,
    RowState,
    choose,
    plan_id_of,
    planned_rows,
)
from service.domain.pipelines import Pipeline
from service.usecases.deliver_gaps import UNSENT, Sender
from service.usecases.find_gaps import Found, find_gaps
from service.usecases.gap_parts import GapParts, newest_evaluation

_SENT_ALREADY: frozenset[RowState] = frozenset({"sent", "sending", "planned"})


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan with what was said on the way.

    Attributes:
        plan: What is or would be sent; without rows where there is nothing.
        notes: What could not be known or done.
        out: Rows of earlier plans that labelers still have.
        is_resumed: Whether it is an earlier plan that was not completed.
    """

    plan: GapPlan
    notes: tuple[str, ...]
    out: int
    is_resumed: bool = False


def draft_gaps(name: str, parts: GapParts, *, most: int, kinds: Collection[str] = ()) -> Draft:
    """Say what would be sent: the plan that was not completed, or a new one; writes nothing.

    Args:
        name: The pipeline.
        parts: See ``GapParts``.
        most: So many rows may be out at once, those of earlier plans counted.
        kinds: Keys of ``KINDS``; those of the configuration, or all, where none is given.

    Raises:
        NotFound: There is no such pipeline.
        GapsRefused: The project cannot take work back, or none of these kinds.
    """
    pipeline = _pipeline(name, parts)
    plans, now = parts.gaps.plans(name), parts.clock()
    out = len(rows_out(name, parts, now=now))
    if plans and plans[-1].is_open:
        return Draft(plans[-1], (), out, is_resumed=True)
    wanted = set(kinds or pipeline.gaps.kinds or KINDS)
    notes = _refusals(pipeline, wanted, parts)
    found = find_gaps(pipeline, wanted, parts, most=most) if most > out else Found()
    ordinal = plans[-1].ordinal + 1 if plans else 1
    offered = {item.data_row_id for items in found.by_kind.values() for item in items}
    busy = _busy(pipeline, parts, now=now) | parts.gaps.forgotten(offered)
    chosen = choose(list(found.by_kind.values()), most=max(most - out, 0), busy=busy)
    plan_id = plan_id_of(parts.installation(), name, ordinal, chosen)
    rows = planned_rows(plan_id, chosen, control_percent=pipeline.gaps.control_percent)
    if most <= out:
        notes.append(f"{out} rows of earlier plans are still with the labelers, and {most} may be")
    return Draft(GapPlan(plan_id, name, ordinal, found.run_id, now, rows, found.role), (*notes, *found.notes), out)


def send_gaps(name: str, parts: GapParts, *, most: int, kinds: Collection[str] = ()) -> Draft:
    """Send a plan, or complete the one that was not; see ``draft_gaps``.

    Returns:
        The plan as it stands afterwards.

    Raises:
        GapsBusy: Another process is at it.
    """
    draft = draft_gaps(name, parts, most=most, kinds=kinds)
    plan = draft.plan
    if not plan.rows:
        return draft
    if not draft.is_resumed and not parts.gaps.add(plan):
        raise GapsBusy(f"another plan of {name} was made meanwhile")
    with _held(plan.plan_id, parts):
        # Whoever had it before may have gone on since it was read.
        Sender(_pipeline(name, parts), parts.gaps.plans(name)[-1], parts).send()
    return replace(draft, plan=parts.gaps.plans(name)[-1])


def send_due_gaps(pipeline: Pipeline, parts: GapParts) -> Draft | None:
    """Send by itself what is due, see ``is_due``; None where nothing is."""
    if not is_due(pipeline, parts):
        return None
    draft = send_gaps(pipeline.name, parts, most=pipeline.gaps.most)
    if not draft.plan.rows:
        # Written, so that it is not looked for again before its time.
        parts.gaps.add(replace(draft.plan, is_open=False))
    return draft


def give_up_gaps(name: str, parts: GapParts) -> GapPlan | None:
    """Close the plan that was not completed: what is not sent of it stays where it is. None where there is none."""
    _pipeline(name, parts)
    plan = next((plan for plan in parts.gaps.plans(name) if plan.is_open), None)
    if plan is None:
        return None
    with _held(plan.plan_id, parts):
        left = [row.candidate.data_row_id for row in plan.rows if row.state in UNSENT]
        now = parts.clock()
        parts.gaps.mark(plan.plan_id, left, "overtaken", now=now, until=now + parts.lease)
        parts.gaps.finish(plan.plan_id)
    return plan


def is_due(pipeline: Pipeline, parts: GapParts) -> bool:
    """Say whether gaps go by themselves now: at once what was not completed, else a while after the last plan."""
    policy = pipeline.gaps
    if not policy.automatic:
        return False
    last = next(reversed(parts.gaps.plans(pipeline.name)), None)
    if last is not None and last.is_open:
        return True
    if last is not None and parts.clock() < last.created_at + policy.every:
        return False
    if policy.when == "schedule":
        return True
    newest = newest_evaluation(pipeline.name, parts)
    return newest is not None and (last is None or newest.at > last.created_at)


def rows_out(name: str, parts: GapParts, *, now: datetime) -> list[GapRow]:
    """Give the rows of earlier plans that labelers have not dealt with yet."""
    mine = [row for row, at in parts.gaps.rows(name) if row.state in _SENT_ALREADY and at > now - OPEN_FOR]
    standing = parts.archive.examples.existing(name, [row.candidate.data_row_id for row in mine])
    return [row for row in mine if is_out(row, standing.get(row.candidate.data_row_id))]


def _busy(pipeline: Pipeline, parts: GapParts, *, now: datetime) -> set[str]:
    """Give the rows that are watched or were sent a while ago at most, whatever they would be asked for now."""
    # Pipelines of one project have the same labelers.
    mates = [other.name for other in parts.pipelines.values() if other.labels.project == pipeline.labels.project]
    rows = [(row, at) for mate in mates for row, at in parts.gaps.rows(mate)]
    return {row.candidate.data_row_id for row, at in rows if at > now - AGAIN_AFTER}


@contextmanager
def _held(plan_id: str, parts: GapParts) -> Iterator[None]:
    """Have a plan alone for the block; a process that is killed is not heard of any more, and loses it."""
    now = parts.clock()
    if not parts.gaps.take(plan_id, now=now, until=now + parts.lease):
        raise GapsBusy(f"plan {plan_id} is being sent, or the process that did was killed a moment ago")
    try:
        with parts.keep(lambda: parts.gaps.extend(plan_id, until=parts.clock() + parts.lease)):
            yield
    except ServiceError:
        # What was done is written; the next one goes on there at once.
        parts.gaps.release(plan_id)
        raise


def _pipeline(name: str, parts: GapParts) -> Pipeline:
    if name not in parts.pipelines:
        raise NotFound(f"no pipeline {name!r}", remedy=f"There are: {', '.join(parts.pipelines)}")
    return parts.pipelines[name]


def _refusals(pipeline: Pipeline, wanted: set[str], parts: GapParts) -> list[str]:
    """Take away the kinds that the project cannot serve; give why."""
    project = pipeline.labels.project
    abilities = parts.queues().abilities(project)
    if abilities.is_retired:
        remedy = "Have the prompts answered in a text or chat project: tuneloop labelbox setup makes one."
        words = "is of a kind that Labelbox retired on 2026-06-30: nobody can label or rework there"
        raise GapsRefused(f"project {project} {words}", remedy=remedy)
    lost = wanted & {"conflict", "stale"} if not abilities.has_rework else set()
    if not lost:
        return []
    words = f"the workflow of project {project} has no rework step"
    if lost == wanted:
        remedy = "Add a rework step to the workflow in Labelbox, or ask for --kind failure and slice."
        raise GapsRefused(f"{words}, so no label can be sent back", remedy=remedy)
    wanted -= lost
    return [f"{words}: {' and '.join(sorted(lost))} are left out"]
